#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../cmocka_all.h"
#include "analyse/pipeline.h"
#include "analyse/report.h"
#include "base/cleanup.h"
#include "camera.h"

#define FRAME 0.2
#define START 5000.0

struct yard {
    struct cfg_camera camera;
    struct labels *labels;
    struct pipeline *pipeline;
    uint8_t picture[TEST_PICTURE_BYTES];
    struct frame_info info;
    bool storm; /* the right third of the picture changes wholly each time */
};

static struct yard *yard_with(const struct cfg_camera *camera)
{
    struct yard *yard = calloc(1, sizeof *yard);
    yard->camera = *camera;
    yard->labels = labels_create(&test_labels, &yard->camera, TEST_WIDTH, TEST_HEIGHT);
    struct pipeline_options options = {&yard->camera, yard->labels, TEST_WIDTH, TEST_HEIGHT, 320};
    yard->pipeline = pipeline_create(&options);
    yard->info = (struct frame_info){.time = START, .width = TEST_WIDTH, .height = TEST_HEIGHT};
    return yard;
}

static int set_up(void **state)
{
    struct cfg_camera camera = test_camera();
    *state = yard_with(&camera);
    return 0;
}

static void yard_free(struct yard *yard)
{
    pipeline_destroy(yard->pipeline);
    labels_destroy(yard->labels);
    free(yard);
}

static int tear_down(void **state)
{
    yard_free(*state);
    return 0;
}

enum { ANSWERS = 1, SILENCE = 2 };

/* One picture; a detector that knows the box (empty: nothing there) or says nothing at all. Returns
 * the number of regions. */
static unsigned step(struct yard *yard, struct box box, uint32_t label, int mode)
{
    yard->info.sequence++;
    yard->info.mono_us = (int64_t)(yard->info.time * 1e6);
    test_paint(yard->picture, box);
    if (yard->storm) {
        for (int y = 0; y < TEST_HEIGHT; y++) {
            memset(yard->picture + y * TEST_WIDTH + TEST_WIDTH * 2 / 3,
                   (int)((yard->info.sequence + (uint64_t)y / 48) % 2) * 200, TEST_WIDTH / 3);
        }
    }
    pipeline_begin(yard->pipeline, yard->picture, &yard->info);
    const struct regions *regions = pipeline_regions(yard->pipeline);
    for (unsigned r = 0; r < regions->count && mode == ANSWERS; r++) {
        struct box region = regions->items[r], part;
        pipeline_answer(yard->pipeline, r, NULL, 0);
        if (box_area(box) > 0 && box_intersection(region, box, &part) &&
            box_area(part) * 2 > box_area(box)) {
            pipeline_found(yard->pipeline, r, label, 0.8f, box);
        }
    }
    unsigned count = regions->count;
    pipeline_end(yard->pipeline, yard->picture);
    yard->info.time += FRAME;
    return count;
}

static struct box walker(int i)
{
    return (struct box){40 + 8 * i, 200, 100 + 8 * i, 360};
}

static const struct box nothing;

static struct object *only_object(struct yard *yard)
{
    struct object *o = objects_next(pipeline_objects(yard->pipeline), NULL);
    if (o != NULL) {
        assert_null(objects_next(pipeline_objects(yard->pipeline), o));
    }
    return o;
}

static void quiet(struct yard *yard, unsigned pictures)
{
    for (unsigned i = 0; i < pictures; i++) {
        step(yard, nothing, 0, ANSWERS);
    }
}

/* A scene in which nothing happens needs no detector. */
static void test_quiet_scene_costs_nothing(void **state)
{
    struct yard *yard = *state;
    assert_true(step(yard, nothing, 0, ANSWERS) > 0); /* the first look around */
    quiet(yard, 20);
    for (unsigned i = 0; i < 30; i++) {
        assert_int_equal(step(yard, nothing, 0, ANSWERS), 0);
        assert_null(only_object(yard));
    }
}

/* Motion leads to a region, the region to one object that lives as long as the walk. */
static void test_one_walk_is_one_object(void **state)
{
    struct yard *yard = *state;
    quiet(yard, 60);
    uint64_t serial = 0;
    for (int i = 0; i < 60; i++) {
        step(yard, walker(i), 0, ANSWERS);
        struct object *o = only_object(yard);
        if (o != NULL) {
            serial = serial != 0 ? serial : o->serial;
            assert_int_equal(o->serial, serial);
            assert_string_equal(o->label->name, "person");
        }
    }
    struct object *o = only_object(yard);
    assert_non_null(o);
    assert_false(o->false_positive);
    assert_true(o->active);
    for (unsigned i = 0; i < 60 && o->end_time == 0; i++) {
        step(yard, nothing, 0, ANSWERS);
        o = only_object(yard);
    }
    assert_int_not_equal(o->end_time, 0);
    assert_int_equal(objects_forget_ended(pipeline_objects(yard->pipeline), 0), 1);
    assert_true(pipeline_grid_changed(yard->pipeline)); /* learned from it */
    assert_false(pipeline_grid_changed(yard->pipeline));
    assert_false(grid_is_empty(pipeline_grid(yard->pipeline)));
}

