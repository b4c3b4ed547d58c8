/* Which pictures of a stream go to detection: at a given rate, by time. Times are those of the
 * clock. */
#ifndef CORVETTE_CAPTURE_PICKER_H
#define CORVETTE_CAPTURE_PICKER_H

#include <stdbool.h>
#include <stdint.h>

struct picker {
    int64_t interval_us;
    int64_t due_us; /* when the next picture is wanted */
    bool started;
};

void picker_init(struct picker *picker, int fps);

/* A decoded picture, in order of presentation: take it? `frame_us` is the stream's typical
 * interval; a picture is taken up to half of that before it is due, so equal rates take every
 * picture. */
bool picker_take(struct picker *picker, int64_t pts_us, int64_t frame_us);

/* Before decoding: may this picture be wanted? (May say yes too often, never no for the one that
 * picker_take() would take in a regular stream.) */
bool picker_may_take(const struct picker *picker, int64_t pts_us, int64_t frame_us);

#endif
