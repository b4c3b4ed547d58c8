/* The scene generator: the same seed gives the same clip, and the truth is true. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sensor.h"
#include "stage.h"
#include "stamp.h"
#include "truth.h"

enum { WIDTH_PX = 320, HEIGHT_PX = 180 };

struct clip {
    char *truth;   /* all lines; freed by the caller */
    uint64_t hash; /* of all frames */
    int sightings;
};

static uint64_t hash_bytes(uint64_t hash, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) { /* FNV-1a */
        hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
    }
    return hash;
}

static struct clip make_clip(uint64_t seed, bool night, const struct cast_wish *wish, int frames)
{
    struct clip clip = {.hash = 0xcbf29ce484222325ULL};
    size_t size;
    FILE *truth = open_memstream(&clip.truth, &size);
    assert_non_null(truth);
    struct stage stage;
    stage_init(&stage, seed, WIDTH_PX, HEIGHT_PX, night, wish);
    struct sensor *sensor = sensor_create(&stage.scene, seed);
    struct i420 *picture = i420_create(WIDTH_PX, HEIGHT_PX);
    for (int frame = 0; frame < frames; frame++) {
        const double time_s = frame * wish->duration_s / frames;
        stage_render(&stage, time_s);
        sensor_develop(sensor, &stage, time_s, frame, picture);
        truth_write(truth, &stage, frame, time_s);
        clip.hash = hash_bytes(clip.hash, picture->planes[0], i420_bytes(picture));
        clip.sightings += stage.sighting_count;
    }
    i420_destroy(picture);
    sensor_destroy(sensor);
    stage_finish(&stage);
    fclose(truth);
    return clip;
}

static void same_seed_same_clip(void **state)
{
    (void)state;
    const struct cast_wish wish = {.per_minute = 60, .duration_s = 6};
    for (int night = 0; night < 2; night++) {
        struct clip first = make_clip(7, night, &wish, 6);
        struct clip again = make_clip(7, night, &wish, 6);
        struct clip other = make_clip(8, night, &wish, 6);
        assert_string_equal(first.truth, again.truth);
        assert_true(first.hash == again.hash);
        assert_true(first.hash != other.hash);
        assert_true(first.sightings > 0);
        free(first.truth);
        free(again.truth);
        free(other.truth);
    }
}

static void quiet_has_no_objects(void **state)
{
    (void)state;
    const struct cast_wish wish = {.counted = true, .duration_s = 4};
    struct clip clip = make_clip(3, false, &wish, 4);
    assert_int_equal(clip.sightings, 0);
    free(clip.truth);
}

static void check_sighting(const struct sighting *seen)
{
    assert_in_range(seen->actor->id, 1, CAST_MAX);
    assert_true(strlen(actor_label(seen->actor->kind)) > 0);
    assert_true(seen->box.x0 >= 0 && seen->box.x0 < seen->box.x1 && seen->box.x1 <= WIDTH_PX);
    assert_true(seen->box.y0 >= 0 && seen->box.y0 < seen->box.y1 && seen->box.y1 <= HEIGHT_PX);
    assert_true(seen->visible >= 0 && seen->visible <= 1);
}

static void boxes_are_inside_the_picture(void **state)
{
    (void)state;
    const struct cast_wish wish = {.per_minute = 90, .duration_s = 20};
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct stage stage;
        int hidden = 0;
        stage_init(&stage, seed, WIDTH_PX, HEIGHT_PX, seed % 2 == 0, &wish);
        for (double time_s = 0; time_s < wish.duration_s; time_s += 0.5) {
            stage_render(&stage, time_s);
            for (int i = 0; i < stage.sighting_count; i++) {
                check_sighting(&stage.sightings[i]);
                hidden += stage.sightings[i].visible < 0.9;
            }
        }
        assert_true(hidden > 0); /* with this many, somebody is behind something */
        stage_finish(&stage);
    }
}

/* The picture of an object differs from the empty scene inside its box, and only near it. */
static void box_holds_the_object(void **state)
{
    (void)state;
    const struct cast_wish one = {.counts = {1, 0, 0, 0}, .counted = true, .duration_s = 30};
    const struct cast_wish none = {.counted = true, .duration_s = 30};
    struct stage with, without;
    int checked = 0;
    stage_init(&with, 12, WIDTH_PX, HEIGHT_PX, false, &one);
    stage_init(&without, 12, WIDTH_PX, HEIGHT_PX, false, &none);
    for (double time_s = 0; time_s < 30; time_s += 1) {
        stage_render(&with, time_s);
        stage_render(&without, time_s);
        if (with.sighting_count == 0 || with.sightings[0].visible < 0.9) {
            continue;
        }
        const struct rect box = with.sightings[0].box;
        const int stride = cairo_image_surface_get_stride(with.picture);
        const unsigned char *a = cairo_image_surface_get_data(with.picture);
        const unsigned char *b = cairo_image_surface_get_data(without.picture);
        int changed = 0;
        for (int y = box.y0; y < box.y1; y++) {
            changed += memcmp(a + y * stride + 4 * box.x0, b + y * stride + 4 * box.x0,
                              4 * (size_t)(box.x1 - box.x0)) != 0;
        }
        assert_int_equal(changed, box.y1 - box.y0);
        checked++;
    }
    assert_true(checked > 0);
    stage_finish(&with);
    stage_finish(&without);
}

