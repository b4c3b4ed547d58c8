/* Planar I420 pictures (BT.601, limited range): views on memory owned by someone else, and copying
 * between them. Chroma is sited as in H.264 by default: on the even luma column, between the two
 * luma rows. Pure; any thread. */
#ifndef CORVETTE_VISION_YUV_H
#define CORVETTE_VISION_YUV_H

#include <stddef.h>
#include <stdint.h>

#include "vision/geometry.h"

#define YUV_BLACK_LUMA 16
#define YUV_BLACK_CHROMA 128

/* Plane 0 is luma, 1 and 2 are U and V of ((width+1)/2) x ((height+1)/2). */
struct yuv_view { /* to read */
    const uint8_t *planes[3];
    int strides[3];
    int width, height;
};

struct yuv_canvas { /* to write */
    uint8_t *planes[3];
    int strides[3];
    int width, height;
};

/* Bytes of a picture without padding between rows: ring/frames.h' layout. */
static inline size_t yuv_bytes(int width, int height)
{
    return (size_t)width * (size_t)height +
           2 * (size_t)((width + 1) / 2) * (size_t)((height + 1) / 2);
}

/* Views on a picture in that layout. */
struct yuv_view yuv_view(const uint8_t *picture, int width, int height);
struct yuv_canvas yuv_canvas(uint8_t *picture, int width, int height);
struct yuv_view yuv_canvas_view(const struct yuv_canvas *canvas);

/* The whole canvas in one colour. */
void yuv_fill(const struct yuv_canvas *canvas, uint8_t y, uint8_t u, uint8_t v);

/* Scales the part `area` of the picture (x2, y2 exclusive) to the whole canvas: averaging when
 * shrinking, bilinear when growing. The area may hang over the picture: black there. An area
 * without pixels gives a black canvas. Same size and even corner: a plain copy. */
void yuv_scale(const struct yuv_view *picture, struct box area, const struct yuv_canvas *canvas);

/* The same into packed pixels of four bytes in memory order B, G, R, 255: cairo's
 * CAIRO_FORMAT_RGB24 / ARGB32 on a little-endian machine. `stride` is in bytes. */
void yuv_to_bgrx(const struct yuv_view *picture, struct box area, uint8_t *out, int width,
                 int height, int stride);

/* Whole picture of packed B, G, R, x pixels back to I420 (cairo's drawing on its way to a JPEG). */
void yuv_from_bgrx(const uint8_t *pixels, int stride, const struct yuv_canvas *canvas);

/* One colour, either way. */
void yuv_of_rgb(const uint8_t rgb[3], uint8_t yuv[3]);
void yuv_to_rgb(const uint8_t yuv[3], uint8_t rgb[3]);

#endif
