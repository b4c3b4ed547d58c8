#include "server/canvas.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "vision/yuv.h"

#define FONT "sans"
/* cv2's Hershey font at Frigate's scale 0.5 is about this size. */
#define CAPTION_SIZE 15.0
#define CAPTION_SIZE_MIN 9.0
#define TEXT_MARGIN 6.0

static int canvas_new(struct canvas *canvas, int width, int height)
{
    memset(canvas, 0, sizeof *canvas);
    if (width < 1 || height < 1) {
        return -EINVAL;
    }
    canvas->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    if (cairo_surface_status(canvas->surface) != CAIRO_STATUS_SUCCESS) {
        canvas_finish(canvas);
        return -ENOMEM;
    }
    canvas->width = width;
    canvas->height = height;
    return 0;
}

static void start_drawing(struct canvas *canvas, struct box area)
{
    canvas->area = area;
    canvas->scale_x = (double)canvas->width / box_width(area);
    canvas->scale_y = (double)canvas->height / box_height(area);
    canvas->cairo = cairo_create(canvas->surface);
    cairo_set_line_join(canvas->cairo, CAIRO_LINE_JOIN_MITER);
    cairo_select_font_face(canvas->cairo, FONT, CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
}

int canvas_init_black(struct canvas *canvas, int width, int height)
{
    int result = canvas_new(canvas, width, height);
    if (result == 0) {
        start_drawing(canvas, (struct box){0, 0, width, height}); /* new surfaces are zeroed */
    }
    return result;
}

int canvas_init(struct canvas *canvas, const struct live_picture *picture, struct box area,
                int width, int height)
{
    if (box_width(area) < 1 || box_height(area) < 1) {
        memset(canvas, 0, sizeof *canvas);
        return -EINVAL;
    }
    int result = canvas_new(canvas, width, height);
    if (result < 0) {
        return result;
    }
    struct yuv_view view = yuv_view(picture->pixels, picture->width, picture->height);
    cairo_surface_flush(canvas->surface);
    yuv_to_bgrx(&view, area, cairo_image_surface_get_data(canvas->surface), width, height,
                cairo_image_surface_get_stride(canvas->surface));
    cairo_surface_mark_dirty(canvas->surface);
    start_drawing(canvas, area);
    return 0;
}

void canvas_finish(struct canvas *canvas)
{
    if (canvas->cairo != NULL) {
        cairo_destroy(canvas->cairo);
    }
    if (canvas->surface != NULL) {
        cairo_surface_destroy(canvas->surface);
    }
    memset(canvas, 0, sizeof *canvas);
}

static double to_x(const struct canvas *canvas, double x)
{
    return (x - canvas->area.x1) * canvas->scale_x;
}

static double to_y(const struct canvas *canvas, double y)
{
    return (y - canvas->area.y1) * canvas->scale_y;
}

/* Lines and text keep their share of the picture, but never more than on a full-size one. */
static double shrink(const struct canvas *canvas, double length, double least)
{
    double scaled = length * (canvas->scale_y < 1 ? canvas->scale_y : 1);
    return scaled > least ? scaled : least;
}

static void set_color(struct canvas *canvas, const uint8_t bgr[3])
{
    cairo_set_source_rgb(canvas->cairo, bgr[2] / 255.0, bgr[1] / 255.0, bgr[0] / 255.0);
}

static double line_width(const struct canvas *canvas, double thickness)
{
    return round(shrink(canvas, thickness, 1));
}

/* Frames are drawn on whole pixels, centred on the box's edge, so that they stay crisp. */
void canvas_box(struct canvas *canvas, const int32_t box[4], const uint8_t bgr[3], double thickness)
{
    double line = line_width(canvas, thickness);
    double half = floor(line / 2);
    double x1 = round(to_x(canvas, box[0])) - half;
    double y1 = round(to_y(canvas, box[1])) - half;
    double x2 = round(to_x(canvas, box[2])) + line - half;
    double y2 = round(to_y(canvas, box[3])) + line - half;
    cairo_save(canvas->cairo);
    cairo_set_antialias(canvas->cairo, CAIRO_ANTIALIAS_NONE);
    cairo_set_line_width(canvas->cairo, line);
    set_color(canvas, bgr);
    cairo_rectangle(canvas->cairo, x1 + line / 2, y1 + line / 2, x2 - x1 - line, y2 - y1 - line);
    cairo_stroke(canvas->cairo);
    cairo_restore(canvas->cairo);
}

void canvas_polygon(struct canvas *canvas, const float *xy, size_t count, const uint8_t bgr[3],
                    double thickness)
{
    double whole_width = box_width(canvas->area) * canvas->scale_x;
    double whole_height = box_height(canvas->area) * canvas->scale_y;
    cairo_new_path(canvas->cairo);
    for (size_t i = 0; i < count; i++) {
        cairo_line_to(canvas->cairo, (double)xy[2 * i] * whole_width,
                      (double)xy[2 * i + 1] * whole_height);
    }
    cairo_close_path(canvas->cairo);
    set_color(canvas, bgr);
    if (thickness > 0) {
        cairo_set_line_width(canvas->cairo, line_width(canvas, thickness));
        cairo_stroke(canvas->cairo);
    } else {
        cairo_fill(canvas->cairo);
    }
}

void canvas_caption(struct canvas *canvas, const int32_t box[4], const char *text,
                    const uint8_t bgr[3], double thickness)
{
    static const uint8_t black[3] = {0, 0, 0};
    cairo_t *cairo = canvas->cairo;
    cairo_set_font_size(cairo, shrink(canvas, CAPTION_SIZE, CAPTION_SIZE_MIN));
    cairo_text_extents_t extents;
    cairo_font_extents_t font;
    cairo_text_extents(cairo, text, &extents);
    cairo_font_extents(cairo, &font);
    double line = line_width(canvas, thickness);
    double width = ceil(extents.x_advance) + 6;
    double height = ceil(font.ascent + font.descent) + 2;
    double x = round(to_x(canvas, box[0])) - floor(line / 2);
    double y = round(to_y(canvas, box[1])) - floor(line / 2) - height;
    if (y < 0) {
        y = round(to_y(canvas, box[1])) + line - floor(line / 2);
        y = y < 0 ? 0 : y;
    }
    if (x + width > canvas->width) {
        x = canvas->width - width;
    }
    x = x < 0 ? 0 : x;
    set_color(canvas, bgr);
    cairo_rectangle(cairo, x, y, width, height);
    cairo_fill(cairo);
    set_color(canvas, black);
    cairo_move_to(cairo, x + 3, y + 1 + round(font.ascent));
    cairo_show_text(cairo, text);
}

/* Fill, plus an outline for each step of thickness over 1. */
static void draw_text(struct canvas *canvas, double x, double y, double size, int thickness,
                      const uint8_t bgr[3], const char *text)
{
    cairo_t *cairo = canvas->cairo;
    set_color(canvas, bgr);
    cairo_move_to(cairo, x, y);
    cairo_text_path(cairo, text);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_width(cairo, (thickness - 1) * size * 0.03);
    if (thickness > 1) {
        cairo_fill_preserve(cairo);
        cairo_stroke(cairo);
    } else {
        cairo_fill(cairo);
    }
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_MITER);
}

