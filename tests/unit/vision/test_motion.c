/* Motion on drawn pictures: a textured ground on which blocks move and the light changes. */
#include "../cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "draw.h"
#include "vision/motion.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define STEP_US 200000 /* 5 pictures a second */
#define SETTLED 20     /* pictures at that rate */

static const struct motion_options usual = {
    .threshold = 30,
    .lightning_threshold = 0.8,
    .improve_contrast = true,
    .contour_area = 10,
    .frame_alpha = 0.01,
    .frame_height = 100,
};

/* A camera: the picture it makes and the detector that looks at it. */
struct camera {
    struct motion *motion;
    int width, height, stride;
    uint8_t *ground, *luma;
    struct dice dice;
    int64_t time_us;
    struct motion_result result;
};

enum { TILE = 24 };

/* Paving of tiles between 60 and 150, a joint around each. */
static uint8_t ground_at(int x, int y)
{
    uint32_t hash = (uint32_t)(x / TILE) * 73856093u ^ (uint32_t)(y / TILE) * 19349663u;
    hash = (hash ^ hash >> 13) * 1274126177u;
    bool is_joint = x % TILE < 3 || y % TILE < 3;
    return (uint8_t)(60 + (hash >> 16) % 91 - (is_joint ? 20 : 0));
}

static struct camera camera_open(int width, int height, const struct motion_options *options)
{
    struct camera c = {.width = width, .height = height, .stride = width + 5};
    size_t bytes = (size_t)c.stride * (size_t)height;
    c.ground = calloc(1, bytes);
    c.luma = calloc(1, bytes);
    c.dice.state = 7;
    c.time_us = 1000000;
    c.motion = motion_create(width, height, options);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            c.ground[y * c.stride + x] = ground_at(x, y);
        }
    }
    memcpy(c.luma, c.ground, bytes);
    return c;
}

static void camera_close(struct camera *c)
{
    motion_destroy(c->motion);
    free(c->ground);
    free(c->luma);
}

static void clear(struct camera *c)
{
    memcpy(c->luma, c->ground, (size_t)c->stride * (size_t)c->height);
}

static void fill(struct camera *c, struct box b, int level)
{
    for (int y = b.y1; y < b.y2; y++) {
        memset(c->luma + y * c->stride + b.x1, level, (size_t)box_width(b));
    }
}

static void add_noise(struct camera *c, int most)
{
    for (int i = 0; i < c->stride * c->height; i++) {
        c->luma[i] = (uint8_t)clip_byte(c->luma[i] + roll(&c->dice, -most, most));
    }
}

static void light(struct camera *c, double gain)
{
    for (int i = 0; i < c->stride * c->height; i++) {
        c->luma[i] = (uint8_t)clip_byte((int)lrint(gain * (c->luma[i] - 16) + 16));
    }
}

/* A cloud's shadow around column `middle`: a quarter of the light gone, soft over 250 pixels. */
static void shadow(struct camera *c, double middle)
{
    for (int x = 0; x < c->width; x++) {
        double off = (x - middle) / 250, gain = 1 - 0.25 * exp(-off * off);
        for (int y = 0; y < c->height; y++) {
            uint8_t *at = &c->luma[y * c->stride + x];
            *at = (uint8_t)clip_byte((int)lrint(gain * (*at - 16) + 16));
        }
    }
}

static void look_after(struct camera *c, int64_t step_us)
{
    c->time_us += step_us;
    motion_run(c->motion, c->luma, c->stride, c->time_us, &c->result);
}

static void look(struct camera *c)
{
    look_after(c, STEP_US);
}

static void settle(struct camera *c)
{
    clear(c);
    for (int i = 0; i < SETTLED; i++) {
        look(c);
    }
    assert_false(c->result.calibrating);
    assert_int_equal(c->result.count, 0);
}

static bool is_seen(const struct camera *c, struct box box)
{
    for (unsigned i = 0; i < c->result.count; i++) {
        if (box_overlaps(c->result.boxes[i], box)) {
            return true;
        }
    }
    return false;
}

