/* Making the film of one export. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "footage/exports_private.h"
#include "footage/retention.h"
#include "footage/span.h"
#include "render/job.h"

#define BLOCK (1u << 20)
#define THUMB_HEIGHT 180

void export_path(const struct exports *exports, const char *id, const char *format, struct str *out)
{
    str_addf(out, "%s/media/", exports->data_dir);
    str_addf(out, format, id);
}

void export_remove_files(const struct exports *exports, const char *id)
{
    static const char *const formats[] = {"exports/%s.mp4", "exports/.%s.mp4.part",
                                          "clips/export/%s.webp"};
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        AUTO_STR struct str path = {0};
        export_path(exports, id, formats[i], &path);
        unlink(str_text(&path));
    }
}

struct making {
    struct exports *exports;
    struct export_job *job;
    struct span span;
    struct err *err;
};

/* False: stop, somebody does not want it any more or we are ending. */
static bool report_progress(void *context, unsigned permille)
{
    struct making *making = context;
    pthread_mutex_lock(&making->exports->lock);
    making->job->permille = permille;
    bool go_on = !making->job->cancelled && !making->exports->stop;
    pthread_mutex_unlock(&making->exports->lock);
    return go_on;
}

/* The picture at its beginning; an export without one is an export all the same. */
static void make_thumb(const struct making *making)
{
    const struct span_segment *first = &making->span.segments[0];
    AUTO_CLOSE int fd = span_open(making->exports->data_dir, first->path);
    AUTO_STR struct str picture = {0}, path = {0};
    struct err err = ERR_NONE;
    double into = fmax(making->job->start - first->start, 0);
    if (fd < 0 ||
        render_picture(fd, llrint(into * 1e6), RENDER_WEBP, THUMB_HEIGHT, &picture, &err) < 0) {
        log_debug("export %s: no thumbnail: %s", making->job->id, err.text);
        return;
    }
    export_path(making->exports, making->job->id, "clips/export/%s.webp", &path);
    file_make_parent_dirs(str_text(&path));
    file_write_atomic(str_text(&path), picture.data, picture.length);
}

static int copy_rope(struct making *making, struct rope *rope, int out)
{
    AUTO_FREE char *block = mem_alloc(BLOCK);
    uint64_t length = rope_length(rope), at = 0;
    while (at < length) {
        ssize_t got = rope_read(rope, at, block, BLOCK);
        if (got <= 0) {
            return err_set(making->err, got < 0 ? (int)-got : EIO, "a recording cannot be read: %s",
                           err_name(got < 0 ? (int)got : -EIO));
        }
        int result = file_write_all(out, block, (size_t)got);
        if (result < 0) {
            return err_set(making->err, -result, "cannot write: %s", err_name(result));
        }
        at += (uint64_t)got;
        if (!report_progress(making, (unsigned)(at * 1000 / length))) {
            return -ECANCELED;
        }
    }
    return 0;
}

static int make_realtime(struct making *making, int out)
{
    unsigned skipped;
    struct rope *rope = span_clip(&making->span, making->exports->data_dir, making->job->start,
                                  making->job->end, &skipped, making->err);
    if (rope == NULL) {
        return -making->err->code;
    }
    if (skipped > 0) {
        log_warning("export %s lacks %u recordings: they are gone or damaged", making->job->id,
                    skipped);
    }
    int result = copy_rope(making, rope, out);
    rope_destroy(rope);
    return result;
}

static int open_for_film(void *context, size_t index, struct render_part *part)
{
    const struct making *making = context;
    const struct span_segment *segment = &making->span.segments[index];
    double from = fmax(making->job->start - segment->start, 0);
    double to = fmin(making->job->end - segment->start, segment->duration);
    part->from_us = llrint(from * 1e6);
    part->to_us = llrint(to * 1e6);
    return span_open(making->exports->data_dir, segment->path);
}

static int make_timelapse(struct making *making, int out)
{
    const struct cfg_camera *camera =
        retention_camera(making->exports->config, making->job->camera);
    struct render_films films = {.files = making->span.count,
                                 .open_file = open_for_film,
                                 .progress = report_progress,
                                 .context = making};
    double speed, rate;
    render_timelapse_args(camera->record.export_.timelapse_args, &speed, &rate);
    return render_timelapse(&films, speed, rate, out, making->err);
}

static int make(struct making *making)
{
    struct exports *exports = making->exports;
    struct export_job *job = making->job;
    {
        AUTO_READER struct db *db = store_reader(exports->store);
        if (db == NULL || span_load(db, exports->data_dir, job->camera, job->start, job->end, true,
                                    &making->span) < 0) {
            return err_set(making->err, EIO, "the database cannot be read");
        }
    }
    if (making->span.count == 0) {
        return err_set(making->err, ENOENT, "its recordings are gone");
    }
    AUTO_STR struct str part = {0}, path = {0};
    export_path(exports, job->id, "exports/.%s.mp4.part", &part);
    export_path(exports, job->id, "exports/%s.mp4", &path);
    AUTO_CLOSE int out = open(str_text(&part), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (out < 0) {
        return err_set(making->err, errno, "cannot write: %s", err_name(errno));
    }
    make_thumb(making);
    int result = job->timelapse ? make_timelapse(making, out) : make_realtime(making, out);
    if (result == 0 && (fsync(out) < 0 || rename(str_text(&part), str_text(&path)) < 0)) {
        result = err_set(making->err, errno, "cannot write: %s", err_name(errno));
    }
    if (result == 0) {
        file_sync_parent(str_text(&path));
    } else {
        unlink(str_text(&part));
    }
    return result;
}

int export_make(struct exports *exports, struct export_job *job, struct err *err)
{
    struct making making = {.exports = exports, .job = job, .err = err};
    int result = make(&making);
    span_finish(&making.span);
    return result;
}
