/* Review items as rows and files, against a real database in a folder of its own. Rules and ends
 * are in test_review_rules.c. */
#include "../cmocka_all.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <webp/decode.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "fixture.h"
#include "server/review.h"
#include "server/review_rules.h"
#include "server/review_thumb.h"
#include "store/db_review.h"

#define YARD 0
#define T 1700000000.0

static const char review_yaml[] = "    review:\n"
                                  "      alerts:\n"
                                  "        labels: [person]\n"
                                  "        required_zones: [lawn]\n";

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture_init(&fixture, review_yaml, "");
    fixture_serve(&fixture);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    fixture_finish(*state);
    return 0;
}

/* A person on the lawn, or outside all zones. */
static void send_person(struct fixture *fixture, const char *camera, double time, bool on_lawn)
{
    struct msg_zone lawn = {0};
    struct msg_object object = fixture_object("1700000000.5-abc123", "person", T);
    object.active = true;
    object.frame_time = time;
    object.current_zones.items = &lawn;
    object.current_zones.count = on_lawn;
    fixture_send_frame(fixture, camera, time, &object, 1, 1);
}

static void send_quiet(struct fixture *fixture, double time)
{
    fixture_send_frame(fixture, "yard", time, NULL, 0, 0);
}

static const char *column(struct fixture *fixture, const char *name)
{
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT %s FROM reviewsegment ORDER BY start_time DESC", name);
    return fixture_query(fixture, sql);
}

static const char *number_of(struct fixture *fixture, const char *table)
{
    char sql[80];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
    return fixture_query(fixture, sql);
}

static bool has_row(void *context)
{
    return strcmp(number_of(context, "reviewsegment"), "0") != 0;
}

static bool has_two_rows(void *context)
{
    return strcmp(number_of(context, "reviewsegment"), "2") == 0;
}

static struct review_state state_of(struct fixture *fixture)
{
    struct review_state state;
    review_get_state(server_review(fixture->server), &state);
    return state;
}

static void run_sql(struct fixture *fixture, const char *sql);

static void an_item_appears_and_ends(void **state)
{
    struct fixture *fixture = *state;
    fixture_give_ring(fixture, "yard", 120, 128, 128, T);
    send_person(fixture, "yard", T, true);
    assert_true(fixture_wait(fixture, has_row, fixture));
    assert_string_equal(column(fixture, "camera"), "yard");
    assert_string_equal(column(fixture, "start_time"), "1700000000");
    assert_string_equal(column(fixture, "end_time IS NULL"), "1");
    assert_string_equal(column(fixture, "severity"), "alert");
    assert_string_equal(column(fixture, "has_been_reviewed"), "0");
    assert_string_equal(column(fixture, "data"),
                        "{\"audio\":[],\"detections\":[\"1700000000.5-abc123\"],"
                        "\"objects\":[\"person\"],\"sub_labels\":[],\"zones\":[\"lawn\"]}");
    /* The row names its thumbnail, which is there already. */
    assert_string_equal(column(fixture, "thumb_path = '/media/frigate/clips/review/thumb-yard-' || "
                                        "id || '.webp'"),
                        "1");
    char file[160];
    snprintf(file, sizeof file, "media/clips/review/thumb-yard-%s.webp", column(fixture, "id"));
    assert_true(fixture_file_exists(fixture, file));

    send_person(fixture, "yard", T + 7.5, true);
    send_quiet(fixture, T + 100);
    fixture_settle(fixture);
    assert_string_equal(column(fixture, "end_time IS NULL"), "1");
    send_quiet(fixture, T + 128);
    fixture_settle(fixture);
    assert_string_equal(column(fixture, "end_time"), "1700000007.5");
    assert_string_equal(number_of(fixture, "corvette_review"), "0");
    /* The next activity is another item. */
    send_person(fixture, "yard", T + 130, true);
    assert_true(fixture_wait(fixture, has_two_rows, fixture));
    assert_int_equal(state_of(fixture).thumbnails_failed, 0);
}

