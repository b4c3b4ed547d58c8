#include "supervisor/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/log_history.h"
#include "base/mem.h"
#include "ring/frames.h"
#include "ring/sounds.h"
#include "ring/tensors.h"

/* Detect size while a camera's own is not configured; what Frigate falls back to. */
#define DEFAULT_WIDTH 1280
#define DEFAULT_HEIGHT 720

#define ROLE_BIT(role) (1u << (role))

/* Who gets which descriptor. Per-camera rows go to that camera's own workers, and for every camera
 * to the workers that serve all. */
static const struct {
    enum give_what what;
    unsigned roles;
    size_t offset; /* in struct shared or struct shared_camera */
} system_gives[] =
    {
        {GIVE_CONFIG, ~0u, offsetof(struct shared, config)},
        {GIVE_BOARD, ~0u, offsetof(struct shared, board_fd)},
        {GIVE_LOG, ~0u, offsetof(struct shared, log)},
        {GIVE_WORK, ROLE_BIT(BOARD_ANALYSE) | ROLE_BIT(BOARD_DETECTOR),
         offsetof(struct shared, work)},
        {GIVE_SOUND_READY, ROLE_BIT(BOARD_CAPTURE) | ROLE_BIT(BOARD_SOUND),
         offsetof(struct shared, sound_ready)},
},
  camera_gives[] = {
      {GIVE_FRAMES, ROLE_BIT(BOARD_CAPTURE) | ROLE_BIT(BOARD_ANALYSE) | ROLE_BIT(BOARD_SERVER),
       offsetof(struct shared_camera, frames)},
      {GIVE_FRAME_READY, ROLE_BIT(BOARD_CAPTURE) | ROLE_BIT(BOARD_ANALYSE),
       offsetof(struct shared_camera, frame_ready)},
      {GIVE_TENSORS, ROLE_BIT(BOARD_ANALYSE) | ROLE_BIT(BOARD_DETECTOR),
       offsetof(struct shared_camera, tensors)},
      {GIVE_DONE, ROLE_BIT(BOARD_ANALYSE) | ROLE_BIT(BOARD_DETECTOR),
       offsetof(struct shared_camera, done)},
      {GIVE_SOUNDS, ROLE_BIT(BOARD_CAPTURE) | ROLE_BIT(BOARD_SOUND),
       offsetof(struct shared_camera, sounds)},
};

static int fd_at(const void *base, size_t offset)
{
    int fd;
    memcpy(&fd, (const char *)base + offset, sizeof fd);
    return fd;
}

static int config_memfd(const struct str *text)
{
    AUTO_CLOSE int fd = file_memfd("corvette-config", text->length);
    if (fd < 0) {
        return fd;
    }
    int result = file_write_all(fd, str_text(text), text->length);
    return result < 0 ? result : steal_fd(&fd);
}

static void create_camera(struct shared_camera *shared, const struct config *config,
                          const struct cfg_camera *camera)
{
    int width = camera->detect.width > 0 ? camera->detect.width : DEFAULT_WIDTH;
    int height = camera->detect.height > 0 ? camera->detect.height : DEFAULT_HEIGHT;
    size_t input_bytes = (size_t)config->model.width * (size_t)config->model.height * 3;
    shared->name = camera->name;
    shared->frames = frames_create(camera->name, width, height, FRAMES_SLOTS);
    shared->tensors = tensors_create(camera->name, input_bytes);
    shared->frame_ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    shared->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    shared->sounds = camera->audio.enabled ? sounds_create(camera->name) : -1;
}

static void name_entry(struct board *board, unsigned *n, enum board_role role, const char *name)
{
    struct board_entry *entry = &board->entries[(*n)++];
    entry->role = role;
    snprintf(entry->name, sizeof entry->name, "%s", name);
}