static void check_boxes_lie_in_the_picture(const struct camera *c)
{
    const struct box picture = {0, 0, c->width - 1, c->height - 1};
    assert_true(c->result.count <= MOTION_MAX_BOXES);
    for (unsigned i = 0; i < c->result.count; i++) {
        struct box b = c->result.boxes[i];
        assert_true(b.x1 <= b.x2 && b.y1 <= b.y2 && box_contains(picture, b));
    }
    assert_true(c->result.changed >= 0 && c->result.changed <= 1);
    assert_true(c->result.illuminated >= 0 && c->result.illuminated <= 1);
}

static const struct {
    int width, height;
} sizes[] = {{1280, 720},  {640, 480}, {320, 240}, {720, 1280}, {1919, 1079},
             {3840, 2160}, {352, 288}, {101, 57},  {16, 16},    {17, 3},
             {3, 17},      {1, 1},     {1, 300},   {300, 1},    {2, 2}};

static void a_still_noisy_picture_is_nothing(void **state)
{
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct camera c = camera_open(sizes[i].width, sizes[i].height, &usual);
        for (int n = 0; n < SETTLED; n++) {
            clear(&c);
            add_noise(&c, 2);
            look(&c);
            check_boxes_lie_in_the_picture(&c);
            assert_int_equal(c.result.count, 0);
            assert_true(n > 0 || c.result.calibrating);
        }
        assert_false(c.result.calibrating);
        camera_close(&c);
    }
}

static void anything_goes_at_any_size(void **state)
{
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct camera c = camera_open(sizes[i].width, sizes[i].height, &usual);
        for (int n = 0; n < 12; n++) {
            clear(&c);
            add_noise(&c, n % 3 == 0 ? 255 : 20);
            light(&c, n % 4 == 1 ? 0.2 : 1);
            look(&c);
            check_boxes_lie_in_the_picture(&c);
        }
        camera_close(&c);
    }
}

/* A box of the motion picture's cells: the thing, one cell more by the dilation, one by the blur,
 * and one by the grid, on each side. */
static void a_moving_block_is_found_where_it_is(void **state)
{
    static const struct {
        int width, height, frame_height, block_width, block_height, level;
    } rows[] = {
        {1280, 720, 100, 60, 120, 230}, {1280, 720, 100, 22, 22, 5},
        {640, 480, 100, 40, 40, 230},   {320, 240, 100, 12, 20, 230},
        {1919, 1079, 100, 90, 60, 5},   {3840, 2160, 100, 120, 200, 230},
        {1280, 720, 50, 60, 120, 230},  {1280, 720, 180, 20, 20, 230},
        {720, 1280, 100, 70, 70, 5},    {320, 240, 240, 12, 12, 230},
        {320, 240, 1000, 12, 12, 230},  {48, 32, 100, 8, 8, 230},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct motion_options options = usual;
        options.frame_height = rows[i].frame_height;
        struct camera c = camera_open(rows[i].width, rows[i].height, &options);
        settle(&c);
        int cell = (c.height + options.frame_height - 1) / options.frame_height + 1;
        for (int n = 0; n < 5; n++) {
            int x = c.width / 8 + n * c.width / 8, y = c.height / 3 + n;
            struct box block = {x, y, x + rows[i].block_width, y + rows[i].block_height};
            struct box around = {block.x1 - 3 * cell, block.y1 - 3 * cell, block.x2 + 3 * cell,
                                 block.y2 + 3 * cell};
            clear(&c);
            fill(&c, block, rows[i].level);
            look(&c);
            assert_int_equal(c.result.count, 1);
            assert_true(box_contains(around, c.result.boxes[0]));
            assert_true(
                box_contains(c.result.boxes[0], (struct box){block.x1 + cell, block.y1 + cell,
                                                             block.x2 - cell, block.y2 - cell}));
            assert_false(c.result.calibrating);
        }
        camera_close(&c);
    }
}

static void the_threshold_decides(void **state)
{
    static const struct {
        int threshold, change;
        bool is_seen;
    } rows[] = {{30, 25, false}, {30, 36, true}, {30, -25, false},
                {30, -36, true}, {10, 8, false}, {10, 14, true},
                {80, 70, false}, {80, 92, true}, {255, 155, false}};
    struct motion_options options = usual;
    options.improve_contrast = false;
    struct camera c = camera_open(640, 360, &options);
    const struct box block = {300, 150, 360, 210};
    memset(c.ground, 100, (size_t)c.stride * (size_t)c.height);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        options.threshold = rows[i].threshold; /* changed while it runs */
        motion_set(c.motion, &options);
        settle(&c);
        fill(&c, block, 100 + rows[i].change);
        look(&c);
        assert_int_equal(c.result.count > 0, rows[i].is_seen);
        motion_reset(c.motion);
    }
    camera_close(&c);
}