static void rises_and_keeps_its_mark(void **state)
{
    struct fixture *fixture = *state;
    send_person(fixture, "yard", T, false);
    fixture_settle(fixture);
    assert_string_equal(column(fixture, "severity"), "detection");
    struct store_work *work = store_begin(server_store(fixture->server));
    db_review_mark(work, column(fixture, "id"), true);
    assert_int_equal(store_submit_wait(work, 5000), 1);
    send_person(fixture, "yard", T + 1, true);
    send_person(fixture, "yard", T + 2, false);
    fixture_settle(fixture);
    assert_string_equal(column(fixture, "severity"), "alert");
    assert_string_equal(column(fixture, "has_been_reviewed"), "1");
    assert_string_equal(number_of(fixture, "reviewsegment"), "1");
}

static void cameras_that_do_not_record_have_none(void **state)
{
    struct fixture *fixture = *state;
    static const char *const heard[] = {"bark"};
    send_person(fixture, "door", T, true);
    review_sound(server_review(fixture->server), 1, T, heard, 1);
    review_manual(server_review(fixture->server), 1, "m", "ring", T, NAN);
    review_tick(server_review(fixture->server));
    fixture_settle(fixture);
    assert_string_equal(number_of(fixture, "reviewsegment"), "0");
}

static void times_that_cannot_be(void **state)
{
    struct fixture *fixture = *state;
    static const double times[] = {NAN, INFINITY, 0, -5};
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        send_person(fixture, "yard", times[i], true);
    }
    fixture_settle(fixture);
    assert_string_equal(number_of(fixture, "reviewsegment"), "0");
    assert_int_equal(state_of(fixture).rows, 0);
}

static void sounds_and_manual_events(void **state)
{
    struct fixture *fixture = *state;
    struct review *review = server_review(fixture->server);
    static const char *const heard[] = {"bark", "yell"};
    double now = wall_seconds(wall_now());
    review_sound(review, YARD, now, heard, 2);
    review_tick(review);
    fixture_settle(fixture);
    assert_string_equal(column(fixture, "severity"), "detection");
    assert_string_equal(column(fixture, "data ->> '$.audio'"), "[\"bark\",\"yell\"]");
    review_manual(review, YARD, "m1", "visit: Eve", now + 1, NAN);
    review_tick(review);
    fixture_settle(fixture);
    assert_string_equal(column(fixture, "severity"), "alert");
    assert_string_equal(column(fixture, "data ->> '$.objects'"), "[\"visit: Eve\"]");
    send_quiet(fixture, now + 140);
    fixture_settle(fixture);
    assert_string_equal(column(fixture, "end_time IS NULL"), "1");
    review_manual_end(review, "nope", now + 50);
    review_manual_end(review, "m1", now + 50);
    send_quiet(fixture, now + 169);
    fixture_settle(fixture);
    assert_string_equal(column(fixture, "end_time IS NULL"), "1");
    send_quiet(fixture, now + 171);
    fixture_settle(fixture);
    char end[32];
    snprintf(end, sizeof end, "%.3f", now + 50);
    assert_string_equal(column(fixture, "printf('%.3f', end_time)"), end);
    assert_string_equal(number_of(fixture, "reviewsegment"), "1");
}

static void the_user_names_an_object(void **state)
{
    struct fixture *fixture = *state;
    send_person(fixture, "yard", T, true);
    fixture_settle(fixture);
    review_sub_label(server_review(fixture->server), "1700000000.5-abc123", "Bob");
    send_person(fixture, "yard", T + 1, true);
    fixture_stop(fixture);
    fixture_serve(fixture);
    assert_string_equal(column(fixture, "data ->> '$.objects'"), "[\"person-verified\"]");
    assert_string_equal(column(fixture, "data ->> '$.sub_labels'"), "[\"Bob\"]");
}

