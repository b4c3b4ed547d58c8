#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../cmocka_all.h"
#include "base/cleanup.h"
#include "track/tracker.h"

#define FRAME 0.2
#define START 1000.0

static const struct track_label person = {.name = "person"}, car = {.name = "car", .family = 1},
                                truck = {.name = "truck", .family = 1};
static const struct track_label expiring_car = {.name = "car", .family = 1, .max_still_s = 4};

static struct tracker *new_tracker(void)
{
    struct tracker_settings settings = {.width = 1280,
                                        .height = 720,
                                        .fps = 5,
                                        .min_initialized = 2,
                                        .max_disappeared = 25,
                                        .stationary_threshold = 50};
    return tracker_create(&settings);
}

static struct extent box_at(float x, float y, float width, float height)
{
    return (struct extent){x, y, x + width, y + height};
}

static struct sighting see(const struct track_label *label, struct extent box)
{
    return (struct sighting){.label = label, .score = 0.8f, .box = box, .region = {0, 0, 320, 320}};
}

static void feed(struct tracker *tracker, double time, const struct sighting *sightings,
                 size_t count)
{
    struct tracker_input input = {.time = time, .sightings = sightings, .count = count};
    tracker_predict(tracker, time);
    tracker_update(tracker, &input);
}

static unsigned count_stage(struct tracker *tracker, enum track_stage stage)
{
    unsigned count = 0;
    for (struct track *t = tracker_next(tracker, NULL); t != NULL; t = tracker_next(tracker, t)) {
        count += t->stage == stage;
        assert_true(extent_sane(&t->estimate, 1));
        assert_true(extent_sane(&t->box, 1));
    }
    return count;
}

static struct track *only_live(struct tracker *tracker)
{
    assert_int_equal(count_stage(tracker, TRACK_LIVE), 1);
    struct track *t = tracker_next(tracker, NULL);
    while (t->stage != TRACK_LIVE) {
        t = tracker_next(tracker, t);
    }
    return t;
}

/* The live track whose last sighting is that box. */
static struct track *at_box(struct tracker *tracker, struct extent box)
{
    for (struct track *t = tracker_next(tracker, NULL); t != NULL; t = tracker_next(tracker, t)) {
        if (t->stage == TRACK_LIVE && extent_equal(&t->box, &box)) {
            return t;
        }
    }
    return NULL;
}

static void test_third_sighting_makes_it_real(void **state)
{
    struct tracker *tracker = new_tracker();
    struct sighting s = see(&person, box_at(100, 100, 50, 120));
    feed(tracker, START, &s, 1);
    feed(tracker, START + FRAME, &s, 1);
    assert_int_equal(count_stage(tracker, TRACK_LIVE), 0);
    feed(tracker, START + 2 * FRAME, &s, 1);
    struct track *t = only_live(tracker);
    assert_memory_equal(t->id, "1000.4-", 7);
    assert_int_equal(strlen(t->id), 13);
    assert_float_equal(t->start_time, START + 2 * FRAME, 1e-9);
    assert_int_equal(t->early_count, 3);
    assert_int_equal(t->motionless_count, 0);
    tracker_destroy(tracker);
}

/* A track that only just became real has two fifths of max_disappeared, an old one all of it. */
static void test_patience(void **state)
{
    static const struct {
        unsigned seen, missed;
        bool lives;
    } cases[] = {
        {1, 1, true},  {2, 2, true},   {2, 3, false},  {3, 10, true},   {3, 11, false},
        {5, 12, true}, {5, 13, false}, {40, 25, true}, {40, 26, false},
    };
    for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
        struct tracker *tracker = new_tracker();
        struct sighting s = see(&person, box_at(100, 100, 50, 120));
        double time = START;
        for (unsigned i = 0; i < cases[c].seen; i++, time += FRAME) {
            feed(tracker, time, &s, 1);
        }
        for (unsigned i = 0; i < cases[c].missed; i++, time += FRAME) {
            feed(tracker, time, NULL, 0);
        }
        if ((tracker_next(tracker, NULL) != NULL) != cases[c].lives) {
            fail_msg("case %zu", c);
        }
        tracker_destroy(tracker);
    }
}

/* Time nobody looked is not held against it: a detector away for a minute, a camera gone for ten.
 */