/* 80 pixels are 11 cells; with dilation and blur the outline has a side of 12 to 14. */
static void the_area_decides(void **state)
{
    static const struct {
        int contour_area;
        bool is_seen;
    } rows[] = {{0, true}, {10, true}, {120, true}, {230, false}, {5000, false}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct motion_options options = usual;
        options.contour_area = rows[i].contour_area;
        struct camera c = camera_open(1280, 720, &options);
        settle(&c);
        fill(&c, (struct box){500, 300, 580, 380}, 235);
        look(&c);
        assert_int_equal(c.result.count > 0, rows[i].is_seen);
        assert_true(c.result.changed > 0);
        camera_close(&c);
    }
}

static void masks_hide_and_can_be_changed(void **state)
{
    static const struct point corners[] = {{0, 0}, {639, 0}, {639, 719}, {0, 719}};
    const struct polygon left = {corners, COUNT_OF(corners)};
    const struct box in_left = {200, 300, 280, 380}, in_right = {900, 300, 980, 380};
    struct motion_options masked = usual;
    masked.masks = &left;
    masked.mask_count = 1;
    struct camera c = camera_open(1280, 720, &masked);
    settle(&c);
    fill(&c, in_left, 235);
    fill(&c, in_right, 235);
    look(&c);
    assert_false(is_seen(&c, in_left));
    assert_true(is_seen(&c, in_right));

    for (int masks = 0; masks < 3; masks++) { /* off, on and off again while it runs */
        motion_set(c.motion, masks == 1 ? &masked : &usual);
        clear(&c);
        for (int n = 0; n < 3; n++) {
            look(&c);
            assert_int_equal(c.result.count, 0);
            assert_false(c.result.calibrating);
        }
        fill(&c, in_left, 235);
        look(&c);
        assert_int_equal(is_seen(&c, in_left), masks != 1);
    }

    static const struct point all_corners[] = {{0, 0}, {1279, 0}, {1279, 719}, {0, 719}};
    const struct polygon all = {all_corners, COUNT_OF(all_corners)};
    masked.masks = &all;
    motion_set(c.motion, &masked);
    clear(&c);
    fill(&c, in_right, 235);
    look(&c);
    assert_int_equal(c.result.count, 0);
    camera_close(&c);
}

/* Exposure steps: the picture as a whole gets brighter or darker at once. */
static void a_step_of_the_light_is_no_motion(void **state)
{
    static const double gains[] = {1.1, 1.3, 0.9, 0.7, 0.5};
    for (size_t i = 0; i < COUNT_OF(gains); i++) {
        struct camera c = camera_open(1280, 720, &usual);
        settle(&c);
        for (int n = 0; n < 15; n++) {
            struct box block = {100 + n * 70, 300, 160 + n * 70, 420};
            bool has_block = n % 5 == 0 && n > 0; /* among others in the picture of the step */
            clear(&c);
            if (has_block) {
                fill(&c, block, 225);
            }
            light(&c, n >= 5 ? gains[i] : 1);
            add_noise(&c, 2);
            look(&c);
            assert_int_equal(is_seen(&c, block), has_block);
            assert_true(has_block || c.result.count == 0);
        }
        camera_close(&c);
    }
}

static void a_cloud_is_no_motion(void **state)
{
    for (int has_block = 0; has_block < 2; has_block++) {
        struct camera c = camera_open(1280, 720, &usual);
        settle(&c);
        for (int n = 0; n < 60; n++) {
            int x = 1180 - 18 * n;
            struct box block = {x, 300, x + 40, 400};
            clear(&c);
            if (has_block) {
                fill(&c, block, 20);
            }
            shadow(&c, -400 + n * 35.0);
            add_noise(&c, 2);
            look(&c);
            assert_int_equal(c.result.count, has_block);
            assert_int_equal(is_seen(&c, block), has_block);
            assert_false(c.result.calibrating);
        }
        camera_close(&c);
    }
}

