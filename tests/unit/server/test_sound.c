/* What is heard: events that begin, go on and end, and what they tell the rest. */
#include "../cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "fixture.h"
#include "server/sound.h"

#define YARD                    \
    "    audio:\n"              \
    "      enabled: true\n"     \
    "      max_not_heard: %s\n" \
    "    review:\n"             \
    "      alerts:\n"           \
    "        labels: [fire_alarm]\n"

static struct fixture fixture;

static void begin(const char *max_not_heard)
{
    char yard[256];
    snprintf(yard, sizeof yard, YARD, max_not_heard);
    fixture_init(&fixture, yard, "");
    fixture_serve(&fixture);
}

static void end(void)
{
    fixture_stop(&fixture);
    fixture_finish(&fixture);
}

/* The window ended `ago` seconds ago. */
static double hear(const char *camera, double ago, const char *label)
{
    double now = wall_seconds(wall_now());
    struct msg_label labels[2] = {{.score = 0.875F}};
    snprintf(labels[0].label, sizeof labels[0].label, "%s", label);
    struct msg_sound sound = {
        .start = now - ago - 0.975, .end = now - ago, .rms = 4000, .labels = {labels, 1}};
    snprintf(sound.camera, sizeof sound.camera, "%s", camera);
    fixture_send(&fixture, BOARD_SOUND, "", MSG_SOUND, &sound, -1);
    return now - ago;
}

static bool row_is(void *sql)
{
    return strcmp(fixture_query(&fixture, sql), "1") == 0;
}

#define WAIT_ROW(sql_) assert_true(fixture_wait(&fixture, row_is, (char *)(uintptr_t)(sql_)))

static bool silent(void *context)
{
    struct sound_now now[SOUND_LABELS_MAX];
    return sound_now(server_sound(fixture.server), 0, now) == 0;
}

static void one_event_from_first_to_last(void **state)
{
    begin("1");
    hear("yard", 0.2, "bark");
    double last = hear("yard", 0, "bark");
    struct sound_now now[SOUND_LABELS_MAX];
    assert_int_equal(sound_now(server_sound(fixture.server), 0, now), 1);
    assert_string_equal(now[0].label, "bark");
    assert_true(now[0].last == last);
    assert_int_not_equal(now[0].event[0], '\0');
    WAIT_ROW("SELECT count(*) FROM event WHERE label = 'bark' AND camera = 'yard' AND end_time IS "
             "NULL AND has_clip AND json_extract(data, '$.type') = 'audio' AND "
             "json_extract(data, '$.score') = 0.875");
    assert_true(fixture_wait(&fixture, silent, NULL));
    WAIT_ROW("SELECT count(*) FROM event WHERE end_time IS NOT NULL");
    fixture_settle(&fixture);
    double ended =
        strtod(fixture_query(&fixture, "SELECT printf('%.6f', end_time) FROM event"), NULL);
    assert_true(fabs(ended - (last + 5)) < 1e-3); /* post_capture */
    assert_string_equal(fixture_query(&fixture, "SELECT class_type FROM timeline"), "heard");
    assert_string_equal(fixture_query(&fixture, "SELECT count(*) FROM event"), "1");
    /* Heard again: another one. */
    hear("yard", 0, "bark");
    WAIT_ROW("SELECT count(*) FROM event WHERE end_time IS NULL");
    end();
}

static void labels_and_cameras_are_apart(void **state)
{
    begin("30");
    hear("yard", 0, "bark");
    hear("yard", 0, "fire_alarm");
    hear("door", 0, "bark");
    hear("yard", 0, "bark");
    WAIT_ROW("SELECT count(*) = 3 FROM event WHERE end_time IS NULL");
    WAIT_ROW("SELECT count(*) FROM reviewsegment WHERE severity = 'alert' AND camera = 'yard' AND "
             "json_extract(data, '$.audio') LIKE '%fire_alarm%'");
    end();
}

/* A clean stop ends it with the last time; so does the start after a death. */
static void none_stays_open(void **state)
{
    begin("30");
    hear("yard", 0, "bark");
    WAIT_ROW("SELECT count(*) FROM event WHERE end_time IS NULL");
    fixture_stop(&fixture);
    fixture_serve(&fixture);
    assert_string_equal(
        fixture_query(&fixture, "SELECT count(*) FROM event WHERE end_time IS NOT NULL"), "1");
    hear("yard", 0, "bark");
    WAIT_ROW("SELECT count(*) FROM event WHERE end_time IS NULL");
    fixture_crash(&fixture);
    fixture_serve(&fixture);
    WAIT_ROW("SELECT count(*) = 2 FROM event WHERE end_time IS NOT NULL");
    end();
}

