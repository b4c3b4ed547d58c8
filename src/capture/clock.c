#include "capture/clock.h"

#include <string.h>

#define STEP_MIN_US 100
#define SETTLE_US \
    1500000 /* bursts right after connecting (a server's cached pictures) are over by then */
#define WINDOW_US 5000000
#define WINDOW_PACKETS 10
#define SLEW_MAX 0.005
#define DEADBAND_US 1000
#define JUMP_US 1000000 /* more than this is no delay and no drift: a clock was stepped */
#define BREAK_BACK_US 1000000
#define BREAK_AHEAD_US 2000000
#define BREAKS_MAX 8 /* in BREAKS_WINDOW packets: the stream's times are of no use */
#define BREAKS_WINDOW 200

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void clock_init(struct capture_clock *clock, bool arrival, bool trust_dts, int reorder,
                int64_t frame_us)
{
    *clock =
        (struct capture_clock){.arrival = arrival,
                               .trust_dts = trust_dts,
                               .reorder = reorder,
                               .depth = reorder > 0 ? (int)smaller(reorder, CLOCK_REORDER_MAX) : 0,
                               .frame_us = frame_us > 0 ? frame_us : 40000,
                               .last_dts_us = CLOCK_NONE,
                               .top_pts_us = CLOCK_NONE};
}

static void begin_window(struct capture_clock *clock, struct mono now)
{
    clock->window_start = now;
    clock->window_min_us = INT64_MAX;
    clock->window_count = clock->ahead_count = 0;
}

static void anchor(struct capture_clock *clock, const struct clock_in *in, int64_t stream_us)
{
    clock->anchored = true;
    clock->offset_us = in->wall.us - stream_us;
    clock->last_us = stream_us;
    clock->last_mono = in->mono;
    clock->settle_until.us = in->mono.us + SETTLE_US;
    begin_window(clock, in->mono);
}

/* How far back a picture may be timed before the one that came last, by reordering alone. */
static int64_t back_tolerance(const struct capture_clock *clock)
{
    if (clock->reorder == 0) {
        return 0;
    }
    return clock->reorder < 0 ? BREAK_BACK_US : (clock->reorder + 2) * 2 * clock->frame_us;
}

/* The camera's clock jumped: go on where we were. */
static void mend(struct capture_clock *clock, const struct clock_in *in, int64_t stream_us)
{
    int64_t elapsed = larger(in->mono.us - clock->last_mono.us, clock->frame_us);
    clock->offset_us = clock->top_pts_us + elapsed - stream_us;
    clock->recent_filled = false;
    begin_window(clock, in->mono);
    if (++clock->breaks >= BREAKS_MAX) {
        clock->arrival = true;
    }
}

static void check_break(struct capture_clock *clock, const struct clock_in *in, int64_t stream_us)
{
    int64_t step = stream_us - clock->last_us;
    int64_t elapsed = in->mono.us - clock->last_mono.us;
    if (step < -back_tolerance(clock) || step > elapsed + BREAK_AHEAD_US) {
        mend(clock, in, stream_us);
    }
    if (++clock->packets >= BREAKS_WINDOW) {
        clock->packets = clock->breaks = 0;
    }
}

static void end_window(struct capture_clock *clock)
{
    int64_t error = clock->window_min_us;
    clock->slew = 0;
    if (error > JUMP_US || error < -JUMP_US) {
        clock->pending_jump_us = error;
    } else if (error > DEADBAND_US || error < -DEADBAND_US) {
        double slew = (double)error / WINDOW_US;
        clock->slew = slew > SLEW_MAX ? SLEW_MAX : slew < -SLEW_MAX ? -SLEW_MAX : slew;
    }
}