/* Frigate's rule: nothing is believed while most of the picture changes at once. */
static void lightning_calibrates_anew(void **state)
{
    static const struct {
        double threshold, part; /* of the picture that turns white */
        bool calibrates;
    } rows[] = {{0.8, 0.95, true}, {0.8, 0.6, false}, {0.4, 0.6, true}, {0.4, 0.25, false}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct motion_options options = usual;
        options.lightning_threshold = rows[i].threshold;
        struct camera c = camera_open(640, 360, &options);
        settle(&c);
        fill(&c, (struct box){0, 0, 640, (int)(360 * rows[i].part)}, 250);
        look(&c);
        assert_int_equal(c.result.calibrating, rows[i].calibrates);
        settle(&c); /* and the flash left nothing behind */
        camera_close(&c);
    }
}

static void noise_is_not_motion_even_in_the_dark(void **state)
{
    for (int is_dark = 0; is_dark < 2; is_dark++) {
        struct camera c = camera_open(1280, 720, &usual);
        for (int n = 0; n < 3 * SETTLED; n++) {
            clear(&c);
            light(&c, is_dark ? 0.12 : 1);
            add_noise(&c, 14);
            look(&c);
            assert_int_equal(c.result.count, 0);
        }
        const struct box block = {500, 300, 600, 420};
        fill(&c, block, is_dark ? 80 : 230);
        look(&c);
        assert_true(is_seen(&c, block));
        camera_close(&c);
    }
}

/* Pictures of a block that arrives and stays until it is taken for background. */
static double seconds_to_accept(int64_t step_us, double *calibrated)
{
    struct camera c = camera_open(640, 360, &usual);
    int64_t start = c.time_us;
    do {
        look_after(&c, step_us);
    } while (c.result.calibrating);
    *calibrated = (double)(c.time_us - start) / 1e6;
    while (c.time_us < start + 4000000) {
        look_after(&c, step_us);
    }
    fill(&c, (struct box){200, 100, 260, 200}, 230);
    start = c.time_us;
    do {
        look_after(&c, step_us);
    } while (c.result.count > 0 && c.time_us < start + 60000000);
    camera_close(&c);
    return (double)(c.time_us - start) / 1e6;
}

static void time_counts_and_not_pictures(void **state)
{
    static const int64_t steps_us[] = {50000, 100000, 200000, 400000};
    double calibrated, reference = seconds_to_accept(200000, &calibrated);
    assert_true(reference > 4 && reference < 12);
    for (size_t i = 0; i < COUNT_OF(steps_us); i++) {
        double calibrated_here, here = seconds_to_accept(steps_us[i], &calibrated_here);
        assert_true(fabs(here - reference) < 1);
        assert_true(fabs(calibrated_here - calibrated) < 0.5);
    }
}

/* frame_alpha is the rate at which slow changes are learned: a threshold's worth of drift per
 * second is motion at a small one only. */
static void the_rate_of_learning_counts(void **state)
{
    static const struct {
        double alpha;
        bool is_seen;
    } rows[] = {{0.5, false}, {0.0, true}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct motion_options options = usual;
        options.frame_alpha = rows[i].alpha;
        struct camera c = camera_open(640, 360, &options);
        bool seen = false;
        memset(c.ground, 100, (size_t)c.stride * (size_t)c.height);
        settle(&c);
        for (int n = 0; n < 20; n++) {
            clear(&c);
            fill(&c, (struct box){300, 150, 320, 170}, 100 + n * 6);
            look(&c);
            seen = seen || (n > 5 && c.result.count > 0);
        }
        assert_int_equal(seen, rows[i].is_seen);
        camera_close(&c);
    }
}