static void test_blind_time(void **state)
{
    struct tracker *tracker = new_tracker();
    struct sighting s = see(&person, box_at(100, 100, 50, 120));
    double time = START;
    for (unsigned i = 0; i < 10; i++, time += FRAME) {
        feed(tracker, time, &s, 1);
    }
    uint64_t serial = only_live(tracker)->serial;
    bool blind[TRACKER_MAX];
    memset(blind, true, sizeof blind);
    for (unsigned i = 0; i < 300; i++, time += FRAME) {
        struct tracker_input input = {.time = time, .blind = blind};
        tracker_update(tracker, &input);
        assert_true(only_live(tracker)->blind);
    }
    feed(tracker, time, &s, 1);
    assert_int_equal(only_live(tracker)->serial, serial);
    assert_true(only_live(tracker)->seen);
    time += 600;
    feed(tracker, time, NULL, 0);
    feed(tracker, time + FRAME, &s, 1);
    assert_int_equal(only_live(tracker)->serial, serial);
    tracker_destroy(tracker);
}

/* The wall clock steps back an hour, then forth: the same object all along. */
static void test_clock_steps(void **state)
{
    struct tracker *tracker = new_tracker();
    double time = START + 10000;
    uint64_t serial = 0;
    for (unsigned i = 0; i < 90; i++, time += FRAME) {
        time += i == 30 ? -3600 : i == 60 ? 3600 : 0;
        struct sighting s = see(&person, box_at(100 + 8 * (float)i, 100, 50, 120));
        feed(tracker, time, &s, 1);
        if (i >= 3) {
            serial = serial != 0 ? serial : only_live(tracker)->serial;
            assert_int_equal(only_live(tracker)->serial, serial);
            assert_true(only_live(tracker)->seen);
        }
    }
    tracker_destroy(tracker);
}

/* Two walk through each other; sizes differ a little; boxes jitter; the nearer hides the farther.
 */
static void crossing(double frame, float speed, unsigned hidden_frames)
{
    struct tracker *tracker = new_tracker();
    uint64_t left = 0, right = 0;
    unsigned frames = (unsigned)(900 / (speed * (float)frame));
    float middle = 0;
    for (unsigned i = 0; i < frames; i++) {
        double time = START + i * frame;
        float moved = speed * (float)(i * frame), jitter = (float)(i * 7 % 5) - 2;
        struct extent a = box_at(100 + moved + jitter, 300, 60, 160);
        struct extent b = box_at(1000 - moved - jitter, 310, 64, 170);
        middle = a.x1 - b.x1;
        bool hidden = fabsf(middle) < speed * (float)frame * (float)hidden_frames;
        struct sighting s[2] = {see(&person, a), see(&person, b)};
        feed(tracker, time, s, hidden ? 1 : 2);
        if (left == 0 && count_stage(tracker, TRACK_LIVE) == 2) {
            left = at_box(tracker, a)->serial;
            right = at_box(tracker, b)->serial;
        }
        if (i == frames - 1) {
            assert_int_equal(count_stage(tracker, TRACK_LIVE), 2);
            assert_int_equal(at_box(tracker, a)->serial, left);
            assert_int_equal(at_box(tracker, b)->serial, right);
        }
    }
    tracker_destroy(tracker);
}

static void test_crossing_keeps_identity(void **state)
{
    static const double frames[] = {0.1, 0.2, 0.3};
    static const float speeds[] = {50, 100, 180};
    for (size_t f = 0; f < ARRAY_SIZE(frames); f++) {
        for (size_t s = 0; s < ARRAY_SIZE(speeds); s++) {
            for (unsigned hidden = 0; hidden <= 3; hidden++) {
                crossing(frames[f], speeds[s], hidden);
            }
        }
    }
}

/* Walks behind a wall for two seconds and comes out on the other side. */
static void test_occlusion(void **state)
{
    struct tracker *tracker = new_tracker();
    uint64_t serial = 0;
    for (unsigned i = 0; i < 60; i++) {
        struct sighting s = see(&person, box_at(100 + 12 * (float)i, 300, 60, 160));
        bool hidden = i >= 25 && i < 35;
        feed(tracker, START + i * FRAME, &s, !hidden);
        if (i == 20) {
            serial = only_live(tracker)->serial;
        }
        if (i > 20) {
            assert_int_equal(only_live(tracker)->serial, serial);
        }
    }
    tracker_destroy(tracker);
}

