/* Object states: contract section 8, fed through a real tracker. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../cmocka_all.h"
#include "base/cleanup.h"
#include "track/object.h"

#define FRAME 0.2
#define START 1000.0

static const struct track_label person = {.name = "person"}, car = {.name = "car", .family = 1},
                                truck = {.name = "truck", .family = 1};

/* Left half; a stripe on the right that only takes large cars and asks for two seconds. */
static float left_xy[] = {0, 0, 0.5f, 0, 0.5f, 1, 0, 1};
static float right_xy[] = {0.6f, 0, 1, 0, 1, 1, 0.6f, 1};
static struct cfg_polygon left_polygon = {left_xy, 4}, right_polygon = {right_xy, 4};
static char car_name[] = "car", person_name[] = "person", left_name[] = "left",
            right_name[] = "right";
static char *car_list[] = {car_name};
static struct cfg_filter right_filter[] = {
    {.name = car_name, .min_area = 5000, .max_area = 24000000, .max_ratio = 1e9, .threshold = 0.7}};
static struct cfg_zone zones[] = {
    {.name = left_name, .coordinates = {.polygons = &left_polygon, .count = 1}, .inertia = 3},
    {.name = right_name,
     .coordinates = {.polygons = &right_polygon, .count = 1},
     .inertia = 3,
     .loitering_time = 2,
     .filters = {right_filter, 1},
     .objects = {car_list, 1}},
};
static struct cfg_filter filters[] = {
    {.name = person_name, .max_area = 24000000, .max_ratio = 1e9, .threshold = 0.7},
    {.name = car_name, .max_area = 24000000, .max_ratio = 1e9, .threshold = 0.7},
};
static const struct cfg_camera camera = {
    .objects = {.filters = {filters, ARRAY_SIZE(filters)}},
    .zones = zones,
    .zone_count = ARRAY_SIZE(zones),
};

struct bench {
    struct tracker *tracker;
    struct objects *objects;
    double time;
};

static int set_up(void **state)
{
    static struct bench bench;
    struct tracker_settings settings = {.width = 1280,
                                        .height = 720,
                                        .fps = 5,
                                        .min_initialized = 2,
                                        .max_disappeared = 25,
                                        .stationary_threshold = 50};
    bench = (struct bench){tracker_create(&settings), objects_create(&camera, &settings), START};
    *state = &bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    objects_destroy(bench->objects);
    tracker_destroy(bench->tracker);
    return 0;
}

static struct extent box_at(float x, float y, float width, float height)
{
    return (struct extent){x, y, x + width, y + height};
}

static void step(struct bench *b, const struct sighting *s, size_t count,
                 const struct attribute *attributes, size_t attribute_count)
{
    struct tracker_input input = {.time = b->time, .sightings = s, .count = count};
    tracker_update(b->tracker, &input);
    objects_update(b->objects, b->tracker, b->time, attributes, attribute_count);
    b->time += FRAME;
}

static struct object *step_one(struct bench *b, const struct track_label *label, float score,
                               struct extent box)
{
    struct sighting s = {.label = label, .score = score, .box = box};
    step(b, &s, 1, NULL, 0);
    return objects_next(b->objects, NULL);
}

/* Scores per picture; 'F' while it is a false positive, 't' from then on, '-' before it is known.
 */
