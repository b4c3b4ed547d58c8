/* Any part of an I420 picture at any size, one row of Y, U, V samples at a time. Internal to
 * src/vision: yuv and tensor are made of it. */
#ifndef CORVETTE_VISION_SAMPLER_H
#define CORVETTE_VISION_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "vision/geometry.h"
#include "vision/scale.h"
#include "vision/yuv.h"

struct sampler {
    struct scale_plane luma, chroma;
    struct scale_lines lines[3]; /* by plane */
};

enum sampler_chroma {
    SAMPLER_CHROMA_FULL = 1, /* a chroma sample for every pixel, on the pixel */
    SAMPLER_CHROMA_HALF,     /* for another I420 picture */
};

/* False when there is nothing to sample: an empty area, picture or output. */
bool sampler_aim(struct sampler *sampler, const struct yuv_view *picture, struct box area,
                 int width, int height, enum sampler_chroma chroma);
void sampler_finish(struct sampler *sampler);

/* Output row y of plane 0, 1 or 2 (with SAMPLER_CHROMA_HALF, chroma rows count half). */
void sampler_row(struct sampler *sampler, const struct yuv_view *picture, int plane, int y,
                 uint8_t *out);

#endif
