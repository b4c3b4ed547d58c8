/* Events made by hand, as rows and files, against a real database in a folder of its own. */
#include "../cmocka_all.h"

#include <errno.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "fixture.h"
#include "server/manual.h"

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture_init(&fixture, "", "");
    fixture_serve(&fixture);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    fixture_finish(*state);
    return 0;
}

static struct manual_event bell(void)
{
    return (struct manual_event){
        .label = "bell", .source_type = "api", .duration = 30, .include_recording = true};
}

/* Made, and with everything written. */
static const char *make(struct fixture *fixture, const char *camera,
                        const struct manual_event *event)
{
    static char id[IPC_ID];
    struct manual *manual = server_manual(fixture->server);
    struct err err = ERR_NONE;
    if (manual_begin(manual, config_camera_index(fixture->config, camera), event, id, &err) != 0) {
        fail_msg("%s", err.text);
    }
    assert_true(manual_wait(manual, id, 10000));
    fixture_settle(fixture);
    return id;
}

static const char *column(struct fixture *fixture, const char *name)
{
    AUTO_FREE char *sql = mem_printf("SELECT %s FROM event", name);
    return fixture_query(fixture, sql);
}

static void row_of_an_event_with_an_end(void **state)
{
    struct fixture *fixture = *state;
    double before = wall_seconds(wall_now());
    struct manual_event event = bell();
    event.sub_label = "";
    event.score = 55;
    const char *id = make(fixture, "yard", &event);
    double made = 0;
    char number[40];
    snprintf(number, sizeof number, "%.*s", (int)(strlen(id) - 7), id);
    assert_true(str_to_double(number, &made));
    assert_true(made >= before && made <= wall_seconds(wall_now()));
    assert_string_equal(column(fixture, "id"), id);
    assert_string_equal(column(fixture, "label || '|' || camera || '|' || zones || '|' || data"),
                        "bell|yard|[]|{\"type\":\"api\",\"score\":55,\"top_score\":55}");
    assert_string_equal(column(fixture, "sub_label"), "");
    assert_string_equal(column(fixture, "sub_label IS NULL"), "0");
    assert_string_equal(column(fixture, "has_clip + 2 * has_snapshot"), "3");
    assert_string_equal(column(fixture, "round(end_time - start_time, 3)"), "40.0");
    AUTO_FREE char *start = mem_printf("abs(start_time + 5 - %.6f) < 0.00001", made);
    assert_string_equal(column(fixture, start), "1");
}

static void open_ended_without_recording_and_its_end(void **state)
{
    struct fixture *fixture = *state;
    struct manual_event event = bell();
    event.open_ended = true;
    event.include_recording = false;
    const char *id = make(fixture, "yard", &event);
    assert_string_equal(column(fixture, "end_time IS NULL"), "1");
    assert_string_equal(column(fixture, "has_clip"), "0");
    assert_int_equal(manual_end(server_manual(fixture->server), id, 1700000123.25), 0);
    assert_int_equal(manual_end(server_manual(fixture->server), "nope", 5), 0);
    fixture_settle(fixture);
    assert_string_equal(column(fixture, "end_time"), "1700000123.25");
}

/* A camera that neither records nor has a picture. */
static void camera_without_anything(void **state)
{
    struct fixture *fixture = *state;
    struct manual_event event = bell();
    make(fixture, "door", &event);
    assert_string_equal(column(fixture, "has_clip + 2 * has_snapshot"), "2");
    AUTO_FREE char *path = mem_printf("media/clips/door-%s.jpg", column(fixture, "id"));
    assert_true(fixture_file_exists(fixture, path));
    AUTO_STR struct str jpeg = {0};
    assert_true(str_add_from_base64(&jpeg, column(fixture, "thumbnail")));
    assert_memory_equal(jpeg.data, "\xff\xd8\xff", 3);
}

/* ---- pictures ---- */

struct pixels {
    int width, height;
    uint8_t *rgb;
};

static struct pixels decode(const void *jpeg, size_t length)
{
    struct pixels pixels;
    int sampling, colors;
    tjhandle handle = tjInitDecompress();
    assert_int_equal(tjDecompressHeader3(handle, jpeg, length, &pixels.width, &pixels.height,
                                         &sampling, &colors),
                     0);
    pixels.rgb = malloc((size_t)pixels.width * (size_t)pixels.height * 3);
    assert_int_equal(tjDecompress2(handle, jpeg, length, pixels.rgb, pixels.width, 0, pixels.height,
                                   TJPF_RGB, 0),
                     0);
    tjDestroy(handle);
    return pixels;
}

