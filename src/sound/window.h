/* One camera's sound as windows of a whole chunk, one for every hop that goes on from the hop
 * before. Pure but for the ring; one thread. */
#ifndef CORVETTE_SOUND_WINDOW_H
#define CORVETTE_SOUND_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "ring/sounds.h"

struct window {
    int16_t samples[SOUNDS_CHUNK];
    double start;  /* wall time of the first sample */
    uint64_t next; /* hop to be read; 0: not begun, the oldest in the ring */
    uint64_t lost; /* hops that were overwritten before they were read */
    bool half;     /* the second half of `samples` holds the hop before `next` */
};

/* Takes the next hop; true when `samples` and `start` are a new window, false when there is no more
 * to read, or the ring makes no sense. Hops that only begin a window are passed over on the way. */
bool window_next(struct window *window, const struct sounds *sounds);

#endif