/* The server died and is back soon; the activity goes on. */
static void goes_on_after_a_crash(void **state)
{
    struct fixture *fixture = *state;
    double now = wall_seconds(wall_now());
    send_person(fixture, "yard", now - 20, false);
    fixture_settle(fixture);
    char id[64];
    snprintf(id, sizeof id, "%s", column(fixture, "id"));
    fixture_crash(fixture);
    fixture_serve(fixture);
    assert_string_equal(column(fixture, "end_time IS NULL"), "1");
    send_person(fixture, "yard", now, true);
    send_quiet(fixture, now + 200);
    fixture_settle(fixture);
    assert_string_equal(number_of(fixture, "reviewsegment"), "1");
    assert_string_equal(column(fixture, "id"), id);
    assert_string_equal(column(fixture, "severity"), "alert");
    char end[32];
    snprintf(end, sizeof end, "%.3f", now);
    assert_string_equal(column(fixture, "printf('%.3f', end_time)"), end);
    assert_string_equal(column(fixture, "data ->> '$.detections'"), "[\"1700000000.5-abc123\"]");
}

/* It was away for long: the item ended with the last activity that anybody knows of. */
static void ends_after_a_long_absence(void **state)
{
    struct fixture *fixture = *state;
    send_person(fixture, "yard", T, true);
    fixture_settle(fixture);
    send_person(fixture, "yard", T + 40, true); /* changes nothing but the time */
    review_tick(server_review(fixture->server));
    fixture_settle(fixture);
    assert_string_equal(fixture_query(fixture, "SELECT last_activity FROM corvette_review"),
                        "1700000040.0");
    fixture_crash(fixture);
    fixture_serve(fixture);
    fixture_settle(fixture);
    assert_string_equal(number_of(fixture, "reviewsegment"), "1");
    assert_string_equal(column(fixture, "end_time"), "1700000040");
    assert_string_equal(number_of(fixture, "corvette_review"), "0");
    assert_int_equal(state_of(fixture).running, 0);
}

/* Rows that another program left open: nothing says until when they were active. */
static void left_open_by_another_program(void **state)
{
    struct fixture *fixture = *state;
    run_sql(fixture, "INSERT INTO event (id, label, camera, start_time, end_time, thumbnail, data, "
                     "has_clip, has_snapshot, zones, retain_indefinitely) VALUES ('e', 'dog', "
                     "'yard', 1690000000, 1690000009, '', '{}', 1, 1, '[]', 0)");
    static const char *const rows[] = {
        "'a', 'yard', 1690000000, 'alert', '{\"detections\": [\"e\", \"gone\"]}'",
        "'b', 'yard', 1690000500, 'detection', '{\"detections\": [\"gone\"]}'",
        "'c', 'nosuch', 1690000600, 'alert', 'no json'",
        "'d', 'yard', 1690000700, 'significant_motion', '[]'",
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char sql[400];
        snprintf(sql, sizeof sql,
                 "INSERT INTO reviewsegment (id, camera, start_time, severity, data, thumb_path, "
                 "has_been_reviewed) VALUES (%s, '', 0)",
                 rows[i]);
        run_sql(fixture, sql);
    }
    fixture_crash(fixture);
    fixture_serve(fixture);
    fixture_settle(fixture);
    assert_string_equal(fixture_query(fixture,
                                      "SELECT group_concat(id || ' ' || CAST(end_time AS INTEGER)) "
                                      "FROM (SELECT * FROM reviewsegment ORDER BY id)"),
                        "a 1690000009,b 1690000500,c 1690000600,d 1690000700");
}

static void a_clean_stop_ends_it(void **state)
{
    struct fixture *fixture = *state;
    send_person(fixture, "yard", T, true);
    send_person(fixture, "yard", T + 3, true);
    fixture_stop(fixture);
    fixture_serve(fixture);
    assert_string_equal(column(fixture, "end_time"), "1700000003");
    assert_string_equal(number_of(fixture, "reviewsegment"), "1");
}

