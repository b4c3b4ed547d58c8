#include "footage/span.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "footage/place.h"
#include "media/clip.h"
#include "media/mp4.h"
#include "store/db_recording.h"

#define DURATION_MAX_S 600.0 /* contract: longer ones are passed over */

/* ".MM.SS.mp4.part" becomes "MM.SS.mp4" when the segment is finished; "" when it is no such name.
 */
static void finished_name(const char *relative, struct str *out)
{
    const char *name = strrchr(relative, '/');
    if (name != NULL && name[1] == '.' && str_ends(name, ".part")) {
        size_t length = strlen(name + 2) - strlen(".part");
        str_addf(out, "%.*s/%.*s", (int)(name - relative), relative, (int)length, name + 2);
    }
}

int span_open(const char *data_dir, const char *relative)
{
    int fd = place_open(data_dir, relative);
    AUTO_STR struct str finished = {0};
    if (fd == -ENOENT) {
        finished_name(relative, &finished);
    }
    return finished.length > 0 ? place_open(data_dir, str_text(&finished)) : fd;
}

void span_finish(struct span *span)
{
    for (size_t i = 0; i < span->count; i++) {
        free(span->segments[i].path);
    }
    free(span->segments);
    *span = (struct span){0};
}

static bool take_row(void *context, const struct db_recording *row)
{
    struct span *span = context;
    const char *path = place_relative(row->path);
    if (path != NULL && row->duration > 0 && row->duration <= DURATION_MAX_S) {
        *MEM_PUSH(span->segments, span->count, span->capacity) =
            (struct span_segment){.start = row->start_time,
                                  .end = row->end_time,
                                  .duration = row->duration,
                                  .path = mem_strdup(path)};
    }
    return true;
}

/* ------------------------------------------------------------------ the segment being written */

/* What of a hidden file is whole; false when that is nothing, or it does not say when it began. */
static bool read_open(const char *data_dir, const char *path, struct span_segment *segment)
{
    AUTO_CLOSE int fd = place_open(data_dir, path);
    struct err ignored = ERR_NONE;
    struct mp4 mp4;
    if (fd < 0 || mp4_read_fd(fd, &mp4, &ignored) < 0) {
        return false;
    }
    const struct mp4_track *video = &mp4.tracks[MP4_VIDEO];
    bool good = mp4.has_start && video->count > 0;
    if (good) {
        double first = (double)(video->shown_from) / video->timescale;
        segment->start = (double)mp4.start_us / 1e6 + first;
        segment->duration = mp4_duration(&mp4);
        segment->end = segment->start + segment->duration;
        segment->open = true;
    }
    mp4_finish(&mp4);
    return good;
}

/* The open segment in the folder of one hour. */
static bool find_open_in(const char *data_dir, const char *camera, time_t hour,
                         struct span_segment *segment)
{
    struct tm tm;
    char folder[32];
    gmtime_r(&hour, &tm);
    strftime(folder, sizeof folder, "%Y-%m-%d/%H", &tm);
    AUTO_STR struct str path = {0};
    str_addf(&path, "recordings/%s/%s", folder, camera);
    int fd = place_open(data_dir, str_text(&path));
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return false;
    }
    bool found = false;
    for (const struct dirent *entry; !found && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.' && str_ends(entry->d_name, ".mp4.part")) {
            AUTO_STR struct str file = {0};
            str_addf(&file, "%s/%s", str_text(&path), entry->d_name);
            found = read_open(data_dir, str_text(&file), segment);
            if (found) {
                segment->path = str_steal(&file);
            }
        }
    }
    closedir(dir);
    return found;
}

/* It began a short while ago: this hour, or the one before. */
static bool find_open(const char *data_dir, const char *camera, struct span_segment *segment)
{
    time_t now = (time_t)wall_seconds(wall_now());
    return find_open_in(data_dir, camera, now, segment) ||
           find_open_in(data_dir, camera, now - 3600, segment);
}

int span_load(struct db *db, const char *data_dir, const char *camera, double after, double before,
              bool with_open, struct span *span)
{
    *span = (struct span){0};
    int result = db_recording_each(db, camera, after, before, take_row, span);
    if (result < 0 || !with_open || before < wall_seconds(wall_now()) - DURATION_MAX_S) {
        return result;
    }
    struct span_segment open = {0};
    if (find_open(data_dir, camera, &open)) {
        const struct span_segment *last = span->count > 0 ? &span->segments[span->count - 1] : NULL;
        if (open.start <= before && open.end >= after &&
            (last == NULL || open.start > last->start + last->duration / 2)) {
            *MEM_PUSH(span->segments, span->count, span->capacity) = open;
        } else {
            free(open.path); /* finished meanwhile */
        }
    }
    return 0;
}

/* ------------------------------------------------------------------ one of them */

struct finding {
    int64_t start_ms;
    struct span_segment *segment;
    bool found;
};

static bool match(void *context, const struct db_recording *row)
{
    struct finding *finding = context;
    const char *path = place_relative(row->path);
    if (path != NULL && llrint(row->start_time * 1000) == finding->start_ms) {
        *finding->segment = (struct span_segment){.start = row->start_time,
                                                  .end = row->end_time,
                                                  .duration = row->duration,
                                                  .path = mem_strdup(path)};
        finding->found = true;
    }
    return !finding->found;
}

int span_find(struct db *db, const char *data_dir, const char *camera, int64_t start_ms,
              struct span_segment *segment)
{
    *segment = (struct span_segment){0};
    struct finding finding = {.start_ms = start_ms, .segment = segment};
    double start = (double)start_ms / 1000;
    int result = db_recording_each(db, camera, start, start + 0.001, match, &finding);
    if (result < 0 || finding.found) {
        return result;
    }
    if (find_open(data_dir, camera, segment) && llrint(segment->start * 1000) == start_ms) {
        return 0;
    }
    free(segment->path);
    segment->path = NULL;
    return -ENOENT;
}

/* ------------------------------------------------------------------ cutting */

static int open_of_rope(void *context, const char *name)
{
    return span_open(context, name);
}

struct rope *span_clip(const struct span *span, const char *data_dir, double from, double to,
                       unsigned *skipped, struct err *err)
{
    struct clip *clip = clip_create(llrint(from * 1e6), llrint(to * 1e6));
    unsigned bad = 0;
    struct err last = ERR_NONE;
    for (size_t i = 0; i < span->count; i++) {
        const struct span_segment *segment = &span->segments[i];
        AUTO_CLOSE int fd = span_open(data_dir, segment->path);
        struct err why = ERR_NONE;
        int result = fd < 0 ? err_set(&why, -fd, "%s", err_name(fd))
                            : clip_add(clip, segment->path, fd, llrint(segment->start * 1e6), &why);
        if (result < 0) {
            err_prefix(&why, "%s", segment->path);
            last = why;
            bad++;
        }
    }
    if (skipped != NULL) {
        *skipped = bad;
    }
    struct rope *rope = NULL;
    if (!clip_is_empty(clip)) {
        rope = clip_rope(clip, open_of_rope, mem_strdup(data_dir), free);
    } else if (bad > 0) {
        *err = last;
    } else {
        err_set(err, ENOENT, "nothing was recorded then");
    }
    clip_destroy(clip);
    return rope;
}
