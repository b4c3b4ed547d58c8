#include "sensor.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { NOISE_COUNT = 1 << 16, GAIN_ONE = 256 };

/* From RGB bytes to one of Y, Cb, Cr: sum of weight * value, in 1/256, plus an offset. */
struct mix {
    int r, g, b, offset;
};

struct sensor {
    const struct light *light;
    const struct view *view;
    uint64_t seed;
    struct mix luma, blue, red;
    float *grid;     /* light_gain_grid() of this frame */
    uint16_t *gains; /* one row of pixel gains, GAIN_ONE = unchanged */
    int8_t noise[NOISE_COUNT];
};

static void *must_allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

/* BT.601 limited range, with the light's tint, contrast and saturation folded in. */
static struct mix make_mix(const struct light *light, double r, double g, double b, double range,
                           double offset)
{
    const double scale = 256 * range / 255 * light->contrast;
    return (struct mix){(int)lrint(r * scale * light->tint.r),
                        (int)lrint(g * scale * light->tint.g),
                        (int)lrint(b * scale * light->tint.b), (int)lrint(offset * 256) + 128};
}

static void make_noise(struct sensor *sensor)
{
    struct rng rng = rng_make(sensor->seed, 5);
    for (int i = 0; i < NOISE_COUNT; i++) {
        const double value = rng_gauss(&rng) * sensor->light->noise_sigma;
        sensor->noise[i] = (int8_t)lrint(fmin(fmax(value, -100), 100));
    }
}

struct sensor *sensor_create(const struct scene *scene, uint64_t seed)
{
    struct sensor *sensor = must_allocate(1, sizeof *sensor);
    const struct light *light = &scene->light;
    const size_t cells =
        (size_t)light_grid_columns(&scene->view) * (size_t)light_grid_rows(&scene->view);
    sensor->light = light;
    sensor->view = &scene->view;
    sensor->seed = seed;
    sensor->luma = make_mix(light, 0.299, 0.587, 0.114, 219, 16 + light->black);
    const double chroma = 224 * light->saturation;
    sensor->blue = make_mix(light, -0.168736, -0.331264, 0.5, chroma, 128);
    sensor->red = make_mix(light, 0.5, -0.418688, -0.081312, chroma, 128);
    sensor->grid = must_allocate(cells, sizeof *sensor->grid);
    sensor->gains =
        must_allocate((size_t)scene->view.width_px + LIGHT_GRID_PX, sizeof *sensor->gains);
    make_noise(sensor);
    return sensor;
}

void sensor_destroy(struct sensor *sensor)
{
    if (sensor == NULL) {
        return;
    }
    free(sensor->grid);
    free(sensor->gains);
    free(sensor);
}

/* Straight lines between the corners of the gain grid. */
static void fill_gains(struct sensor *sensor, int y)
{
    const int columns = light_grid_columns(sensor->view);
    const float *above = sensor->grid + (ptrdiff_t)(y / LIGHT_GRID_PX) * columns;
    const float *below = above + columns;
    const float down = (float)(y % LIGHT_GRID_PX) / LIGHT_GRID_PX;
    for (int column = 0; column + 1 < columns; column++) {
        const float left = above[column] + (below[column] - above[column]) * down;
        const float right = above[column + 1] + (below[column + 1] - above[column + 1]) * down;
        const int step = (int)((right - left) * GAIN_ONE * 256) / LIGHT_GRID_PX;
        int gain = (int)(left * GAIN_ONE * 256);
        if (column * LIGHT_GRID_PX >= sensor->view->width_px) {
            break;
        }
        uint16_t *gains = sensor->gains + column * LIGHT_GRID_PX;
        for (int i = 0; i < LIGHT_GRID_PX; i++) {
            gains[i] = (uint16_t)(gain >> 8);
            gain += step;
        }
    }
}