static void test_false_positive_rule(void **state)
{
    static const struct {
        float scores[16];
        const char *expected;
        float top;
    } cases[] = {
        /* three early scores are its history, the verdict comes with the next picture */
        {{.8f, .8f, .8f, .8f, .8f}, "--Ftt", .8f},
        {{.5f, .5f, .5f, .9f, .9f, .9f, .9f}, "--FFFt", .7f},
        {{.6f, .6f, .6f, .6f, .6f, .6f}, "--FFFF", .6f},
        {{.69f, .69f, .71f, .71f, .71f}, "--Ftt", .71f},
        /* 0 = not seen: counts as a score of 0; once true it stays true */
        {{.9f, .9f, .9f, 0, 0, 0, .9f},
         "--Fttt"
         "t",
         .9f},
        {{.7f, .7f, .7f, .7f}, "--Ft", .7f},
    };
    for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
        struct bench *b = *state;
        struct object *o = NULL;
        for (size_t i = 0; cases[c].expected[i] != '\0'; i++) {
            if (cases[c].scores[i] > 0) {
                o = step_one(b, &person, cases[c].scores[i], box_at(100, 100, 60, 150));
            } else {
                step(b, NULL, 0, NULL, 0);
            }
            char is = o == NULL ? '-' : o->false_positive ? 'F' : 't';
            if (is != cases[c].expected[i]) {
                fail_msg("case %zu, picture %zu: %c", c, i, is);
            }
        }
        assert_float_equal(o->top_score, cases[c].top, 1e-5);
        tear_down(state);
        set_up(state);
    }
}

static void test_median_of_ten(void **state)
{
    struct bench *b = *state;
    struct object *o = NULL;
    static const float scores[] = {.9f, .9f, .9f, .9f, .9f, .9f, .1f,  .2f,
                                   .3f, .4f, .5f, .6f, .7f, .8f, .75f, .65f};
    for (size_t i = 0; i < ARRAY_SIZE(scores); i++) {
        o = step_one(b, &person, scores[i], box_at(100, 100, 60, 150));
    }
    assert_float_equal(o->computed_score, (.5f + .6f) / 2,
                       1e-5); /* of .1 .2 .3 .4 .5 .6 .65 .7 .75 .8 */
    assert_float_equal(o->top_score, .9f, 1e-5);
    assert_float_equal(o->score, .65f, 1e-5);
}

static void test_end(void **state)
{
    struct bench *b = *state;
    struct object *o = NULL;
    double last = 0;
    for (unsigned i = 0; i < 10; i++) {
        last = b->time;
        o = step_one(b, &person, .8f, box_at(100, 100, 60, 150));
    }
    assert_true(o->seen);
    unsigned steps = 0;
    for (; o->end_time == 0 && steps < 50; steps++) {
        step(b, NULL, 0, NULL, 0);
        o = objects_next(b->objects, NULL);
        assert_non_null(o);
        assert_false(o->seen);
    }
    assert_in_range(steps, 17, 19);
    assert_float_equal(o->end_time, last, 1e-9);
    assert_true(o->significant);
    assert_false(o->active);
    step(b, NULL, 0, NULL, 0); /* stays until it is let go */
    assert_int_equal(objects_count(b->objects), 1);
    assert_int_equal(objects_forget_ended(b->objects, 1), 0);
    assert_int_equal(objects_forget_ended(b->objects, 0), 1);
    assert_null(objects_next(b->objects, NULL));
}

static void test_zone_rules(void **state)
{
    struct bench *b = *state;
    struct object *o = NULL;
    /* small car: never in "right", whatever it does there */
    for (unsigned i = 0; i < 20; i++) {
        o = step_one(b, &car, .9f, box_at(900, 300, 60, 40));
    }
    assert_int_equal(o->current_zones, 0);
    /* a person is not of "right"'s objects; walking left enters "left", three pictures late */
    tear_down(state);
    set_up(state);
    unsigned entered_after = 0;
    for (unsigned i = 0; i < 60; i++) {
        o = step_one(b, &person, .9f, box_at(1000 - 15 * (float)i, 300, 60, 150));
        if (o != NULL && o->current_zones != 0 && entered_after == 0) {
            entered_after = i;
        }
    }
    /* bottom centre passes x = 640 with i = 26 */
    assert_int_equal(entered_after, 28);
    assert_int_equal(o->current_zones, 1);
    assert_int_equal(o->entered_zones, 1);
    for (unsigned i = 0; i < 60; i++) {
        o = step_one(b, &person, .9f, box_at(115 + 15 * (float)i, 300, 60, 150));
    }
    assert_int_equal(o->current_zones, 0);
    assert_int_equal(o->entered_zones, 1); /* remembered, in order */
    assert_int_equal(o->entered_count, 1);
    assert_int_equal(o->entered_order[0], 0);
}