static void check_color(const struct pixels *pixels, int x, int y, int r, int g, int b)
{
    const uint8_t *at = pixels->rgb + ((size_t)y * (size_t)pixels->width + (size_t)x) * 3;
    if (abs(at[0] - r) > 120 || abs(at[1] - g) > 90 || abs(at[2] - b) > 120) {
        fail_msg("at %d,%d: %d %d %d instead of %d %d %d", x, y, at[0], at[1], at[2], r, g, b);
    }
}

static bool has_clean_copy(void *context)
{
    struct fixture *fixture = context;
    AUTO_FREE char *path = mem_printf("media/clips/yard-%s-clean.png", column(fixture, "id"));
    return fixture_file_exists(fixture, path);
}

static void boxes_are_drawn_in_their_colours(void **state)
{
    struct fixture *fixture = *state;
    fixture_give_ring(fixture, "yard", 60, 128, 128, wall_seconds(wall_now()));
    const struct manual_box boxes[] = {
        {0.5, 0.25, 0.25, 0.5, {255, 0, 0}, true, 100},
        {0.1, 0.5, 0.2, 0.25, {0, 0, 255}, false, 0},
    };
    struct manual_event event = bell();
    event.boxes = boxes;
    event.box_count = 2;
    make(fixture, "yard", &event);
    AUTO_FREE char *path =
        mem_printf("%s/media/clips/yard-%s.jpg", fixture->data_dir, column(fixture, "id"));
    AUTO_STR struct str jpeg = {0};
    assert_int_equal(str_read_file(&jpeg, path, 1 << 22), 0);
    struct pixels pixels = decode(jpeg.data, jpeg.length);
    assert_int_equal(pixels.width, FIXTURE_WIDTH);
    assert_int_equal(pixels.height, FIXTURE_HEIGHT);
    check_color(&pixels, 320, 180, 255, 0, 0); /* left edge */
    check_color(&pixels, 480, 180, 255, 0, 0); /* right */
    check_color(&pixels, 460, 270, 255, 0, 0); /* lower */
    check_color(&pixels, 64, 200, 0, 0, 255);
    check_color(&pixels, 400, 200, 51, 51, 51); /* inside: as it was */
    check_color(&pixels, 600, 20, 51, 51, 51);
    free(pixels.rgb);
    AUTO_STR struct str thumbnail = {0};
    assert_true(str_add_from_base64(&thumbnail, column(fixture, "thumbnail")));
    pixels = decode(thumbnail.data, thumbnail.length);
    assert_int_equal(pixels.height, 175);
    assert_int_equal(pixels.width, 311); /* the whole frame */
    check_color(&pixels, 155, 87, 51, 51, 51);
    free(pixels.rgb);
    assert_true(fixture_wait(fixture, has_clean_copy, fixture));
}

/* ---- who else is told ---- */

static bool has_review_item(void *context)
{
    return strcmp(fixture_query(context, "SELECT count(*) FROM reviewsegment"), "1") == 0;
}

static void timeline_and_review(void **state)
{
    struct fixture *fixture = *state;
    struct manual_event event = bell();
    event.sub_label = "left";
    event.open_ended = true;
    AUTO_FREE char *id = mem_strdup(make(fixture, "yard", &event));
    assert_true(fixture_wait(fixture, has_review_item, fixture));
    assert_string_equal(fixture_query(fixture, "SELECT source || ' ' || class_type || ' ' || data "
                                               "FROM timeline"),
                        "api external {\"label\":\"bell\",\"sub_label\":\"left\"}");
    assert_string_equal(fixture_query(fixture, "SELECT source_id FROM timeline"), id);
    assert_string_equal(fixture_query(fixture, "SELECT severity || ' ' || (end_time IS NULL) || "
                                               "' ' || json_extract(data, '$.objects') "
                                               "FROM reviewsegment"),
                        "alert 1 [\"bell: left\"]");
}