static uint8_t clamp_byte(int value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void develop_luma(const struct sensor *sensor, const uint32_t *pixels, uint8_t *out,
                         const int8_t *noise)
{
    const struct mix mix = sensor->luma;
    for (int x = 0; x < sensor->view->width_px; x++) {
        const int r = pixels[x] >> 16 & 0xff, g = pixels[x] >> 8 & 0xff, b = pixels[x] & 0xff;
        const int sum = ((mix.r * r + mix.g * g + mix.b * b) >> 4) * sensor->gains[x] >> 4;
        out[x] = clamp_byte(((sum + mix.offset) >> 8) + noise[x]);
    }
}

/* One chroma sample from the four pixels it covers; a grey picture has no chroma noise either. */
static void develop_chroma(const struct sensor *sensor, const uint32_t *top, const uint32_t *bottom,
                           struct mix mix, uint8_t *out, const int8_t *noise)
{
    const int noise_share = sensor->light->saturation > 0 ? 1 : 0;
    for (int x = 0; x < sensor->view->width_px / 2; x++) {
        const uint32_t a = top[2 * x], b = top[2 * x + 1], c = bottom[2 * x], d = bottom[2 * x + 1];
        const int red =
            (int)((a >> 16 & 0xff) + (b >> 16 & 0xff) + (c >> 16 & 0xff) + (d >> 16 & 0xff)) >> 2;
        const int green =
            (int)((a >> 8 & 0xff) + (b >> 8 & 0xff) + (c >> 8 & 0xff) + (d >> 8 & 0xff)) >> 2;
        const int blue = (int)((a & 0xff) + (b & 0xff) + (c & 0xff) + (d & 0xff)) >> 2;
        const int sum =
            ((mix.r * red + mix.g * green + mix.b * blue) >> 4) * sensor->gains[2 * x] >> 4;
        out[x] = clamp_byte(((sum + mix.offset) >> 8) + noise[x] * noise_share / 2);
    }
}

/* A different stretch of the noise table for every row of every frame. */
static const int8_t *noise_row(const struct sensor *sensor, struct rng *rng)
{
    return sensor->noise + rng_int(rng, 0, NOISE_COUNT - sensor->view->width_px - 1);
}

void sensor_develop(struct sensor *sensor, const struct stage *stage, double time_s, int frame,
                    struct i420 *out)
{
    const unsigned char *pixels = cairo_image_surface_get_data(stage->picture);
    const int stride = cairo_image_surface_get_stride(stage->picture);
    struct rng rng = rng_make(sensor->seed + (uint64_t)frame, 6);
    light_gain_grid(sensor->light, sensor->view, time_s, sensor->grid);
    for (int y = 0; y < sensor->view->height_px; y += 2) {
        const uint32_t *top = (const uint32_t *)(const void *)(pixels + (ptrdiff_t)y * stride);
        const uint32_t *bottom =
            (const uint32_t *)(const void *)(pixels + (ptrdiff_t)(y + 1) * stride);
        uint8_t *luma = out->planes[0] + (ptrdiff_t)y * out->strides[0];
        fill_gains(sensor, y);
        develop_luma(sensor, top, luma, noise_row(sensor, &rng));
        develop_luma(sensor, bottom, luma + out->strides[0], noise_row(sensor, &rng));
        develop_chroma(sensor, top, bottom, sensor->blue,
                       out->planes[1] + (ptrdiff_t)(y / 2) * out->strides[1],
                       noise_row(sensor, &rng));
        develop_chroma(sensor, top, bottom, sensor->red,
                       out->planes[2] + (ptrdiff_t)(y / 2) * out->strides[2],
                       noise_row(sensor, &rng));
    }
}

struct i420 *i420_create(int width_px, int height_px)
{
    struct i420 *picture = must_allocate(1, sizeof *picture);
    const size_t luma = (size_t)width_px * (size_t)height_px;
    picture->width_px = width_px;
    picture->height_px = height_px;
    picture->planes[0] = must_allocate(luma + luma / 2, 1);
    picture->planes[1] = picture->planes[0] + luma;
    picture->planes[2] = picture->planes[1] + luma / 4;
    picture->strides[0] = width_px;
    picture->strides[1] = picture->strides[2] = width_px / 2;
    return picture;
}

void i420_destroy(struct i420 *picture)
{
    if (picture == NULL) {
        return;
    }
    free(picture->planes[0]);
    free(picture);
}

size_t i420_bytes(const struct i420 *picture)
{
    return (size_t)picture->width_px * (size_t)picture->height_px * 3 / 2;
}
