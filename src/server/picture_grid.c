/* picture_grid(): the learned region grid over the camera's picture. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <strings.h>

#include "server/canvas.h"

#define GRID_SIDE 8

static const struct {
    const char *name;
    uint8_t bgr[3];
} colors[] = {
    {"green", {0, 255, 0}}, {"red", {0, 0, 255}},       {"blue", {255, 0, 0}},
    {"black", {0, 0, 0}},   {"white", {255, 255, 255}},
};

static const uint8_t *color_of(const char *name)
{
    for (size_t i = 0; i < sizeof colors / sizeof colors[0]; i++) {
        if (name != NULL && strcasecmp(name, colors[i].name) == 0) {
            return colors[i].bgr;
        }
    }
    return colors[0].bgr;
}

static double number_of(const json_t *cell, const char *key)
{
    return json_number_value(json_object_get(cell, key)); /* 0 when absent */
}

static void draw_cell(struct canvas *canvas, const json_t *cell, int x, int y, const uint8_t bgr[3],
                      double font_scale)
{
    size_t count = json_array_size(json_object_get(cell, "sizes"));
    if (count == 0) {
        return;
    }
    double width = canvas->width;
    double height = canvas->height;
    int32_t box[4] = {(int32_t)(x * width / GRID_SIDE), (int32_t)(y * height / GRID_SIDE),
                      (int32_t)((x + 1) * width / GRID_SIDE),
                      (int32_t)((y + 1) * height / GRID_SIDE)};
    canvas_box(canvas, box, bgr, 2);
    char lines[3][48];
    snprintf(lines[0], sizeof lines[0], "#: %zu", count);
    snprintf(lines[1], sizeof lines[1], "std: %.2f", number_of(cell, "std_dev") * width);
    snprintf(lines[2], sizeof lines[2], "avg: %.2f", number_of(cell, "mean") * width);
    /* Three lines fit into the cell at the scale that is the default; who asks for more gets more.
     */
    double size = fmin(30, height / GRID_SIDE / 3.6 * 2) * font_scale;
    struct canvas_text how = {.bgr = {bgr[0], bgr[1], bgr[2]}, .thickness = 1, .size = size};
    for (int i = 0; i < 3; i++) {
        how.x = box[0] + 0.008 * width;
        how.y = box[1] + (i + 1) * size * 1.1;
        canvas_write(canvas, &how, lines[i]);
    }
}

static int draw_grid(struct canvas *canvas, const json_t *grid, const uint8_t bgr[3],
                     double font_scale)
{
    if (json_array_size(grid) != GRID_SIDE) {
        return -EBADMSG;
    }
    for (int x = 0; x < GRID_SIDE; x++) {
        const json_t *column = json_array_get(grid, (size_t)x);
        if (json_array_size(column) != GRID_SIDE) {
            return -EBADMSG;
        }
        for (int y = 0; y < GRID_SIDE; y++) {
            draw_cell(canvas, json_array_get(column, (size_t)y), x, y, bgr, font_scale);
        }
    }
    return 0;
}

int picture_grid(struct live *live, const struct config *config, int index, const char *grid_json,
                 const char *color, double font_scale, struct str *out)
{
    int64_t age_us = 0;
    uint64_t sequence = 0;
    struct live_picture *picture = live_get_picture(live, index, 0, &age_us, &sequence);
    if (picture == NULL ||
        (double)age_us / 1e6 > config->cameras[index].ffmpeg.common.retry_interval) {
        live_picture_unref(picture);
        return -ENOENT;
    }
    json_t *grid = json_loads(grid_json, 0, NULL);
    AUTO_CANVAS struct canvas canvas;
    int result = canvas_init(&canvas, picture, (struct box){0, 0, picture->width, picture->height},
                             picture->width, picture->height);
    live_picture_unref(picture);
    if (result == 0) {
        if (!(font_scale > 0.05)) {
            font_scale = 0.5;
        }
        result = draw_grid(&canvas, grid, color_of(color), fmin(font_scale, 10));
    }
    json_decref(grid);
    return result < 0 ? result : canvas_encode(&canvas, PICTURE_JPEG, 0, out);
}
