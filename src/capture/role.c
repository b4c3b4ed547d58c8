/* The capture role: the core for one camera, its finished segments told to the server. */
#include <errno.h>
#include <libavutil/log.h>
#include <malloc.h>
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
#include "capture/reports.h"
#include "ipc/worker.h"

#define REPORT_RETRY_US 500000
#define STOP_LIMIT_US 900000 /* in all; the supervisor allows little more */
#define FINISH_LIMIT_US 700000

struct role {
    struct worker *worker;
    struct core *core;
    struct frames *frames;
    struct sounds *sounds;
    int ready_fd, sound_ready_fd;
    bool has_ready, has_sound_ready;
    bool stopping;
    struct mono stop_since;
    struct loop_source *retry, *limit, *tick;
    struct reports *reports;
};

static struct role *role_of(struct worker *worker)
{
    return worker->context;
}

/* ------------------------------------------------------------------ reports */

static void segment_done(void *context, const struct segment_info *info)
{
    reports_segment(((struct role *)context)->reports, info);
}

static void gap_ended(void *context, const struct gap_info *gap)
{
    reports_gap(((struct role *)context)->reports, gap);
}

static void room_needed(void *context, uint64_t bytes, int error)
{
    reports_need(((struct role *)context)->reports, bytes, error);
}

static void send_reports(struct role *role)
{
    if (!reports_send(role->reports) && role->retry != NULL) {
        loop_set_timer(role->retry, REPORT_RETRY_US, 0);
    }
}

static void on_tick(void *context)
{
    core_tick(((struct role *)context)->core);
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
        sounds_close(role->sounds);
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
    sounds_close(role->sounds);
    if (role->has_ready) {
        close(role->ready_fd);
    }
    if (role->has_sound_ready) {
        close(role->sound_ready_fd);
    }
    reports_destroy(role->reports);
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
    } else if (give->what == GIVE_SOUNDS && role->sounds == NULL) {
        role->sounds = sounds_open(*fd, true);
        if (role->sounds == NULL) {
            log_error("the sound ring cannot be used: %s", err_name(errno));
        }
    } else if (give->what == GIVE_SOUND_READY && !role->has_sound_ready) {
        role->sound_ready_fd = *fd;
        role->has_sound_ready = true;
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
    role->reports = reports_create(worker);
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
        .sounds = role->sounds,
        .sound_ready_fd = role->has_sound_ready ? role->sound_ready_fd : -1,
        .entry = worker->entry,
        .done = segment_done,
        .gap = gap_ended,
        .need = room_needed,
        .ended = input_ended,
        .context = role,
    };
    role->core = core_start(&options);
    role->tick = loop_add_timer(worker->loop, GAPS_PIECE_US, GAPS_PIECE_US, on_tick, role);
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
