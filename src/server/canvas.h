/* A picture being drawn: cairo over packed B, G, R, x pixels, with the way from the camera's detect
 * pixels to its own. Coordinates given to the drawing functions are detect pixels; thicknesses and
 * font sizes are pixels of a full-size picture, and shrink with it down to what stays readable.
 * One thread at a time. */
#ifndef CORVETTE_SERVER_CANVAS_H
#define CORVETTE_SERVER_CANVAS_H

#include <cairo.h>
#include <stdint.h>

#include "server/live.h"
#include "server/picture.h"
#include "vision/geometry.h"

struct canvas {
    cairo_surface_t *surface;
    cairo_t *cairo;
    int width, height;
    struct box area; /* part of the detect picture that is shown; x2, y2 exclusive */
    double scale_x, scale_y;
};

/* Draws nothing: black, showing `area` (an area of the canvas' own size when there is no source).
 */
int canvas_init_black(struct canvas *canvas, int width, int height);
/* Shows `area` of the picture, scaled to width x height. 0 or -EINVAL, -ENOMEM. */
int canvas_init(struct canvas *canvas, const struct live_picture *picture, struct box area,
                int width, int height);
void canvas_finish(struct canvas *canvas); /* a zeroed one is fine */
#define AUTO_CANVAS __attribute__((cleanup(canvas_finish)))

/* Colours are b, g, r as in the configuration. */
void canvas_box(struct canvas *canvas, const int32_t box[4], const uint8_t bgr[3],
                double thickness);
/* Polygon of relative coordinates (0..1, x then y). Outline, or filled with thickness 0. */
void canvas_polygon(struct canvas *canvas, const float *xy, size_t count, const uint8_t bgr[3],
                    double thickness);
/* Black text on a bar of the colour, standing on the box's upper edge, or hanging under it when
 * there is no room above. */
void canvas_caption(struct canvas *canvas, const int32_t box[4], const char *text,
                    const uint8_t bgr[3], double thickness);

struct canvas_text {
    enum cfg_position corner;
    enum cfg_effect effect;
    uint8_t bgr[3];
    int thickness; /* 1 and more */
    double width;  /* canvas pixels the text should fill; 0: `size` counts */
    double size;   /* font size in canvas pixels */
    double x, y;   /* left end of the base line in canvas pixels, when corner is 0 */
};
void canvas_write(struct canvas *canvas, const struct canvas_text *how, const char *text);

/* Appends the encoded picture. 0 or -EIO. */
int canvas_encode(struct canvas *canvas, enum picture_format format, int quality, struct str *out);

#endif
