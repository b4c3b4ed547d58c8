/* The recorded segments of one camera that lie in a span of time, in order: what playing, cutting
 * and exporting start from. */
#ifndef CORVETTE_FOOTAGE_SPAN_H
#define CORVETTE_FOOTAGE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "media/rope.h"
#include "store/store.h"

struct span_segment {
    double start, end, duration; /* as the row has them; seconds since the epoch, UTC */
    char *path;                  /* relative to the media folder */
    bool open;                   /* still being written: no row yet, grows */
};

struct span {
    struct span_segment *segments;
    size_t count, capacity;
};

/* Rows that overlap after..before, ascending, as /api/<camera>/recordings lists them; with
 * `with_open`, the segment being written follows when the span reaches into it. Files are not
 * looked at, but for that one. 0 or -errno. Release with span_finish(). */
int span_load(struct db *db, const char *data_dir, const char *camera, double after, double before,
              bool with_open, struct span *span);
void span_finish(struct span *span);
#define AUTO_SPAN __attribute__((cleanup(span_finish)))

/* The segment of a camera that begins in that millisecond, the open one included: 0, -ENOENT or
 * -errno. Its path belongs to the caller. */
int span_find(struct db *db, const char *data_dir, const char *camera, int64_t start_ms,
              struct span_segment *segment);

/* Opens a segment for reading, never outside of its tree: fd or -errno. One that was being written
 * when its path was learned is found under its final name too. */
int span_open(const char *data_dir, const char *relative);

/* The exact clip from..to (seconds since the epoch) of the span's files as a rope; files that are
 * gone or damaged are left out (counted in *skipped, may be NULL). NULL with a sentence when there
 * is nothing. */
struct rope *span_clip(const struct span *span, const char *data_dir, double from, double to,
                       unsigned *skipped, struct err *err);

#endif
