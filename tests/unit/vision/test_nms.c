/* Mapping, filters and merging of detections. */
#include "../cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "draw.h"
#include "vision/nms.h"

enum { PERSON, CAR, FACE, LABELS };

static struct merge_rule rules[LABELS];
static const struct merge_options hd = {1280, 720, rules, LABELS};
/* Nothing is clipped by it. */
static const struct box whole = {0, 0, 1280, 720};

static int set_up_rules(void **state)
{
    rules[PERSON] = merge_rule_for("person");
    rules[CAR] = merge_rule_for("car");
    rules[FACE] = merge_rule_for("face");
    return 0;
}

static struct detection detection(unsigned label, float score, struct box box, struct box region)
{
    return (struct detection){
        label, score, box, box_area(box), (float)box_width(box) / (float)box_height(box), region};
}

static void mapping_by_table(void **state)
{
    static const struct {
        float relative[4];
        struct box region;
        bool is_in;
        struct box box;
    } rows[] = {
        {{0, 0, 1, 1}, {100, 100, 420, 420}, true, {100, 100, 420, 420}},
        {{0.1F, 0.2F, 0.5F, 0.8F}, {100, 50, 420, 370}, true, {132, 114, 260, 306}},
        {{-0.5F, -0.5F, 0.5F, 0.5F}, {0, 0, 320, 320}, true, {0, 0, 160, 160}},
        /* the region hangs over the picture */
        {{0.5F, 0.5F, 1, 1}, {0, 0, 1280, 1280}, true, {640, 640, 1279, 719}},
        {{0.1F, 0.6F, 0.5F, 0.9F}, {0, 0, 1280, 1280}, false, {0}},
        {{0.9F, 0.1F, 1.2F, 0.2F}, {1152, 0, 1280, 128}, true, {1267, 12, 1279, 25}},
        /* without area, turned round, not numbers */
        {{0.5F, 0.5F, 0.5F, 0.9F}, {0, 0, 320, 320}, false, {0}},
        {{0.5F, 0.5F, 0.4F, 0.9F}, {0, 0, 320, 320}, false, {0}},
        {{NAN, 0.5F, 0.6F, 0.9F}, {0, 0, 320, 320}, false, {0}},
        {{0, 0, INFINITY, 1}, {0, 0, 320, 320}, false, {0}},
        {{-3e38F, -3e38F, 3e38F, 3e38F}, {0, 0, 320, 320}, true, {0, 0, 1279, 719}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct detection d;
        assert_int_equal(detection_map(&d, CAR, 0.5F, rows[i].relative, rows[i].region, 1280, 720),
                         rows[i].is_in);
        if (rows[i].is_in) {
            assert_true(box_equal(d.box, rows[i].box));
            assert_int_equal(d.area, box_area(d.box));
            assert_true(fabsf(d.ratio * (float)box_height(d.box) - (float)box_width(d.box)) <
                        0.01F);
            assert_true(box_equal(d.region, rows[i].region));
            assert_int_equal(d.label, CAR);
        }
    }
    struct detection d;
    assert_false(detection_map(&d, CAR, NAN, (const float[]){0, 0, 1, 1}, whole, 1280, 720));
}

static void filters_in_their_order(void **state)
{
    static const struct point shed[] = {{0, 600}, {300, 600}, {300, 719}, {0, 719}};
    const struct polygon mask = {shed, 4};
    const struct detection_filter filter = {1000, 50000, 0.5F, 0.5F, 2.0F, &mask, 1};
    static const struct {
        float score;
        struct box box;
        enum detection_verdict verdict;
    } rows[] = {
        {0.5F, {400, 400, 500, 500}, DETECTION_KEEP},
        {0.4F, {400, 400, 410, 410}, DETECTION_TOO_SMALL}, /* low score, too: area is first */
        {0.4F, {400, 100, 800, 500}, DETECTION_TOO_LARGE},
        {0.49F, {400, 400, 420, 500}, DETECTION_LOW_SCORE}, /* narrow, too */
        {0.9F, {400, 400, 420, 500}, DETECTION_TOO_NARROW},
        {0.9F, {400, 400, 700, 420}, DETECTION_TOO_WIDE},
        {0.9F, {100, 550, 200, 650}, DETECTION_MASKED}, /* foot at 150, 650 */
        {0.9F, {100, 500, 200, 599}, DETECTION_KEEP},   /* foot just above */
        {0.9F, {250, 550, 352, 650}, DETECTION_KEEP},   /* foot at 301 */
        {0.9F, {250, 550, 350, 650}, DETECTION_MASKED}, /* foot on the border */
        {0.9F, {400, 400, 420, 450}, DETECTION_TOO_NARROW},
        {0.9F, {400, 400, 425, 440}, DETECTION_KEEP}, /* exactly 1000 */
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct detection d = detection(PERSON, rows[i].score, rows[i].box, whole);
        enum detection_verdict verdict = detection_check(&d, &filter, 1280, 720);
        assert_string_equal(detection_verdict_name(verdict),
                            detection_verdict_name(rows[i].verdict));
    }
}

static void clipped_sides(void **state)
{
    static const struct {
        struct box box, region;
        bool is_clipped;
    } rows[] = {
        {{150, 150, 300, 300}, {100, 100, 420, 420}, false},
        {{105, 150, 300, 300}, {100, 100, 420, 420}, true},
        {{106, 150, 300, 300}, {100, 100, 420, 420}, false},
        {{150, 150, 415, 300}, {100, 100, 420, 420}, true},
        {{150, 150, 300, 416}, {100, 100, 420, 420}, true},
        {{150, 104, 300, 300}, {100, 100, 420, 420}, true},
        /* at the picture's own edge nothing is cut */
        {{0, 0, 300, 300}, {0, 0, 320, 320}, false},
        {{2, 150, 300, 300}, {5, 100, 325, 420}, false},
        {{1000, 500, 1279, 719}, {960, 400, 1280, 720}, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct detection d = detection(CAR, 0.9F, rows[i].box, rows[i].region);
        assert_int_equal(detection_is_clipped(&d, 1280, 720), rows[i].is_clipped);
    }
}

static void unclipped_beats_clipped(void **state)
{
    struct detection items[] = {
        detection(CAR, 0.88F, (struct box){400, 300, 637, 500}, (struct box){320, 200, 640, 520}),
        detection(CAR, 0.81F, (struct box){400, 300, 660, 500}, (struct box){370, 200, 690, 520}),
    };
    assert_int_equal(detections_merge(items, 2, &hd), 1);
    assert_true(items[0].score == 0.81F);
}

static void clipped_is_not_promoted(void **state)
{
    struct detection items[] = {
        detection(CAR, 0.4F, (struct box){400, 300, 637, 500}, (struct box){320, 200, 640, 520}),
        detection(CAR, 0.55F, (struct box){400, 300, 660, 500}, (struct box){370, 200, 690, 520}),
    };
    assert_int_equal(detections_merge(items, 2, &hd), 1);
    assert_true(items[0].score == 0.55F);
}

static void low_scores_live_when_the_filter_let_them_through(void **state)
{
    struct detection items[] = {detection(PERSON, 0.31F, (struct box){10, 10, 50, 90}, whole)};
    assert_int_equal(detections_merge(items, 1, &hd), 1);
    assert_int_equal(detections_merge(items, 0, &hd), 0);
}

static void small_car_in_a_large_one_stays(void **state)
{
    struct detection items[] = {
        detection(CAR, 0.9F, (struct box){100, 100, 800, 510}, whole), /* 287,000 */
        detection(CAR, 0.8F, (struct box){400, 120, 460, 180}, whole), /* 3,600 */
    };
    assert_int_equal(detections_merge(items, 2, &hd), 2);
    assert_int_equal(items[0].area, 3600);
    assert_int_equal(items[1].area, 287000);
}

static void stacked_cars_stay(void **state)
{
    struct detection items[] = {
        detection(CAR, 0.9F, (struct box){300, 200, 500, 320}, whole),
        detection(CAR, 0.85F, (struct box){310, 290, 520, 420}, whole),
        detection(CAR, 0.8F, (struct box){290, 390, 510, 520}, whole),
    };
    assert_int_equal(detections_merge(items, 3, &hd), 3);
}

static void contained_box_goes_by_label(void **state)
{
    /* 85 % of the small one lies in the large one: too much for a car, not for a person. */
    const struct box large = {100, 100, 300, 300}, small = {217, 100, 317, 200};
    struct detection cars[] = {detection(CAR, 0.7F, small, whole),
                               detection(CAR, 0.9F, large, whole)};
    struct detection people[] = {detection(PERSON, 0.7F, small, whole),
                                 detection(PERSON, 0.9F, large, whole)};
    struct detection mixed[] = {detection(PERSON, 0.7F, small, whole),
                                detection(CAR, 0.9F, large, whole)};
    assert_int_equal(detections_merge(cars, 2, &hd), 1);
    assert_true(box_equal(cars[0].box, large));
    assert_int_equal(detections_merge(people, 2, &hd), 2);
    assert_int_equal(detections_merge(mixed, 2, &hd), 2);
    /* Labels without a rule of their own take the common one. */
    const struct merge_options no_rules = {1280, 720, NULL, 0};
    struct detection others[] = {detection(CAR, 0.7F, small, whole),
                                 detection(CAR, 0.9F, large, whole)};
    assert_int_equal(detections_merge(others, 2, &no_rules), 2);
}

static void order_is_by_first_label_then_area(void **state)
{
    struct detection items[] = {
        detection(FACE, 0.9F, (struct box){1000, 10, 1100, 110}, whole),
        detection(PERSON, 0.9F, (struct box){10, 10, 210, 410}, whole),
        detection(FACE, 0.9F, (struct box){900, 300, 920, 320}, whole),
        detection(PERSON, 0.9F, (struct box){500, 500, 540, 580}, whole),
    };
    static const int64_t areas[] = {400, 10000, 3200, 80000};
    assert_int_equal(detections_merge(items, 4, &hd), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(items[i].area, areas[i]);
    }
}

static void halves_become_one(void **state)
{
    /* A bus over three neighbouring regions, each piece cut where the next begins. */
    struct detection items[] = {
        detection(CAR, 0.6F, (struct box){638, 202, 960, 399}, (struct box){640, 100, 960, 420}),
        detection(CAR, 0.8F, (struct box){150, 200, 318, 400}, (struct box){0, 100, 320, 420}),
        detection(CAR, 0.7F, (struct box){321, 198, 640, 402}, (struct box){320, 100, 640, 420}),
    };
    assert_int_equal(detections_merge(items, 3, &hd), 1);
    assert_true(box_equal(items[0].box, (struct box){150, 198, 960, 402}));
    assert_true(items[0].score == 0.8F);
    assert_int_equal(items[0].area, 810 * 204);
    assert_true(box_equal(items[0].region, (struct box){0, 100, 960, 420}));

    /* Upper and lower half. */
    struct detection tall[] = {
        detection(PERSON, 0.6F, (struct box){500, 100, 600, 318}, (struct box){400, 0, 720, 320}),
        detection(PERSON, 0.8F, (struct box){498, 322, 602, 600}, (struct box){400, 320, 720, 640}),
    };
    assert_int_equal(detections_merge(tall, 2, &hd), 1);
    assert_true(box_equal(tall[0].box, (struct box){498, 100, 602, 600}));
}

static void neighbours_stay_two(void **state)
{
    static const struct {
        const char *why;
        struct box a, a_region, b, b_region;
    } rows[] = {
        {"not cut at all",
         {150, 200, 300, 400},
         {0, 100, 320, 420},
         {340, 200, 500, 400},
         {320, 100, 640, 420}},
        {"a gap between",
         {150, 200, 318, 400},
         {0, 100, 320, 420},
         {345, 200, 500, 400},
         {340, 100, 660, 420}},
        {"different heights",
         {150, 200, 318, 400},
         {0, 100, 320, 420},
         {322, 120, 500, 260},
         {320, 100, 640, 420}},
        {"only one is cut",
         {150, 200, 318, 400},
         {0, 100, 320, 420},
         {322, 200, 500, 400},
         {200, 100, 640, 540}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct detection items[] = {detection(CAR, 0.8F, rows[i].a, rows[i].a_region),
                                    detection(CAR, 0.7F, rows[i].b, rows[i].b_region)};
        if (detections_merge(items, 2, &hd) != 2) {
            fail_msg("%s", rows[i].why);
        }
        struct detection labels[] = {detection(CAR, 0.8F, rows[i].a, rows[i].a_region),
                                     detection(PERSON, 0.7F, rows[i].b, rows[i].b_region)};
        assert_int_equal(detections_merge(labels, 2, &hd), 2);
    }
}

/* Intersection over union counted by pixels, the far edges left out. */
static double plain_overlap(struct box a, struct box b)
{
    int in_a = 0, in_b = 0, in_both = 0;
    for (int y = 0; y < 720; y++) {
        int wa = y >= a.y1 && y < a.y2 ? box_width(a) : 0;
        int wb = y >= b.y1 && y < b.y2 ? box_width(b) : 0;
        in_a += wa;
        in_b += wb;
        for (int x = a.x1; x < a.x2 && wa > 0 && wb > 0; x++) {
            in_both += x >= b.x1 && x < b.x2;
        }
    }
    return (double)in_both / (in_a + in_b - in_both);
}

/* What must hold of any result. Regions are the whole picture, so nothing is joined. */
static void merged_sets_are_consistent(void **state)
{
    struct dice dice = {8};
    for (int round = 0; round < 300; round++) {
        struct detection before[80], after[80];
        size_t count = (size_t)roll(&dice, 0, 80);
        for (size_t i = 0; i < count; i++) {
            int w = roll(&dice, 2, 300), h = roll(&dice, 2, 300);
            int x = roll(&dice, 0, 500), y = roll(&dice, 0, 400);
            before[i] = detection((unsigned)roll(&dice, 0, 3), (float)roll(&dice, 30, 99) / 100,
                                  (struct box){x, y, x + w, y + h}, whole);
        }
        memcpy(after, before, sizeof after);
        size_t left = detections_merge(after, count, &hd);
        assert_true(left <= count && (left > 0) == (count > 0));
        for (size_t i = 0; i < left; i++) {
            bool was_there = false;
            for (size_t j = 0; j < count; j++) {
                was_there |= memcmp(&after[i].box, &before[j].box, sizeof(struct box)) == 0 &&
                             after[i].label == before[j].label;
            }
            assert_true(was_there);
            struct merge_rule rule = merge_rule_for(after[i].label == CAR    ? "car"
                                                    : after[i].label == FACE ? "face"
                                                                             : "person");
            for (size_t j = i + 1; j < left; j++) {
                if (after[j].label != after[i].label) {
                    continue;
                }
                assert_true(after[i].area <= after[j].area);
                double shared = (double)box_intersection_area(after[i].box, after[j].box);
                double small = (double)box_area_inclusive(after[i].box);
                double large = (double)box_area_inclusive(after[j].box);
                assert_true(shared / small <= (double)rule.inside || small / large < 0.05);
                assert_true(plain_overlap(after[i].box, after[j].box) <= (double)rule.iou + 1e-6);
            }
        }
        size_t again = detections_merge(after, left, &hd);
        assert_int_equal(again, left); /* merging the merged changes nothing */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mapping_by_table),
        cmocka_unit_test(filters_in_their_order),
        cmocka_unit_test(clipped_sides),
        cmocka_unit_test(unclipped_beats_clipped),
        cmocka_unit_test(clipped_is_not_promoted),
        cmocka_unit_test(low_scores_live_when_the_filter_let_them_through),
        cmocka_unit_test(small_car_in_a_large_one_stays),
        cmocka_unit_test(stacked_cars_stay),
        cmocka_unit_test(contained_box_goes_by_label),
        cmocka_unit_test(order_is_by_first_label_then_area),
        cmocka_unit_test(halves_become_one),
        cmocka_unit_test(neighbours_stay_two),
        cmocka_unit_test(merged_sets_are_consistent),
    };
    return cmocka_run_group_tests(tests, set_up_rules, NULL);
}