static void what_was_heard(void **state)
{
    struct fixture *fixture = *state;
    struct manual_event event = bell();
    event.label = "bark";
    event.source_type = "audio";
    event.score = 0.7;
    make(fixture, "yard", &event);
    assert_string_equal(column(fixture, "data"),
                        "{\"type\":\"audio\",\"score\":0.7,\"top_score\":0.7}");
    assert_string_equal(fixture_query(fixture, "SELECT source || ' ' || class_type FROM timeline"),
                        "audio heard");
    assert_string_equal(fixture_query(fixture, "SELECT count(*) FROM reviewsegment"), "0");
}

static void send_segment(struct fixture *fixture, double start)
{
    struct msg_segment segment = {.start = start, .end = start + 10, .duration = 10, .bytes = 1000};
    snprintf(segment.camera, sizeof segment.camera, "yard");
    snprintf(segment.path, sizeof segment.path, "recordings/2023-11-14/22/yard/%02.0f.00.mp4",
             fmod(start, 100) / 2);
    fixture_send(fixture, BOARD_CAPTURE, "yard", MSG_SEGMENT, &segment, -1);
}

static bool has_three_segments(void *context)
{
    return strcmp(fixture_query(context, "SELECT count(*) FROM recordings"), "3") == 0;
}

/* Recordings before the event count an active object as soon as it is made, those that come later
 * when they come; those that it does not overlap do not. */
static void recordings_are_claimed(void **state)
{
    struct fixture *fixture = *state;
    double now = wall_seconds(wall_now());
    fixture_send_frame(fixture, "yard", now + 60, NULL, 0, 1); /* nobody waits for a verdict */
    send_segment(fixture, now - 10);
    fixture_settle(fixture);
    struct manual_event event = bell();
    event.open_ended = true;
    make(fixture, "yard", &event);
    send_segment(fixture, now);
    send_segment(fixture, now - 30);
    assert_true(fixture_wait(fixture, has_three_segments, fixture));
    assert_string_equal(fixture_query(fixture, "SELECT group_concat(coalesce(objects, 'none')) "
                                               "FROM (SELECT objects FROM recordings "
                                               "ORDER BY start_time)"),
                        "none,1,1");
}

/* ---- restart, deletion, time ---- */

/* Of another program. */
static void add_broken_row(struct fixture *fixture)
{
    struct err err = ERR_NONE;
    AUTO_FREE char *path = mem_printf("%s/corvette.db", fixture->data_dir);
    struct db *db = db_open(path, false, &err);
    assert_int_equal(db_execute(db,
                                "INSERT INTO event (id, label, camera, start_time, zones, "
                                "thumbnail, has_clip, has_snapshot, retain_indefinitely, data) "
                                "SELECT 'broken', 'x', camera, start_time - 1, '[]', '', 0, 0, 0, "
                                "'{' FROM event LIMIT 1",
                                &err),
                     0);
    db_close(db);
}

static void open_ones_outlive_a_crash(void **state)
{
    struct fixture *fixture = *state;
    struct manual_event event = bell();
    event.open_ended = true;
    AUTO_FREE char *id = mem_strdup(make(fixture, "yard", &event));
    event.source_type = "audio";
    event.label = "bark";
    make(fixture, "yard", &event);
    fixture_crash(fixture);
    add_broken_row(fixture);
    fixture_serve(fixture);
    fixture_settle(fixture);
    assert_string_equal(fixture_query(fixture, "SELECT label FROM event WHERE end_time IS NULL"),
                        "bell");
    assert_string_equal(fixture_query(fixture, "SELECT end_time - start_time FROM event "
                                               "WHERE label = 'bark'"),
                        "30.0");
    struct manual_state counts;
    manual_get_state(server_manual(fixture->server), &counts);
    assert_int_equal(counts.running, 1);
    int camera = config_camera_index(fixture->config, "yard");
    double now = wall_seconds(wall_now());
    assert_true(manual_claims(server_manual(fixture->server), camera, now, now + 10));
    assert_int_equal(manual_end(server_manual(fixture->server), id, now), 0);
    assert_false(manual_claims(server_manual(fixture->server), camera, now + 1, now + 10));
    fixture_settle(fixture);
    assert_string_equal(fixture_query(fixture, "SELECT count(*) FROM event WHERE end_time IS NULL"),
                        "0");
}