static void deleted_while_it_runs(void **state)
{
    struct fixture *fixture = *state;
    send_person(fixture, "yard", T, true);
    fixture_settle(fixture);
    char id[64];
    snprintf(id, sizeof id, "%s", column(fixture, "id"));
    review_forget(server_review(fixture->server), id);
    run_sql(fixture, "DELETE FROM reviewsegment");
    send_quiet(fixture, T + 1);
    fixture_settle(fixture);
    assert_string_equal(number_of(fixture, "reviewsegment"), "0");
    send_person(fixture, "yard", T + 2, true);
    fixture_settle(fixture);
    assert_string_equal(number_of(fixture, "reviewsegment"), "1");
    assert_string_not_equal(column(fixture, "id"), id);
    assert_string_equal(column(fixture, "start_time"), "1700000002");
}

static int no_change(struct db *db, void *data)
{
    return 0;
}

/* The database is locked and its queue full: the item ends meanwhile, and its last state gets
 * there.
 */
static void full_queue_keeps_the_last_state(void **state)
{
    struct fixture *fixture = *state;
    AUTO_STR struct str path = {0};
    str_addf(&path, "%s/corvette.db", fixture->data_dir);
    struct err err = ERR_NONE;
    fixture_settle(fixture);
    struct db *other = db_open(str_text(&path), false, &err);
    assert_non_null(other);
    assert_int_equal(db_execute(other, "BEGIN IMMEDIATE", &err), 0);
    int result = 0;
    for (int i = 0; i < 2 * STORE_QUEUE_MAX && result == 0; i++) {
        struct store_work *work = store_begin(server_store(fixture->server));
        store_add(work, no_change, NULL, NULL);
        result = store_submit(work);
    }
    assert_int_equal(result, -EAGAIN);
    send_person(fixture, "yard", T, false);
    send_person(fixture, "yard", T + 1, true);
    send_quiet(fixture, T + 200);
    send_person(fixture, "yard", T + 201, true);
    assert_true(state_of(fixture).delayed > 0);
    assert_int_equal(state_of(fixture).rows, 0);
    assert_int_equal(db_execute(other, "COMMIT", &err), 0);
    db_close(other);
    assert_true(fixture_wait(fixture, has_two_rows, fixture));
    assert_string_equal(fixture_query(fixture,
                                      "SELECT severity || ' ' || end_time FROM reviewsegment "
                                      "WHERE end_time IS NOT NULL"),
                        "alert 1700000001");
}

/* --- many threads --- */

#define ROUNDS 200

struct helper {
    struct review *review;
    int number;
};

static void *be_busy(void *data)
{
    const struct helper *helper = data;
    static const char *const heard[] = {"bark"};
    for (int i = 0; i < ROUNDS; i++) {
        char id[32];
        struct review_state counted;
        double now = wall_seconds(wall_now());
        snprintf(id, sizeof id, "m%d-%d", helper->number, i);
        review_manual(helper->review, YARD, id, "ring", now, i % 2 == 0 ? NAN : now + 1);
        review_sound(helper->review, YARD, now, heard, 1);
        review_sub_label(helper->review, id, "Bob");
        review_get_state(helper->review, &counted);
        review_forget(helper->review, i % 50 == 0 ? "nope" : id);
        review_manual_end(helper->review, id, now);
    }
    return NULL;
}

