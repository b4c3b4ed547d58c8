/* Segments become rows with what went on in them; files that nobody reported are adopted. */
#include "../cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <utime.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "fixture.h"
#include "footage/adopt.h"
#include "footage/place.h"
#include "media/fmp4.h"
#include "server/activity.h"
#include "server/recordings.h"
#include "server/stats.h"

/* --- activity --- */

static void add_picture(struct activity *activity, double time, size_t motion, size_t regions,
                        const struct msg_object *objects, size_t count)
{
    struct msg_box boxes[8] = {0};
    struct msg_frame frame = {
        .time = time,
        .motion = {boxes, motion},
        .regions = {boxes, regions},
        .objects = {(struct msg_object *)(uintptr_t)objects, count},
    };
    activity_add(activity, &frame);
}

static void activity_counts_like_frigate(void **state)
{
    struct activity activity = {0};
    struct msg_object objects[4] = {{.motionless_count = 0},
                                    {.motionless_count = 3},
                                    {.motionless_count = 0, .false_positive = true},
                                    {.motionless_count = 0, .end_time = 5}};
    for (int i = 0; i < 50; i++) {
        add_picture(&activity, 100 + i * 0.2, i % 2 ? 3 : 0, 2, objects, i < 10 ? 4 : 0);
    }
    struct activity_sum sum = activity_sum(&activity, 100, 109.9);
    assert_int_equal(sum.pictures, 50);
    assert_int_equal(sum.motion, 75);
    assert_int_equal(sum.regions, 100);
    assert_int_equal(sum.objects, 10);
    assert_true(sum.complete);
    sum = activity_sum(&activity, 104, 106); /* both ends included */
    assert_int_equal(sum.pictures, 11);
    assert_true(activity_newest(&activity) > 109.7);
    activity_finish(&activity);
}

static void activity_knows_when_nobody_looked(void **state)
{
    struct activity activity = {0};
    assert_false(activity_sum(&activity, 0, 10).complete);
    for (int i = 0; i < 50; i++) {
        if (i < 20 || i > 40) {
            add_picture(&activity, 100 + i * 0.2, 0, 0, NULL, 0);
        }
    }
    assert_false(activity_sum(&activity, 100, 109.9).complete); /* a hole of four seconds */
    assert_true(activity_sum(&activity, 100, 104).complete);
    assert_false(activity_sum(&activity, 105, 115).complete); /* not seen to the end */
    assert_false(activity_sum(&activity, 90, 104).complete);
    /* The clock is set back: what was before no longer counts. */
    add_picture(&activity, 50, 1, 0, NULL, 0);
    assert_int_equal(activity_sum(&activity, 0, 200).pictures, 1);
    activity_finish(&activity);
}

static void activity_is_bounded(void **state)
{
    struct activity activity = {0};
    for (int i = 0; i < 3 * ACTIVITY_MAX; i++) {
        add_picture(&activity, i * 0.1, 1, 0, NULL, 0);
    }
    assert_int_equal(activity_sum(&activity, 0, 1e9).pictures, ACTIVITY_MAX);
    assert_int_equal(activity_sum(&activity, 2 * ACTIVITY_MAX * 0.1 - 0.01, 1e9).pictures,
                     ACTIVITY_MAX);
    activity_finish(&activity);
}

static void paths(void **state)
{
    assert_true(place_is_segment("recordings/2026-11-23/02/yard/05.30.mp4", "yard"));
    static const char *const bad[] = {
        "recordings/2026-11-23/02/door/05.30.mp4",
        "recordings/2026-11-23/02/yard2/05.30.mp4",
        "recordings/2026-11-23/02/yard/../../../../etc/x.mp4",
        "recordings/2026-11-23/02/yard/..mp4",
        "recordings/2026-11-23/02/yard/.05.30.mp4",
        "recordings/2026-11-23/02/yard/05.30.mp4.exe",
        "/recordings/2026-11-23/02/yard/05.30.mp4",
        "recordings/../clips/02/yard/05.30.mp4",
        "clips/2026-11-23/02/yard/05.30.mp4",
        "",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_false(place_is_segment(bad[i], "yard"));
    }
    assert_true(place_mib(0) == 0);
    assert_true(place_mib(5 * 1024 * 1024 / 2 + 1000) == 2.5);
}