/* What an event marks does not end with the process: its review item goes on, too. */
static void review_goes_on_after_a_crash(void **state)
{
    struct fixture *fixture = *state;
    struct manual_event event = bell();
    make(fixture, "yard", &event);
    assert_true(fixture_wait(fixture, has_review_item, fixture));
    fixture_crash(fixture);
    fixture_serve(fixture);
    double served = wall_seconds(wall_now());
    fixture_stop(fixture); /* ends it with its last activity */
    fixture_serve(fixture);
    AUTO_FREE char *sql = mem_printf("SELECT end_time >= %.6f FROM reviewsegment "
                                     "ORDER BY start_time LIMIT 1",
                                     served);
    assert_string_equal(fixture_query(fixture, sql), "1");
}

static bool nothing_is_open(void *context)
{
    return strcmp(column(context, "end_time - start_time"), "86400.0") == 0;
}

static void nobody_ends_it(void **state)
{
    struct fixture *fixture = *state;
    struct manual_event event = bell();
    event.open_ended = true;
    make(fixture, "yard", &event);
    struct err err = ERR_NONE;
    AUTO_FREE char *path = mem_printf("%s/corvette.db", fixture->data_dir);
    fixture_crash(fixture);
    struct db *db = db_open(path, false, &err);
    assert_int_equal(db_execute(db, "UPDATE event SET start_time = start_time - 86392", &err), 0);
    db_close(db);
    fixture_serve(fixture); /* not yet over: it goes on for some seconds */
    assert_string_equal(column(fixture, "end_time IS NULL"), "1");
    assert_true(fixture_wait(fixture, nothing_is_open, fixture));
    fixture_crash(fixture);
    db = db_open(path, false, &err);
    assert_int_equal(db_execute(db,
                                "UPDATE event SET start_time = start_time - 50000, "
                                "end_time = NULL",
                                &err),
                     0);
    db_close(db);
    fixture_serve(fixture);
    fixture_settle(fixture);
    assert_true(nothing_is_open(fixture));
}

static void forgotten_ones_claim_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct manual_event event = bell();
    const char *id = make(fixture, "yard", &event);
    double now = wall_seconds(wall_now());
    int camera = config_camera_index(fixture->config, "yard");
    assert_true(manual_claims(server_manual(fixture->server), camera, now, now + 10));
    assert_false(manual_claims(server_manual(fixture->server), camera, now + 100, now + 110));
    assert_false(manual_claims(server_manual(fixture->server), !camera, now, now + 10));
    manual_forget(server_manual(fixture->server), id);
    assert_false(manual_claims(server_manual(fixture->server), camera, now, now + 10));
}

/* The row says what was asked for; recordings are not claimed for years. */
static void ended_in_the_far_future(void **state)
{
    struct fixture *fixture = *state;
    struct manual *manual = server_manual(fixture->server);
    struct manual_event event = bell();
    event.open_ended = true;
    const char *id = make(fixture, "yard", &event);
    double now = wall_seconds(wall_now());
    int camera = config_camera_index(fixture->config, "yard");
    assert_int_equal(manual_end(manual, id, 9e10), 0);
    fixture_settle(fixture);
    assert_string_equal(column(fixture, "end_time"), "90000000000");
    assert_true(manual_claims(manual, camera, now + 1000, now + 1010));
    assert_false(manual_claims(manual, camera, now + MANUAL_LONGEST_S, now + 1e6));
}

/* Neither the loop nor the jobs thread wait for a locked database, and nothing is lost. */
static void locked_database_delays_only(void **state)
{
    struct fixture *fixture = *state;
    AUTO_FREE char *path = mem_printf("%s/corvette.db", fixture->data_dir);
    struct err err = ERR_NONE;
    fixture_settle(fixture);
    struct db *other = db_open(path, false, &err);
    assert_int_equal(db_execute(other, "BEGIN IMMEDIATE", &err), 0);
    struct manual_event event = bell();
    char id[IPC_ID];
    for (int i = 0; i < 20; i++) {
        assert_int_equal(manual_begin(server_manual(fixture->server), 0, &event, id, &err), 0);
    }
    assert_true(manual_wait(server_manual(fixture->server), id, 10000)); /* with the writer */
    assert_int_equal(db_execute(other, "COMMIT", &err), 0);
    db_close(other);
    fixture_settle(fixture);
    assert_string_equal(fixture_query(fixture, "SELECT count(DISTINCT id) FROM event"), "20");
}