/* One walks out of the picture; a second later another one comes in there: two objects. */
static void test_out_and_in(void **state)
{
    struct tracker *tracker = new_tracker();
    uint64_t first = 0;
    double time = START;
    for (unsigned i = 0; i < 40; i++, time += FRAME) {
        struct extent box = box_at(960 + 10 * (float)i, 300, 60, 160);
        box = extent_clamp(&box, 1280, 720);
        struct sighting s = see(&person, box);
        feed(tracker, time, &s, extent_width(&box) > 8);
        first =
            first == 0 && count_stage(tracker, TRACK_LIVE) > 0 ? only_live(tracker)->serial : first;
    }
    for (unsigned i = 0; i < 20; i++, time += FRAME) {
        struct extent box = box_at(1270 - 10 * (float)i, 300, 60, 160);
        struct sighting s = see(&person, extent_clamp(&box, 1280, 720));
        feed(tracker, time, &s, 1);
    }
    assert_int_not_equal(first, 0);
    assert_int_not_equal(only_live(tracker)->serial, first);
    tracker_destroy(tracker);
}

/* Someone steps in front of one who stands still: the hidden one has not jumped there. */
static void test_standing_is_not_taken_away(void **state)
{
    struct tracker *tracker = new_tracker();
    struct extent standing = box_at(600, 300, 60, 160), other = box_at(660, 310, 62, 165);
    double time = START;
    for (unsigned i = 0; i < 60; i++, time += FRAME) {
        struct sighting s = see(&person, standing);
        feed(tracker, time, &s, 1);
    }
    uint64_t serial = only_live(tracker)->serial;
    for (unsigned i = 0; i < 5; i++, time += FRAME) {
        struct sighting s = see(&person, other);
        feed(tracker, time, &s, 1);
    }
    struct sighting both[] = {see(&person, standing), see(&person, other)};
    feed(tracker, time, both, 2);
    assert_int_equal(at_box(tracker, standing)->serial, serial);
    assert_int_not_equal(at_box(tracker, other)->serial, serial);
    tracker_destroy(tracker);
}

/* Every other picture is lost, irregularly; a car at 250 px/s. */
static void test_irregular_times(void **state)
{
    static const double steps[] = {0.2, 0.4, 0.2, 0.6, 0.2, 0.2, 1.0, 0.4};
    struct tracker *tracker = new_tracker();
    uint64_t serial = 0;
    double time = START;
    for (unsigned i = 0; time - START < 4.5; i++) {
        struct sighting s = see(&car, box_at((float)(250 * (time - START)), 400, 140, 80));
        feed(tracker, time, &s, 1);
        if (count_stage(tracker, TRACK_LIVE) > 0) {
            serial = serial != 0 ? serial : only_live(tracker)->serial;
            assert_int_equal(only_live(tracker)->serial, serial);
        }
        time += steps[i % ARRAY_SIZE(steps)];
    }
    assert_int_not_equal(serial, 0);
    tracker_destroy(tracker);
}

/* car, truck, car: one object, its label the voters'; shown once, it stays. */
static void test_label_flicker(void **state)
{
    struct tracker *tracker = new_tracker();
    uint64_t serial = 0;
    for (unsigned i = 0; i < 40; i++) {
        struct sighting s =
            see(i % 3 == 1 || i > 25 ? &truck : &car, box_at(100 + 10 * (float)i, 300, 160, 90));
        feed(tracker, START + i * FRAME, &s, 1);
        if (i == 10) {
            struct track *t = only_live(tracker);
            serial = t->serial;
            assert_ptr_equal(t->label, &car);
            t->label_fixed = true;
        }
    }
    assert_int_equal(only_live(tracker)->serial, serial);
    assert_ptr_equal(only_live(tracker)->label, &car);
    /* seen as both at once: still one */
    struct sighting both[] = {see(&car, box_at(500, 300, 160, 90)),
                              see(&truck, box_at(503, 298, 162, 92))};
    for (unsigned i = 40; i < 50; i++) {
        feed(tracker, START + i * FRAME, both, 2);
    }
    assert_int_equal(only_live(tracker)->serial, serial);
    /* but a person is no car */
    struct sighting two[] = {see(&car, box_at(500, 300, 160, 90)),
                             see(&person, box_at(500, 300, 160, 90))};
    for (unsigned i = 50; i < 55; i++) {
        feed(tracker, START + i * FRAME, two, 2);
    }
    assert_int_equal(count_stage(tracker, TRACK_LIVE), 2);
    tracker_destroy(tracker);
}