/* --- rows --- */

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture_init(&fixture, "", "");
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    fixture_finish(*state);
    return 0;
}

static struct msg_segment a_segment(double start)
{
    struct msg_segment segment = {
        .camera = "yard",
        .start = start,
        .end = start + 10,
        .duration = 10,
        .bytes = 3 * 1024 * 1024 / 2,
        .dbfs = -35,
    };
    time_t whole = (time_t)start;
    strftime(segment.path, sizeof segment.path, "recordings/%Y-%m-%d/%H/yard/%M.%S.mp4",
             gmtime(&whole));
    return segment;
}

static bool has_row(void *context)
{
    return strcmp(fixture_query(context, "SELECT count(*) FROM recordings"), "1") == 0;
}

static void row_with_verdict(void **state)
{
    struct fixture *fixture = *state;
    fixture_serve(fixture);
    struct msg_object object = fixture_object("1.5-abcdef", "person", 1699999999);
    for (int i = 0; i < 50; i++) {
        fixture_send_frame(fixture, "yard", 1700000000.25 + i * 0.2, &object, 1, 2);
    }
    struct msg_segment segment = a_segment(1700000000.25);
    fixture_send(fixture, BOARD_CAPTURE, "yard", MSG_SEGMENT, &segment, -1);
    fixture_settle(fixture);
    /* The last picture of the segment has not been processed: the row waits for the verdict. */
    assert_string_equal(fixture_query(fixture, "SELECT count(*) FROM recordings"), "0");
    fixture_send_frame(fixture, "yard", 1700000010.25, &object, 1, 2);
    fixture_settle(fixture);
    assert_true(has_row(fixture));
    assert_string_equal(
        fixture_query(fixture, "SELECT camera || ' ' || path || ' ' || start_time || ' ' || "
                               "end_time || ' ' || duration || ' ' || segment_size || ' ' || "
                               "objects || ' ' || motion || ' ' || regions || ' ' || dBFS "
                               "FROM recordings"),
        "yard /media/frigate/recordings/2023-11-14/22/yard/13.20.mp4 1700000000.25 1700000010.25 "
        "10.0 1.5 51 102 51 -35");
    assert_string_equal(
        fixture_query(fixture, "SELECT id GLOB '1700000000.25-[a-z0-9][a-z0-9][a-z0-9][a-z0-9]"
                               "[a-z0-9][a-z0-9]' FROM recordings"),
        "1");
}

static void row_without_verdict(void **state)
{
    struct fixture *fixture = *state;
    fixture_serve(fixture);
    struct msg_segment segment = a_segment(1700000000.25);
    fixture_send(fixture, BOARD_CAPTURE, "yard", MSG_SEGMENT, &segment, -1);
    assert_true(fixture_wait(fixture, has_row, fixture)); /* recording depends on nobody */
    assert_string_equal(fixture_query(fixture, "SELECT objects IS NULL AND motion IS NULL AND "
                                               "regions IS NULL FROM recordings"),
                        "1");
}

static void stop_writes_what_waits(void **state)
{
    struct fixture *fixture = *state;
    fixture_serve(fixture);
    struct msg_segment segment = a_segment(1700000000.25);
    fixture_send(fixture, BOARD_CAPTURE, "yard", MSG_SEGMENT, &segment, -1);
    fixture_stop(fixture);
    fixture_serve(fixture);
    assert_true(has_row(fixture));
}

static void nonsense_is_refused(void **state)
{
    struct fixture *fixture = *state;
    fixture_serve(fixture);
    struct msg_segment segment = a_segment(1700000000.25);
    segment.duration = 700;
    fixture_send(fixture, BOARD_CAPTURE, "yard", MSG_SEGMENT, &segment, -1);
    segment = a_segment(1700000000.25);
    snprintf(segment.path, sizeof segment.path, "recordings/../../etc/passwd");
    fixture_send(fixture, BOARD_CAPTURE, "yard", MSG_SEGMENT, &segment, -1);
    fixture_stop(fixture);
    fixture_serve(fixture);
    assert_string_equal(fixture_query(fixture, "SELECT count(*) FROM recordings"), "0");
}

/* --- adoption --- */

