#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "capture/clock.h"
#include "capture/picker.h"

#define START_US 1795377600000000
#define SECOND 1000000

/* A camera seen through a network: its clock runs `drift` fast, each packet is late by a fixed
 * delay and a random part. */
struct camera {
    struct capture_clock clock;
    double drift;
    int64_t frame_us, delay_us, jitter_us, wall_step_us, stream_base_us;
    unsigned seed;
    int number;
};

static int64_t random_up_to(struct camera *camera, int64_t limit)
{
    camera->seed = camera->seed * 1103515245u + 12345u;
    return limit > 0 ? (int64_t)(camera->seed >> 8) % limit : 0;
}

/* True instant of picture n. */
static int64_t taken_us(const struct camera *camera, int number)
{
    return number * camera->frame_us;
}

static struct clock_out shoot(struct camera *camera, int number, bool key)
{
    int64_t taken = taken_us(camera, number);
    int64_t arrival = taken + camera->delay_us + random_up_to(camera, camera->jitter_us);
    struct clock_in in = {
        .pts_us = camera->stream_base_us + (int64_t)((double)taken * (1 + camera->drift)),
        .dts_us = CLOCK_NONE,
        .wall = {START_US + arrival + camera->wall_step_us},
        .mono = {5 * SECOND + arrival},
        .key = key,
    };
    struct clock_out out;
    clock_map(&camera->clock, &in, &out);
    return out;
}

static struct camera camera_make(int reorder)
{
    struct camera camera = {
        .frame_us = 40000, .delay_us = 20000, .stream_base_us = 777 * (int64_t)SECOND};
    clock_init(&camera.clock, false, false, reorder, 0);
    return camera;
}

static void assert_close(int64_t a, int64_t b, int64_t within)
{
    if (llabs(a - b) > within) {
        fail_msg("%lld and %lld differ by %lld, more than %lld", (long long)a, (long long)b,
                 (long long)(a - b), (long long)within);
    }
}

static void test_jitter_never_shows(void **state)
{
    struct camera camera = camera_make(0);
    camera.jitter_us = 120000;
    int64_t last = 0;
    for (int i = 0; i < 5000; i++) {
        struct clock_out out = shoot(&camera, i, i % 50 == 0);
        assert_int_equal(out.pts_us, out.dts_us);
        if (i > 50) {
            assert_close(out.pts_us - last, 40000, 220); /* the slew's 0.5 % of 40 ms */
            assert_close(out.pts_us, START_US + taken_us(&camera, i) + camera.delay_us, 15000);
        }
        last = out.pts_us;
    }
}

static void test_drift_is_absorbed(void **state)
{
    static const double drifts[] = {0.0001, -0.0001, 0.003, -0.003};
    for (size_t n = 0; n < ARRAY_SIZE(drifts); n++) {
        struct camera camera = camera_make(0);
        camera.drift = drifts[n];
        camera.jitter_us = 5000;
        for (int i = 0; i < 50000; i++) {
            struct clock_out out = shoot(&camera, i, i % 50 == 0);
            assert_false(out.jumped);
            assert_close(out.pts_us, START_US + taken_us(&camera, i) + camera.delay_us, 40000);
        }
    }
}

/* A server that sends its cached two seconds of pictures at once: the times settle on the live
 * edge. */
static void test_burst_at_start(void **state)
{
    struct camera camera = camera_make(0);
    for (int i = 0; i < 500; i++) {
        int64_t taken = taken_us(&camera, i),
                arrival = taken < 2 * SECOND ? 2 * SECOND + i * 100 : taken;
        struct clock_in in = {taken, CLOCK_NONE, {START_US + arrival}, {arrival}, i % 50 == 0};
        struct clock_out out;
        clock_map(&camera.clock, &in, &out);
        if (i > 55) {
            assert_close(out.pts_us, START_US + taken, 5000);
        }
    }
}

