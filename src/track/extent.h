/* A rectangle of the detect picture: corners in pixels, y downwards, x1 <= x2 and y1 <= y2 when it
 * is sane. Pure value functions; none of them divides by zero or returns a NaN for finite input. */
#ifndef CORVETTE_TRACK_EXTENT_H
#define CORVETTE_TRACK_EXTENT_H

#include <stdbool.h>

struct extent {
    float x1, y1, x2, y2;
};

static inline float extent_width(const struct extent *e)
{
    return e->x2 - e->x1;
}
static inline float extent_height(const struct extent *e)
{
    return e->y2 - e->y1;
}
static inline float extent_area(const struct extent *e)
{
    return extent_width(e) * extent_height(e);
}

/* Finite corners, at least `min` pixels wide and high. */
bool extent_sane(const struct extent *e, float min);
/* Cut to a picture of that size; may come out empty. */
struct extent extent_clamp(const struct extent *e, float width, float height);
float extent_intersection(const struct extent *a, const struct extent *b);
float extent_iou(const struct extent *a, const struct extent *b); /* 0 for empty ones */
/* `inner` wholly inside `outer`, borders included. */
bool extent_inside(const struct extent *inner, const struct extent *outer);
bool extent_equal(const struct extent *a, const struct extent *b);

#endif