/* A segment of ten pictures a second, `seconds` long. */
static void write_segment(struct str *out, int64_t start_us, uint32_t seconds)
{
    static const uint8_t avcc[] = {1, 0x42, 0, 30, 0xff, 0xe1, 0,    4,    0x67, 0x42,
                                   0, 30,   1, 0,  4,    0x68, 0xce, 0x3c, 0x80};
    struct fmp4_video video = {.codec = MEDIA_H264,
                               .width = 64,
                               .height = 48,
                               .config = avcc,
                               .config_bytes = sizeof avcc};
    fmp4_write_init(out, &video, NULL);
    if (start_us != 0) {
        fmp4_write_start(out, start_us);
    }
    for (uint32_t i = 0; i < seconds; i++) {
        struct fmp4_sample samples[10];
        for (int j = 0; j < 10; j++) {
            samples[j] = (struct fmp4_sample){.bytes = 8, .duration = 9000, .key = j == 0};
        }
        struct fmp4_run run = {FMP4_VIDEO, i * 90000u, samples, 10};
        fmp4_write_fragment(out, i + 1, &run, 1);
        str_add_bytes(out,
                      "01234567012345670123456701234567012345670123456701234567"
                      "012345670123456701234567",
                      80);
    }
}

static void put_file(struct fixture *fixture, const char *name, const struct str *data, int age_s)
{
    AUTO_FREE char *path = mem_printf("%s/media/%s", fixture->data_dir, name);
    assert_int_equal(file_make_parent_dirs(path), 0);
    assert_int_equal(file_write_atomic(path, data->data, data->length), 0);
    time_t then = time(NULL) - age_s;
    struct utimbuf times = {then, then};
    assert_int_equal(utime(path, &times), 0);
}

static bool adoption_complete(void *context)
{
    struct fixture *fixture = context;
    AUTO_STR struct str json = {0};
    stats_json(server_stats(fixture->server), &json);
    return strstr(str_text(&json), "\"adoption\":{\"adopted\":2,\"complete\":true,") != NULL;
}

static void files_without_rows_are_adopted(void **state)
{
    struct fixture *fixture = *state;
    /* One has its row already, with a verdict that must stay. */
    fixture_serve(fixture);
    struct msg_segment known = a_segment(1700003600.25);
    fixture_send(fixture, BOARD_CAPTURE, "yard", MSG_SEGMENT, &known, -1);
    fixture_stop(fixture);
    AUTO_STR struct str segment = {0};
    write_segment(&segment, 1700000000250000, 10);
    put_file(fixture, "recordings/2023-11-14/23/yard/13.20.mp4", &segment, 100);
    put_file(fixture, "recordings/2023-11-14/22/yard/13.20.mp4", &segment, 100);
    AUTO_STR struct str unstamped = {0};
    write_segment(&unstamped, 0, 4);
    put_file(fixture, "recordings/2023-11-14/22/gone/13.40.mp4", &unstamped, 100);
    put_file(fixture, "recordings/2023-11-14/22/yard/.13.50.mp4", &segment,
             100);                                                             /* being written */
    put_file(fixture, "recordings/2023-11-14/22/yard/14.00.mp4", &segment, 5); /* young */
    AUTO_STR struct str garbage = {0};
    str_add(&garbage, "this is no film, whatever its name says");
    put_file(fixture, "recordings/2023-11-14/22/yard/15.00.mp4", &garbage, 100);
    put_file(fixture, "recordings/2023-11-14/22/yard/notes.txt", &garbage, 100);
    put_file(fixture, "recordings/elsewhere/22/yard/13.20.mp4", &segment, 100);

    fixture_serve(fixture);
    assert_true(fixture_wait(fixture, adoption_complete, fixture));
    fixture_settle(fixture);
    assert_string_equal(fixture_query(fixture, "SELECT count(*) FROM recordings"), "3");
    assert_string_equal(
        fixture_query(fixture, "SELECT path || ' ' || start_time || ' ' || end_time || ' ' || "
                               "duration || ' ' || (objects IS NULL) FROM recordings WHERE "
                               "camera = 'yard' AND start_time < 1700003600"),
        "/media/frigate/recordings/2023-11-14/22/yard/13.20.mp4 1700000000.25 1700000010.25 10.0 "
        "1");
    /* Without a stamp the name tells; a camera that is gone keeps its footage. */
    assert_string_equal(fixture_query(fixture, "SELECT start_time || ' ' || duration FROM "
                                               "recordings WHERE camera = 'gone'"),
                        "1700000020 4.0");
}

