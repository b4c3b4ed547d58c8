/* Averages a plane of bytes down to a small picture of cells. Every source pixel belongs to exactly
 * one cell (cells differ by a pixel in size where the division leaves a rest), the same in every
 * picture: what stands still gives still numbers. Internal to src/vision. */
#ifndef CORVETTE_VISION_SHRINK_H
#define CORVETTE_VISION_SHRINK_H

#include <stdint.h>

struct shrink {
    int source_width, source_height;
    int width, height;    /* in cells */
    int *edge_x, *edge_y; /* width + 1, height + 1: cell i covers edge[i] .. edge[i + 1] */
    uint16_t *sums;       /* of one row of cells, by source column */
};

/* 1 <= width <= source_width, likewise height; cells of at most SHRINK_MAX_CELL rows. */
#define SHRINK_MAX_CELL 256
void shrink_init(struct shrink *shrink, int source_width, int source_height, int width, int height);
void shrink_finish(struct shrink *shrink);

/* `out`: width * height means, 0..255. */
void shrink_run(struct shrink *shrink, const uint8_t *source, int stride, float *out);

#endif
