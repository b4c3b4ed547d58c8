#include "capture/picker.h"

void picker_init(struct picker *picker, int fps)
{
    *picker = (struct picker){.interval_us = 1000000 / (fps > 0 ? fps : 1)};
}

static int64_t tolerance(const struct picker *picker, int64_t frame_us)
{
    int64_t half = frame_us / 2;
    return half < picker->interval_us / 2 ? half : picker->interval_us / 2;
}

bool picker_take(struct picker *picker, int64_t pts_us, int64_t frame_us)
{
    int64_t late = pts_us - picker->due_us;
    bool lost = !picker->started || late > picker->interval_us || late < -2 * picker->interval_us;
    if (!lost && late < -tolerance(picker, frame_us)) {
        return false;
    }
    picker->due_us = (lost ? pts_us : picker->due_us) + picker->interval_us;
    picker->started = true;
    return true;
}

/* The first picture after each point of the line due + n * interval is wanted, whatever n: decoding
 * runs ahead of presentation, so `due_us` may be some pictures old. */
bool picker_may_take(const struct picker *picker, int64_t pts_us, int64_t frame_us)
{
    int64_t after = pts_us + tolerance(picker, frame_us) - picker->due_us;
    if (!picker->started || after < -2 * picker->interval_us) {
        return true;
    }
    int64_t phase = after % picker->interval_us;
    if (phase < 0) {
        phase += picker->interval_us;
    }
    /* A little more than one interval: the picture's own time wobbles. */
    return phase <= frame_us + frame_us / 8;
}
