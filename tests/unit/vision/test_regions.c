/* Region choice: the reference's arithmetic by table, clustering against a plain restatement of its
 * rules, and the bounds. */
#include "../cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "draw.h"
#include "vision/regions.h"

static const struct regions_options hd = {1280, 720, 320, 0};

static void assert_box(struct box got, struct box expected)
{
    assert_int_equal(got.x1, expected.x1);
    assert_int_equal(got.y1, expected.y1);
    assert_int_equal(got.x2, expected.x2);
    assert_int_equal(got.y2, expected.y2);
}

static void region_around_a_box(void **state)
{
    static const struct {
        int width, height, min_region;
        struct box box;
        double multiplier;
        struct box region;
    } rows[] = {
        /* small: the least size, centred */
        {1280, 720, 320, {600, 300, 640, 360}, 1.35, {460, 170, 780, 490}},
        /* 400 * 1.35 = 540 */
        {1280, 720, 320, {400, 100, 500, 500}, 1.35, {180, 30, 720, 570}},
        /* 301 * 1.35 = 406.35 -> 404, centred on 550.5 */
        {1280, 720, 320, {400, 200, 701, 300}, 1.35, {348, 48, 752, 452}},
        /* pushed in from each side */
        {1280, 720, 320, {0, 0, 20, 20}, 1.35, {0, 0, 320, 320}},
        {1280, 720, 320, {1260, 700, 1279, 719}, 1.35, {960, 400, 1280, 720}},
        /* higher than the picture: starts at 0 and hangs over */
        {1280, 720, 320, {300, 0, 900, 719}, 1.35, {116, 0, 1084, 968}},
        /* larger than the picture in both directions */
        {1280, 720, 320, {0, 0, 1279, 719}, 2, {0, 0, 2556, 2556}},
        /* the model is larger than the picture */
        {320, 240, 640, {10, 10, 20, 20}, 2, {0, 0, 640, 640}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct regions_options options = {rows[i].width, rows[i].height, rows[i].min_region, 0};
        assert_box(regions_around(&options, rows[i].box, rows[i].multiplier), rows[i].region);
    }
}

static void regions_hold_their_box(void **state)
{
    struct dice dice = {2};
    for (int round = 0; round < 5000; round++) {
        struct regions_options options = {roll(&dice, 64, 3840), roll(&dice, 64, 2160),
                                          roll(&dice, 1, 40) * 16, 0};
        struct box box = roll_box(&dice, options.frame_width, options.frame_height);
        struct box region = regions_around(&options, box, 1.35);
        assert_int_equal(box_width(region), box_height(region));
        assert_int_equal(box_width(region) % 4, 0);
        assert_true(box_width(region) >= options.min_region);
        assert_true(region.x1 >= 0 && region.y1 >= 0);
        assert_true(region.x2 <= options.frame_width || region.x1 == 0);
        assert_true(region.y2 <= options.frame_height || region.y1 == 0);
        assert_true(box_contains(region, box));
    }
}

static void boundary_of_a_box(void **state)
{
    static const struct {
        struct box box;
        int min_region;
        struct box boundary;
    } rows[] = {
        {{100, 100, 140, 140}, 320, {-178, -178, 418, 418}}, /* 320 - 20 * 1.1 = 298 */
        {{600, 300, 800, 500}, 320, {178, -122, 1222, 922}}, /* sqrt(400000) = 632 */
        {{0, 0, 100, 20}, 320, {-215, -299, 315, 319}},      /* 265 and 309 from 50, 10 */
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_box(regions_boundary(rows[i].box, rows[i].min_region), rows[i].boundary);
    }
}

/* The rules once more, with nothing kept between steps. */
static unsigned naive_cluster(const struct regions_options *options, const struct box *boxes,
                              size_t count, int *cluster_of)
{
    unsigned clusters = 0;
    for (size_t i = 0; i < count; i++) {
        cluster_of[i] = -1;
    }
    for (size_t first = 0; first < count; first++) {
        if (cluster_of[first] >= 0) {
            continue;
        }
        cluster_of[first] = (int)clusters;
        for (size_t other = 0; other < count; other++) {
            if (cluster_of[other] >= 0 ||
                !box_contains(regions_boundary(boxes[first], options->min_region), boxes[other])) {
                continue;
            }
            struct box span = boxes[other];
            for (size_t i = 0; i < count; i++) {
                span = cluster_of[i] == (int)clusters ? box_union(span, boxes[i]) : span;
            }
            struct box region = regions_around(options, span, 1.35);
            bool joins = true;
            for (size_t i = 0; i < count && box_width(region) > options->min_region; i++) {
                if (i == other || cluster_of[i] == (int)clusters) {
                    double part =
                        (double)box_area_inclusive(boxes[i]) / (double)box_area_inclusive(region);
                    joins = joins && part >= 0.05;
                }
            }
            if (joins) {
                cluster_of[other] = (int)clusters;
            }
        }
        clusters++;
    }
    return clusters;
}

static void clusters_match_the_rules(void **state)
{
    struct dice dice = {4};
    for (int round = 0; round < 500; round++) {
        struct box boxes[60];
        int expected[60];
        uint16_t got[60];
        size_t count = (size_t)roll(&dice, 0, 60);
        for (size_t i = 0; i < count; i++) {
            int w = roll(&dice, 4, round % 2 ? 60 : 400), h = roll(&dice, 4, round % 2 ? 60 : 300);
            int x = roll(&dice, 0, 1279 - w), y = roll(&dice, 0, 719 - h);
            boxes[i] = (struct box){x, y, x + w, y + h};
        }
        assert_int_equal(regions_cluster(&hd, boxes, count, got),
                         naive_cluster(&hd, boxes, count, expected));
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(got[i], expected[i]);
        }
    }
}

