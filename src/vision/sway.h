/* Cells that change again and again: leaves, a flag, water. Where something sways, a cell shows
 * what its neighbourhood shows, so there it may; anything else is still seen. Internal to
 * src/vision. */
#ifndef CORVETTE_VISION_SWAY_H
#define CORVETTE_VISION_SWAY_H

#include <stdint.h>

struct sway {
    int width, height; /* in cells */
    float *habit_hz;   /* how often each cell has begun to differ of late */
    float *since_ms;   /* time since that was last counted */
    uint8_t *was;      /* what differed in the picture before */
};

struct sway_level {
    float low, high; /* levels are told apart within these */
    float level;     /* a difference above this is a change */
};

void sway_init(struct sway *sway, int width, int height);
void sway_finish(struct sway *sway);
void sway_clear(struct sway *sway);

/* Remembers what changed, then clears what a cell in the habit of changing may show. Returns how
 * many cells that were. */
int sway_forgive(struct sway *sway, uint8_t *changed, const float *now, const float *background,
                 struct sway_level level, int64_t step_us);

#endif