/* What is heard at the end of a segment is known when its pictures have been seen long since. */
static void segments_wait_for_what_is_heard(void **state)
{
    begin("30");
    double now = wall_seconds(wall_now());
    struct msg_segment segment = {.camera = "yard",
                                  .path = "recordings/2023-11-14/22/yard/13.20.mp4",
                                  .start = now - 10,
                                  .end = now,
                                  .duration = 10,
                                  .bytes = 1000};
    fixture_send_frame(&fixture, "yard", now + 60, NULL, 0, 0);
    fixture_send(&fixture, BOARD_CAPTURE, "yard", MSG_SEGMENT, &segment, -1);
    hear("yard", 0, "bark");
    WAIT_ROW("SELECT count(*) FROM recordings");
    assert_string_equal(fixture_query(&fixture, "SELECT objects FROM recordings"), "1");
    end();
}

/* Windows that waited too long begin no event, but were heard. */
static void old_news(void **state)
{
    begin("5");
    hear("yard", 8, "bark");
    assert_true(silent(NULL));
    fixture_settle(&fixture);
    assert_string_equal(fixture_query(&fixture, "SELECT count(*) FROM event"), "0");
    end();
}

/* Nothing is heard until a clock that was set back has caught up. */
static void clock_set_back(void **state)
{
    begin("30");
    double last = hear("yard", 0, "bark");
    sound_tick(server_sound(fixture.server), last - 5);
    assert_false(silent(NULL));
    sound_tick(server_sound(fixture.server), last - 3600);
    assert_true(silent(NULL));
    WAIT_ROW("SELECT count(*) FROM event WHERE end_time IS NOT NULL");
    end();
}

static void nonsense_is_refused(void **state)
{
    begin("5");
    double now = wall_seconds(wall_now());
    struct msg_label label = {.label = "bark", .score = 0.9F}, odd = {.label = "", .score = 0.9F},
                     high = {.label = "bark", .score = NAN};
    const struct msg_sound sounds[] = {
        {"yard", now - 1, now - 2, 1, {&label, 1}}, {"yard", now, now + 60, 1, {&label, 1}},
        {"yard", NAN, now, 1, {&label, 1}},         {"yard", now - 1, now, 1, {NULL, 0}},
        {"yard", now - 1, now, 1, {&odd, 1}},       {"yard", now - 1, now, 1, {&high, 1}},
        {"nowhere", now - 1, now, 1, {&label, 1}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(sounds); i++) {
        fixture_send(&fixture, BOARD_SOUND, "", MSG_SOUND, &sounds[i], -1);
    }
    /* Nor may anybody else send it, or the sound worker something else. */
    const struct msg_sound good = {"yard", now - 1, now, 1, {&label, 1}};
    fixture_send(&fixture, BOARD_CAPTURE, "yard", MSG_SOUND, &good, -1);
    const struct msg_gap gap = {.camera = "yard", .start = 1, .end = 2, .cause = GAP_DISK};
    fixture_send(&fixture, BOARD_SOUND, "", MSG_GAP, &gap, -1);
    assert_true(silent(NULL));
    end();
}

/* More labels at once than there are places: the rest is counted. */
static void too_many_labels(void **state)
{
    begin("30");
    for (int i = 0; i < SOUND_LABELS_MAX + 3; i++) {
        char label[16];
        snprintf(label, sizeof label, "label%d", i);
        hear("yard", 0, label);
    }
    struct sound_now now[SOUND_LABELS_MAX];
    assert_int_equal(sound_now(server_sound(fixture.server), 0, now), SOUND_LABELS_MAX);
    AUTO_STR struct str text = {0};
    struct jout json = {.out = &text};
    sound_report(server_sound(fixture.server), &json);
    assert_non_null(strstr(str_text(&text), "\"left_out\":3"));
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_event_from_first_to_last),
        cmocka_unit_test(labels_and_cameras_are_apart),
        cmocka_unit_test(none_stays_open),
        cmocka_unit_test(segments_wait_for_what_is_heard),
        cmocka_unit_test(old_news),
        cmocka_unit_test(clock_set_back),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(too_many_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
