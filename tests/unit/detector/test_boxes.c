#include "cmocka_all.h"

#include <math.h>
#include <stdlib.h>

#include "detector/boxes.h"

static struct boxes boxes;

static int clear(void **state)
{
    boxes.label_count = 0;
    boxes.foreign = 0;
    boxes_clear(&boxes);
    return 0;
}

static void test_refuses(void **state)
{
    static const struct {
        float score, x1, y1, x2, y2;
    } bad[] = {
        {0.39f, 0, 0, 1, 1},       {NAN, 0, 0, 1, 1},  {0.9f, NAN, 0, 1, 1}, {0.9f, 0, 0, NAN, 1},
        {0.9f, 0, 0, INFINITY, 1}, {0.9f, 1, 0, 0, 1}, {0.9f, 0, 1, 1, 1},   {-1, 0, 0, 1, 1},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        boxes_add(&boxes, 0, bad[i].score, bad[i].x1, bad[i].y1, bad[i].x2, bad[i].y2);
        assert_int_equal(boxes.count, 0);
    }
    boxes_add(&boxes, 0, BOXES_MIN_SCORE, 0, 0, 1, 1);
    boxes_add(&boxes, 0, 3.0f, -0.1f, 0, 1.1f, 1);
    assert_int_equal(boxes.count, 2);
    struct tensor_box best[TENSOR_MAX_BOXES];
    assert_int_equal(boxes_best(&boxes, best), 1);
    assert_true(best[0].score == 1.0f);
}

static void test_unknown_labels(void **state)
{
    boxes.label_count = 80;
    boxes_add(&boxes, 79, 0.9f, 0, 0, 1, 1);
    boxes_add(&boxes, 80, 0.9f, 0, 0, 1, 1);
    boxes_add_class(&boxes, -1.0f, 0.9f, 0, 0, 1, 1);
    boxes_add_class(&boxes, 1e30f, 0.9f, 0, 0, 1, 1);
    boxes_add_class(&boxes, NAN, 0.9f, 0, 0, 1, 1);
    boxes_add_class(&boxes, 2.0f, 0.9f, 0, 0, 1, 1);
    assert_int_equal(boxes.count, 2);
    assert_int_equal(boxes.foreign, 4);
}

static void test_suppression(void **state)
{
    boxes_add(&boxes, 1, 0.6f, 0.10f, 0.10f, 0.50f, 0.50f);
    boxes_add(&boxes, 1, 0.8f, 0.11f, 0.10f, 0.51f, 0.50f); /* the same, better */
    boxes_add(&boxes, 2, 0.7f, 0.10f, 0.10f, 0.50f, 0.50f); /* another label stays */
    boxes_add(&boxes, 1, 0.5f, 0.30f, 0.30f, 0.70f, 0.70f); /* overlaps little: stays */
    struct tensor_box best[TENSOR_MAX_BOXES];
    assert_int_equal(boxes_best(&boxes, best), 3);
    assert_true(best[0].score == 0.8f && best[0].label == 1);
    assert_true(best[1].score == 0.7f && best[1].label == 2);
    assert_true(best[2].score == 0.5f && best[2].label == 1);
    assert_int_equal(boxes.count, 0);
}

/* Thousands of candidates: the best ones survive, in order. */
static void test_bound_keeps_the_best(void **state)
{
    enum { MANY = 5000 };
    for (int i = 0; i < MANY; i++) {
        int k = i * 1237 % MANY; /* every number once, mixed */
        float x = (float)k;
        boxes_add(&boxes, 0, 0.4f + 0.5f * (float)k / MANY, x, 0, x + 0.5f, 1);
    }
    assert_int_equal(boxes.count, BOXES_CANDIDATES);
    struct tensor_box best[TENSOR_MAX_BOXES];
    assert_int_equal(boxes_best(&boxes, best), TENSOR_MAX_BOXES);
    for (int i = 0; i < TENSOR_MAX_BOXES; i++) {
        assert_true(best[i].x1 == (float)(MANY - 1 - i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_refuses, clear),
        cmocka_unit_test_setup(test_unknown_labels, clear),
        cmocka_unit_test_setup(test_suppression, clear),
        cmocka_unit_test_setup(test_bound_keeps_the_best, clear),
    };
    return cmocka_run_group_tests_name("detector/boxes", tests, NULL, NULL);
}