/* The first pass: what a crash of a moment ago left. */
static void recent_files_come_first(void **state)
{
    struct fixture *fixture = *state;
    time_t now = time(NULL) - 120;
    AUTO_STR struct str segment = {0};
    write_segment(&segment, (int64_t)now * 1000000, 2);
    char name[128];
    strftime(name, sizeof name, "recordings/%Y-%m-%d/%H/yard/%M.%S.mp4", gmtime(&now));
    put_file(fixture, name, &segment, 60);
    fixture_serve(fixture); /* the server's own adoption */
    assert_true(fixture_wait(fixture, has_row, fixture));
    assert_string_equal(fixture_query(fixture, "SELECT duration FROM recordings"), "2.0");
}

static void put_u32(struct str *out, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8) {
        str_add_char(out, (char)(value >> shift));
    }
}

/* As Frigate wrote them: ftyp, moov first (faststart), mdat. */
static void plain_mp4_of_frigate(void **state)
{
    struct fixture *fixture = *state;
    AUTO_STR struct str file = {0};
    put_u32(&file, 16);
    str_add(&file, "ftypisom");
    put_u32(&file, 512);
    put_u32(&file, 8 + 108);
    str_add(&file, "moov");
    put_u32(&file, 108);
    str_add(&file, "mvhd");
    put_u32(&file, 0);
    put_u32(&file, 0);
    put_u32(&file, 0);
    put_u32(&file, 1000); /* timescale */
    put_u32(&file, 9500);
    while (file.length < 16 + 8 + 108) {
        str_add_char(&file, '\0');
    }
    put_u32(&file, 16);
    str_add(&file, "mdat01234567");
    put_file(fixture, "recordings/a.mp4", &file, 100);
    AUTO_FREE char *path = mem_printf("%s/media/recordings/a.mp4", fixture->data_dir);
    double start = 1700000000;
    double duration = 0;
    uint64_t bytes = 0;
    assert_int_equal(adopt_read(path, &start, &duration, &bytes), 0);
    assert_true(start == 1700000000 && duration == 9.5);
    assert_int_equal(bytes, file.length);
    AUTO_FREE char *absent = mem_printf("%s/media/recordings/b.mp4", fixture->data_dir);
    assert_int_equal(adopt_read(absent, &start, &duration, &bytes), -ENOENT);
}

/* Whatever lies in the folder: an answer, never a crash or a length out of bounds. */
static void mangled_files(void **state)
{
    struct fixture *fixture = *state;
    AUTO_STR struct str whole = {0};
    write_segment(&whole, 1700000000250000, 2);
    AUTO_FREE char *path = mem_printf("%s/mangled.mp4", fixture->data_dir);
    uint32_t random = 1;
    for (int i = 0; i < 2000; i++) {
        AUTO_STR struct str copy = {0};
        size_t length = i % 4 == 0 ? whole.length * (size_t)i / 2000 : whole.length;
        str_add_bytes(&copy, whole.data, length);
        for (int j = 0; j < i % 7 && length > 0; j++) {
            random = random * 1664525 + 1013904223;
            copy.data[(random >> 8) % (length < 800 ? length : 800)] = (char)(random >> 3);
        }
        FILE *file = fopen(path, "wb");
        fwrite(str_text(&copy), 1, copy.length, file);
        fclose(file);
        double start = 1700000000;
        double duration = 0;
        uint64_t bytes = 0;
        if (adopt_read(path, &start, &duration, &bytes) == 0) {
            assert_true(duration > 0 && duration < 600);
            assert_true(start > 1700000000 - 3601 && start < 1700000000 + 3601);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activity_counts_like_frigate),
        cmocka_unit_test(activity_knows_when_nobody_looked),
        cmocka_unit_test(activity_is_bounded),
        cmocka_unit_test(paths),
        TEST(row_with_verdict),
        TEST(row_without_verdict),
        TEST(stop_writes_what_waits),
        TEST(nonsense_is_refused),
        TEST(files_without_rows_are_adopted),
        TEST(recent_files_come_first),
        TEST(plain_mp4_of_frigate),
        TEST(mangled_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
