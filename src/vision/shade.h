/* How the light on the scene drifts from picture to picture: a smooth field of gains, measured
 * where nothing moves. Cloud shadows and clouds themselves have soft edges and take seconds to
 * pass; seen from one picture to the next they are small gains that change slowly across the
 * picture, which no thing with an outline is. Internal to src/vision. */
#ifndef CORVETTE_VISION_SHADE_H
#define CORVETTE_VISION_SHADE_H

#include <stdint.h>

/* Sums over resting cells, levels over black. */
struct shade_sums {
    float *shared, *power; /* background * now, background squared */
};

struct shade {
    int width, height;              /* of the pictures, in cells */
    int columns, rows;              /* of the field, in blocks */
    struct shade_sums blocks;       /* by block */
    struct shade_sums upper, lower; /* by column of cells, for the blocks above and below a row */
    float *gain;                    /* by block */
};

void shade_init(struct shade *shade, int width, int height);
void shade_finish(struct shade *shade);

/* Takes the drift since the last call over into the background, all of it with `part` 1. Only cells
 * with !moving[i] and !masked[i] that are off by less than `level` are asked; the others get their
 * neighbours' gain. */
void shade_follow(struct shade *shade, float *background, const float *now, const uint8_t *moving,
                  const uint8_t *masked, float level, float part);

#endif
