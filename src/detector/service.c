#include "detector/service.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
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

#define RETRY_US INT64_C(1000000) /* looks at the model's file this often while it has none */
#define LOG_INTERVAL_US INT64_C(10000000)
#define FIRST_EMA_US 10000 /* Frigate's initial guess */

struct service_camera {
    char name[IPC_NAME];
    struct tensors *tensors; /* NULL until given */
    int done_fd;             /* -1 until given */
    uint64_t expired;        /* of `tensors`, already counted */
    bool wrong_size;         /* said so already */
};

struct service_gift {
    enum give_what what;
    char camera[IPC_NAME];
    int fd;
};

struct service {
    struct service_options options;
    pthread_t thread;
    bool started;
    int wake_fd, ended_fd;

    pthread_mutex_t lock; /* protects this block */
    struct service_gift *gifts;
    size_t gift_count, gift_capacity;
    bool stop;
    void *interruptible; /* the backend, while it may be interrupted */

    /* The thread's own. */
    int work_fd;
    struct service_camera *cameras;
    size_t camera_count, camera_capacity;
    size_t turn; /* camera to be asked first */
    void *backend;
    struct stat tried; /* the model's file when it was last opened */
    int64_t retry_us;
    bool failing;
    struct log_limit fail_limit;
};

struct service *service_create(const struct service_options *options)
{
    struct service *service = mem_alloc(sizeof *service);
    service->options = *options;
    service->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    service->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    service->work_fd = -1;
    pthread_mutex_init(&service->lock, NULL);
    return service;
}

static void signal_fd(int fd)
{
    const uint64_t one = 1;
    if (fd >= 0 && write(fd, &one, sizeof one) < 0 && errno != EAGAIN) {
        log_error("an eventfd cannot be written: %s", err_name(errno));
    }
}

static void clear_fd(int fd)
{
    uint64_t count;
    if (fd >= 0 && read(fd, &count, sizeof count) < 0 && errno != EAGAIN) {
        log_error("an eventfd cannot be read: %s", err_name(errno));
    }
}

void service_give(struct service *service, enum give_what what, const char *camera, int fd)
{
    pthread_mutex_lock(&service->lock);
    struct service_gift *gift =
        MEM_PUSH(service->gifts, service->gift_count, service->gift_capacity);
    gift->what = what;
    gift->fd = fd;
    snprintf(gift->camera, sizeof gift->camera, "%s", camera);
    pthread_mutex_unlock(&service->lock);
    signal_fd(service->wake_fd);
}

static struct service_camera *camera_named(struct service *service, const char *name)
{
    for (size_t i = 0; i < service->camera_count; i++) {
        if (strcmp(service->cameras[i].name, name) == 0) {
            return &service->cameras[i];
        }
    }
    struct service_camera *camera =
        MEM_PUSH(service->cameras, service->camera_count, service->camera_capacity);
    snprintf(camera->name, sizeof camera->name, "%s", name);
    camera->done_fd = -1;
    return camera;
}

static void take_tensors(struct service *service, struct service_camera *camera, int fd)
{
    struct tensors *tensors = tensors_open(fd);
    if (tensors == NULL) {
        log_error("the tensor slots of camera %s cannot be used: %s", camera->name,
                  err_name(errno));
        return;
    }
    tensors_close(camera->tensors);
    camera->tensors = tensors;
    camera->expired = 0;
    camera->wrong_size = false;
    /* What a predecessor of this number had in hand when it died. */
    tensors_reset_detector(tensors, service->options.number);
}

static void accept_gift(struct service *service, struct service_gift *gift)
{
    int *place = NULL;
    if (gift->what == GIVE_WORK) {
        place = &service->work_fd;
    } else if (gift->what == GIVE_DONE) {
        place = &camera_named(service, gift->camera)->done_fd;
    } else if (gift->what == GIVE_TENSORS) {
        take_tensors(service, camera_named(service, gift->camera), gift->fd);
    }
    if (place != NULL) {
        int old = *place;
        *place = gift->fd;
        gift->fd = old;
    }
    if (gift->fd >= 0) {
        close(gift->fd);
    }
}

/* Between two requests; false = stop. */
static bool accept_gifts(struct service *service)
{
    pthread_mutex_lock(&service->lock);
    struct service_gift *gifts = service->gifts;
    size_t count = service->gift_count;
    bool stop = service->stop;
    service->gifts = NULL;
    service->gift_count = service->gift_capacity = 0;
    pthread_mutex_unlock(&service->lock);
    for (size_t i = 0; i < count; i++) {
        accept_gift(service, &gifts[i]);
    }
    free(gifts);
    return !stop;
}

