/* Made-up numbers and pictures for the tests: the same in every run. */
#ifndef CORVETTE_TEST_VISION_DRAW_H
#define CORVETTE_TEST_VISION_DRAW_H

#include <stdint.h>

#include "vision/geometry.h"

struct dice {
    uint64_t state;
};

/* Uniform in low..high, both included. */
static inline int roll(struct dice *dice, int low, int high)
{
    dice->state = dice->state * 6364136223846793005ull + 1442695040888963407ull;
    return low + (int)((dice->state >> 33) % (uint64_t)(high - low + 1));
}

static inline struct box roll_box(struct dice *dice, int width, int height)
{
    int x1 = roll(dice, 0, width - 2), y1 = roll(dice, 0, height - 2);
    return (struct box){x1, y1, roll(dice, x1 + 1, width - 1), roll(dice, y1 + 1, height - 1)};
}

static inline int clip_byte(int value)
{
    return value < 0 ? 0 : value > 255 ? 255 : value;
}

#endif
