#include "vision/tensor.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "vision/color.h"
#include "vision/hot.h"
#include "vision/sampler.h"

struct tensor_cutter {
    struct tensor_format format;
    struct sampler sampler;
    uint8_t *rows;     /* Y, U, V of one output row */
    uint8_t *channels; /* the tensor's three channels of one row, before they are interleaved */
};

struct tensor_cutter *tensor_cutter_create(const struct tensor_format *format)
{
    struct tensor_cutter *cutter = mem_alloc(sizeof *cutter);
    cutter->format = *format;
    cutter->rows = mem_array((size_t)format->width, 3);
    cutter->channels = mem_array((size_t)format->width, 3);
    return cutter;
}

void tensor_cutter_destroy(struct tensor_cutter *cutter)
{
    if (cutter == NULL) {
        return;
    }
    sampler_finish(&cutter->sampler);
    free(cutter->rows);
    free(cutter->channels);
    free(cutter);
}

VISION_HOT static void row_to_rgb(uint8_t *restrict r, uint8_t *restrict g, uint8_t *restrict b,
                                  const uint8_t *restrict y, const uint8_t *restrict u,
                                  const uint8_t *restrict v, int count)
{
    for (int x = 0; x < count; x++) {
        color_pixel(y[x], u[x], v[x], &r[x], &g[x], &b[x]);
    }
}

VISION_HOT static void interleave(uint8_t *restrict out, const uint8_t *restrict a,
                                  const uint8_t *restrict b, const uint8_t *restrict c, int count)
{
    for (int x = 0; x < count; x++) {
        out[3 * x] = a[x];
        out[3 * x + 1] = b[x];
        out[3 * x + 2] = c[x];
    }
}

/* Where the three channels of row y are to go, apart from each other. */
static void channel_rows(struct tensor_cutter *cutter, uint8_t *tensor, int y, uint8_t *out[3])
{
    size_t width = (size_t)cutter->format.width, plane = width * (size_t)cutter->format.height;
    for (size_t c = 0; c < 3; c++) {
        out[c] = cutter->format.layout == TENSOR_NCHW ? tensor + c * plane + (size_t)y * width
                                                      : cutter->channels + c * width;
    }
}

static void put_row(struct tensor_cutter *cutter, uint8_t *tensor, int y)
{
    const struct tensor_format *format = &cutter->format;
    size_t width = (size_t)format->width;
    const uint8_t *row[3] = {cutter->rows, cutter->rows + width, cutter->rows + 2 * width};
    uint8_t *out[3];
    channel_rows(cutter, tensor, y, out);
    switch (format->pixels) {
    case TENSOR_PIXELS_RGB:
        row_to_rgb(out[0], out[1], out[2], row[0], row[1], row[2], format->width);
        break;
    case TENSOR_PIXELS_BGR:
        row_to_rgb(out[2], out[1], out[0], row[0], row[1], row[2], format->width);
        break;
    case TENSOR_PIXELS_YUV:
        for (int c = 0; c < 3; c++) {
            memcpy(out[c], row[c], width);
        }
        break;
    }
    if (format->layout == TENSOR_NHWC) {
        interleave(tensor + 3 * width * (size_t)y, out[0], out[1], out[2], format->width);
    }
}

void tensor_cut(struct tensor_cutter *cutter, const struct yuv_view *picture, struct box region,
                uint8_t *tensor)
{
    size_t width = (size_t)cutter->format.width;
    bool has_picture = sampler_aim(&cutter->sampler, picture, region, cutter->format.width,
                                   cutter->format.height, SAMPLER_CHROMA_FULL);
    if (!has_picture) {
        memset(cutter->rows, YUV_BLACK_LUMA, width);
        memset(cutter->rows + width, YUV_BLACK_CHROMA, 2 * width);
    }
    for (int y = 0; y < cutter->format.height; y++) {
        for (int plane = 0; plane < 3 && has_picture; plane++) {
            sampler_row(&cutter->sampler, picture, plane, y, cutter->rows + (size_t)plane * width);
        }
        put_row(cutter, tensor, y);
    }
}