/* The detector is away for a minute while someone stands there: the same object before and after.
 */
static void test_detector_away(void **state)
{
    struct yard *yard = *state;
    quiet(yard, 60);
    for (int i = 0; i < 30; i++) {
        step(yard, walker(i), 0, ANSWERS);
    }
    uint64_t serial = only_object(yard)->serial;
    for (unsigned i = 0; i < 300; i++) {
        assert_true(step(yard, walker(30), 0, SILENCE) > 0);
        assert_int_equal(only_object(yard)->serial, serial);
        assert_int_equal(only_object(yard)->end_time, 0);
        assert_false(only_object(yard)->false_positive);
    }
    for (int i = 30; i < 40; i++) {
        step(yard, walker(i), 0, ANSWERS);
    }
    assert_int_equal(only_object(yard)->serial, serial);
    assert_true(only_object(yard)->seen);
}

/* Stationary: looked at again only after the interval, or when something moves on it. */
static void test_stationary_is_left_alone(void **state)
{
    struct yard *yard = *state;
    quiet(yard, 60);
    for (int i = 0; i < 20; i++) {
        step(yard, walker(i), 1, ANSWERS);
    }
    for (unsigned i = 0; i < 150; i++) { /* until the background has taken it in */
        step(yard, walker(19), 1, ANSWERS);
    }
    unsigned looks = 0;
    for (unsigned i = 0; i < 500; i++) {
        looks += step(yard, walker(19), 1, ANSWERS) > 0;
        assert_true(only_object(yard)->seen);
    }
    assert_in_range(looks, 8, 12); /* every 10 s of 100 */
    assert_true(only_object(yard)->stationary);
    unsigned after = 0;
    uint64_t serial = only_object(yard)->serial;
    for (int i = 20; i < 40; i++) {
        after += step(yard, walker(i), 1, ANSWERS) > 0;
    }
    assert_in_range(after, 18, 20);
    assert_int_equal(only_object(yard)->serial, serial);
    assert_int_equal(only_object(yard)->position_changes, 2);
}

/* As long as motion is calibrating it leads nowhere: whoever comes is found all the same. */
static void test_found_while_calibrating(void **state)
{
    struct yard *yard = *state;
    yard->storm = true;
    quiet(yard, 20);
    for (int i = 0; i < 20; i++) {
        step(yard, walker(i), 0, ANSWERS);
        assert_true(pipeline_motion(yard->pipeline)->calibrating);
    }
    assert_non_null(only_object(yard));
}

static void test_detection_switched_off(void **state)
{
    struct cfg_camera camera = test_camera();
    camera.detect.enabled = false;
    struct yard *yard = yard_with(&camera);
    unsigned with_motion = 0;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(step(yard, i < 60 ? nothing : walker(i - 60), 0, ANSWERS), 0);
        with_motion += i >= 62 && pipeline_motion(yard->pipeline)->count > 0;
        assert_null(only_object(yard));
    }
    assert_in_range(with_motion, 30, 38);
    yard_free(yard);
}

static void test_motion_switched_off(void **state)
{
    struct cfg_camera camera = test_camera();
    camera.motion.enabled = false;
    struct yard *yard = yard_with(&camera);
    step(yard, walker(0), 0, ANSWERS); /* found by the first look around, followed from then on */
    for (int i = 1; i < 40; i++) {
        step(yard, walker(i), 0, ANSWERS);
        assert_int_equal(pipeline_motion(yard->pipeline)->count, 0);
    }
    assert_non_null(only_object(yard));
    yard_free(yard);
}

/* The label map may name one label twice and others nobody wants. */
static void test_labels_and_filters(void **state)
{
    static const struct {
        uint32_t label;
        const char *name; /* NULL = no object */
    } cases[] = {{0, "person"}, {1, "car"}, {2, NULL},  {3, NULL},
                 {4, "car"},    {5, NULL},  {999, NULL}};
    for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
        struct cfg_camera camera = test_camera();
        struct yard *yard = yard_with(&camera);
        quiet(yard, 40);
        for (int i = 0; i < 12; i++) {
            step(yard, walker(i), cases[c].label, ANSWERS);
        }
        struct object *o = only_object(yard);
        assert_true((o != NULL) == (cases[c].name != NULL));
        if (o != NULL) {
            assert_string_equal(o->label->name, cases[c].name);
        }
        yard_free(yard);
    }
}

