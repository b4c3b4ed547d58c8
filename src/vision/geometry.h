/* Boxes, points and polygons in whole pixels of the camera's detect picture.
 *
 * A box is x1, y1, x2, y2 with x1 <= x2 and y1 <= y2. As in Frigate the same numbers are read in
 * two ways: a detection's own area is (x2-x1)*(y2-y1), while overlaps are counted inclusively, so
 * that a box that is one pixel wide still has an area. Pure; any thread. */
#ifndef CORVETTE_VISION_GEOMETRY_H
#define CORVETTE_VISION_GEOMETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct box {
    int x1, y1, x2, y2;
};

struct point {
    int x, y;
};

/* Corners in order; the last joins the first. The points are the caller's. */
struct polygon {
    const struct point *points;
    size_t count;
};

static inline int box_width(struct box b)
{
    return b.x2 - b.x1;
}

static inline int box_height(struct box b)
{
    return b.y2 - b.y1;
}

/* width * height: the `area` of detections and of filters. */
static inline int64_t box_area(struct box b)
{
    return (int64_t)box_width(b) * box_height(b);
}

/* (width + 1) * (height + 1): the area overlaps are measured in. */
static inline int64_t box_area_inclusive(struct box b)
{
    return ((int64_t)box_width(b) + 1) * ((int64_t)box_height(b) + 1);
}

static inline bool box_equal(struct box a, struct box b)
{
    return a.x1 == b.x1 && a.y1 == b.y1 && a.x2 == b.x2 && a.y2 == b.y2;
}

/* Whether `inner` lies wholly in `outer`; sharing an edge is inside. */
bool box_contains(struct box outer, struct box inner);
/* Whether they share at least one pixel (edges included). */
bool box_overlaps(struct box a, struct box b);
/* The shared part; false, and *out untouched, when there is none. */
bool box_intersection(struct box a, struct box b, struct box *out);
/* Inclusive area of the shared part, 0 when there is none. */
int64_t box_intersection_area(struct box a, struct box b);
/* The smallest box holding both. */
struct box box_union(struct box a, struct box b);
/* Intersection over union with inclusive areas, 0..1. */
double box_iou(struct box a, struct box b);
/* Moves each corner into 0..width-1, 0..height-1. */
struct box box_clamp(struct box b, int width, int height);

/* Relative coordinates (0..1, x then y) to pixels, truncating as Frigate does; values outside 0..1
 * are pulled to the border. `out` holds `count` points. */
void polygon_from_relative(const float *xy, size_t count, int width, int height, struct point *out);
/* Whether the point is inside or on the border. Even-odd rule; false under three corners. */
bool polygon_contains(const struct polygon *polygon, int x, int y);
/* Whether the point is in any of them. */
bool polygons_contain(const struct polygon *polygons, size_t count, int x, int y);
/* Sets every byte of the raster whose pixel is inside or on the border to `value`. Corners may lie
 * outside the raster. */
void polygon_fill(const struct polygon *polygon, uint8_t value, uint8_t *raster, int width,
                  int height, int stride);

#endif