static void near_boxes_share_a_region_far_ones_do_not(void **state)
{
    struct box objects[] = {{100, 100, 140, 180}, {200, 100, 240, 180}, {1000, 500, 1040, 580}};
    struct regions_want want = {.objects = objects, .object_count = 3};
    struct regions regions;
    regions_choose(&hd, &want, &regions);
    assert_int_equal(regions.count, 2);
    assert_int_equal(regions.dropped, 0);
    assert_true(box_contains(regions.items[0], objects[0]));
    assert_true(box_contains(regions.items[0], objects[1]));
    assert_true(box_contains(regions.items[1], objects[2]));
}

static void motion_inside_an_object_region_needs_none(void **state)
{
    struct box object = {600, 300, 640, 380};
    struct box motion[] = {{610, 320, 660, 390}, {50, 50, 80, 90}};
    struct regions_want want = {
        .objects = &object, .object_count = 1, .motion = motion, .motion_count = 2};
    struct regions regions;
    regions_choose(&hd, &want, &regions);
    assert_int_equal(regions.count, 2);
    assert_box(regions.items[1], (struct box){0, 0, 320, 320});
}

static void nothing_wanted_nothing_chosen(void **state)
{
    struct regions_want want = {0};
    struct regions regions;
    regions_choose(&hd, &want, &regions);
    assert_int_equal(regions.count, 0);
    assert_int_equal(regions.dropped, 0);
}

static void grid_enlarges_regions_of_motion(void **state)
{
    struct grid grid;
    struct regions regions;
    struct box motion = {630, 350, 650, 370}; /* centre 640, 360: cell 4, 4 */
    struct regions_want want = {.motion = &motion, .motion_count = 1, .grid = &grid};
    grid_clear(&grid);
    regions_choose(&hd, &want, &regions);
    assert_box(regions.items[0], (struct box){480, 200, 800, 520});
    for (int i = 0; i < 4; i++) {
        grid_learn(&grid, (struct box){630, 350, 650, 370},
                   (struct box){0, 0, i % 2 ? 600 : 680, 1}, 1280, 720);
    }
    regions_choose(&hd, &want, &regions); /* 320 is under 640 - 40 */
    assert_box(regions.items[0], (struct box){320, 40, 960, 680});
    /* Within the usual spread, or larger: as it is. */
    motion = (struct box){480, 200, 790, 510}; /* 620 */
    regions_choose(&hd, &want, &regions);
    assert_int_equal(box_width(regions.items[0]), 620);
}

static void never_more_than_the_limit_and_each_has_its_turn(void **state)
{
    struct box objects[40], motion[40];
    struct regions_options options = {7680, 4320, 320, 6};
    bool seen_object[40] = {false}, seen_motion[40] = {false};
    for (int i = 0; i < 40; i++) { /* too far from each other to share */
        int x = i % 8 * 900 + 100, y = i / 8 * 800 + 50;
        objects[i] = (struct box){x, y, x + 30, y + 30};
        motion[i] = (struct box){x + 400, y + 400, x + 430, y + 430};
    }
    for (uint64_t turn = 0; turn < 80; turn++) {
        struct regions regions;
        struct regions_want want = {.objects = objects,
                                    .object_count = 40,
                                    .motion = motion,
                                    .motion_count = 40,
                                    .turn = turn};
        unsigned with_motion = 0;
        regions_choose(&options, &want, &regions);
        assert_int_equal(regions.count, 6);
        assert_int_equal(regions.dropped, 74);
        for (unsigned r = 0; r < regions.count; r++) {
            for (int i = 0; i < 40; i++) {
                seen_object[i] |= box_contains(regions.items[r], objects[i]);
                bool has_motion = box_contains(regions.items[r], motion[i]);
                seen_motion[i] |= has_motion;
                with_motion += has_motion;
            }
        }
        assert_int_equal(with_motion, 1); /* a quarter is kept for motion */
    }
    for (int i = 0; i < 40; i++) {
        assert_true(seen_object[i]);
        assert_true(seen_motion[i]);
    }
}

