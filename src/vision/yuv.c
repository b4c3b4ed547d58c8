#include "vision/yuv.h"

#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "vision/color.h"
#include "vision/hot.h"
#include "vision/sampler.h"

static int half(int length)
{
    return (length + 1) / 2;
}

struct yuv_canvas yuv_canvas(uint8_t *picture, int width, int height)
{
    size_t luma = (size_t)width * (size_t)height;
    size_t chroma = (size_t)half(width) * (size_t)half(height);
    return (struct yuv_canvas){
        .planes = {picture, picture + luma, picture + luma + chroma},
        .strides = {width, half(width), half(width)},
        .width = width,
        .height = height,
    };
}

struct yuv_view yuv_view(const uint8_t *picture, int width, int height)
{
    size_t luma = (size_t)width * (size_t)height;
    size_t chroma = (size_t)half(width) * (size_t)half(height);
    return (struct yuv_view){
        .planes = {picture, picture + luma, picture + luma + chroma},
        .strides = {width, half(width), half(width)},
        .width = width,
        .height = height,
    };
}

struct yuv_view yuv_canvas_view(const struct yuv_canvas *canvas)
{
    return (struct yuv_view){
        .planes = {canvas->planes[0], canvas->planes[1], canvas->planes[2]},
        .strides = {canvas->strides[0], canvas->strides[1], canvas->strides[2]},
        .width = canvas->width,
        .height = canvas->height,
    };
}

static int plane_width(const struct yuv_canvas *canvas, int plane)
{
    return plane == 0 ? canvas->width : half(canvas->width);
}

static int plane_height(const struct yuv_canvas *canvas, int plane)
{
    return plane == 0 ? canvas->height : half(canvas->height);
}

static uint8_t *plane_row(const struct yuv_canvas *canvas, int plane, int y)
{
    return canvas->planes[plane] + (ptrdiff_t)y * canvas->strides[plane];
}

void yuv_fill(const struct yuv_canvas *canvas, uint8_t y, uint8_t u, uint8_t v)
{
    const uint8_t values[3] = {y, u, v};
    for (int plane = 0; plane < 3; plane++) {
        for (int row = 0; row < plane_height(canvas, plane); row++) {
            memset(plane_row(canvas, plane, row), values[plane],
                   (size_t)plane_width(canvas, plane));
        }
    }
}

/* Whether the area can be copied sample by sample. */
static bool is_plain_copy(const struct yuv_view *picture, struct box area,
                          const struct yuv_canvas *canvas)
{
    return area.x2 - (int64_t)area.x1 == canvas->width &&
           area.y2 - (int64_t)area.y1 == canvas->height && area.x1 >= 0 && area.y1 >= 0 &&
           area.x2 <= picture->width && area.y2 <= picture->height && area.x1 % 2 == 0 &&
           area.y1 % 2 == 0;
}

static void copy_area(const struct yuv_view *picture, struct box area,
                      const struct yuv_canvas *canvas)
{
    for (int plane = 0; plane < 3; plane++) {
        int x = plane == 0 ? area.x1 : area.x1 / 2, y = plane == 0 ? area.y1 : area.y1 / 2;
        for (int row = 0; row < plane_height(canvas, plane); row++) {
            memcpy(plane_row(canvas, plane, row),
                   picture->planes[plane] + (ptrdiff_t)(y + row) * picture->strides[plane] + x,
                   (size_t)plane_width(canvas, plane));
        }
    }
}

void yuv_scale(const struct yuv_view *picture, struct box area, const struct yuv_canvas *canvas)
{
    struct sampler sampler = {0};
    if (is_plain_copy(picture, area, canvas)) {
        copy_area(picture, area, canvas);
        return;
    }
    if (!sampler_aim(&sampler, picture, area, canvas->width, canvas->height, SAMPLER_CHROMA_HALF)) {
        yuv_fill(canvas, YUV_BLACK_LUMA, YUV_BLACK_CHROMA, YUV_BLACK_CHROMA);
        return;
    }
    for (int plane = 0; plane < 3; plane++) {
        for (int row = 0; row < plane_height(canvas, plane); row++) {
            sampler_row(&sampler, picture, plane, row, plane_row(canvas, plane, row));
        }
    }
    sampler_finish(&sampler);
}

VISION_HOT static void row_to_bgrx(uint32_t *restrict out, const uint8_t *restrict y,
                                   const uint8_t *restrict u, const uint8_t *restrict v, int count)
{
    for (int x = 0; x < count; x++) {
        uint8_t r, g, b;
        color_pixel(y[x], u[x], v[x], &r, &g, &b);
        out[x] = 0xff000000u | (uint32_t)r << 16 | (uint32_t)g << 8 | b;
    }
}

