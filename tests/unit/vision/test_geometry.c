/* Boxes and polygons against definitions taken pixel by pixel. */
#include "../cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "draw.h"
#include "vision/geometry.h"

static bool has_pixel(struct box b, int x, int y)
{
    return x >= b.x1 && x <= b.x2 && y >= b.y1 && y <= b.y2;
}

/* Boxes as sets of pixels, edges included. */
static void overlaps_match_pixel_sets(void **state)
{
    struct dice dice = {1};
    for (int round = 0; round < 2000; round++) {
        struct box a = roll_box(&dice, 12, 12), b = roll_box(&dice, 12, 12), shared;
        int in_a = 0, in_b = 0, in_both = 0;
        for (int y = 0; y < 12; y++) {
            for (int x = 0; x < 12; x++) {
                in_a += has_pixel(a, x, y);
                in_b += has_pixel(b, x, y);
                in_both += has_pixel(a, x, y) && has_pixel(b, x, y);
            }
        }
        assert_int_equal(box_area_inclusive(a), in_a);
        assert_int_equal(box_intersection_area(a, b), in_both);
        assert_int_equal(box_overlaps(a, b), in_both > 0);
        assert_int_equal(box_intersection(a, b, &shared), in_both > 0);
        assert_int_equal(box_contains(a, b), in_both == in_b);
        double iou = (double)in_both / (in_a + in_b - in_both);
        assert_true(fabs(box_iou(a, b) - iou) < 1e-12);
        struct box both = box_union(a, b);
        assert_true(box_contains(both, a) && box_contains(both, b));
        assert_true(both.x1 == a.x1 || both.x1 == b.x1);
        assert_true(both.y2 == a.y2 || both.y2 == b.y2);
    }
}

static void plain_area_and_clamp(void **state)
{
    struct box box = {-10, 5, 2000, 700};
    assert_int_equal(box_area((struct box){10, 10, 20, 30}), 200);
    assert_true(box_equal(box_clamp(box, 1280, 720), (struct box){0, 5, 1279, 700}));
    assert_true(
        box_equal(box_clamp((struct box){3000, -4, 3001, -1}, 64, 48), (struct box){63, 0, 63, 0}));
}

static void relative_corners_truncate(void **state)
{
    static const struct {
        float relative;
        int size, pixel;
    } rows[] = {
        {0.0F, 1280, 0},     {1.0F, 1280, 1280}, {0.7F, 10, 7},    {0.5F, 7, 3},
        {0.999F, 1000, 999}, {-0.5F, 1280, 0},   {3.0F, 100, 100}, {NAN, 100, 0},
        {0.333F, 1920, 639}, {0.1F, 3840, 384},  {0.29F, 100, 29},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        float xy[2] = {rows[i].relative, rows[i].relative};
        struct point point;
        polygon_from_relative(xy, 1, rows[i].size, rows[i].size, &point);
        assert_int_equal(point.x, rows[i].pixel);
        assert_int_equal(point.y, rows[i].pixel);
    }
}

static void contains_by_table(void **state)
{
    static const struct point square[] = {{10, 10}, {20, 10}, {20, 20}, {10, 20}};
    static const struct point arrow[] = {{0, 0}, {40, 20}, {0, 40}, {10, 20}}; /* concave */
    static const struct {
        const struct point *points;
        size_t count;
        int x, y;
        bool inside;
    } rows[] = {
        {square, 4, 15, 15, true},  {square, 4, 10, 10, true},  {square, 4, 20, 20, true},
        {square, 4, 20, 15, true},  {square, 4, 21, 15, false}, {square, 4, 15, 9, false},
        {square, 2, 15, 10, false}, {square, 0, 0, 0, false},   {arrow, 4, 20, 20, true},
        {arrow, 4, 5, 20, false},   {arrow, 4, 10, 20, true},   {arrow, 4, 20, 10, true},
        {arrow, 4, 40, 20, true},   {arrow, 4, 41, 20, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct polygon polygon = {rows[i].points, rows[i].count};
        assert_int_equal(polygon_contains(&polygon, rows[i].x, rows[i].y), rows[i].inside);
    }
}

/* The textbook rule in floating point, and the border by distance. */
static bool naive_contains(const struct polygon *p, double x, double y)
{
    bool inside = false;
    for (size_t i = 0, j = p->count - 1; i < p->count; j = i++) {
        double ax = p->points[i].x, ay = p->points[i].y, bx = p->points[j].x, by = p->points[j].y;
        double length = hypot(bx - ax, by - ay);
        double along = length > 0 ? ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length : 0;
        along = fmax(0, fmin(length, along));
        double px = length > 0 ? ax + (bx - ax) * along / length : ax;
        double py = length > 0 ? ay + (by - ay) * along / length : ay;
        if (hypot(x - px, y - py) < 1e-9) {
            return true;
        }
        if ((ay > y) != (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax) {
            inside = !inside;
        }
    }
    return inside;
}

static void contains_and_fill_match_definition(void **state)
{
    enum { WIDTH = 40, HEIGHT = 30, STRIDE = 47 };
    struct dice dice = {7};
    for (int round = 0; round < 400; round++) {
        struct point points[8];
        struct polygon polygon = {points, (size_t)roll(&dice, 3, 8)};
        uint8_t raster[STRIDE * HEIGHT];
        for (size_t i = 0; i < polygon.count; i++) {
            /* Corners outside the raster, and crossing edges, included. */
            points[i] = (struct point){roll(&dice, -10, WIDTH + 10), roll(&dice, -10, HEIGHT + 10)};
        }
        memset(raster, 9, sizeof raster);
        polygon_fill(&polygon, 77, raster, WIDTH, HEIGHT, STRIDE);
        for (int y = 0; y < HEIGHT; y++) {
            for (int x = 0; x < STRIDE; x++) {
                bool inside = x < WIDTH && naive_contains(&polygon, x, y);
                assert_int_equal(raster[y * STRIDE + x], inside ? 77 : 9);
                if (x < WIDTH) {
                    assert_int_equal(polygon_contains(&polygon, x, y), inside);
                }
            }
        }
    }
}

static void any_of_several(void **state)
{
    static const struct point left[] = {{0, 0}, {10, 0}, {10, 10}, {0, 10}};
    static const struct point right[] = {{30, 0}, {40, 0}, {40, 10}, {30, 10}};
    struct polygon both[] = {{left, 4}, {right, 4}};
    assert_true(polygons_contain(both, 2, 5, 5));
    assert_true(polygons_contain(both, 2, 35, 5));
    assert_false(polygons_contain(both, 2, 20, 5));
    assert_false(polygons_contain(both, 1, 35, 5));
    assert_false(polygons_contain(NULL, 0, 5, 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overlaps_match_pixel_sets),
        cmocka_unit_test(plain_area_and_clamp),
        cmocka_unit_test(relative_corners_truncate),
        cmocka_unit_test(contains_by_table),
        cmocka_unit_test(contains_and_fill_match_definition),
        cmocka_unit_test(any_of_several),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
