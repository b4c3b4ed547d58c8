/* The sound role: one process for all cameras that are listened to. It takes the windows of their
 * sound rings, shows the loud ones to the sound model, and tells the server what is heard.
 *
 * One thread: a model that hangs stops the heartbeat, and the supervisor replaces the process; the
 * rings hold enough for the next one to go on. While there is no usable model the rings are read
 * all the same, the scoreboard says why, and the model is tried again when one of its files
 * changes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "ipc/worker.h"
#include "sound/listen.h"
#include "sound/model.h"
#include "sound/outbox.h"
#include "sound/window.h"

#define TICK_US 1000000
#define LOG_INTERVAL_US INT64_C(10000000)
#define FIRST_EMA_US 10000

enum role_state { ROLE_STARTING, ROLE_WORKING, ROLE_NO_MODEL };

struct listener { /* one camera */
    char name[IPC_NAME];
    const struct cfg_camera *camera; /* NULL before begin */
    struct sounds *sounds;
    struct window window;
    uint64_t lost; /* of the window, counted already */
};

struct role {
    struct worker *worker;
    struct listener *listeners;
    size_t count, capacity;
    int ready_fd; /* given: */
    bool has_ready;
    struct loop_source *ready, *tick;
    struct cfg_labels labels;
    struct sound_model *model; /* NULL: cannot be used now */
    struct stat tried[2];      /* model and label file, when it was last opened */
    bool tried_once;
    struct outbox outbox;
    struct log_limit failed_limit;
};

/* ------------------------------------------------------------------ the model */

static struct stat stat_of(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0) {
        memset(&st, 0, sizeof st);
    }
    return st;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Every camera may ask for threads; there is one model for all. */
static int threads_wanted(const struct role *role)
{
    int threads = 1;
    for (size_t i = 0; i < role->count; i++) {
        const struct cfg_camera *camera = role->listeners[i].camera;
        if (camera != NULL && camera->audio.num_threads > threads) {
            threads = camera->audio.num_threads;
        }
    }
    return threads;
}

static void open_model(struct role *role)
{
    const struct config *config = role->worker->config;
    struct err err = ERR_NONE;
    config_labels_free(&role->labels);
    if (config_sound_labels_load(config, &role->labels, &err)) {
        role->model = sound_model_open(config_sound_model_path(config), role->labels.count,
                                       threads_wanted(role), &err);
    }
    if (role->model == NULL) {
        log_error("no sound is recognised: %s", err.text);
        board_set_state(role->worker->entry, ROLE_NO_MODEL, err.text);
        return;
    }
    board_set_state(role->worker->entry, ROLE_WORKING, "");
}

/* Opens the model when it was never tried, or when its file or its labels have changed since. */
static void try_model(struct role *role)
{
    if (role->model != NULL) {
        return;
    }
    const struct config *config = role->worker->config;
    const struct stat now[2] = {
        stat_of(config_sound_model_path(config)),
        stat_of(config->sound_model.path != NULL ? config->sound_model.labels_path : ""),
    };
    if (!role->tried_once || !same_file(&now[0], &role->tried[0]) ||
        !same_file(&now[1], &role->tried[1])) {
        memcpy(role->tried, now, sizeof now);
        role->tried_once = true;
        open_model(role);
    }
}

/* ------------------------------------------------------------------ listening */

static const float *ask_model(struct role *role, const struct window *window)
{
    struct board_sound *board = &role->worker->entry->sound;
    struct err err = ERR_NONE;
    const float *scores;
    unsigned swallowed;
    struct mono start = mono_now();
    if (sound_model_run(role->model, window->samples, &scores, &err) < 0) {
        atomic_fetch_add(&board->failed, 1);
        if (log_allowed(&role->failed_limit, LOG_INTERVAL_US, &swallowed)) {
            log_error("%s (%u more since the last such line)", err.text, swallowed);
        }
        return NULL;
    }
    int64_t ema_us = atomic_load(&board->inference_us_ema);
    ema_us = ema_us == 0 ? FIRST_EMA_US : ema_us;
    atomic_store(&board->inference_us_ema, (9 * ema_us + mono_since_us(start)) / 10);
    atomic_fetch_add(&board->inferences, 1);
    return scores;
}

static void listen_to(struct role *role, struct listener *listener)
{
    struct board_sound *board = &role->worker->entry->sound;
    const struct cfg_audio *audio = &listener->camera->audio;
    const struct window *window = &listener->window;
    struct sounds_level level = sounds_level(window->samples, SOUNDS_CHUNK);
    atomic_fetch_add(&board->windows, 1);
    if (level.rms < audio->min_volume || role->model == NULL) {
        return;
    }
    const float *scores = ask_model(role, window);
    struct listen_hit hits[LISTEN_MAX];
    size_t count =
        scores != NULL ? listen_pick(scores, role->labels.count, &role->labels, audio, hits) : 0;
    if (count > 0) {
        outbox_add(&role->outbox, listener->name, window->start, level.rms, hits, count,
                   &board->messages_dropped);
    }
}