static void test_camera_clock_jumps(void **state)
{
    static const int64_t jumps[] = {-3600 * (int64_t)SECOND, 3600 * (int64_t)SECOND, -300000,
                                    10 * SECOND};
    for (size_t n = 0; n < ARRAY_SIZE(jumps); n++) {
        struct camera camera = camera_make(0);
        int64_t last = 0;
        for (int i = 0; i < 1000; i++) {
            camera.stream_base_us += i == 500 ? jumps[n] : 0;
            struct clock_out out = shoot(&camera, i, i % 50 == 0);
            if (i > 0) {
                assert_close(out.dts_us - last, 40000, 1000);
            }
            assert_false(out.jumped);
            last = out.dts_us;
        }
    }
}

/* A real hole in the stream stays a hole. */
static void test_gap_is_kept(void **state)
{
    struct camera camera = camera_make(0);
    struct clock_out before = {0}, after = {0};
    for (int i = 0; i < 400; i++) {
        if (i < 200 || i >= 400 - 50) {
            before = after;
            after = shoot(&camera, i, true);
            if (i == 350) {
                assert_close(after.pts_us - before.pts_us, 151 * 40000, 1000);
            }
        }
    }
    assert_close(after.pts_us, START_US + taken_us(&camera, 399) + camera.delay_us, 3000);
}

/* Pictures held up by the network and delivered at once keep their own times. */
static void test_stall_is_no_gap(void **state)
{
    struct camera camera = camera_make(0);
    int64_t last = 0;
    for (int i = 0; i < 600; i++) {
        camera.delay_us = i >= 300 && i < 360 ? 20000 + (360 - i) * 40000 : 20000;
        struct clock_out out = shoot(&camera, i, i % 50 == 0);
        assert_true(i == 0 || llabs(out.pts_us - last - 40000) < 1000);
        assert_int_equal(out.lag_us > SECOND, i >= 300 && i < 335);
        last = out.pts_us;
    }
}

static void test_wall_clock_steps(void **state)
{
    static const int64_t steps[] = {3600 * (int64_t)SECOND, -3600 * (int64_t)SECOND, 5 * SECOND};
    for (size_t n = 0; n < ARRAY_SIZE(steps); n++) {
        struct camera camera = camera_make(0);
        int jumps = 0;
        int64_t last = 0;
        for (int i = 0; i < 2000; i++) {
            camera.wall_step_us = i >= 1000 ? steps[n] : 0;
            struct clock_out out = shoot(&camera, i, i % 50 == 0);
            if (out.jumped) {
                assert_int_equal(i % 50, 0); /* only where a segment can be cut */
                jumps++;
            } else if (i > 0) {
                assert_close(out.dts_us - last, 40000, 1000);
            }
            last = out.dts_us;
        }
        assert_int_equal(jumps, 1);
        assert_close(last, START_US + steps[n] + taken_us(&camera, 1999) + camera.delay_us, 5000);
    }
}

/* A small step (a time server's correction) is absorbed without a break. */
static void test_small_step_is_absorbed(void **state)
{
    struct camera camera = camera_make(0);
    struct clock_out out = {0};
    for (int i = 0; i < 10000; i++) {
        camera.wall_step_us = i >= 1000 ? -300000 : 0;
        out = shoot(&camera, i, i % 50 == 0);
        assert_false(out.jumped);
    }
    assert_close(out.pts_us, START_US - 300000 + taken_us(&camera, 9999) + camera.delay_us, 5000);
}

/* I P B B order: decode times rise, never exceed the presentation time once the depth is known. */
static void test_reordering(void **state)
{
    static const int order[] = {0, 3, 1, 2};
    for (int known = 0; known < 2; known++) {
        struct camera camera = camera_make(known ? 2 : -1);
        int64_t last_dts = 0;
        for (int i = 0; i < 2000; i++) {
            int number = i < 1 ? 0 : (i - 1) / 3 * 3 + order[1 + (i - 1) % 3];
            camera.delay_us =
                20000 + (i - number) * 40000 + 80000; /* sent in coding order, evenly */
            struct clock_out out = shoot(&camera, number, i % 60 == 0);
            assert_true(out.dts_us > last_dts);
            if (known || i > 20) {
                assert_true(out.dts_us <= out.pts_us);
                assert_close(out.dts_us - last_dts, i > 20 ? 40000 : out.dts_us - last_dts, 5000);
            }
            last_dts = out.dts_us;
        }
    }
}