static void set_interruptible(struct service *service, void *backend)
{
    pthread_mutex_lock(&service->lock);
    service->interruptible = backend;
    bool stop = service->stop;
    pthread_mutex_unlock(&service->lock);
    if (stop && backend != NULL && service->options.backend->interrupt != NULL) {
        service->options.backend->interrupt(backend);
    }
}

static struct stat stat_of(const char *path)
{
    struct stat st;
    if (path == NULL || stat(path, &st) < 0) {
        memset(&st, 0, sizeof st);
    }
    return st;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Marks the scoreboard for as long as something may hang in the backend. */
static int64_t stamp_start(struct service *service)
{
    struct board_detector *board = &service->options.entry->detector;
    int64_t now_us = mono_now().us;
    atomic_store_explicit(&board->start_wall_us, wall_now().us, memory_order_relaxed);
    atomic_store_explicit(&board->start_mono_us, now_us, memory_order_relaxed);
    return now_us;
}

static void stamp_end(struct service *service)
{
    struct board_detector *board = &service->options.entry->detector;
    atomic_store_explicit(&board->start_mono_us, 0, memory_order_relaxed);
    atomic_store_explicit(&board->start_wall_us, 0, memory_order_relaxed);
}

static void open_backend(struct service *service)
{
    const struct service_options *options = &service->options;
    service->retry_us = mono_now().us + RETRY_US;
    struct err err = ERR_NONE;
    service->backend = options->backend->open(options->config, options->labels, &err);
    if (service->backend == NULL) {
        log_error("detector %s finds nothing: %s", options->config->name, err.text);
        board_set_state(options->entry, SERVICE_NO_MODEL, err.text);
        return;
    }
    set_interruptible(service, service->backend);
    board_set_state(options->entry, SERVICE_WORKING, "");
}

static void retry_backend(struct service *service)
{
    if (mono_now().us < service->retry_us) {
        return;
    }
    const char *path = backend_file(service->options.config);
    struct stat now = stat_of(path);
    if (path == NULL || service->retry_us == 0 || !same_file(&now, &service->tried)) {
        service->tried = now;
        open_backend(service);
    } else {
        service->retry_us = mono_now().us + RETRY_US;
    }
}

static void count_inference(struct service *service, int64_t took_us)
{
    struct board_detector *board = &service->options.entry->detector;
    int64_t ema_us = atomic_load_explicit(&board->inference_us_ema, memory_order_relaxed);
    ema_us = ema_us == 0 ? FIRST_EMA_US : ema_us;
    atomic_store_explicit(&board->inference_us_ema, (9 * ema_us + took_us) / 10,
                          memory_order_relaxed);
    atomic_fetch_add_explicit(&board->inferences, 1, memory_order_relaxed);
}

static void count_failure(struct service *service, const struct err *err)
{
    const struct service_options *options = &service->options;
    unsigned swallowed;
    atomic_fetch_add_explicit(&options->entry->detector.failed, 1, memory_order_relaxed);
    if (log_allowed(&service->fail_limit, LOG_INTERVAL_US, &swallowed)) {
        log_error("detector %s: %s (%u more since the last such line)", options->config->name,
                  err->text, swallowed);
    }
    if (!service->failing) {
        board_set_state(options->entry, SERVICE_WORKING, err->text);
        service->failing = true;
    }
}

/* An inference that was interrupted by the stop is no failure of the model. */
static bool stopping(struct service *service)
{
    pthread_mutex_lock(&service->lock);
    bool stop = service->stop;
    pthread_mutex_unlock(&service->lock);
    return stop;
}

static enum tensor_status detect(struct service *service, const uint8_t *input,
                                 struct tensor_box *boxes, unsigned *count)
{
    struct err err = ERR_NONE;
    int64_t start_us = stamp_start(service);
    int result = service->options.backend->detect(service->backend, input, boxes, count, &err);
    int64_t took_us = mono_now().us - start_us;
    stamp_end(service);
    if (result < 0) {
        *count = 0;
        if (!stopping(service)) {
            count_failure(service, &err);
        }
        return TENSOR_FAILED;
    }
    count_inference(service, took_us);
    if (service->failing) {
        service->failing = false;
        board_set_state(service->options.entry, SERVICE_WORKING, "");
    }
    return TENSOR_OK;
}

static bool size_fits(struct service *service, struct service_camera *camera)
{
    const struct cfg_model *model = &service->options.config->model;
    size_t wanted = (size_t)model->width * (size_t)model->height * 3;
    size_t given = tensors_input_bytes(camera->tensors);
    if (given != wanted && !camera->wrong_size) {
        camera->wrong_size = true;
        log_error("detector %s: camera %s offers pictures of %zu bytes, the model takes %zu",
                  service->options.config->name, camera->name, given, wanted);
    }
    return given == wanted;
}

static void answer(struct service *service, struct service_camera *camera, int slot,
                   const uint8_t *input)
{
    struct tensor_box boxes[TENSOR_MAX_BOXES];
    unsigned count = 0;
    enum tensor_status status = TENSOR_NO_MODEL;
    if (service->backend != NULL) {
        status = size_fits(service, camera) ? detect(service, input, boxes, &count) : TENSOR_FAILED;
    }
    tensors_answer(camera->tensors, slot, status, boxes, count);
    signal_fd(camera->done_fd);
}

/* tensors_next() answers what is past its deadline; that is told and counted here. */
static void note_expired(struct service *service, struct service_camera *camera)
{
    uint64_t expired = tensors_expired(camera->tensors);
    if (expired != camera->expired) {
        atomic_fetch_add_explicit(&service->options.entry->detector.expired,
                                  expired - camera->expired, memory_order_relaxed);
        camera->expired = expired;
        signal_fd(camera->done_fd);
    }
}

/* This detector has read the eventfd for all of them: pass the call on when there is more to do. */
static void wake_others(struct service *service)
{
    for (size_t i = 0; service->options.shared && i < service->camera_count; i++) {
        const struct tensors *tensors = service->cameras[i].tensors;
        if (tensors != NULL && tensors_queued(tensors) > 0) {
            signal_fd(service->work_fd);
            return;
        }
    }
}

/* One request of the camera whose turn it is; false when there is none at all. */
static bool serve_one(struct service *service)
{
    for (size_t i = 0; i < service->camera_count; i++) {
        size_t index = (service->turn + i) % service->camera_count;
        struct service_camera *camera = &service->cameras[index];
        if (camera->tensors == NULL) {
            continue;
        }
        const uint8_t *input;
        int slot = tensors_next(camera->tensors, service->options.number, mono_now().us, &input);
        note_expired(service, camera);
        if (slot >= 0) {
            service->turn = (index + 1) % service->camera_count;
            wake_others(service);
            answer(service, camera, slot, input);
            return true;
        }
    }
    return false;
}

/* Both counters are cleared before anything is looked at, so that no call is missed. */
static void wait_for_work(struct service *service)
{
    struct pollfd fds[] = {{service->wake_fd, POLLIN, 0}, {service->work_fd, POLLIN, 0}};
    int timeout_ms = service->backend == NULL ? (int)(RETRY_US / 1000) : -1;
    poll(fds, ARRAY_SIZE(fds), timeout_ms);
    clear_fd(service->wake_fd);
    clear_fd(service->work_fd);
}

static void *run(void *context)
{
    struct service *service = context;
    pthread_setname_np(pthread_self(), "inference");
    stamp_end(service); /* a predecessor may have died in the middle */
    while (accept_gifts(service)) {
        if (service->backend == NULL) {
            retry_backend(service);
        }
        if (!serve_one(service)) {
            wait_for_work(service);
        }
    }
    set_interruptible(service, NULL);
    if (service->backend != NULL) {
        service->options.backend->close(service->backend);
    }
    signal_fd(service->ended_fd);
    return NULL;
}

void service_start(struct service *service)
{
    int error = pthread_create(&service->thread, NULL, run, service);
    if (error != 0) {
        log_error("no thread for the detector: %s", err_name(error));
        abort();
    }
    service->started = true;
}

void service_stop(struct service *service)
{
    pthread_mutex_lock(&service->lock);
    service->stop = true;
    if (service->interruptible != NULL && service->options.backend->interrupt != NULL) {
        service->options.backend->interrupt(service->interruptible);
    }
    pthread_mutex_unlock(&service->lock);
    signal_fd(service->wake_fd);
}

int service_ended_fd(const struct service *service)
{
    return service->ended_fd;
}

void service_destroy(struct service *service)
{
    if (service == NULL) {
        return;
    }
    if (service->started) {
        service_stop(service);
        pthread_join(service->thread, NULL);
    }
    accept_gifts(service); /* those that nobody took */
    for (size_t i = 0; i < service->camera_count; i++) {
        tensors_close(service->cameras[i].tensors);
        if (service->cameras[i].done_fd >= 0) {
            close(service->cameras[i].done_fd);
        }
    }
    if (service->work_fd >= 0) {
        close(service->work_fd);
    }
    close(service->wake_fd);
    close(service->ended_fd);
    pthread_mutex_destroy(&service->lock);
    free(service->cameras);
    free(service);
}