static void test_parks_and_leaves(void **state)
{
    struct tracker *tracker = new_tracker();
    double time = START;
    for (unsigned i = 0; i < 20; i++, time += FRAME) {
        struct sighting s = see(&car, box_at(100 + 15 * (float)i, 300, 160, 90));
        feed(tracker, time, &s, 1);
    }
    struct track *t = only_live(tracker);
    uint64_t serial = t->serial;
    assert_int_equal(t->position_changes, 1);
    for (unsigned i = 0; i < 100; i++, time += FRAME) {
        struct sighting s = see(&car, box_at(385 + (float)(i % 3), 300, 160, 90));
        feed(tracker, time, &s, 1);
    }
    assert_true(track_is_stationary(tracker, t));
    assert_int_equal(t->position_changes, 1);
    assert_in_range(t->motionless_count, 96, 102);
    for (unsigned i = 0; i < 40; i++, time += FRAME) {
        struct sighting s = see(&car, box_at(385 + 10 * (float)i, 300, 160, 90));
        feed(tracker, time, &s, 1);
    }
    t = only_live(tracker);
    assert_int_equal(t->serial, serial);
    assert_int_equal(t->position_changes, 2);
    assert_false(track_is_stationary(tracker, t));
    tracker_destroy(tracker);
}

/* Held without being looked at, it ages as if seen. */
static void test_held(void **state)
{
    struct tracker *tracker = new_tracker();
    struct sighting s = see(&car, box_at(300, 300, 160, 90));
    double time = START;
    for (unsigned i = 0; i < 60; i++, time += FRAME) {
        feed(tracker, time, &s, 1);
    }
    bool held[TRACKER_MAX];
    memset(held, true, sizeof held);
    double looked = only_live(tracker)->looked_time;
    for (unsigned i = 0; i < 100; i++, time += FRAME) {
        struct tracker_input input = {.time = time, .held = held};
        tracker_update(tracker, &input);
    }
    struct track *t = only_live(tracker);
    assert_true(t->seen);
    assert_in_range(t->motionless_count, 155, 160);
    assert_float_equal(t->looked_time, looked, 1e-9);
    assert_float_equal(t->seen_time, time - FRAME, 1e-6);
    tracker_destroy(tracker);
}

/* A passing car does not take the parked one's identity. */
static void test_passing_a_parked_car(void **state)
{
    struct tracker *tracker = new_tracker();
    struct extent parked = box_at(600, 300, 160, 90);
    double time = START;
    for (unsigned i = 0; i < 60; i++, time += FRAME) {
        struct sighting s = see(&car, parked);
        feed(tracker, time, &s, 1);
    }
    uint64_t serial = only_live(tracker)->serial;
    for (unsigned i = 0; i < 45; i++, time += FRAME) {
        struct sighting s[] = {see(&car, box_at(-100 + 30 * (float)i, 330, 180, 100)),
                               see(&car, parked)};
        bool covered = fabsf(s[0].box.x1 - parked.x1) < 60;
        feed(tracker, time, s, covered ? 1 : 2);
    }
    assert_non_null(at_box(tracker, parked));
    assert_int_equal(at_box(tracker, parked)->serial, serial);
    assert_int_equal(at_box(tracker, parked)->position_changes, 0);
    tracker_destroy(tracker);
}

/* max_frames: outwardly over after 10 s + 4 s of standing, and not announced again; when it drives
 * off it is a new object. */
static void test_expiry_without_rebirth(void **state)
{
    struct tracker *tracker = new_tracker();
    struct sighting s = see(&expiring_car, box_at(300, 300, 160, 90));
    double time = START;
    unsigned live_frames = 0;
    uint64_t first = 0;
    for (unsigned i = 0; i < 1000; i++, time += FRAME) {
        feed(tracker, time, &s, 1);
        live_frames += count_stage(tracker, TRACK_LIVE);
        if (i == 50) {
            first = only_live(tracker)->serial;
        }
    }
    assert_in_range(live_frames, 68, 73);
    assert_int_equal(count_stage(tracker, TRACK_QUIET), 1);
    for (unsigned i = 0; i < 40; i++, time += FRAME) {
        struct sighting moving = see(&expiring_car, box_at(300 + 10 * (float)i, 300, 160, 90));
        feed(tracker, time, &moving, 1);
    }
    struct track *t = only_live(tracker);
    assert_int_not_equal(t->serial, first);
    assert_int_equal(t->position_changes, 1);
    assert_true(t->start_time > START + 190);
    assert_true(t->id[0] != '\0');
    tracker_destroy(tracker);
}