static void test_useless_times(void **state)
{
    struct camera camera = camera_make(0);
    struct clock_out out = {0};
    int64_t last = 0;
    for (int i = 0; i < 500; i++) {
        camera.stream_base_us = (i % 2) * 1000 * (int64_t)SECOND;
        out = shoot(&camera, i, true);
        assert_true(out.dts_us > last);
        last = out.dts_us;
    }
    assert_true(camera.clock.arrival);
    assert_close(out.pts_us, START_US + taken_us(&camera, 499) + camera.delay_us, 1000);
}

static void test_missing_and_standing_times(void **state)
{
    struct camera camera = camera_make(0);
    int64_t last = 0;
    for (int i = 0; i < 300; i++) {
        int64_t arrival = i * 40000;
        struct clock_in in = {i < 100   ? i * 40000
                              : i < 200 ? CLOCK_NONE
                                        : 200 * 40000,
                              CLOCK_NONE,
                              {START_US + arrival},
                              {arrival},
                              true};
        struct clock_out out;
        clock_map(&camera.clock, &in, &out);
        assert_true(out.dts_us >= last + 100);
        assert_true(i >= 200 || llabs(out.pts_us - START_US - arrival) < 2000);
        last = out.dts_us;
    }
}

static void test_picker_rates(void **state)
{
    static const struct {
        double stream_fps;
        int fps, seconds, expected;
    } rows[] = {{25, 5, 100, 500},    {30, 5, 100, 500}, {15, 5, 100, 500},   {24, 5, 100, 500},
                {12.5, 5, 100, 500},  {10, 5, 100, 500}, {5, 5, 100, 500},    {4, 5, 100, 400},
                {5.001, 5, 100, 500}, {7, 5, 100, 500},  {25, 25, 100, 2500}, {1, 5, 100, 100}};
    for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
        struct picker picker;
        picker_init(&picker, rows[n].fps);
        int64_t frame_us = (int64_t)(SECOND / rows[n].stream_fps);
        int taken = 0, maybe = 0, frames = (int)(rows[n].stream_fps * rows[n].seconds);
        unsigned seed = 1;
        for (int i = 0; i < frames; i++) {
            seed = seed * 1103515245u + 12345u;
            int64_t wobble = (int64_t)(seed >> 16) % (frame_us / 20 + 1);
            int64_t pts = START_US + (int64_t)((double)i * SECOND / rows[n].stream_fps) + wobble;
            bool may = picker_may_take(&picker, pts, frame_us);
            maybe += may;
            if (picker_take(&picker, pts, frame_us)) {
                assert_true(may);
                taken++;
            }
        }
        assert_in_range(taken, rows[n].expected - rows[n].expected / 50 - 1, rows[n].expected + 1);
        if (rows[n].stream_fps >= 24 && rows[n].fps == 5) {
            assert_true(maybe < frames / 2);
        }
    }
}

static void test_picker_after_a_gap(void **state)
{
    struct picker picker;
    picker_init(&picker, 5);
    assert_true(picker_take(&picker, START_US, 40000));
    assert_false(picker_take(&picker, START_US + 40000, 40000));
    assert_true(picker_take(&picker, START_US + 60 * (int64_t)SECOND, 40000));
    assert_false(picker_take(&picker, START_US + 60 * (int64_t)SECOND + 40000, 40000));
    assert_true(picker_take(&picker, START_US - 3600 * (int64_t)SECOND,
                            40000)); /* wall clock stepped back */
    assert_false(picker_take(&picker, START_US - 3600 * (int64_t)SECOND + 40000, 40000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jitter_never_shows),
        cmocka_unit_test(test_drift_is_absorbed),
        cmocka_unit_test(test_burst_at_start),
        cmocka_unit_test(test_camera_clock_jumps),
        cmocka_unit_test(test_gap_is_kept),
        cmocka_unit_test(test_stall_is_no_gap),
        cmocka_unit_test(test_wall_clock_steps),
        cmocka_unit_test(test_small_step_is_absorbed),
        cmocka_unit_test(test_reordering),
        cmocka_unit_test(test_useless_times),
        cmocka_unit_test(test_missing_and_standing_times),
        cmocka_unit_test(test_picker_rates),
        cmocka_unit_test(test_picker_after_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