static void test_masked_feet(void **state)
{
    static float lower_xy[] = {0, 0.7f, 1, 0.7f, 1, 1, 0, 1};
    static struct cfg_polygon lower = {lower_xy, 4};
    static struct cfg_filter filter = {.name = test_person,
                                       .max_area = 24000000,
                                       .max_ratio = 24000000,
                                       .threshold = 0.7,
                                       .min_score = 0.5,
                                       .mask = {.polygons = &lower, .count = 1, .present = true}};
    struct cfg_camera camera = test_camera();
    camera.objects.filters = (struct cfg_filters){&filter, 1};
    struct yard *yard = yard_with(&camera);
    quiet(yard, 40);
    for (int i = 0; i < 20; i++) {
        step(yard, walker(i), 0, ANSWERS); /* feet at y 360 of 480: in the mask */
        assert_null(only_object(yard));
    }
    yard_free(yard);
}

/* A model's answer, relative to its region, garbage included. */
static void test_answers(void **state)
{
    struct yard *yard = *state;
    yard->info.sequence = 1;
    test_paint(yard->picture, walker(0));
    for (unsigned n = 0; n < 6; n++) {
        yard->info.mono_us = (int64_t)(yard->info.time * 1e6);
        pipeline_begin(yard->pipeline, yard->picture, &yard->info);
        const struct regions *regions = pipeline_regions(yard->pipeline);
        assert_true(regions->count > 0);
        struct tensor_box boxes[] = {
            {0, 0.9f, 0.2f, 0.2f, 0.4f, 0.6f},
            {0, 0.9f, NAN, 0, 1, 1},
            {0, 0.9f, 0.5f, 0.5f, 0.1f, 0.1f},
            {0, NAN, 0.7f, 0.2f, 0.9f, 0.6f},
            {77, 0.9f, 0, 0, 1, 1},
            {0, 0.3f, 0.7f, 0.2f, 0.9f, 0.6f},
        };
        pipeline_answer(yard->pipeline, 0, boxes, ARRAY_SIZE(boxes));
        pipeline_answer(yard->pipeline, REGIONS_MAX, boxes, ARRAY_SIZE(boxes)); /* no such region */
        for (unsigned r = 1; r < regions->count; r++) {
            pipeline_answer(yard->pipeline, r, NULL, 0);
        }
        pipeline_end(yard->pipeline, yard->picture);
        yard->info.time += FRAME;
        yard->info.sequence++;
    }
    unsigned count = 0;
    struct objects *objects = pipeline_objects(yard->pipeline);
    for (struct object *o = objects_next(objects, NULL); o != NULL; o = objects_next(objects, o)) {
        assert_true(extent_sane(&o->box, 1));
        count++;
    }
    assert_true(count >= 1);
}

static void test_report(void **state)
{
    struct yard *yard = *state;
    struct report *report = report_create("back");
    quiet(yard, 60);
    for (int i = 0; i < 20; i++) {
        step(yard, walker(i), 0, ANSWERS);
    }
    const struct msg_frame *frame = report_frame(report, yard->pipeline);
    assert_string_equal(frame->camera, "back");
    assert_float_equal(frame->time, yard->info.time - FRAME, 1e-9);
    assert_int_equal(frame->objects.count, 1);
    assert_true(frame->motion.count > 0);
    assert_true(frame->regions.count > 0);
    const struct msg_object *object = &frame->objects.items[0];
    assert_string_equal(object->id, only_object(yard)->id);
    assert_string_equal(object->label, "person");
    assert_int_equal(object->box[0], walker(19).x1);
    assert_int_equal(object->box[3], walker(19).y2);
    assert_int_equal(object->area, 60 * 160);
    assert_false(object->false_positive);
    assert_true(object->active);
    assert_true(object->significant);
    AUTO_STR struct str bytes = {0};
    record_encode(msg_row(MSG_FRAME)->record, frame, &bytes);
    assert_true(bytes.length > 0 && bytes.length < 4096);
    report_destroy(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_quiet_scene_costs_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_walk_is_one_object, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_detector_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stationary_is_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_found_while_calibrating, set_up, tear_down),
        cmocka_unit_test(test_detection_switched_off),
        cmocka_unit_test(test_motion_switched_off),
        cmocka_unit_test(test_labels_and_filters),
        cmocka_unit_test(test_masked_feet),
        cmocka_unit_test_setup_teardown(test_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_report, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