void yuv_to_bgrx(const struct yuv_view *picture, struct box area, uint8_t *out, int width,
                 int height, int stride)
{
    struct sampler sampler = {0};
    if (width <= 0 || height <= 0) {
        return;
    }
    bool has_picture = sampler_aim(&sampler, picture, area, width, height, SAMPLER_CHROMA_FULL);
    size_t samples = (size_t)width;
    AUTO_FREE uint8_t *rows = mem_alloc(3 * samples);
    AUTO_FREE uint32_t *pixels = mem_array(samples, sizeof *pixels);
    memset(rows, YUV_BLACK_LUMA, samples);
    memset(rows + samples, YUV_BLACK_CHROMA, 2 * samples);
    for (int y = 0; y < height; y++) {
        for (int plane = 0; plane < 3 && has_picture; plane++) {
            sampler_row(&sampler, picture, plane, y, rows + (size_t)plane * samples);
        }
        row_to_bgrx(pixels, rows, rows + samples, rows + 2 * samples, width);
        memcpy(out + (ptrdiff_t)y * stride, pixels, samples * sizeof *pixels);
    }
    sampler_finish(&sampler);
}

/* Coefficients * 65536 of BT.601 limited range. */
static inline uint8_t luma_of(int r, int g, int b)
{
    return (uint8_t)((16829 * r + 33039 * g + 6416 * b + (16 << 16) + 32768) >> 16);
}

/* Sums over `1 << shift` pixels. */
static inline uint8_t u_of(int r, int g, int b, int shift)
{
    return (uint8_t)((-9714 * r - 19071 * g + 28784 * b + (128 << (16 + shift)) +
                      (1 << (15 + shift))) >>
                     (16 + shift));
}

static inline uint8_t v_of(int r, int g, int b, int shift)
{
    return (
        uint8_t)((28784 * r - 24103 * g - 4681 * b + (128 << (16 + shift)) + (1 << (15 + shift))) >>
                 (16 + shift));
}

void yuv_of_rgb(const uint8_t rgb[3], uint8_t yuv[3])
{
    yuv[0] = luma_of(rgb[0], rgb[1], rgb[2]);
    yuv[1] = u_of(rgb[0], rgb[1], rgb[2], 0);
    yuv[2] = v_of(rgb[0], rgb[1], rgb[2], 0);
}

void yuv_to_rgb(const uint8_t yuv[3], uint8_t rgb[3])
{
    color_pixel(yuv[0], yuv[1], yuv[2], &rgb[0], &rgb[1], &rgb[2]);
}

/* B, G, R summed over the pixels around a chroma sample: columns x-1, x, x+1 as 1:2:1 (the sample
 * sits on column x), both rows alike; 8 pixels in all. */
static void sum_around(const uint8_t *upper, const uint8_t *lower, int x, int width, int sum[3])
{
    int left = x > 0 ? x - 1 : x, right = x + 1 < width ? x + 1 : x;
    for (int c = 0; c < 3; c++) {
        sum[c] = upper[4 * left + c] + lower[4 * left + c] + upper[4 * right + c] +
                 lower[4 * right + c] + 2 * (upper[4 * x + c] + lower[4 * x + c]);
    }
}

void yuv_from_bgrx(const uint8_t *pixels, int stride, const struct yuv_canvas *canvas)
{
    for (int y = 0; y < canvas->height; y++) {
        const uint8_t *in = pixels + (ptrdiff_t)y * stride;
        uint8_t *out = plane_row(canvas, 0, y);
        for (int x = 0; x < canvas->width; x++) {
            out[x] = luma_of(in[4 * x + 2], in[4 * x + 1], in[4 * x]);
        }
    }
    for (int y = 0; y < half(canvas->height); y++) {
        const uint8_t *upper = pixels + (ptrdiff_t)(2 * y) * stride;
        const uint8_t *lower = 2 * y + 1 < canvas->height ? upper + stride : upper;
        uint8_t *u = plane_row(canvas, 1, y), *v = plane_row(canvas, 2, y);
        for (int x = 0; x < half(canvas->width); x++) {
            int sum[3];
            sum_around(upper, lower, 2 * x, canvas->width, sum);
            u[x] = u_of(sum[2], sum[1], sum[0], 3);
            v[x] = v_of(sum[2], sum[1], sum[0], 3);
        }
    }
}