static void test_loitering_and_filter(void **state)
{
    struct bench *b = *state;
    struct object *o = NULL;
    unsigned entered_after = 0;
    for (unsigned i = 0; i < 40 && entered_after == 0; i++) {
        o = step_one(b, &car, .9f, box_at(900, 300, 160, 90));
        entered_after = o != NULL && o->current_zones != 0 ? i : 0;
    }
    /* known at 2, filter needs a computed score: 3; inertia: 5; two seconds of loitering: 14 */
    assert_int_equal(entered_after, 14);
    assert_int_equal(o->current_zones, 2);
    /* shrinking under the filter's area inside does not throw it out */
    for (unsigned i = 0; i < 5; i++) {
        o = step_one(b, &car, .9f, box_at(930, 310, 80, 60));
    }
    assert_int_equal(o->current_zones, 2);
}

static void test_attributes(void **state)
{
    struct bench *b = *state;
    struct sighting s[] = {{.label = &person, .score = .8f, .box = box_at(100, 100, 100, 300)},
                           {.label = &car, .score = .8f, .box = box_at(400, 100, 300, 200)},
                           {.label = &person, .score = .8f, .box = box_at(90, 90, 200, 400)}};
    for (unsigned i = 0; i < 5; i++) {
        step(b, s, 3, NULL, 0);
    }
    struct object *inner = NULL, *vehicle = NULL, *outer = NULL;
    for (struct object *o = objects_next(b->objects, NULL); o != NULL;
         o = objects_next(b->objects, o)) {
        object_told(o, b->time);
        *(o->label == &car ? &vehicle : o->area == 30000 ? &inner : &outer) = o;
    }
    struct attribute attributes[] = {
        {"face", .6f, box_at(120, 110, 20, 20)},          /* in both persons: the smaller's */
        {"license_plate", .7f, box_at(120, 110, 20, 20)}, /* not a person's */
        {"license_plate", .7f, box_at(450, 200, 40, 10)}, /* the car's */
        {"amazon", .5f, box_at(450, 150, 40, 20)},        /* the car's */
        {"ups", .9f, box_at(390, 150, 40, 20)},           /* hangs out of it */
        {"face", NAN, box_at(120, 110, 20, 20)},
    };
    step(b, s, 3, attributes, ARRAY_SIZE(attributes));
    assert_int_equal(inner->current_attributes.count, 1);
    assert_string_equal(inner->current_attributes.items[0].label, "face");
    assert_int_equal(outer->current_attributes.count, 0);
    assert_int_equal(vehicle->current_attributes.count, 2);
    assert_string_equal(vehicle->sub_label, "amazon");
    assert_float_equal(vehicle->sub_label_score, .5f, 1e-6);
    assert_true(inner->significant && vehicle->significant && !outer->significant);
    assert_true(inner->wants_best);

    object_told(inner, b->time);
    attributes[0].score = .4f; /* worse, and nothing new */
    attributes[3].label = "fedex";
    attributes[3].score = .8f;
    step(b, s, 3, attributes, 4);
    assert_float_equal(inner->best_ever.items[0].score, .6f, 1e-6);
    assert_false(inner->significant);
    assert_string_equal(vehicle->sub_label, "fedex");
    step(b, s, 3, NULL, 0);
    assert_int_equal(inner->current_attributes.count, 0);
    assert_int_equal(inner->best_ever.count, 1);
}