static bool has_twenty_clean_copies(void *context)
{
    struct fixture *fixture = context;
    AUTO_FREE char *pattern = mem_printf("%s/media/clips/*-clean.png", fixture->data_dir);
    glob_t found;
    size_t count = glob(pattern, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
    globfree(&found);
    return count == 20;
}

/* More at once than may wait for their clean copies: all get one. */
static void many_clean_copies(void **state)
{
    struct fixture *fixture = *state;
    struct manual_event event = bell();
    struct err err = ERR_NONE;
    char id[IPC_ID];
    for (int i = 0; i < 20; i++) {
        assert_int_equal(manual_begin(server_manual(fixture->server), 0, &event, id, &err), 0);
    }
    assert_true(fixture_wait(fixture, has_twenty_clean_copies, fixture));
}

static void clean_stop_writes_all(void **state)
{
    struct fixture *fixture = *state;
    struct manual_event event = bell();
    struct err err = ERR_NONE;
    char id[IPC_ID];
    for (int i = 0; i < 100; i++) {
        assert_int_equal(manual_begin(server_manual(fixture->server), 0, &event, id, &err), 0);
    }
    fixture_stop(fixture);
    fixture_serve(fixture);
    assert_string_equal(fixture_query(fixture, "SELECT count(*) FROM event WHERE "
                                               "length(thumbnail) > 100"),
                        "100");
}

/* ---- what is refused ---- */

static void check_refused(struct manual_event event, const char *begin)
{
    struct err err = ERR_NONE;
    assert_int_equal(manual_check(&event, &err), -EINVAL);
    if (strncmp(err.text, begin, strlen(begin)) != 0) {
        fail_msg("'%s' instead of '%s...'", err.text, begin);
    }
}

static void what_cannot_be(void **state)
{
    struct err err = ERR_NONE;
    struct manual_event event = bell();
    assert_int_equal(manual_check(&event, &err), 0);
    event.open_ended = true;
    event.duration = NAN; /* does not count then */
    assert_int_equal(manual_check(&event, &err), 0);

    char text[120];
    memset(text, 'x', sizeof text);
    text[101] = '\0';
#define WITH(member, value) (event = bell(), event.member = (value), event)
    check_refused(WITH(label, ""), "label: ");
    check_refused(WITH(label, text), "label: has 101 characters");
    check_refused(WITH(sub_label, text), "sub_label: ");
    check_refused(WITH(source_type, ""), "source_type: ");
    check_refused(WITH(source_type, text), "source_type: ");
    check_refused(WITH(score, -1), "score: ");
    check_refused(WITH(score, 100.5), "score: ");
    check_refused(WITH(score, NAN), "score: ");
    check_refused(WITH(duration, -1), "duration: -1 ");
    check_refused(WITH(duration, 86401), "duration: 86401 ");
    check_refused(WITH(duration, NAN), "duration: ");
    check_refused(WITH(duration, INFINITY), "duration: ");
    check_refused(WITH(box_count, MANUAL_BOXES_MAX + 1), "draw.boxes: ");
    struct manual_box boxes[2] = {{0, 0, 1, 1, {0}, false, 0}, {0, 0, 1.5, 1, {0}, false, 0}};
    event = bell();
    event.boxes = boxes;
    event.box_count = 2;
    check_refused(event, "draw.boxes[1].box: 1.5 ");
    boxes[1].width = NAN;
    check_refused(event, "draw.boxes[1].box: ");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(row_of_an_event_with_an_end),  TEST(open_ended_without_recording_and_its_end),
        TEST(camera_without_anything),      TEST(boxes_are_drawn_in_their_colours),
        TEST(timeline_and_review),          TEST(what_was_heard),
        TEST(recordings_are_claimed),       TEST(open_ones_outlive_a_crash),
        TEST(review_goes_on_after_a_crash), TEST(nobody_ends_it),
        TEST(ended_in_the_far_future),      TEST(forgotten_ones_claim_nothing),
        TEST(locked_database_delays_only),  TEST(many_clean_copies),
        TEST(clean_stop_writes_all),        cmocka_unit_test(what_cannot_be),
    };
    return cmocka_run_group_tests_name("manual", tests, NULL, NULL);
}
