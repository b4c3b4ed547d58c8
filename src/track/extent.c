#include "track/extent.h"

#include <math.h>

static float clamp(float value, float low, float high)
{
    return value < low ? low : value > high ? high : value;
}

bool extent_sane(const struct extent *e, float min)
{
    return isfinite(e->x1) && isfinite(e->y1) && isfinite(e->x2) && isfinite(e->y2) &&
           extent_width(e) >= min && extent_height(e) >= min;
}

struct extent extent_clamp(const struct extent *e, float width, float height)
{
    return (struct extent){clamp(e->x1, 0, width), clamp(e->y1, 0, height), clamp(e->x2, 0, width),
                           clamp(e->y2, 0, height)};
}

float extent_intersection(const struct extent *a, const struct extent *b)
{
    float width = fminf(a->x2, b->x2) - fmaxf(a->x1, b->x1);
    float height = fminf(a->y2, b->y2) - fmaxf(a->y1, b->y1);
    return width > 0 && height > 0 ? width * height : 0;
}

float extent_iou(const struct extent *a, const struct extent *b)
{
    float common = extent_intersection(a, b);
    float all = extent_area(a) + extent_area(b) - common;
    return common > 0 && all > 0 ? common / all : 0;
}

bool extent_inside(const struct extent *inner, const struct extent *outer)
{
    return inner->x1 >= outer->x1 && inner->y1 >= outer->y1 && inner->x2 <= outer->x2 &&
           inner->y2 <= outer->y2;
}

bool extent_equal(const struct extent *a, const struct extent *b)
{
    return a->x1 == b->x1 && a->y1 == b->y1 && a->x2 == b->x2 && a->y2 == b->y2;
}