/* Looks decide where places cannot: two of one size meet, stand together, and turn back. */
static void test_looks_tell_apart(void **state)
{
    struct look red = {.known = true}, blue = {.known = true};
    for (unsigned group = 0; group < LOOK_BINS / 8; group++) {
        red.bin[group * 8 + 1] = 1;
        blue.bin[group * 8 + 5] = 1;
    }
    struct tracker *tracker = new_tracker();
    uint64_t a_serial = 0, b_serial = 0;
    for (unsigned i = 0; i < 80; i++) {
        float way = i < 40 ? (float)i : (float)(80 - i); /* there and back */
        struct extent a = box_at(100 + 10 * way, 300, 60, 160);
        struct extent b = box_at(900 - 10 * way, 300, 60, 160);
        struct sighting s[] = {see(&person, a), see(&person, b)};
        s[0].look = red;
        s[1].look = blue;
        bool one_hidden = i >= 36 && i <= 44;
        feed(tracker, START + i * FRAME, s, one_hidden ? 1 : 2);
        if (i == 10) {
            a_serial = at_box(tracker, a)->serial;
            b_serial = at_box(tracker, b)->serial;
        }
        if (i == 79) {
            assert_int_equal(at_box(tracker, a)->serial, a_serial);
            assert_int_equal(at_box(tracker, b)->serial, b_serial);
        }
    }
    tracker_destroy(tracker);
}

static void test_nonsense_is_refused(void **state)
{
    struct tracker *tracker = new_tracker();
    struct sighting bad[] = {
        see(&person, (struct extent){NAN, 0, 10, 10}),
        see(&person, (struct extent){0, 0, INFINITY, 10}),
        see(&person, (struct extent){10, 10, 10, 10}),
        see(&person, (struct extent){10, 10, 10.5f, 90}),
        see(&person, (struct extent){50, 50, 20, 20}),
        see(&person, (struct extent){-300, 0, -200, 90}),
        see(&person, (struct extent){2000, 0, 2200, 90}),
        see(&person, box_at(100, 100, 50, 120)),
        see(NULL, box_at(300, 100, 50, 120)),
        see(&person, box_at(500, 100, 50, 120)),
    };
    bad[7].score = NAN;
    for (unsigned i = 0; i < 20; i++) {
        feed(tracker, START + i * FRAME, bad, ARRAY_SIZE(bad));
        assert_true(count_stage(tracker, TRACK_NEW) + count_stage(tracker, TRACK_LIVE) == 1);
    }
    feed(tracker, NAN, bad, ARRAY_SIZE(bad));
    feed(tracker, INFINITY, bad, ARRAY_SIZE(bad));
    feed(tracker, -INFINITY, bad, ARRAY_SIZE(bad));
    only_live(tracker);
    tracker_destroy(tracker);
}

/* Random boxes, far too many, at random times, for a while: bounded and sane throughout. */
static void test_flood(void **state)
{
    struct tracker *tracker = new_tracker();
    uint32_t random = 99;
    double time = START;
    for (unsigned i = 0; i < 60; i++) {
        static struct sighting s[300];
        for (unsigned j = 0; j < 300; j++) {
            random = random * 1664525 + 1013904223;
            float x = (float)(random >> 20), y = (float)(random >> 8 & 0x3ff);
            float w = (float)(random >> 4 & 0xff), h = (float)(random & 0xff);
            s[j] = see(random & 4096 ? &person : &car, box_at(x - 100, y - 100, w, h));
        }
        feed(tracker, time, s, 300);
        assert_true(count_stage(tracker, TRACK_LIVE) <= TRACKER_MAX);
        time += (double)(random % 7) * 0.1;
    }
    tracker_destroy(tracker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_third_sighting_makes_it_real),
        cmocka_unit_test(test_patience),
        cmocka_unit_test(test_blind_time),
        cmocka_unit_test(test_clock_steps),
        cmocka_unit_test(test_crossing_keeps_identity),
        cmocka_unit_test(test_occlusion),
        cmocka_unit_test(test_out_and_in),
        cmocka_unit_test(test_standing_is_not_taken_away),
        cmocka_unit_test(test_irregular_times),
        cmocka_unit_test(test_label_flicker),
        cmocka_unit_test(test_parks_and_leaves),
        cmocka_unit_test(test_held),
        cmocka_unit_test(test_passing_a_parked_car),
        cmocka_unit_test(test_expiry_without_rebirth),
        cmocka_unit_test(test_looks_tell_apart),
        cmocka_unit_test(test_nonsense_is_refused),
        cmocka_unit_test(test_flood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
