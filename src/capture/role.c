/* The capture role: the core for one camera, its finished segments told to the server. */
#include <errno.h>
#include <libavutil/log.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "capture/core.h"
#include "ipc/worker.h"

/* Finished segments the server has not taken: some hours of them. What falls out is on disk all the
 * same, and the server takes in files without rows when it starts. */
#define REPORTS_MAX 2000
#define REPORT_RETRY_US 500000
#define STOP_LIMIT_US 900000 /* in all; the supervisor allows little more */
#define FINISH_LIMIT_US 700000

struct role {
    struct worker *worker;
    struct core *core;
    struct frames *frames;
    int ready_fd;
    bool has_ready;
    bool stopping;
    struct mono stop_since;
    struct loop_source *retry, *limit;
    pthread_mutex_t lock;
    /* under the lock: oldest first */
    struct segment_info *reports;
    size_t report_count, report_capacity;
    size_t reports_lost;
};

static struct role *role_of(struct worker *worker)
{
    return worker->context;
}

/* ------------------------------------------------------------------ segments */

/* On the recorder's thread. */
static void segment_done(void *context, const struct segment_info *info)
{
    struct role *role = context;
    pthread_mutex_lock(&role->lock);
    if (role->report_count == REPORTS_MAX) {
        memmove(role->reports, role->reports + 1, (REPORTS_MAX - 1) * sizeof *role->reports);
        role->report_count--;
        role->reports_lost++;
    }
    *MEM_PUSH(role->reports, role->report_count, role->report_capacity) = *info;
    pthread_mutex_unlock(&role->lock);
    loop_wake(role->worker->loop);
}

static int send_report(struct role *role, const struct segment_info *info)
{
    struct msg_segment message = {.start = (double)info->start_us / 1e6,
                                  .end = (double)info->start_us / 1e6 + info->duration,
                                  .duration = info->duration,
                                  .bytes = info->bytes,
                                  .has_audio = info->has_audio};
    snprintf(message.camera, sizeof message.camera, "%s", role->worker->name);
    snprintf(message.path, sizeof message.path, "%s", info->path);
    return worker_send(role->worker, MSG_SEGMENT, &message, -1);
}

static void send_reports(struct role *role)
{
    pthread_mutex_lock(&role->lock);
    size_t sent = 0;
    while (sent < role->report_count && send_report(role, &role->reports[sent]) == 0) {
        sent++;
    }
    if (sent > 0) {
        memmove(role->reports, role->reports + sent,
                (role->report_count - sent) * sizeof *role->reports);
        role->report_count -= sent;
    }
    bool left = role->report_count > 0;
    if (role->reports_lost > 0 && !left) {
        log_warning(
            "%zu recordings were finished while the server was away for too long; it finds them "
            "when it starts",
            role->reports_lost);
        role->reports_lost = 0;
    }
    pthread_mutex_unlock(&role->lock);
    if (left && role->retry != NULL) {
        loop_set_timer(role->retry, REPORT_RETRY_US, 0);
    }
}

/* ------------------------------------------------------------------ ending */

static void end(struct role *role)
{
    if (role->worker->loop != NULL) {
        send_reports(role);
        worker_done(role->worker);
    }
}

static void check_stopped(struct role *role)
{
    if (!role->stopping || !core_stopped(role->core)) {
        return;
    }
    int64_t left = FINISH_LIMIT_US - mono_since_us(role->stop_since);
    if (!core_finish(role->core, left > 0 ? left : 0)) {
        log_warning("the disk is slow: the open recording is finished by the next start");
    }
    end(role);
}

static void on_wake(void *context)
{
    struct role *role = context;
    send_reports(role);
    check_stopped(role);
}

static void on_limit(void *context)
{
    struct role *role = context;
    core_finish(role->core, 0);
    end(role);
}

static void on_retry(void *context)
{
    send_reports(context);
}

static void input_ended(void *context)
{
    struct role *role = context;
    loop_wake(role->worker->loop);
}

static void capture_stop(struct worker *worker)
{
    struct role *role = role_of(worker);
    role->stopping = true;
    role->stop_since = mono_now();
    role->limit = loop_add_timer(worker->loop, STOP_LIMIT_US, 0, on_limit, role);
    core_stop(role->core);
    check_stopped(role);
}

static void capture_finish(struct worker *worker)
{
    struct role *role = role_of(worker);
    if (role->worker == NULL) { /* never began */
        frames_close(role->frames);
        return;
    }
    if (role->core != NULL && !(core_stopped(role->core) && core_finish(role->core, 0))) {
        /* A thread is inside a call that cannot be ended (a name look-up, a disk that hangs): the
         * process goes without it, which the next start's adoption of open files is there for. */
        fflush(NULL);
        _exit(0);
    }
    core_free(role->core);
    frames_close(role->frames);
    if (role->has_ready) {
        close(role->ready_fd);
    }
    free(role->reports);
    pthread_mutex_destroy(&role->lock);
}

/* ------------------------------------------------------------------ beginning */

static void capture_give(struct worker *worker, const struct msg_give *give, int *fd)
{
    struct role *role = role_of(worker);
    if (give->what == GIVE_FRAMES && role->frames == NULL) {
        role->frames = frames_open(*fd, true);
        if (role->frames == NULL) {
            worker_fatal(worker, "the frame ring cannot be used: %s", err_name(errno));
        }
    } else if (give->what == GIVE_FRAME_READY && !role->has_ready) {
        role->ready_fd = *fd;
        role->has_ready = true;
        *fd = -1;
    }
}

/* libavformat and libavcodec speak about every oddity of every camera: their words at debug level
 * only. */
static void on_av_log(void *context, int level, const char *format, va_list args)
{
    if (level > AV_LOG_WARNING || log_level() > LOG_DEBUG) {
        return;
    }
    char line[400];
    vsnprintf(line, sizeof line, format, args);
    line[strcspn(line, "\n")] = '\0';
    if (strstr(line, "://") == NULL) { /* may hold a password */
        log_debug("libav: %s", line);
    }
}

static int capture_begin(struct worker *worker)
{
    struct role *role = role_of(worker);
    role->worker = worker;
    pthread_mutex_init(&role->lock, NULL);
    if (worker->camera == NULL) {
        worker_fatal(worker, "no camera is called '%s'", worker->name);
        return 1;
    }
    av_log_set_callback(on_av_log);
    /* Large blocks (pictures, packets) go back to the system when freed, whatever their number. */
    mallopt(M_MMAP_THRESHOLD, 256 * 1024);
    mallopt(M_TRIM_THRESHOLD, 256 * 1024);
    loop_on_wake(worker->loop, on_wake, role);
    role->retry = loop_add_timer(worker->loop, REPORT_RETRY_US, 0, on_retry, role);
    char media[sizeof worker->start.data_dir + 8];
    snprintf(media, sizeof media, "%s/media", worker->start.data_dir);
    struct core_options options = {
        .camera = worker->camera,
        .media_dir = media,
        .frames = role->frames,
        .ready_fd = role->has_ready ? role->ready_fd : -1,
        .entry = worker->entry,
        .done = segment_done,
        .ended = input_ended,
        .context = role,
    };
    role->core = core_start(&options);
    return 0;
}

static void capture_linked(struct worker *worker)
{
    send_reports(role_of(worker));
}

const struct worker_role capture_role = {
    .role = BOARD_CAPTURE,
    .title = "capture",
    .give = capture_give,
    .begin = capture_begin,
    .linked = capture_linked,
    .stop = capture_stop,
    .finish = capture_finish,
    .context_bytes = sizeof(struct role),
};