static void clocks_may_stop_or_go_back(void **state)
{
    static const int64_t steps_us[] = {0, -1, -3600000000, 0, INT64_C(59000000)};
    const struct box block = {200, 100, 260, 200};
    struct camera c = camera_open(640, 360, &usual);
    settle(&c);
    for (size_t i = 0; i < COUNT_OF(steps_us); i++) {
        int64_t kept = c.time_us;
        clear(&c);
        look_after(&c, steps_us[i]);
        assert_int_equal(c.result.count, 0);
        fill(&c, block, 230);
        look_after(&c, steps_us[i] > 0 ? STEP_US : 0);
        assert_true(is_seen(&c, block));
        c.time_us = kept > c.time_us ? kept : c.time_us;
    }
    /* After a long gap the scene may be another one. */
    look_after(&c, INT64_C(61000000));
    assert_true(c.result.calibrating);
    assert_int_equal(c.result.count, 0);
    camera_close(&c);
}

static void reset_and_another_height_start_anew(void **state)
{
    struct motion_options options = usual;
    struct camera c = camera_open(640, 360, &options);
    settle(&c);
    motion_reset(c.motion);
    fill(&c, (struct box){0, 0, 320, 360}, 200);
    look(&c);
    assert_true(c.result.calibrating);
    assert_int_equal(c.result.count, 0);
    options.frame_height = 180;
    motion_set(c.motion, &options);
    look(&c);
    assert_true(c.result.calibrating);
    settle(&c);
    camera_close(&c);
}

/* Leaves as large as three cells, drawn `swing` pixels off their place. */
static void draw_bush(struct camera *c, struct box bush, int swing)
{
    enum { LEAF = 22 };
    for (int y = bush.y1; y < bush.y2; y += LEAF) {
        for (int x = bush.x1; x < bush.x2; x += LEAF) {
            int level = 40 + ground_at(x / LEAF * TILE + 9, y / LEAF * TILE + 9);
            fill(c, (struct box){x + swing, y, x + swing + LEAF, y + LEAF}, level);
        }
    }
}

static void what_sways_calms_down(void **state)
{
    const struct box bush = {200, 200, 420, 310}, walker = {250, 180, 290, 300};
    struct camera c = camera_open(1280, 720, &usual);
    unsigned first = 0, last = 0;
    for (int n = 0; n < 400; n++) {
        clear(&c);
        draw_bush(&c, bush, n < 50 ? 0 : (int)lrint(6 * sin(n * 0.8)));
        look(&c);
        first += n >= 50 && n < 100 ? c.result.count : 0;
        last += n >= 350 ? c.result.count : 0;
    }
    assert_true(first > 5);
    assert_true(last <= 2);
    fill(&c, walker, 10);
    look(&c);
    assert_true(is_seen(&c, walker));
    camera_close(&c);
}

static void the_largest_boxes_come_first_and_the_rest_is_counted(void **state)
{
    struct camera c = camera_open(1280, 720, &usual);
    unsigned drawn = 0;
    settle(&c);
    for (int y = 20; y + 60 < 720; y += 70) {
        for (int x = 20; x + 60 < 1280; x += 80) {
            int size = 12 + (int)drawn % 20;
            fill(&c, (struct box){x, y, x + size, y + size}, 250);
            drawn++;
        }
    }
    look(&c);
    assert_int_equal(c.result.count, MOTION_MAX_BOXES);
    assert_int_equal(c.result.count + c.result.dropped, drawn);
    int64_t first = box_area(c.result.boxes[0]);
    assert_true(first > box_area(c.result.boxes[MOTION_MAX_BOXES - 1]));
    camera_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_still_noisy_picture_is_nothing),
        cmocka_unit_test(anything_goes_at_any_size),
        cmocka_unit_test(a_moving_block_is_found_where_it_is),
        cmocka_unit_test(the_threshold_decides),
        cmocka_unit_test(the_area_decides),
        cmocka_unit_test(masks_hide_and_can_be_changed),
        cmocka_unit_test(a_step_of_the_light_is_no_motion),
        cmocka_unit_test(a_cloud_is_no_motion),
        cmocka_unit_test(lightning_calibrates_anew),
        cmocka_unit_test(noise_is_not_motion_even_in_the_dark),
        cmocka_unit_test(time_counts_and_not_pictures),
        cmocka_unit_test(the_rate_of_learning_counts),
        cmocka_unit_test(clocks_may_stop_or_go_back),
        cmocka_unit_test(reset_and_another_height_start_anew),
        cmocka_unit_test(what_sways_calms_down),
        cmocka_unit_test(the_largest_boxes_come_first_and_the_rest_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
