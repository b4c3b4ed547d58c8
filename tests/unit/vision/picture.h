/* A drawn I420 picture, and what scaling a part of it should give, in plain double arithmetic. */
#ifndef CORVETTE_TEST_VISION_PICTURE_H
#define CORVETTE_TEST_VISION_PICTURE_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "draw.h"
#include "vision/yuv.h"

/* Slow waves in each plane with a few hard edges; `stride_extra` bytes of padding end each row. */
struct picture {
    uint8_t *bytes[3];
    struct yuv_view view;
};

static inline void picture_draw(struct picture *p, int width, int height, int stride_extra)
{
    p->view = (struct yuv_view){.width = width, .height = height};
    for (int plane = 0; plane < 3; plane++) {
        int w = plane == 0 ? width : (width + 1) / 2, h = plane == 0 ? height : (height + 1) / 2;
        int stride = w + stride_extra, zoom = plane == 0 ? 1 : 2;
        p->bytes[plane] = malloc((size_t)stride * (size_t)h);
        for (int y = 0; y < h; y++) {
            for (int x = 0; x < w; x++) {
                double wave = sin(x * zoom * 0.031 + plane) + cos(y * zoom * 0.043 - plane);
                int edge = (x * zoom / 97 + y * zoom / 61) % 2 ? 25 : -25;
                p->bytes[plane][y * stride + x] = (uint8_t)clip_byte(
                    (int)lrint(126 + 38 * wave) + (plane == 0 ? edge : edge / 3));
            }
        }
        p->view.planes[plane] = p->bytes[plane];
        p->view.strides[plane] = stride;
    }
}

static inline void picture_free(struct picture *p)
{
    for (int plane = 0; plane < 3; plane++) {
        free(p->bytes[plane]);
    }
}

/* One direction of an output sample on a plane: it covers from .. from + step of the samples. */
struct cover {
    double from, step;
    int length; /* samples of the plane */
};

static inline int clamp_index(int i, int length)
{
    return i < 0 ? 0 : i >= length ? length - 1 : i;
}

/* Weight of sample k: linear up to 2:1, beyond it the part that is covered. */
static inline int cover_weights(struct cover c, int first[1], double *weights)
{
    if (c.step <= 2) {
        double at = c.from + c.step / 2 - 0.5;
        first[0] = (int)floor(at);
        weights[1] = at - first[0];
        weights[0] = 1 - weights[1];
        return 2;
    }
    double from = fmax(c.from, 0), to = fmin(c.from + c.step, c.length);
    int count = 0;
    first[0] = (int)floor(from);
    for (int k = first[0]; k < to; k++) {
        weights[count++] = (fmin(k + 1, to) - fmax(k, from)) / (to - from);
    }
    return count;
}

static inline double cover_mean(const struct yuv_view *view, int plane, struct cover across,
                                struct cover down)
{
    static double wx[8192], wy[8192];
    int x0, y0, nx = cover_weights(across, &x0, wx), ny = cover_weights(down, &y0, wy);
    double sum = 0;
    for (int j = 0; j < ny; j++) {
        const uint8_t *row = view->planes[plane] +
                             (ptrdiff_t)clamp_index(y0 + j, down.length) * view->strides[plane];
        for (int i = 0; i < nx; i++) {
            sum += wx[i] * wy[j] * row[clamp_index(x0 + i, across.length)];
        }
    }
    return sum;
}

/* Y, U and V at luma position from .. from + step both ways, black outside the picture. Chroma sits
 * on the even column, between two rows. */
static inline void picture_sample(const struct yuv_view *view, double x, double step_x, double y,
                                  double step_y, double out[3])
{
    double middle_x = x + step_x / 2, middle_y = y + step_y / 2;
    out[0] = YUV_BLACK_LUMA;
    out[1] = out[2] = YUV_BLACK_CHROMA;
    if (middle_x < 0 || middle_y < 0 || middle_x > view->width || middle_y > view->height) {
        return;
    }
    for (int plane = 0; plane < 3; plane++) {
        struct cover across = {x, step_x, view->width}, down = {y, step_y, view->height};
        if (plane > 0) {
            across = (struct cover){(x + 0.5) / 2, step_x / 2, (view->width + 1) / 2};
            down = (struct cover){y / 2, step_y / 2, (view->height + 1) / 2};
        }
        out[plane] = cover_mean(view, plane, across, down);
    }
}

static inline double clip_level(double value)
{
    return value < 0 ? 0 : value > 255 ? 255 : value;
}

/* BT.601, limited range. */
static inline void rgb_of(const double yuv[3], double rgb[3])
{
    double y = 255.0 / 219 * (yuv[0] - 16), u = yuv[1] - 128, v = yuv[2] - 128;
    double scale = 255.0 / 224;
    rgb[0] = clip_level(y + 1.402 * scale * v);
    rgb[1] = clip_level(y - (0.114 * 1.772 * u + 0.299 * 1.402 * v) / 0.587 * scale);
    rgb[2] = clip_level(y + 1.772 * scale * u);
}

/* How far bytes are from what they should be. */
struct deviation {
    double most, sum;
    long count;
};

static inline void deviation_add(struct deviation *d, uint8_t is, double should)
{
    double off = fabs(is - should);
    d->most = off > d->most ? off : d->most;
    d->sum += off;
    d->count++;
}

#endif
