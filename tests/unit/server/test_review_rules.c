/* What makes a review item, what it gathers, when it ends: tables, without a server. */
#include "../cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "server/review_item.h"
#include "server/review_rules.h"

/* The configuration's texts may be changed, so literals will not do. */
static char person[] = "person", car[] = "car", dog[] = "dog", bark[] = "bark";
static char speech[] = "speech", porch[] = "porch", street[] = "street";
#define LIST(...)                                                 \
    {                                                             \
        .items = (char *[]){__VA_ARGS__},                         \
        .count = sizeof((char *[]){__VA_ARGS__}) / sizeof(char *) \
    }

static struct cfg_zone zones[] = {{.name = porch}, {.name = street}};

/* As many cameras as there are ways to configure review. */
enum { PLAIN, ZONED, CHOSEN, SILENT, CAMERAS };
static const struct cfg_camera cameras[CAMERAS] = {
    [PLAIN] = {.review.alerts.labels = LIST(person, car), .zones = zones, .zone_count = 2},
    [ZONED] = {.review = {.alerts = {.labels = LIST(person), .required_zones = LIST(porch)},
                          .detections.required_zones = LIST(street, porch)},
               .zones = zones,
               .zone_count = 2},
    [CHOSEN] = {.review = {.alerts.labels = LIST(person, bark),
                           .detections = {.has_labels = true, .labels = LIST(dog, speech)}},
                .zones = zones,
                .zone_count = 2},
    [SILENT] = {.review.detections.has_labels = true},
};

/* --- rules --- */

static void severity_of_objects(void **state)
{
    static const struct {
        int camera;
        const char *label;
        int zone; /* -1 none */
        enum review_severity severity;
    } cases[] = {
        {PLAIN, "person", -1, REVIEW_ALERT},    {PLAIN, "dog", -1, REVIEW_DETECTION},
        {PLAIN, "car", 1, REVIEW_ALERT},        {ZONED, "person", 0, REVIEW_ALERT},
        {ZONED, "person", 1, REVIEW_DETECTION}, {ZONED, "person", -1, REVIEW_NONE},
        {ZONED, "person", 7, REVIEW_NONE},      {ZONED, "dog", 0, REVIEW_DETECTION},
        {ZONED, "dog", -1, REVIEW_NONE},        {CHOSEN, "person", -1, REVIEW_ALERT},
        {CHOSEN, "dog", -1, REVIEW_DETECTION},  {CHOSEN, "car", -1, REVIEW_NONE},
        {SILENT, "person", -1, REVIEW_NONE},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct msg_zone in = {(uint32_t)cases[i].zone};
        struct msg_object object = {.current_zones = {&in, cases[i].zone >= 0}};
        snprintf(object.label, sizeof object.label, "%s", cases[i].label);
        if (review_object_severity(&cameras[cases[i].camera], &object) != cases[i].severity) {
            fail_msg("case %zu: %s", i, cases[i].label);
        }
    }
}

static void severity_of_sounds(void **state)
{
    assert_int_equal(review_sound_severity(&cameras[CHOSEN], "bark"), REVIEW_ALERT);
    assert_int_equal(review_sound_severity(&cameras[CHOSEN], "speech"), REVIEW_DETECTION);
    assert_int_equal(review_sound_severity(&cameras[CHOSEN], "yell"), REVIEW_NONE);
    assert_int_equal(review_sound_severity(&cameras[PLAIN], "yell"), REVIEW_DETECTION);
}