static double fitting_size(struct canvas *canvas, const struct canvas_text *how, const char *text)
{
    if (how->width <= 0) {
        return how->size;
    }
    double width = fmin(how->width, canvas->width - 2 * TEXT_MARGIN);
    cairo_set_font_size(canvas->cairo, 100);
    cairo_text_extents_t extents;
    cairo_text_extents(canvas->cairo, text, &extents);
    double size = extents.x_advance > 0 ? 100 * width / extents.x_advance : 12;
    return fmax(6, fmin(size, canvas->height / 4.0));
}

void canvas_write(struct canvas *canvas, const struct canvas_text *how, const char *text)
{
    cairo_t *cairo = canvas->cairo;
    double size = fitting_size(canvas, how, text);
    cairo_set_font_size(cairo, size);
    cairo_text_extents_t extents;
    cairo_font_extents_t font;
    cairo_text_extents(cairo, text, &extents);
    cairo_font_extents(cairo, &font);
    double x = how->x;
    double y = how->y;
    if (how->corner != 0) {
        bool right = how->corner == CFG_TOP_RIGHT || how->corner == CFG_BOTTOM_RIGHT;
        bool bottom = how->corner == CFG_BOTTOM_LEFT || how->corner == CFG_BOTTOM_RIGHT;
        x = right ? canvas->width - TEXT_MARGIN - extents.x_advance : TEXT_MARGIN;
        y = bottom ? canvas->height - TEXT_MARGIN - font.descent : TEXT_MARGIN + font.ascent;
    }
    if (how->effect == CFG_EFFECT_SOLID) {
        const uint8_t inverse[3] = {(uint8_t)(255 - how->bgr[0]), (uint8_t)(255 - how->bgr[1]),
                                    (uint8_t)(255 - how->bgr[2])};
        set_color(canvas, inverse);
        cairo_rectangle(cairo, x - TEXT_MARGIN / 2, y - font.ascent - 1,
                        extents.x_advance + TEXT_MARGIN, font.ascent + font.descent + 2);
        cairo_fill(cairo);
    } else if (how->effect == CFG_EFFECT_SHADOW) {
        const uint8_t inverse[3] = {(uint8_t)(255 - how->bgr[0]), (uint8_t)(255 - how->bgr[1]),
                                    (uint8_t)(255 - how->bgr[2])};
        double offset = fmax(1, 3 * fmin(1, size / 24));
        draw_text(canvas, x + offset, y + offset, size, how->thickness, inverse, text);
    }
    draw_text(canvas, x, y, size, how->thickness, how->bgr, text);
}
