#include "vision/geometry.h"

#include <string.h>

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

static int clamp_int(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

bool box_contains(struct box outer, struct box inner)
{
    return inner.x1 >= outer.x1 && inner.y1 >= outer.y1 && inner.x2 <= outer.x2 &&
           inner.y2 <= outer.y2;
}

bool box_overlaps(struct box a, struct box b)
{
    return a.x1 <= b.x2 && b.x1 <= a.x2 && a.y1 <= b.y2 && b.y1 <= a.y2;
}

bool box_intersection(struct box a, struct box b, struct box *out)
{
    if (!box_overlaps(a, b)) {
        return false;
    }
    *out = (struct box){max_int(a.x1, b.x1), max_int(a.y1, b.y1), min_int(a.x2, b.x2),
                        min_int(a.y2, b.y2)};
    return true;
}

int64_t box_intersection_area(struct box a, struct box b)
{
    struct box shared;
    return box_intersection(a, b, &shared) ? box_area_inclusive(shared) : 0;
}

struct box box_union(struct box a, struct box b)
{
    return (struct box){min_int(a.x1, b.x1), min_int(a.y1, b.y1), max_int(a.x2, b.x2),
                        max_int(a.y2, b.y2)};
}

double box_iou(struct box a, struct box b)
{
    int64_t shared = box_intersection_area(a, b);
    if (shared == 0) {
        return 0.0;
    }
    return (double)shared / (double)(box_area_inclusive(a) + box_area_inclusive(b) - shared);
}

struct box box_clamp(struct box b, int width, int height)
{
    return (struct box){clamp_int(b.x1, 0, width - 1), clamp_int(b.y1, 0, height - 1),
                        clamp_int(b.x2, 0, width - 1), clamp_int(b.y2, 0, height - 1)};
}

void polygon_from_relative(const float *xy, size_t count, int width, int height, struct point *out)
{
    for (size_t i = 0; i < count; i++) {
        /* Written so that NaN becomes 0. In double: 0.7f * 10 must not round up to 7. */
        double x = xy[2 * i] > 0 ? (double)xy[2 * i] : 0.0;
        double y = xy[2 * i + 1] > 0 ? (double)xy[2 * i + 1] : 0.0;
        /* Texts such as "0.7" lie a hair below or above their value as a float; the small step
         * keeps an exact pixel corner from falling one pixel short. */
        out[i].x = min_int((int)((x > 1 ? 1.0 : x) * width + 5e-4), width);
        out[i].y = min_int((int)((y > 1 ? 1.0 : y) * height + 5e-4), height);
    }
}

/* Twice the signed area of the triangle a, b, p: 0 when p is on the line through a and b. */
static int64_t cross(struct point a, struct point b, int x, int y)
{
    return (int64_t)(b.x - a.x) * (y - a.y) - (int64_t)(b.y - a.y) * (x - a.x);
}

static bool between(int value, int a, int b)
{
    return value >= min_int(a, b) && value <= max_int(a, b);
}

bool polygon_contains(const struct polygon *polygon, int x, int y)
{
    if (polygon->count < 3) {
        return false;
    }
    bool inside = false;
    struct point a = polygon->points[polygon->count - 1];
    for (size_t i = 0; i < polygon->count; i++) {
        struct point b = polygon->points[i];
        int64_t side = cross(a, b, x, y);
        if (side == 0 && between(x, a.x, b.x) && between(y, a.y, b.y)) {
            return true;
        }
        /* Does the ray to the right cross the edge? Half-open in y, so a shared corner counts once.
         */
        if ((a.y > y) != (b.y > y) && (side > 0) == (b.y > a.y)) {
            inside = !inside;
        }
        a = b;
    }
    return inside;
}

bool polygons_contain(const struct polygon *polygons, size_t count, int x, int y)
{
    for (size_t i = 0; i < count; i++) {
        if (polygon_contains(&polygons[i], x, y)) {
            return true;
        }
    }
    return false;
}

static int64_t floor_div(int64_t a, int64_t b) /* b > 0 */
{
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

/* First pixel column at or right of where the edge crosses row y (which it does, half-open). */
static int crossing_column(struct point a, struct point b, int y)
{
    if (a.y > b.y) {
        struct point t = a;
        a = b;
        b = t;
    }
    int64_t numerator = (int64_t)(b.x - a.x) * (y - a.y);
    return a.x - (int)floor_div(-numerator, b.y - a.y);
}

/* Pixels of row y exactly on the edge. The crossings give the inside half-open; this closes it. */
static void mark_edge(struct point a, struct point b, int y, uint8_t value, uint8_t *row, int width)
{
    if (!between(y, a.y, b.y)) {
        return;
    }
    if (a.y == b.y) {
        int from = max_int(min_int(a.x, b.x), 0), to = min_int(max_int(a.x, b.x), width - 1);
        if (from <= to) {
            memset(row + from, value, (size_t)(to - from + 1));
        }
        return;
    }
    int64_t numerator = (int64_t)(b.x - a.x) * (y - a.y);
    if (numerator % (b.y - a.y) == 0) {
        int64_t x = a.x + numerator / (b.y - a.y);
        if (x >= 0 && x < width) {
            row[x] = value;
        }
    }
}

/* Fills between pairs of crossings. They are found in rising order one after the other instead of
 * being sorted in an array, so that any number of corners needs no memory. */
static void fill_row(const struct polygon *polygon, int y, uint8_t value, uint8_t *row, int width)
{
    int64_t last = INT64_MIN; /* crossings are ordered by (column, edge number) */
    size_t last_edge = 0;
    int open_at = 0;
    bool open = false;
    for (;;) {
        int64_t best = INT64_MAX;
        size_t best_edge = 0;
        for (size_t i = 0; i < polygon->count; i++) {
            struct point a = polygon->points[i ? i - 1 : polygon->count - 1];
            struct point b = polygon->points[i];
            if ((a.y > y) == (b.y > y)) {
                continue;
            }
            int64_t x = crossing_column(a, b, y);
            bool is_after = x > last || (x == last && i > last_edge);
            if (is_after && x < best) {
                best = x;
                best_edge = i;
            }
        }
        if (best == INT64_MAX) {
            return;
        }
        if (open) {
            int from = max_int(open_at, 0), to = (int)(best < width ? best : width);
            if (from < to) {
                memset(row + from, value, (size_t)(to - from));
            }
        }
        open = !open;
        open_at = (int)best;
        last = best;
        last_edge = best_edge;
    }
}

void polygon_fill(const struct polygon *polygon, uint8_t value, uint8_t *raster, int width,
                  int height, int stride)
{
    if (polygon->count < 3) {
        return;
    }
    for (int y = 0; y < height; y++) {
        uint8_t *row = raster + (ptrdiff_t)y * stride;
        fill_row(polygon, y, value, row, width);
        for (size_t i = 0; i < polygon->count; i++) {
            struct point a = polygon->points[i ? i - 1 : polygon->count - 1];
            mark_edge(a, polygon->points[i], y, value, row, width);
        }
    }
}