static void loop_has_an_empty_seam(void **state)
{
    (void)state;
    const struct cast_wish wish = {.per_minute = 30, .loopable = true, .duration_s = 40};
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct stage stage;
        stage_init(&stage, seed, WIDTH_PX, HEIGHT_PX, false, &wish);
        assert_true(stage.cast.count > 0);
        for (double seam_s = 0; seam_s < 0.45; seam_s += 0.1) {
            stage_render(&stage, seam_s);
            assert_int_equal(stage.sighting_count, 0);
            stage_render(&stage, wish.duration_s - 0.01 - seam_s);
            assert_int_equal(stage.sighting_count, 0);
        }
        stage_finish(&stage);
    }
}

static void loop_ends_where_it_started(void **state)
{
    (void)state;
    const struct cast_wish wish = {.counted = true, .loopable = true, .duration_s = 40};
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct stage stage;
        stage_init(&stage, seed, WIDTH_PX, HEIGHT_PX, seed % 2 == 0, &wish);
        const size_t bytes =
            (size_t)HEIGHT_PX * (size_t)cairo_image_surface_get_stride(stage.picture);
        unsigned char *start = malloc(bytes);
        assert_non_null(start);
        stage_render(&stage, 0);
        memcpy(start, cairo_image_surface_get_data(stage.picture), bytes);
        stage_render(&stage, wish.duration_s);
        const unsigned char *end = cairo_image_surface_get_data(stage.picture);
        for (size_t i = 0; i < bytes; i++) {
            assert_true(abs(start[i] - end[i]) <= 1); /* one step of rounding in the sway */
        }
        free(start);

        const size_t cells = (size_t)light_grid_columns(&stage.scene.view) *
                             (size_t)light_grid_rows(&stage.scene.view);
        float *gains = calloc(2 * cells, sizeof *gains);
        assert_non_null(gains);
        light_gain_grid(&stage.scene.light, &stage.scene.view, 0, gains);
        light_gain_grid(&stage.scene.light, &stage.scene.view, wish.duration_s, gains + cells);
        for (size_t i = 0; i < cells; i++) {
            assert_true(fabsf(gains[i] - gains[cells + i]) < 1e-3F);
        }
        free(gains);
        stage_finish(&stage);
    }
}

static void stamp_can_be_read_back(void **state)
{
    (void)state;
    static const int frames[] = {0, 1, 2, 1234, 65535, 1 << 20, (1 << STAMP_BITS) - 1};
    struct i420 *picture = i420_create(640, 360);
    assert_int_equal(stamp_read(picture), -1);
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        stamp_paint(picture, frames[i], frames[i] / 20.0);
        assert_int_equal(stamp_read(picture), frames[i]);
    }
    i420_destroy(picture);
}

static void path_halts_and_goes_on(void **state)
{
    (void)state;
    struct path path = {0};
    path_add(&path, 0, 10, 0);
    path_add(&path, 4, 10, 3);
    path_add(&path, 4, 14, 0);
    path_time(&path, 2, 1);
    assert_true(fabs(path_end_s(&path) - 8) < 1e-9);
    assert_true(fabs(path_at(&path, 2, 0.3).foot.x - 2) < 1e-9);
    assert_true(fabs(path_at(&path, 2, 0.3).speed_mps - 2) < 1e-6);
    assert_true(fabs(path_at(&path, 4.5, 0.3).foot.x - 4) < 1e-9);
    assert_true(path_at(&path, 4.5, 0.3).speed_mps < 1e-9);
    assert_true(fabs(path_at(&path, 7, 0.3).foot.z - 12) < 1e-9);
    assert_true(fabs(path_at(&path, 7, 0.3).heading_z - 1) < 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_halts_and_goes_on),
        cmocka_unit_test(stamp_can_be_read_back),
        cmocka_unit_test(quiet_has_no_objects),
        cmocka_unit_test(same_seed_same_clip),
        cmocka_unit_test(boxes_are_inside_the_picture),
        cmocka_unit_test(box_holds_the_object),
        cmocka_unit_test(loop_has_an_empty_seam),
        cmocka_unit_test(loop_ends_where_it_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
