/* From a camera's timestamps to wall time, for one stream of one connection.
 *
 * A stream says when pictures were taken relative to each other (exactly, but on the camera's clock
 * and from an unknown zero); their arrival says when they were there on our clock (but late by a
 * changing delay). The mapping is stream time + offset, where the offset follows the smallest delay
 * seen in each window of some seconds and moves towards it at no more than SLEW_MAX: intervals
 * between pictures stay as the camera said to within 0.5 %, drift is absorbed, jitter never shows.
 * Recording and detection use the same mapped times, so they agree exactly.
 *
 * Repaired on the way: missing times, times that stand still or go backwards, jumps of the camera's
 * clock (the line goes on as if there had been none), and cameras whose times are of no use at all
 * (from then on arrival times count). A step of our own wall clock is followed at the next key
 * picture (`jumped`).
 *
 * Pure: time comes in as arguments. One thread. */
#ifndef CORVETTE_CAPTURE_CLOCK_H
#define CORVETTE_CAPTURE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define CLOCK_NONE INT64_MIN
#define CLOCK_REORDER_MAX 16

struct capture_clock {
    /* settings */
    bool arrival;   /* use arrival times only */
    bool trust_dts; /* the container has real decode times */
    int reorder; /* pictures a picture may be decoded before others shown earlier; -1 = find out */
    /* line */
    bool anchored;
    int64_t offset_us; /* wall - stream */
    int64_t last_us;   /* stream time of the last packet */
    struct mono last_mono;
    int64_t top_pts_us, last_dts_us; /* mapped; the highest, and the last */
    int64_t frame_us;                /* typical interval */
    /* window */
    struct mono settle_until, window_start;
    int64_t window_min_us;
    unsigned window_count, ahead_count;
    double slew; /* us per us */
    int64_t pending_jump_us;
    /* reordering */
    int depth;
    int64_t recent[CLOCK_REORDER_MAX + 1]; /* stream times, sorted; depth + 1 of them */
    bool recent_filled;
    /* usefulness of the stream's times */
    unsigned packets, breaks;
};

struct clock_in {
    int64_t pts_us, dts_us; /* stream time, CLOCK_NONE = not known */
    struct wall wall;       /* arrival */
    struct mono mono;       /* the same instant */
    bool key;
};

struct clock_out {
    int64_t pts_us,
        dts_us;     /* wall time; dts rises strictly (except at a jump), by at least 100 us */
    int64_t lag_us; /* how late it arrived, against the best seen */
    bool jumped;    /* the wall clock was stepped: this picture begins a new line */
};

/* `frame_us`: expected interval, 0 = not known. */
void clock_init(struct capture_clock *clock, bool arrival, bool trust_dts, int reorder,
                int64_t frame_us);
void clock_map(struct capture_clock *clock, const struct clock_in *in, struct clock_out *out);

#endif
