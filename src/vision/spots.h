/* Connected spots of a small byte picture (0 or not), 8-connected, found in one pass over its runs.
 * Internal to src/vision. */
#ifndef CORVETTE_VISION_SPOTS_H
#define CORVETTE_VISION_SPOTS_H

#include <stddef.h>
#include <stdint.h>

struct spot {
    int x1, y1, x2, y2; /* inclusive */
    int pixels;
    int area2; /* twice the area of the outline drawn through the pixels' middles (holes left out):
                  what a contour's polygon area is, so a single row of pixels has none */
};

struct spot_run { /* pixels from..to-1 of row y */
    int y, from, to;
    int label; /* internal: spots_of_run() tells the spot */
};

struct spots {
    struct spot *items; /* in order of their first pixel */
    int count;
    struct spot_run *runs; /* all set pixels, top to bottom */
    int run_count;
    int *parent, *number; /* internal, by label */
    struct spot *parts;   /* internal, by label */
    int capacity;
};

void spots_init(struct spots *spots, int width, int height);
void spots_finish(struct spots *spots);

void spots_find(struct spots *spots, const uint8_t *picture, int width, int height);
/* Index into items of the spot that a run is part of. */
int spots_of_run(const struct spots *spots, const struct spot_run *run);

#endif
