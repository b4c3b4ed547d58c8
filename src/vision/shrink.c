#include "vision/shrink.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "vision/hot.h"

void shrink_init(struct shrink *shrink, int source_width, int source_height, int width, int height)
{
    *shrink = (struct shrink){.source_width = source_width,
                              .source_height = source_height,
                              .width = width,
                              .height = height};
    shrink->edge_x = mem_array((size_t)width + 1, sizeof *shrink->edge_x);
    shrink->edge_y = mem_array((size_t)height + 1, sizeof *shrink->edge_y);
    shrink->sums = mem_array((size_t)source_width, sizeof *shrink->sums);
    for (int x = 0; x <= width; x++) {
        shrink->edge_x[x] = (int)((int64_t)x * source_width / width);
    }
    for (int y = 0; y <= height; y++) {
        shrink->edge_y[y] = (int)((int64_t)y * source_height / height);
    }
}

void shrink_finish(struct shrink *shrink)
{
    free(shrink->edge_x);
    free(shrink->edge_y);
    free(shrink->sums);
    *shrink = (struct shrink){0};
}

VISION_HOT static void sum_four(uint16_t *restrict sums, const uint8_t *restrict row, int stride,
                                int width)
{
    const uint8_t *b = row + stride, *c = b + stride, *d = c + stride;
    for (int x = 0; x < width; x++) {
        sums[x] = (uint16_t)(sums[x] + row[x] + b[x] + c[x] + d[x]);
    }
}

VISION_HOT static void sum_one(uint16_t *restrict sums, const uint8_t *restrict row, int width)
{
    for (int x = 0; x < width; x++) {
        sums[x] = (uint16_t)(sums[x] + row[x]);
    }
}

/* A row of cells from the sums of their columns. */
static void sum_cells(const struct shrink *shrink, int rows, float *out)
{
    const uint16_t *sums = shrink->sums;
    for (int i = 0; i < shrink->width; i++) {
        int from = shrink->edge_x[i], to = shrink->edge_x[i + 1], sum = 0;
        for (int x = from; x < to; x++) {
            sum += sums[x];
        }
        out[i] = (float)sum / (float)((to - from) * rows);
    }
}

void shrink_run(struct shrink *shrink, const uint8_t *source, int stride, float *out)
{
    int width = shrink->source_width;
    for (int i = 0; i < shrink->height; i++) {
        int y = shrink->edge_y[i], end = shrink->edge_y[i + 1], rows = end - y;
        memset(shrink->sums, 0, (size_t)width * sizeof *shrink->sums);
        for (; y + 4 <= end; y += 4) {
            sum_four(shrink->sums, source + (ptrdiff_t)y * stride, stride, width);
        }
        for (; y < end; y++) {
            sum_one(shrink->sums, source + (ptrdiff_t)y * stride, width);
        }
        sum_cells(shrink, rows, out + (ptrdiff_t)i * shrink->width);
    }
}