static void any_number_of_boxes_is_bounded(void **state)
{
    enum { MANY = 1000 };
    static struct box boxes[MANY];
    struct dice dice = {9};
    struct regions regions;
    for (int i = 0; i < MANY; i++) {
        boxes[i] = roll_box(&dice, 1280, 720);
    }
    struct regions_want want = {.objects = boxes,
                                .object_count = MANY,
                                .motion = boxes,
                                .motion_count = MANY,
                                .startup = true,
                                .turn = UINT64_MAX};
    regions_choose(&hd, &want, &regions);
    assert_int_equal(regions.count, REGIONS_MAX);
    assert_true(regions.dropped >= MANY - REGIONS_MAX_BOXES);
}

static void covers(const struct regions *regions, int width, int height)
{
    for (int y = 0; y < height; y += 7) {
        for (int x = 0; x < width; x += 7) {
            bool is_covered = false;
            for (unsigned i = 1; i < regions->count; i++) {
                const struct box *r = &regions->items[i];
                is_covered |= x >= r->x1 && x < r->x2 && y >= r->y1 && y < r->y2;
            }
            assert_true(is_covered);
        }
    }
}

static void start_without_a_grid_looks_everywhere(void **state)
{
    static const struct {
        int width, height;
        unsigned count;
    } rows[] = {{1280, 720, 3}, {720, 1280, 3}, {640, 640, 1}, {2560, 720, 5}, {1600, 1200, 3}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct regions_options options = {rows[i].width, rows[i].height, 320, 0};
        struct regions_want want = {.startup = true};
        struct regions regions;
        regions_choose(&options, &want, &regions);
        assert_int_equal(regions.count, rows[i].count);
        /* The first shows the whole picture, the others together show it larger. */
        assert_true(box_contains(regions.items[0],
                                 (struct box){0, 0, rows[i].width - 3, rows[i].height - 3}));
        if (regions.count > 1) {
            covers(&regions, rows[i].width, rows[i].height);
        }
    }
}

static void start_with_a_grid_looks_at_the_busiest_cells(void **state)
{
    struct grid grid;
    struct regions regions;
    struct regions_want want = {.startup = true, .grid = &grid};
    grid_clear(&grid);
    for (int cell = 0; cell < 12; cell++) { /* cell number c gets c + 1 samples */
        int x = cell % 8 * 160 + 80, y = cell / 8 * 90 + 45;
        for (int i = 0; i <= cell; i++) {
            grid_learn(&grid, (struct box){x - 2, y - 2, x + 2, y + 2},
                       (struct box){0, 0, 400, 400}, 1280, 720);
        }
    }
    regions_choose(&hd, &want, &regions);
    assert_int_equal(regions.count, 8);
    for (unsigned i = 0; i < 8; i++) {
        int cell = 11 - (int)i, x = cell % 8 * 160 + 80;
        assert_int_equal(box_width(regions.items[i]), 400);
        assert_true(regions.items[i].x1 <= x && regions.items[i].x2 > x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(region_around_a_box),
        cmocka_unit_test(regions_hold_their_box),
        cmocka_unit_test(boundary_of_a_box),
        cmocka_unit_test(clusters_match_the_rules),
        cmocka_unit_test(near_boxes_share_a_region_far_ones_do_not),
        cmocka_unit_test(motion_inside_an_object_region_needs_none),
        cmocka_unit_test(nothing_wanted_nothing_chosen),
        cmocka_unit_test(grid_enlarges_regions_of_motion),
        cmocka_unit_test(never_more_than_the_limit_and_each_has_its_turn),
        cmocka_unit_test(any_number_of_boxes_is_bounded),
        cmocka_unit_test(start_without_a_grid_looks_everywhere),
        cmocka_unit_test(start_with_a_grid_looks_at_the_busiest_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