static void test_best_is_taken(void **state)
{
    struct bench *b = *state;
    struct object *o = NULL;
    for (unsigned i = 0; i < 3; i++) {
        o = step_one(b, &person, .8f, box_at(100, 100, 60, 150));
    }
    assert_false(o->wants_best); /* a false positive has no picture */
    o = step_one(b, &person, .8f, box_at(100, 100, 60, 150));
    assert_true(o->wants_best);
    object_take_best(o, b->time - FRAME);
    assert_int_equal(o->best.revision, 1);
    o = step_one(b, &person, .82f, box_at(100, 100, 60, 150));
    assert_false(o->wants_best);
    o = step_one(b, &person, .9f, box_at(100, 100, 60, 150));
    assert_true(o->wants_best);
    o = step_one(b, &person, .7f, box_at(100, 100, 60, 150)); /* not taken: wanted no more */
    assert_false(o->wants_best);
    object_lose_best(o);
    step(b, NULL, 0, NULL, 0);
    assert_false(o->wants_best); /* not in this picture */
    o = step_one(b, &person, .7f, box_at(100, 100, 60, 150));
    assert_true(o->wants_best);
    object_take_best(o, b->time - FRAME);
    assert_int_equal(o->best.revision, 2);
    assert_float_equal(o->best.score, .7f, 1e-6);
}

static void test_significant(void **state)
{
    struct bench *b = *state;
    struct object *o = NULL;
    unsigned told = 0, first = 0;
    double last_told = 0;
    for (unsigned i = 0; i < 700; i++) {
        float x = i < 60 ? 700 + 5 * (float)(i % 2) : 700;
        o = step_one(b, &person, .8f, box_at(x, 100, 60, 150));
        if (o != NULL && o->significant) {
            first = told++ == 0 ? i : first;
            last_told = b->time - FRAME;
            object_told(o, last_told);
        }
    }
    /* becoming true; stationary after 50 pictures; then every minute */
    assert_int_equal(first, 3);
    assert_int_equal(told, 1 + 1 + 2);
    o = step_one(b, &person, .8f, box_at(100, 100, 60, 150)); /* too far: another object */
    for (unsigned i = 0; i < 30; i++) {
        step(b, NULL, 0, NULL, 0);
    }
    assert_int_not_equal(o->end_time, 0);
}

static void test_active_and_stationary(void **state)
{
    struct bench *b = *state;
    struct object *o = NULL;
    for (unsigned i = 0; i < 20; i++) {
        o = step_one(b, &car, .8f, box_at(100 + 20 * (float)i, 300, 160, 90));
    }
    assert_true(o->active);
    assert_false(o->stationary);
    step(b, NULL, 0, NULL, 0);
    assert_false(o->active); /* not seen in this picture */
    unsigned stationary_from = 0, inactive_from = 0;
    for (unsigned i = 0; i < 60; i++) {
        o = step_one(b, &car, .8f, box_at(500, 300, 160, 90));
        stationary_from =
            stationary_from == 0 && o->stationary ? o->motionless_count : stationary_from;
        inactive_from =
            inactive_from == 0 && !o->active && i > 0 ? o->motionless_count : inactive_from;
    }
    assert_int_equal(stationary_from, 51); /* outwardly ">" */
    assert_int_equal(inactive_from, 50);   /* active is "<" */
    assert_int_equal(o->position_changes, 1);
}

/* What was shown as a car stays one. */
static void test_label_is_fixed_when_true(void **state)
{
    struct bench *b = *state;
    struct object *o = NULL;
    for (unsigned i = 0; i < 10; i++) {
        o = step_one(b, &car, .8f, box_at(100 + 10 * (float)i, 300, 160, 90));
    }
    const char *id = o->id;
    for (unsigned i = 10; i < 60; i++) {
        o = step_one(b, &truck, .9f, box_at(100 + 10 * (float)i, 300, 160, 90));
    }
    assert_ptr_equal(o->label, &car);
    assert_string_equal(o->id, id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_false_positive_rule, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_median_of_ten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_zone_rules, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_loitering_and_filter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_attributes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_best_is_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_significant, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_active_and_stationary, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_label_is_fixed_when_true, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