static void who_is_active(void **state)
{
    static const struct {
        int camera;
        struct msg_object object;
        bool active;
    } cases[] = {
        {PLAIN, {.label = "person", .active = true}, true},
        {PLAIN, {.label = "person"}, false},
        {PLAIN, {.label = "person", .active = true, .false_positive = true}, false},
        {PLAIN, {.label = "person", .active = true, .end_time = 7}, false},
        {ZONED, {.label = "person", .active = true}, true}, /* zones come later */
        {CHOSEN, {.label = "car", .active = true}, false},
        {CHOSEN, {.label = "dog", .active = true}, true},
        {SILENT, {.label = "dog", .active = true}, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        if (review_is_active(&cameras[cases[i].camera], &cases[i].object) != cases[i].active) {
            fail_msg("case %zu", i);
        }
    }
}

static void a_look_at_a_picture(void **state)
{
    struct msg_object objects[] = {
        {.label = "dog", .active = true, .box = {300, 200, 340, 230}},
        {.label = "person", .active = true, .box = {100, 250, 160, 400}},
        {.label = "person", .box = {0, 0, 640, 480}}, /* rests */
    };
    struct msg_frame frame = {.objects = {objects, 3}};
    struct review_sight sight = review_look(&cameras[PLAIN], &frame);
    assert_int_equal(sight.active, 2);
    assert_int_equal(sight.severity, REVIEW_ALERT);
    assert_true(box_equal(sight.around, (struct box){100, 200, 340, 400}));
    frame.objects.count = 1;
    assert_int_equal(review_look(&cameras[PLAIN], &frame).severity, REVIEW_DETECTION);
    frame.objects.count = 0;
    assert_int_equal(review_look(&cameras[PLAIN], &frame).active, 0);
}

static void crops(void **state)
{
    static const struct {
        int width, height;
        struct box around, crop;
    } cases[] = {
        /* Small: at least 200 high, centred, and never over the edge. */
        {1280, 720, {600, 300, 640, 400}, {444, 250, 796, 450}},
        {1280, 720, {0, 0, 40, 40}, {0, 0, 352, 200}},
        {1280, 720, {1240, 680, 1280, 720}, {928, 520, 1280, 720}},
        /* Wide: the width counts. Tall: the height. */
        {1280, 720, {100, 300, 900, 400}, {0, 70, 1000, 630}},
        {1280, 720, {100, 100, 420, 260}, {60, 68, 460, 292}},
        {704, 576, {300, 200, 420, 500}, {28, 162, 692, 537}},
        /* Larger than the picture: the picture. */
        {1280, 720, {600, 50, 700, 710}, {0, 0, 1280, 720}},
        {1280, 720, {0, 0, 1280, 720}, {0, 0, 1280, 720}},
        {320, 240, {100, 100, 140, 140}, {0, 20, 320, 220}},
        /* Flatter than 16:9: too flat a part is shown whole, another is cut. */
        {1920, 540, {0, 200, 1920, 300}, {0, 0, 1920, 540}},
        {1920, 540, {900, 100, 1000, 500}, {506, 40, 1394, 540}},
        {2560, 720, {100, 100, 2400, 200}, {0, 0, 2560, 720}},
        /* A 16:9 picture has parts of any flatness. */
        {1280, 720, {0, 300, 1280, 420}, {464, 260, 816, 460}},
        /* Nonsense stays within the picture. */
        {1280, 720, {-2000000000, -5, 2000000000, 5}, {464, 0, 816, 200}},
        {1280, 720, {5000, 5000, 6000, 6000}, {928, 520, 1280, 720}},
        {2, 2, {0, 0, 2, 2}, {0, 0, 2, 2}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct box crop = review_crop(cases[i].width, cases[i].height, cases[i].around);
        if (!box_equal(crop, cases[i].crop)) {
            fail_msg("case %zu: %d,%d,%d,%d", i, crop.x1, crop.y1, crop.x2, crop.y2);
        }
    }
}

/* --- one item's life --- */

static struct mono at(double s)
{
    return (struct mono){(int64_t)(s * 1e6)};
}

static unsigned see(struct review_item *item, int camera, double time, const char *id,
                    const char *label, const char *sub_label, int zone)
{
    struct msg_zone in = {(uint32_t)zone};
    struct msg_object object = {.active = true, .current_zones = {&in, zone >= 0}};
    snprintf(object.id, sizeof object.id, "%s", id);
    snprintf(object.label, sizeof object.label, "%s", label);
    snprintf(object.sub_label, sizeof object.sub_label, "%s", sub_label);
    struct msg_frame frame = {.time = time, .objects = {&object, 1}};
    return review_item_take_frame(item, &cameras[camera], &frame, at(time));
}

static const char *data_of(const struct review_item *item)
{
    static char text[4096];
    AUTO_STR struct str json = {0};
    review_item_json(item, &json);
    snprintf(text, sizeof text, "%s", str_text(&json));
    return text;
}

static void an_item_gathers(void **state)
{
    struct review_item item;
    review_item_begin(&item, 1000.5, REVIEW_DETECTION, at(1000.5));
    assert_true(strncmp(item.id, "1000.5-", 7) == 0 && strlen(item.id) == 13);
    assert_int_equal(see(&item, ZONED, 1000.5, "a", "dog", "", 1), REVIEW_CHANGED);
    assert_int_equal(see(&item, ZONED, 1000.7, "a", "dog", "", 1), 0);
    assert_int_equal(see(&item, ZONED, 1001, "b", "person", "", 1), REVIEW_CHANGED);
    assert_int_equal(item.severity, REVIEW_DETECTION);
    assert_int_equal(see(&item, ZONED, 1002, "b", "person", "", 0), REVIEW_CHANGED | REVIEW_RAISED);
    assert_int_equal(item.severity, REVIEW_ALERT);
    /* Never back; what was outside all zones still counts as activity. */
    assert_int_equal(see(&item, ZONED, 1003, "a", "dog", "", -1), 0);
    assert_int_equal(item.severity, REVIEW_ALERT);
    assert_float_equal(item.last_activity, 1003, 0);
    assert_string_equal(data_of(&item), "{\"audio\":[],\"detections\":[\"a\",\"b\"],"
                                        "\"objects\":[\"dog\",\"person\"],\"sub_labels\":[],"
                                        "\"zones\":[\"street\",\"porch\"]}");
    review_item_finish(&item);
}

static void names_of_objects(void **state)
{
    struct review_item item;
    review_item_begin(&item, 1, REVIEW_ALERT, at(1));
    see(&item, PLAIN, 1, "a", "car", "", -1);
    see(&item, PLAIN, 2, "b", "car", "ups", -1);
    see(&item, PLAIN, 3, "c", "person", "Bob \"B\"", -1);
    see(&item, PLAIN, 4, "d", "person", "Bob \"B\"", -1);
    assert_string_equal(data_of(&item),
                        "{\"audio\":[],\"detections\":[\"a\",\"b\",\"c\",\"d\"],\"objects\":"
                        "[\"car\",\"ups\",\"person-verified\"],\"sub_labels\":[\"Bob \\\"B\\\"\"],"
                        "\"zones\":[]}");
    /* The user's word stays, whatever the pictures say. */
    assert_int_equal(review_item_name(&item, "d", "Eve"), REVIEW_CHANGED);
    assert_int_equal(see(&item, PLAIN, 5, "d", "person", "Bob \"B\"", -1), 0);
    assert_int_equal(review_item_name(&item, "c", ""), REVIEW_CHANGED);
    assert_int_equal(review_item_name(&item, "nope", "x"), 0);
    assert_string_equal(data_of(&item),
                        "{\"audio\":[],\"detections\":[\"a\",\"b\",\"c\",\"d\"],\"objects\":"
                        "[\"car\",\"ups\",\"person\",\"person-verified\"],\"sub_labels\":[\"Eve\"],"
                        "\"zones\":[]}");
    review_item_finish(&item);
}

static void sounds(void **state)
{
    static const char *const heard[] = {"yell", "speech", "bark", "speech"};
    struct review_item item;
    review_item_begin(&item, 1, REVIEW_DETECTION, at(1));
    assert_int_equal(review_item_take_sounds(&item, &cameras[CHOSEN], 5, heard, 1, at(5)), 0);
    assert_float_equal(item.last_activity, 1, 0);
    assert_int_equal(review_item_take_sounds(&item, &cameras[CHOSEN], 6, heard, 2, at(6)),
                     REVIEW_CHANGED);
    assert_int_equal(item.severity, REVIEW_DETECTION);
    assert_int_equal(review_item_take_sounds(&item, &cameras[CHOSEN], 7, heard, 4, at(7)),
                     REVIEW_CHANGED | REVIEW_RAISED);
    assert_float_equal(item.last_activity, 7, 0);
    assert_string_equal(data_of(&item), "{\"audio\":[\"speech\",\"bark\"],\"detections\":[],"
                                        "\"objects\":[],\"sub_labels\":[],\"zones\":[]}");
    review_item_finish(&item);
}

/* Activity up to 1000; then a picture. */
static void ends_by_pictures(void **state)
{
    static const struct {
        enum review_severity severity;
        double time, previous;
        bool over;
    } cases[] = {
        {REVIEW_DETECTION, 1001, 1000, false},  {REVIEW_DETECTION, 1030, 1029.8, false},
        {REVIEW_DETECTION, 1030.2, 1030, true}, {REVIEW_ALERT, 1030.2, 1030, false},
        {REVIEW_ALERT, 1120, 1119.8, false},    {REVIEW_ALERT, 1120.2, 1120, true},
        {REVIEW_DETECTION, 1035, 1000, true}, /* no pictures in between */
        {REVIEW_ALERT, 4600, 1000.2, true},   /* the clock was set an hour ahead */
        {REVIEW_ALERT, 900, 1000.2, true},    /* or back */
        {REVIEW_ALERT, 999.8, 1000, false},   /* a little out of order */
        {REVIEW_ALERT, 900, 0, false},        /* the first picture of this run */
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct review_item item;
        review_item_begin(&item, 990, cases[i].severity, at(990));
        item.last_activity = 1000;
        if (review_item_is_over(&item, cases[i].time, cases[i].previous) != cases[i].over) {
            fail_msg("case %zu", i);
        }
        review_item_finish(&item);
    }
}

static void ends_by_silence(void **state)
{
    struct review_item item;
    review_item_begin(&item, 5000, REVIEW_DETECTION, at(10)); /* two clocks */
    struct msg_object object = {.label = "dog", .id = "a", .active = true};
    struct msg_frame frame = {.time = 5020, .objects = {&object, 1}};
    review_item_take_frame(&item, &cameras[PLAIN], &frame, at(30));
    assert_false(review_item_is_silent(&item, at(69)));
    assert_true(review_item_is_silent(&item, at(71)));
    item.severity = REVIEW_ALERT;
    assert_false(review_item_is_silent(&item, at(159)));
    assert_true(review_item_is_silent(&item, at(161)));
    assert_float_equal(review_item_end(&item), 5020, 0);
    review_item_finish(&item);
}

static void manual_events(void **state)
{
    struct review_item item;
    review_item_begin(&item, 1000, REVIEW_DETECTION, at(0));
    /* With an end, which may lie ahead. */
    assert_int_equal(review_item_take_manual(&item, "m1", "visit", 1050, at(1), 1001),
                     REVIEW_CHANGED | REVIEW_RAISED);
    assert_false(review_item_is_silent(&item, at(50 + 129)));
    assert_true(review_item_is_silent(&item, at(50 + 131)));
    assert_false(review_item_is_over(&item, 1170, 1169));
    assert_true(review_item_is_over(&item, 1171, 1170));
    /* Open: held until ended. */
    review_item_take_manual(&item, "m2", "visit: Eve", NAN, at(10), 1010);
    review_item_take_manual(&item, "m2", "visit: Eve", NAN, at(10), 1010);
    review_item_take_manual(&item, "m3", "ring", NAN, at(10), 1010);
    assert_false(review_item_is_silent(&item, at(100000)));
    assert_false(review_item_is_over(&item, 90000, 89999));
    assert_false(review_item_unpin(&item, "m1", 1500, at(500), 1500));
    assert_true(review_item_unpin(&item, "m2", 1500, at(500), 1500));
    assert_false(review_item_is_silent(&item, at(100000)));
    assert_true(review_item_unpin(&item, "m3", 1510, at(510), 1510));
    assert_false(review_item_is_silent(&item, at(510 + 129)));
    assert_true(review_item_is_silent(&item, at(510 + 131)));
    assert_float_equal(review_item_end(&item), 1510, 0);
    assert_string_equal(data_of(&item), "{\"audio\":[],\"detections\":[\"m1\",\"m2\",\"m3\"],"
                                        "\"objects\":[\"visit\",\"visit: Eve\",\"ring\"],"
                                        "\"sub_labels\":[],\"zones\":[]}");
    review_item_finish(&item);
}

static void an_end_in_milliseconds(void **state)
{
    struct review_item item;
    review_item_begin(&item, 1000, REVIEW_ALERT, at(0));
    review_item_take_manual(&item, "m", "ring", NAN, at(0), 1000);
    assert_true(review_item_unpin(&item, "m", 1010e3, at(10), 1010));
    assert_float_equal(review_item_end(&item), 1070, 0);
    assert_true(review_item_is_silent(&item, at(10 + 60 + 131)));
    review_item_finish(&item);
}

static void cut_short(void **state)
{
    struct review_item item;
    review_item_begin(&item, 1000, REVIEW_ALERT, at(0));
    review_item_cut(&item, 1020);
    assert_float_equal(review_item_end(&item), 1000, 0); /* the last activity, not now */
    review_item_take_manual(&item, "m", "ring", 1100, at(1), 1001);
    review_item_cut(&item, 1020);
    assert_float_equal(review_item_end(&item), 1020, 0);
    review_item_take_manual(&item, "n", "ring", NAN, at(1), 1021);
    review_item_cut(&item, 1050);
    assert_float_equal(review_item_end(&item), 1050, 0);
    assert_true(review_item_is_over(&item, 1171, 1170));
    review_item_cut(&item, 10); /* the clock was set back: no end before the start */
    assert_float_equal(review_item_end(&item), 1000, 0);
    review_item_finish(&item);
}

static void comes_back(void **state)
{
    struct review_item item;
    assert_true(review_item_restore(&item, "1000.5-abcdef", 1000.5, 1010, REVIEW_ALERT,
                                    "{\"audio\": [\"bark\"], \"detections\": [\"a\", 7], "
                                    "\"objects\": [\"car\", \"person\"], \"zones\": [\"porch\"]}",
                                    at(3)));
    see(&item, PLAIN, 1012, "a", "person", "Eve", 1);
    assert_string_equal(data_of(&item),
                        "{\"audio\":[\"bark\"],\"detections\":[\"a\"],\"objects\":[\"car\","
                        "\"person\",\"person-verified\"],\"sub_labels\":[\"Eve\"],"
                        "\"zones\":[\"porch\",\"street\"]}");
    review_item_finish(&item);
    static const char *const nonsense[] = {"", "[1]", "{\"objects\": 5, \"detections\": {}}", "{"};
    for (size_t i = 0; i < ARRAY_SIZE(nonsense); i++) {
        assert_int_equal(review_item_restore(&item, "x", 1, 2, REVIEW_ALERT, nonsense[i], at(0)),
                         i == 2);
        assert_string_equal(data_of(&item), "{\"audio\":[],\"detections\":[],\"objects\":[],"
                                            "\"sub_labels\":[],\"zones\":[]}");
        review_item_finish(&item);
    }
}

static void bounds(void **state)
{
    struct review_item item;
    review_item_begin(&item, 1, REVIEW_ALERT, at(1));
    for (int i = 0; i < REVIEW_DETECTIONS_MAX + 3; i++) {
        char id[24];
        snprintf(id, sizeof id, "event%d", i);
        see(&item, PLAIN, 1 + i, id, "person", "", -1);
    }
    for (int i = 0; i < REVIEW_PINS_MAX + 2; i++) {
        char id[24];
        snprintf(id, sizeof id, "event%d", i);
        review_item_take_manual(&item, id, "ring", NAN, at(5), 5);
    }
    assert_int_equal(item.detection_count, REVIEW_DETECTIONS_MAX);
    assert_int_equal(item.pin_count, REVIEW_PINS_MAX);
    assert_int_equal(item.left_out, 5);
    review_item_finish(&item);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(severity_of_objects),
        cmocka_unit_test(severity_of_sounds),
        cmocka_unit_test(who_is_active),
        cmocka_unit_test(a_look_at_a_picture),
        cmocka_unit_test(crops),
        cmocka_unit_test(an_item_gathers),
        cmocka_unit_test(names_of_objects),
        cmocka_unit_test(sounds),
        cmocka_unit_test(ends_by_pictures),
        cmocka_unit_test(ends_by_silence),
        cmocka_unit_test(manual_events),
        cmocka_unit_test(cut_short),
        cmocka_unit_test(an_end_in_milliseconds),
        cmocka_unit_test(comes_back),
        cmocka_unit_test(bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
