/* Cuts a square region out of a planar I420 picture and scales it straight into a model's input
 * tensor (one byte per channel value), without an RGB picture in between. What hangs over the
 * picture is black (luma 16, chroma 128). Bilinear up to 2:1, averaging beyond. BT.601 limited
 * range.
 *
 * A cutter holds the tables and row buffers for one format; use it from one thread at a time. */
#ifndef CORVETTE_VISION_TENSOR_H
#define CORVETTE_VISION_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#include "vision/geometry.h"
#include "vision/yuv.h"

enum tensor_pixels { TENSOR_PIXELS_RGB = 1, TENSOR_PIXELS_BGR, TENSOR_PIXELS_YUV };
enum tensor_layout { TENSOR_NHWC = 1, TENSOR_NCHW };

struct tensor_format {
    int width, height; /* of the model's input */
    enum tensor_pixels pixels;
    enum tensor_layout layout;
};

struct tensor_cutter;

static inline size_t tensor_bytes(const struct tensor_format *format)
{
    return (size_t)format->width * (size_t)format->height * 3;
}

struct tensor_cutter *tensor_cutter_create(const struct tensor_format *format);
void tensor_cutter_destroy(struct tensor_cutter *cutter); /* NULL is fine */

/* `region`: x2, y2 exclusive; may hang over any side of the picture; stretched to the model's shape
 * when it is not square. An empty region gives a black tensor. `tensor` holds tensor_bytes(). */
void tensor_cut(struct tensor_cutter *cutter, const struct yuv_view *picture, struct box region,
                uint8_t *tensor);

#endif