static void many_threads(void **state)
{
    struct fixture *fixture = *state;
    struct helper helpers[3];
    pthread_t threads[3];
    fixture_give_ring(fixture, "yard", 120, 128, 128, T);
    for (int i = 0; i < 3; i++) {
        helpers[i] = (struct helper){server_review(fixture->server), i};
        assert_int_equal(pthread_create(&threads[i], NULL, be_busy, &helpers[i]), 0);
    }
    for (int i = 0; i < ROUNDS; i++) {
        send_person(fixture, "yard", wall_seconds(wall_now()), i % 2 == 0);
        review_tick(server_review(fixture->server));
        if (has_row(fixture)) {
            review_forget(server_review(fixture->server), column(fixture, "id"));
        }
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
    /* Those that were forgotten and not deleted are taken up by the next run, and ended by its end.
     */
    fixture_stop(fixture);
    fixture_serve(fixture);
    fixture_stop(fixture);
    fixture_serve(fixture);
    assert_string_equal(fixture_query(fixture, "SELECT count(*) FROM corvette_review"), "0");
    assert_string_equal(column(fixture, "count(*) FILTER (WHERE end_time IS NULL OR "
                                        "end_time < start_time)"),
                        "0");
}

static bool thumbnail_failed(void *context)
{
    return state_of(context).thumbnails_failed == 1;
}

static void without_a_folder_for_thumbnails(void **state)
{
    struct fixture *fixture = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/media/clips/review", fixture->data_dir);
    assert_int_equal(rmdir(path), 0);
    fixture_give_ring(fixture, "yard", 120, 128, 128, T);
    send_person(fixture, "yard", T, true);
    assert_true(fixture_wait(fixture, thumbnail_failed, fixture));
    /* The row does not depend on it, and a broken disk is not asked at every picture. */
    assert_true(fixture_wait(fixture, has_row, fixture));
    send_person(fixture, "yard", T + 0.2, true);
    send_person(fixture, "yard", T + 0.4, true);
    fixture_settle(fixture);
    assert_int_equal(state_of(fixture).thumbnails_failed, 1);
}

/* The pixel of a decoded thumbnail. */
static int grey_at(const uint8_t *rgb, int width, int x, int y)
{
    return rgb[3 * (y * width + x)];
}

/* A white object in a dark picture is where the crop says. */
static void thumbnails_show_the_area(void **state)
{
    enum { WIDTH = 640, HEIGHT = 360 };
    uint8_t *pixels = malloc(frames_picture_bytes(WIDTH, HEIGHT));
    memset(pixels, 128, frames_picture_bytes(WIDTH, HEIGHT));
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            pixels[y * WIDTH + x] = x >= 300 && x < 340 && y >= 200 && y < 300 ? 220 : 40;
        }
    }
    struct live_picture *picture = live_picture_new(pixels, WIDTH, HEIGHT, T);
    struct box crop = review_crop(WIDTH, HEIGHT, (struct box){300, 200, 340, 300});
    assert_true(box_equal(crop, (struct box){144, 150, 496, 350}));
    AUTO_STR struct str webp = {0};
    assert_int_equal(review_thumb_encode(picture, crop, &webp), 0);
    int width, height;
    uint8_t *rgb = WebPDecodeRGB((const uint8_t *)webp.data, webp.length, &width, &height);
    assert_non_null(rgb);
    assert_int_equal(width, 316); /* 180 * 352 / 200 */
    assert_int_equal(height, REVIEW_THUMB_HEIGHT);
    /* x (300..340 - 144) and y (200..300 - 150), times 0.9. */
    static const struct {
        int x, y;
        bool white;
    } cases[] = {{158, 90, true},  {144, 48, true},  {172, 132, true}, {134, 90, false},
                 {182, 90, false}, {158, 38, false}, {158, 142, false}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(grey_at(rgb, width, cases[i].x, cases[i].y) > 128, cases[i].white);
    }
    WebPFree(rgb);
    assert_int_equal(review_thumb_encode(picture, (struct box){5, 5, 5, 90}, &webp), -EINVAL);
    live_picture_unref(picture);
}

static int change(struct db *db, void *sql)
{
    AUTO_QUERY struct db_query *query = db_query(db, sql);
    return db_run(query);
}

static void run_sql(struct fixture *fixture, const char *sql)
{
    struct store_work *work = store_begin(server_store(fixture->server));
    store_add(work, change, (void *)(uintptr_t)sql, NULL);
    assert_true(store_submit_wait(work, 5000) >= 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_item_appears_and_ends),
        TEST(rises_and_keeps_its_mark),
        TEST(cameras_that_do_not_record_have_none),
        TEST(times_that_cannot_be),
        TEST(sounds_and_manual_events),
        TEST(the_user_names_an_object),
        TEST(goes_on_after_a_crash),
        TEST(ends_after_a_long_absence),
        TEST(left_open_by_another_program),
        TEST(a_clean_stop_ends_it),
        TEST(deleted_while_it_runs),
        TEST(full_queue_keeps_the_last_state),
        TEST(many_threads),
        cmocka_unit_test(thumbnails_show_the_area),
        TEST(without_a_folder_for_thumbnails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