/* Follows the arrival times; true when the line was moved to a stepped wall clock. */
static bool follow(struct capture_clock *clock, const struct clock_in *in, int64_t stream_us,
                   struct clock_out *out)
{
    clock->offset_us += (int64_t)(clock->slew * (double)(in->mono.us - clock->last_mono.us));
    int64_t error = in->wall.us - (stream_us + clock->offset_us);
    bool jumped = false;
    if (in->mono.us < clock->settle_until.us) {
        clock->offset_us += smaller(error, 0);
        begin_window(clock, in->mono);
        out->lag_us = larger(error, 0);
        return false;
    }
    /* Nothing arrives before it was sent: a few packets from the future mean a stepped clock. */
    clock->ahead_count = error < -JUMP_US ? clock->ahead_count + 1 : 0;
    if (clock->ahead_count >= 3) {
        clock->pending_jump_us = error;
    }
    if (clock->pending_jump_us != 0 && in->key) {
        clock->offset_us += clock->pending_jump_us;
        error -= clock->pending_jump_us;
        clock->pending_jump_us = 0;
        clock->slew = 0;
        begin_window(clock, in->mono);
        jumped = true;
    }
    clock->window_min_us = smaller(clock->window_min_us, error);
    clock->window_count++;
    if (in->mono.us - clock->window_start.us >= WINDOW_US &&
        clock->window_count >= WINDOW_PACKETS) {
        end_window(clock);
        begin_window(clock, in->mono);
    }
    out->lag_us = larger(error, 0);
    return jumped;
}

/* Decode time from presentation times alone: the smallest of the last depth + 1 of them. */
static int64_t decode_time(struct capture_clock *clock, int64_t pts_us)
{
    int64_t *recent = clock->recent;
    if (!clock->recent_filled) {
        for (int i = 0; i <= clock->depth; i++) {
            recent[i] = pts_us - (clock->depth - i) * clock->frame_us;
        }
        clock->recent_filled = true;
        return recent[0];
    }
    int used = clock->depth; /* sorted entries, one place is free */
    if (clock->reorder < 0 && pts_us < recent[0] && clock->depth < CLOCK_REORDER_MAX) {
        used = ++clock->depth; /* reordered deeper than seen so far: all stay */
    } else {
        memmove(recent, recent + 1, (size_t)used * sizeof *recent);
    }
    int place = used;
    for (; place > 0 && recent[place - 1] > pts_us; place--) {
        recent[place] = recent[place - 1];
    }
    recent[place] = pts_us;
    return recent[0];
}

static void note_frame(struct capture_clock *clock, int64_t dts_us)
{
    if (clock->last_dts_us != CLOCK_NONE) {
        int64_t step = dts_us - clock->last_dts_us;
        if (step > 0 && step < 1000000) {
            clock->frame_us += (step - clock->frame_us) / 8;
        }
    }
}

static void map_arrival(struct capture_clock *clock, const struct clock_in *in,
                        struct clock_out *out)
{
    int64_t time = in->wall.us;
    if (clock->last_dts_us != CLOCK_NONE && time < clock->last_dts_us - JUMP_US && in->key) {
        out->jumped = true;
    } else if (clock->last_dts_us != CLOCK_NONE) {
        if (time > clock->last_dts_us + 60 * JUMP_US && in->key) {
            out->jumped = true;
        }
        time = larger(time, clock->last_dts_us + STEP_MIN_US);
    }
    note_frame(clock, time);
    out->pts_us = out->dts_us = clock->last_dts_us = clock->top_pts_us = time;
}

void clock_map(struct capture_clock *clock, const struct clock_in *in, struct clock_out *out)
{
    *out = (struct clock_out){0};
    if (clock->arrival) {
        map_arrival(clock, in, out);
        return;
    }
    int64_t stream_us = in->pts_us != CLOCK_NONE ? in->pts_us : in->dts_us;
    if (stream_us == CLOCK_NONE) {
        stream_us = clock->anchored ? clock->last_us + clock->frame_us : 0;
    }
    if (!clock->anchored) {
        anchor(clock, in, stream_us);
    } else {
        check_break(clock, in, stream_us);
        out->jumped = follow(clock, in, stream_us, out);
    }
    clock->last_us = stream_us;
    clock->last_mono = in->mono;
    if (out->jumped) {
        clock->last_dts_us = CLOCK_NONE;
        clock->recent_filled = false;
        clock->top_pts_us = CLOCK_NONE;
    }
    int64_t pts = stream_us + clock->offset_us;
    int64_t stream_dts =
        clock->trust_dts && in->dts_us != CLOCK_NONE ? in->dts_us : decode_time(clock, stream_us);
    int64_t dts = smaller(stream_dts + clock->offset_us, pts);
    if (clock->last_dts_us != CLOCK_NONE) {
        dts = larger(dts, clock->last_dts_us + STEP_MIN_US);
    }
    if (clock->reorder == 0) {
        pts = larger(pts, dts);
        dts = pts;
    }
    note_frame(clock, dts);
    clock->last_dts_us = dts;
    clock->top_pts_us = larger(clock->top_pts_us, pts);
    out->pts_us = pts;
    out->dts_us = dts;
}