static int create_board(struct shared *shared, const struct config *config)
{
    unsigned count = 3 + 2 * (unsigned)shared->camera_count + (unsigned)config->detector_count;
    shared->board_fd = board_create(count);
    shared->board = shared->board_fd < 0 ? NULL : board_open(shared->board_fd);
    if (shared->board == NULL) {
        return -ENOMEM;
    }
    unsigned n = 0;
    name_entry(shared->board, &n, BOARD_SUPERVISOR, "");
    name_entry(shared->board, &n, BOARD_SERVER, "");
    name_entry(shared->board, &n, BOARD_SOUND, "");
    for (size_t i = 0; i < config->detector_count; i++) {
        name_entry(shared->board, &n, BOARD_DETECTOR, config->detectors[i].name);
    }
    for (size_t i = 0; i < shared->camera_count; i++) {
        name_entry(shared->board, &n, BOARD_CAPTURE, shared->cameras[i].name);
        name_entry(shared->board, &n, BOARD_ANALYSE, shared->cameras[i].name);
    }
    shared->board->supervisor_pid = getpid();
    shared->board->started_mono_us = mono_now().us;
    shared->board->started_wall_us = wall_now().us;
    atomic_store(&shared->board->entries[0].pid, getpid());
    return 0;
}

bool shared_create(struct shared *shared, const struct config *config, const struct str *text,
                   struct err *err)
{
    *shared = (struct shared){.config = config_memfd(text), .board_fd = -1};
    shared->log = fcntl(log_history_fd(), F_DUPFD_CLOEXEC, 3);
    shared->work = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    shared->sound_ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    shared->cameras = mem_array(config->camera_count, sizeof *shared->cameras);
    bool good = shared->config >= 0 && shared->work >= 0 && shared->log >= 0 &&
                shared->sound_ready >= 0;
    for (size_t i = 0; i < config->camera_count; i++) {
        if (!config->cameras[i].enabled) {
            continue;
        }
        struct shared_camera *camera = &shared->cameras[shared->camera_count++];
        create_camera(camera, config, &config->cameras[i]);
        good = good && camera->frames >= 0 && camera->tensors >= 0 && camera->frame_ready >= 0 &&
               camera->done >= 0 && (camera->sounds >= 0 || !config->cameras[i].audio.enabled);
    }
    if (!good || create_board(shared, config) < 0) {
        err_set(err, ENOMEM, "no memory or descriptors for the shared rings of %zu cameras",
                shared->camera_count);
        shared_destroy(shared);
        return false;
    }
    return true;
}

static void close_if_open(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

void shared_destroy(struct shared *shared)
{
    for (size_t i = 0; i < shared->camera_count; i++) {
        for (size_t k = 0; k < ARRAY_SIZE(camera_gives); k++) {
            close_if_open(fd_at(&shared->cameras[i], camera_gives[k].offset));
        }
    }
    for (size_t k = 0; k < ARRAY_SIZE(system_gives); k++) {
        close_if_open(fd_at(shared, system_gives[k].offset));
    }
    board_close(shared->board);
    free(shared->cameras);
    *shared = (struct shared){0};
}

static void give(struct child *child, enum give_what what, const char *name, int fd)
{
    struct msg_give message = {.what = what};
    snprintf(message.name, sizeof message.name, "%s", name);
    if (channel_send(child->channel, MSG_GIVE, &message, fd) < 0) {
        child_kill(child, "does not take what it is given");
    }
}

void shared_give(const struct shared *shared, struct child *child)
{
    unsigned role = ROLE_BIT(child->role);
    for (size_t k = 0; k < ARRAY_SIZE(system_gives); k++) {
        if ((system_gives[k].roles & role) != 0) {
            give(child, system_gives[k].what, "", fd_at(shared, system_gives[k].offset));
        }
    }
    bool all =
        (role & (ROLE_BIT(BOARD_DETECTOR) | ROLE_BIT(BOARD_SOUND) | ROLE_BIT(BOARD_SERVER))) != 0;
    for (size_t i = 0; i < shared->camera_count; i++) {
        const struct shared_camera *camera = &shared->cameras[i];
        for (size_t k = 0; k < ARRAY_SIZE(camera_gives); k++) {
            int fd = fd_at(camera, camera_gives[k].offset);
            if (fd >= 0 && (camera_gives[k].roles & role) != 0 &&
                (all || strcmp(camera->name, child->name) == 0)) {
                give(child, camera_gives[k].what, camera->name, fd);
            }
        }
    }
}
