/* Spots of a byte picture against a flood fill, and their outline area against walking the outline.
 */
#include "../cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "draw.h"
#include "vision/shrink.h"
#include "vision/spots.h"

enum { WIDTH = 23, HEIGHT = 17 };

/* Fills the spot at x, y with `mark`; returns its extent. */
static struct spot flood(const uint8_t *picture, int *marks, int x, int y, int mark)
{
    static int stack[WIDTH * HEIGHT * 9];
    struct spot spot = {x, y, x, y, 0, 0};
    int depth = 0;
    stack[depth++] = y * WIDTH + x;
    while (depth > 0) {
        int at = stack[--depth], ax = at % WIDTH, ay = at / WIDTH;
        if (marks[at] != 0 || !picture[at]) {
            continue;
        }
        marks[at] = mark;
        spot.pixels++;
        spot.x1 = ax < spot.x1 ? ax : spot.x1;
        spot.x2 = ax > spot.x2 ? ax : spot.x2;
        spot.y1 = ay < spot.y1 ? ay : spot.y1;
        spot.y2 = ay > spot.y2 ? ay : spot.y2;
        for (int ny = ay - 1; ny <= ay + 1; ny++) {
            for (int nx = ax - 1; nx <= ax + 1; nx++) {
                if (nx >= 0 && nx < WIDTH && ny >= 0 && ny < HEIGHT) {
                    stack[depth++] = ny * WIDTH + nx;
                }
            }
        }
    }
    return spot;
}

/* Twice the area covered by squares and half squares between the middles of a spot's pixels. */
static int squares2(const int *marks, int mark)
{
    int area2 = 0;
    for (int y = 0; y + 1 < HEIGHT; y++) {
        for (int x = 0; x + 1 < WIDTH; x++) {
            const int *at = marks + y * WIDTH + x;
            int set =
                (at[0] == mark) + (at[1] == mark) + (at[WIDTH] == mark) + (at[WIDTH + 1] == mark);
            area2 += set == 4 ? 2 : set == 3 ? 1 : 0;
        }
    }
    return area2;
}

static void spots_match_flood_fill(void **state)
{
    struct dice dice = {3};
    struct spots spots;
    spots_init(&spots, WIDTH, HEIGHT);
    for (int round = 0; round < 600; round++) {
        uint8_t picture[WIDTH * HEIGHT];
        int marks[WIDTH * HEIGHT] = {0}, found = 0, density = roll(&dice, 0, 10);
        for (int i = 0; i < WIDTH * HEIGHT; i++) {
            picture[i] = roll(&dice, 1, 10) <= density ? (uint8_t)roll(&dice, 1, 255) : 0;
        }
        spots_find(&spots, picture, WIDTH, HEIGHT);
        for (int i = 0; i < WIDTH * HEIGHT; i++) {
            if (!picture[i] || marks[i] != 0) {
                continue;
            }
            struct spot expected = flood(picture, marks, i % WIDTH, i / WIDTH, found + 1);
            assert_true(found < spots.count);
            struct spot got = spots.items[found++];
            assert_int_equal(got.x1, expected.x1);
            assert_int_equal(got.y1, expected.y1);
            assert_int_equal(got.x2, expected.x2);
            assert_int_equal(got.y2, expected.y2);
            assert_int_equal(got.pixels, expected.pixels);
            assert_int_equal(got.area2, squares2(marks, found));
        }
        assert_int_equal(spots.count, found);
        for (int r = 0; r < spots.run_count; r++) {
            const struct spot_run *run = &spots.runs[r];
            for (int x = run->from; x < run->to; x++) {
                assert_int_equal(marks[run->y * WIDTH + x], spots_of_run(&spots, run) + 1);
                marks[run->y * WIDTH + x] = 0;
            }
        }
        for (int i = 0; i < WIDTH * HEIGHT; i++) {
            assert_int_equal(marks[i], 0); /* every set pixel was in exactly one run */
        }
    }
    spots_finish(&spots);
}

/* Known shapes: what a contour through the pixels' middles measures. */
static void outline_area_of_known_shapes(void **state)
{
    static const struct {
        const char *rows[5];
        int area2;
    } shapes[] = {
        {{"#"}, 0},
        {{"####"}, 0},
        {{"##", "##"}, 2},
        {{"###", "###", "###"}, 8},
        {{"#####", "#####"}, 8},
        {{".#.", "###", ".#."}, 4},       /* a diamond of diagonal 2 */
        {{"#..", ".#.", "..#"}, 0},       /* a diagonal line */
        {{"#..", "##.", "###"}, 4},       /* a right triangle of legs 2 */
        {{"..#..", ".###.", "#####"}, 8}, /* a triangle, base 4, height 2 */
    };
    struct spots spots;
    spots_init(&spots, WIDTH, HEIGHT);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        uint8_t picture[WIDTH * HEIGHT] = {0};
        for (int y = 0; y < 5 && shapes[i].rows[y] != NULL; y++) {
            for (int x = 0; shapes[i].rows[y][x] != 0; x++) {
                picture[(y + 3) * WIDTH + x + 5] = shapes[i].rows[y][x] == '#';
            }
        }
        spots_find(&spots, picture, WIDTH, HEIGHT);
        assert_int_equal(spots.count, 1);
        assert_int_equal(spots.items[0].area2, shapes[i].area2);
    }
    spots_finish(&spots);
}

static void shrinking_averages_every_pixel_once(void **state)
{
    static const struct {
        int width, height, columns, rows;
    } sizes[] = {
        {1280, 720, 177, 100}, {64, 48, 64, 48}, {101, 67, 13, 7}, {33, 600, 3, 3}, {5, 5, 1, 1}};
    struct dice dice = {5};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        int width = sizes[s].width, height = sizes[s].height, stride = width + 3;
        uint8_t *source = malloc((size_t)(stride * height));
        float *out = malloc((size_t)(sizes[s].columns * sizes[s].rows) * sizeof *out);
        struct shrink shrink;
        for (int i = 0; i < stride * height; i++) {
            source[i] = (uint8_t)roll(&dice, 0, 255);
        }
        shrink_init(&shrink, width, height, sizes[s].columns, sizes[s].rows);
        shrink_run(&shrink, source, stride, out);
        assert_int_equal(shrink.edge_x[0], 0);
        assert_int_equal(shrink.edge_x[sizes[s].columns], width);
        assert_int_equal(shrink.edge_y[sizes[s].rows], height);
        for (int row = 0; row < sizes[s].rows; row++) {
            for (int column = 0; column < sizes[s].columns; column++) {
                double sum = 0;
                int count = 0;
                for (int y = shrink.edge_y[row]; y < shrink.edge_y[row + 1]; y++) {
                    for (int x = shrink.edge_x[column]; x < shrink.edge_x[column + 1]; x++) {
                        sum += source[y * stride + x];
                        count++;
                    }
                }
                assert_true(count > 0);
                double off = sum / count - (double)out[row * sizes[s].columns + column];
                assert_true(off < 1e-3 && off > -1e-3);
            }
        }
        shrink_finish(&shrink);
        free(source);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spots_match_flood_fill),
        cmocka_unit_test(outline_area_of_known_shapes),
        cmocka_unit_test(shrinking_averages_every_pixel_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
