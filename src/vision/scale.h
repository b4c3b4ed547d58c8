/* Scaling of planes of bytes, row by row. Up to 2:1 bilinear; beyond it every source sample is
 * averaged (at 2:1 the two are the same). Internal to src/vision.
 *
 * Bilinear: each source row is scaled across once (`lines` keeps the last two) and two such lines
 * make an output row. Averaging: the source rows of an output row are summed, and the sum is
 * averaged across. Positions are edge coordinates: sample k covers k..k+1. */
#ifndef CORVETTE_VISION_SCALE_H
#define CORVETTE_VISION_SCALE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sum of the weights of one output: a weighted byte stays within 15 bits. */
#define SCALE_UNIT 128

/* Eight neighbouring outputs of a bilinear axis: 16 source bytes from `offset` hold all they need.
 */
struct scale_group {
    int offset;
    uint8_t pick[16]; /* left and right neighbour of each output, from `offset` */
    uint16_t left[8], right[8];
};

/* The table for one direction. */
struct scale_axis {
    int count;                  /* outputs */
    int live_from, live_to;     /* outputs with picture under them; outside it is black */
    int source_from, source_to; /* samples the live outputs use */
    bool is_average, is_copy;   /* is_copy: output i is sample start[i], nothing mixed */
    double origin, step;
    int length;       /* samples of the plane */
    int taps;         /* weights per output */
    int *start;       /* first sample of each output */
    int16_t *weights; /* taps per output */
    struct scale_group *groups;
    size_t start_capacity, weight_capacity, group_capacity;
};

/* Where an axis lies on its plane: output i covers origin + i * step .. + step; an output whose
 * middle is not within low..high is black; `length` samples exist (at least one). */
struct scale_span {
    double origin, step;
    double low, high;
    int length;
};

/* Both directions of a plane (or of two alike). */
struct scale_plane {
    struct scale_axis columns, rows;
};

/* What is kept from row to row of one plane. */
struct scale_lines {
    uint8_t *lines[2]; /* bilinear: source rows scaled across */
    int row[2];        /* which, -1 = none */
    int16_t *mixed;    /* averaging: weighted sum of rows */
    int *sums;         /* averaging: running sum of `mixed` */
    size_t line_capacity, mixed_capacity;
};

void scale_plane_set(struct scale_plane *plane, int width, struct scale_span across, int height,
                     struct scale_span down);
void scale_plane_finish(struct scale_plane *plane);

/* Before the first row of a picture. */
void scale_lines_set(struct scale_lines *lines, const struct scale_plane *plane);
void scale_lines_finish(struct scale_lines *lines);

/* Output row y of the plane at `source`; `black` where there is no picture. Fastest from top to
 * bottom. */
void scale_plane_row(const struct scale_plane *plane, struct scale_lines *lines,
                     const uint8_t *source, int stride, int y, uint8_t black, uint8_t *out);

#endif