/* One window of a camera, if there is one. */
static bool serve(struct role *role, struct listener *listener)
{
    if (listener->sounds == NULL || listener->camera == NULL) {
        return false;
    }
    bool found = window_next(&listener->window, listener->sounds);
    if (listener->window.lost != listener->lost) {
        atomic_fetch_add(&role->worker->entry->sound.hops_lost,
                         listener->window.lost - listener->lost);
        listener->lost = listener->window.lost;
    }
    if (found) {
        listen_to(role, listener);
    }
    return found;
}

/* One window of each camera; if there may be more, the loop comes back after it has looked at
 * everything else. */
static void on_ready(void *context, uint32_t events)
{
    struct role *role = context;
    eventfd_t count;
    bool more = false;
    if (eventfd_read(role->ready_fd, &count) < 0 && errno != EAGAIN) {
        log_error("an eventfd cannot be read: %s", err_name(errno));
    }
    for (size_t i = 0; i < role->count; i++) {
        more = serve(role, &role->listeners[i]) || more;
    }
    outbox_send(&role->outbox, role->worker);
    if (more) {
        eventfd_write(role->ready_fd, 1);
    }
}

static void on_tick(void *context)
{
    struct role *role = context;
    try_model(role);
    outbox_send(&role->outbox, role->worker);
}

/* ------------------------------------------------------------------ the role */

static struct listener *listener_named(struct role *role, const char *name)
{
    for (size_t i = 0; i < role->count; i++) {
        if (strcmp(role->listeners[i].name, name) == 0) {
            return &role->listeners[i];
        }
    }
    struct listener *listener = MEM_PUSH(role->listeners, role->count, role->capacity);
    snprintf(listener->name, sizeof listener->name, "%s", name);
    return listener;
}

static void take_sounds(struct role *role, const char *name, int fd)
{
    struct listener *listener = listener_named(role, name);
    struct sounds *sounds = sounds_open(fd, false);
    if (sounds == NULL) {
        log_error("the sound ring of camera %s cannot be used: %s", name, err_name(errno));
        return;
    }
    sounds_close(listener->sounds);
    listener->sounds = sounds;
    listener->window = (struct window){0};
    listener->lost = 0;
}

static void give(struct worker *worker, const struct msg_give *give, int *fd)
{
    struct role *role = worker->context;
    if (give->what == GIVE_SOUNDS) {
        take_sounds(role, give->name, *fd);
    } else if (give->what == GIVE_SOUND_READY && !role->has_ready) {
        role->ready_fd = *fd;
        role->has_ready = true;
        *fd = -1;
    }
}

static int begin(struct worker *worker)
{
    struct role *role = worker->context;
    role->worker = worker;
    if (!role->has_ready) {
        worker_fatal(worker, "nobody says when there is sound");
        return -EINVAL;
    }
    for (size_t i = 0; i < role->count; i++) {
        struct listener *listener = &role->listeners[i];
        listener->camera = config_camera(worker->config, listener->name);
    }
    if (worker->config->sound_model.path == NULL) {
        log_warning("no corvette.sound_model_path is configured, so only the demo sound model "
                    "listens; it is not made for real cameras");
    }
    try_model(role);
    role->ready = loop_add_fd(worker->loop, role->ready_fd, EPOLLIN, on_ready, role);
    role->tick = loop_add_timer(worker->loop, TICK_US, TICK_US, on_tick, role);
    eventfd_write(role->ready_fd, 1); /* what came before us */
    return 0;
}

static void linked(struct worker *worker)
{
    struct role *role = worker->context;
    outbox_send(&role->outbox, worker);
}

static void stop(struct worker *worker)
{
    worker_done(worker);
}

static void finish(struct worker *worker)
{
    struct role *role = worker->context;
    loop_remove(role->ready);
    loop_remove(role->tick);
    sound_model_close(role->model);
    config_labels_free(&role->labels);
    outbox_finish(&role->outbox);
    for (size_t i = 0; i < role->count; i++) {
        sounds_close(role->listeners[i].sounds);
    }
    free(role->listeners);
    if (role->has_ready) {
        close(role->ready_fd);
    }
}

const struct worker_role sound_role = {
    .role = BOARD_SOUND,
    .title = "sound",
    .give = give,
    .begin = begin,
    .linked = linked,
    .stop = stop,
    .finish = finish,
    .context_bytes = sizeof(struct role),
};
