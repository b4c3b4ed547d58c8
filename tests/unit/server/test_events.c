/* An object's life as rows and files, against a real database in a folder of its own. */
#include "../cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "fixture.h"
#include "server/events.h"
#include "server/live.h"
#include "store/db_event.h"

#define ID "1700000000.5-abc123"
#define ID_FILE "media/clips/yard-" ID ".jpg"
#define ID_CLEAN "media/clips/yard-" ID "-clean.png"

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

static const char *column(struct fixture *fixture, const char *name)
{
    char sql[160];
    snprintf(sql, sizeof sql, "SELECT %s FROM event WHERE id = '" ID "'", name);
    return fixture_query(fixture, sql);
}

static bool is_ended(void *context)
{
    return strcmp(column(context, "end_time IS NOT NULL"), "1") == 0;
}

static bool has_segment(void *context)
{
    return strcmp(fixture_query(context, "SELECT count(*) FROM recordings"), "1") == 0;
}

static bool has_clean_copy(void *context)
{
    return fixture_file_exists(context, ID_CLEAN);
}

static void row_appears_with_something_to_show(void **state)
{
    struct fixture *fixture = *state;
    struct msg_object object = fixture_object(ID, "person", 1700000000.5);
    object.false_positive = true;
    fixture_send_frame(fixture, "yard", 1700000000.5, &object, 1, 1);
    object.false_positive = false;
    object.position_changes = 0; /* not moved: nothing to keep yet */
    fixture_send_frame(fixture, "yard", 1700000000.7, &object, 1, 1);
    fixture_settle(fixture);
    assert_string_equal(fixture_query(fixture, "SELECT count(*) FROM event"), "0");

    object.position_changes = 1;
    fixture_send_frame(fixture, "yard", 1700000000.9, &object, 1, 1);
    fixture_settle(fixture);
    assert_string_equal(column(fixture, "label"), "person");
    assert_string_equal(column(fixture, "camera"), "yard");
    assert_string_equal(column(fixture, "start_time"), "1699999995.5");
    assert_string_equal(column(fixture, "end_time IS NULL"), "1");
    assert_string_equal(column(fixture, "has_clip"), "1");
    assert_string_equal(column(fixture, "has_snapshot"), "1");
    assert_string_equal(column(fixture, "zones"), "[]");
    assert_string_equal(column(fixture, "retain_indefinitely"), "0");
    assert_string_equal(column(fixture, "detector_type"), "cpu");
}

static void data_and_thumbnail(void **state)
{
    struct fixture *fixture = *state;
    struct msg_object object = fixture_object(ID, "car", 1700000000.5);
    struct msg_zone zones[2] = {{1}, {0}};
    struct msg_attribute logo = {.label = "ups", .score = 0.75F, .box = {96, 90, 112, 99}};
    object.entered_zones.items = zones;
    object.entered_zones.count = 2;
    object.best_attributes.items = &logo;
    object.best_attributes.count = 1;
    snprintf(object.sub_label, sizeof object.sub_label, "ups");
    object.sub_label_score = 0.75F;
    assert_int_equal(fixture_send_best(fixture, "yard", ID, 1, 1700000000.5, 120), -1);
    fixture_send_frame(fixture, "yard", 1700000000.7, &object, 1, 1);
    fixture_settle(fixture);
    assert_string_equal(column(fixture, "zones"), "[\"drive\",\"lawn\"]");
    assert_string_equal(column(fixture, "sub_label"), "ups");
    assert_string_equal(column(fixture, "data"),
                        "{\"box\":[0.15,0.25,0.1,0.25],"
                        "\"region\":[0.0,0.0,0.5,0.8888888888888888],"
                        "\"score\":0.8125,\"top_score\":0.8,"
                        "\"attributes\":[{\"box\":[0.15,0.25,0.025,0.025],\"label\":\"ups\","
                        "\"score\":0.75}],\"type\":\"object\",\"sub_label_score\":0.75}");
    AUTO_STR struct str jpeg = {0};
    assert_true(str_add_from_base64(&jpeg, column(fixture, "thumbnail")));
    assert_true(jpeg.length > 200);
    assert_memory_equal(jpeg.data, "\xff\xd8\xff", 3);
    /* It is the picture, not the black stand-in: a later one differs. */
    char first[4096];
    snprintf(first, sizeof first, "%s", column(fixture, "thumbnail"));
    object.best_revision = 2;
    object.entered_zones.count = 1; /* any urgent change */
    assert_int_equal(fixture_send_best(fixture, "yard", ID, 2, 1700000000.9, 220), -1);
    fixture_send_frame(fixture, "yard", 1700000000.9, &object, 1, 1);
    fixture_settle(fixture);
    assert_string_not_equal(first, column(fixture, "thumbnail"));
}

static void end_writes_files_then_row(void **state)
{
    struct fixture *fixture = *state;
    struct msg_object object = fixture_object(ID, "person", 1700000000.5);
    fixture_send_best(fixture, "yard", ID, 1, 1700000000.5, 120);
    fixture_send_frame(fixture, "yard", 1700000000.7, &object, 1, 1);
    fixture_settle(fixture);
    assert_false(fixture_file_exists(fixture, ID_FILE));
    object.frame_time = 1700000010.5;
    object.end_time = 1700000010.5;
    fixture_send_frame(fixture, "yard", 1700000015, &object, 1, 0);
    assert_true(fixture_wait(fixture, is_ended, fixture));
    assert_true(fixture_file_exists(fixture, ID_FILE));
    assert_true(fixture_wait(fixture, has_clean_copy, fixture));
    assert_string_equal(column(fixture, "end_time"), "1700000015.5");
    /* Still there to ask for, for those who heard of the end before the row was written. */
    struct live_object found = {0};
    int camera = -1;
    assert_true(live_find_object(server_live(fixture->server), ID, &found, &camera));
    assert_int_equal(camera, config_camera_index(fixture->config, "yard"));
    live_object_finish(&found);
    /* Later mentions change nothing. */
    object.end_time = 1700000099;
    fixture_send_frame(fixture, "yard", 1700000016, NULL, 0, 0);
    fixture_settle(fixture);
    assert_string_equal(column(fixture, "end_time"), "1700000015.5");
}

static void false_positive_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct msg_object object = fixture_object(ID, "person", 1700000000.5);
    object.false_positive = true;
    fixture_send_frame(fixture, "yard", 1700000000.7, &object, 1, 1);
    object.end_time = 1700000001;
    fixture_send_frame(fixture, "yard", 1700000001, &object, 1, 1);
    fixture_settle(fixture);
    assert_string_equal(fixture_query(fixture, "SELECT count(*) FROM event"), "0");
    struct live_object found;
    assert_false(live_find_object(server_live(fixture->server), ID, &found, NULL));
}

static void camera_that_keeps_nothing(void **state)
{
    struct fixture *fixture = *state; /* door neither records nor takes snapshots */
    struct msg_object object = fixture_object(ID, "person", 1700000000.5);
    fixture_send_frame(fixture, "door", 1700000000.7, &object, 1, 1);
    object.end_time = 1700000001;
    fixture_send_frame(fixture, "door", 1700000001, &object, 1, 1);
    fixture_settle(fixture);
    assert_string_equal(fixture_query(fixture, "SELECT count(*) FROM event"), "0");
}

/* analyse died: its successor knows nothing of the object, and says so by not listing it. */
static void unlisted_object_has_ended(void **state)
{
    struct fixture *fixture = *state;
    struct msg_object object = fixture_object(ID, "person", 1700000000.5);
    object.frame_time = 1700000007;
    fixture_send_best(fixture, "yard", ID, 1, 1700000000.5, 120);
    fixture_send_frame(fixture, "yard", 1700000007, &object, 1, 1);
    fixture_send_frame(fixture, "yard", 1700000020, NULL, 0, 1);
    assert_true(fixture_wait(fixture, is_ended, fixture));
    assert_string_equal(column(fixture, "end_time"), "1700000012"); /* last seen + 5 */
    assert_true(fixture_file_exists(fixture, ID_FILE));
}

/* The server died, analyse lives: the row was closed by the repair and opens again. */
static void announced_again_after_crash(void **state)
{
    struct fixture *fixture = *state;
    struct msg_object object = fixture_object(ID, "person", 1700000000.5);
    fixture_send_best(fixture, "yard", ID, 1, 1700000000.5, 120);
    fixture_send_frame(fixture, "yard", 1700000000.7, &object, 1, 1);
    fixture_settle(fixture);
    char thumbnail[4096];
    snprintf(thumbnail, sizeof thumbnail, "%s", column(fixture, "thumbnail"));

    fixture_crash(fixture);
    fixture_serve(fixture);
    fixture_settle(fixture);
    assert_string_equal(column(fixture, "end_time"), "1700000025.5"); /* start + 30 at once */
    /* No picture with the new link yet, and what made the flags true is over: both stay. */
    object.position_changes = 0;
    object.top_score = 0.9F;
    fixture_send_frame(fixture, "yard", 1700000009, &object, 1, 1);
    fixture_settle(fixture);
    assert_string_equal(column(fixture, "end_time IS NULL"), "1");
    assert_string_equal(column(fixture, "has_clip + has_snapshot"), "2");
    assert_string_equal(column(fixture, "thumbnail"), thumbnail);
    assert_string_equal(fixture_query(fixture, "SELECT count(*) FROM event"), "1");
    /* It ends without any picture: then there is no snapshot, and the row says so. */
    object.end_time = 1700000010;
    fixture_send_frame(fixture, "yard", 1700000010, &object, 1, 1);
    assert_true(fixture_wait(fixture, is_ended, fixture));
    assert_string_equal(column(fixture, "has_snapshot"), "0");
    assert_string_equal(column(fixture, "has_clip"), "1");
}

static void clean_stop_keeps_what_there_is(void **state)
{
    struct fixture *fixture = *state;
    struct msg_object object = fixture_object(ID, "person", 1700000000.5);
    fixture_send_best(fixture, "yard", ID, 1, 1700000000.5, 120);
    fixture_send_frame(fixture, "yard", 1700000000.7, &object, 1, 1);
    double before = wall_seconds(wall_now());
    fixture_stop(fixture);
    assert_true(fixture_file_exists(fixture, ID_FILE));
    fixture_serve(fixture);
    double end = 0;
    assert_true(str_to_double(column(fixture, "end_time"), &end) || end == 0);
    assert_true(end >= before - 0.01 && end <= before + 10);
    assert_string_equal(column(fixture, "has_snapshot"), "1");
}

/* More than can be encoded in the second that a stop may take: every row ends all the same. */
static void clean_stop_with_many_events(void **state)
{
    enum { COUNT = 40 };
    struct fixture *fixture = *state;
    struct msg_object objects[COUNT];
    for (int i = 0; i < COUNT; i++) {
        char id[IPC_ID];
        snprintf(id, sizeof id, "1700000000.5-many%02d", i);
        objects[i] = fixture_object(id, "person", 1700000000.5);
        fixture_send_best(fixture, "yard", id, 1, 1700000000.5, 120);
    }
    fixture_send_frame(fixture, "yard", 1700000001, objects, COUNT, 1);
    struct mono before = mono_now();
    fixture_stop(fixture);
    assert_true(mono_since_us(before) < 2000000);
    fixture_serve(fixture);
    assert_string_equal(fixture_query(fixture, "SELECT count(*) FROM event WHERE "
                                               "end_time > 1700000100"),
                        "40");
    assert_true(fixture_file_exists(fixture, "media/clips/yard-1700000000.5-many00.jpg"));
}

/* The folder cannot be written: no snapshot, and the row says so. */
static void unwritable_folder(void **state)
{
    struct fixture *fixture = *state;
    static const char *const folders[] = {"media/clips/review", "media/clips"};
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", fixture->data_dir, folders[i]);
        assert_int_equal(rmdir(path), 0);
    }
    struct msg_object object = fixture_object(ID, "person", 1700000000.5);
    fixture_send_best(fixture, "yard", ID, 1, 1700000000.5, 120);
    fixture_send_frame(fixture, "yard", 1700000000.7, &object, 1, 1);
    object.end_time = 1700000010;
    fixture_send_frame(fixture, "yard", 1700000010, &object, 1, 0);
    assert_true(fixture_wait(fixture, is_ended, fixture));
    assert_string_equal(column(fixture, "has_snapshot"), "0");
    assert_string_equal(column(fixture, "has_clip"), "1");
}

static void deleted_while_running_stays_deleted(void **state)
{
    struct fixture *fixture = *state;
    struct msg_object object = fixture_object(ID, "person", 1700000000.5);
    fixture_send_best(fixture, "yard", ID, 1, 1700000000.5, 120);
    fixture_send_frame(fixture, "yard", 1700000000.7, &object, 1, 1);
    fixture_settle(fixture);
    events_forget(server_events(fixture->server), ID);
    struct store_work *work = store_begin(server_store(fixture->server));
    db_event_delete(work, ID);
    assert_int_equal(store_submit(work), 0);
    struct msg_zone zone = {0};
    object.entered_zones.items = &zone;
    object.entered_zones.count = 1;
    fixture_send_frame(fixture, "yard", 1700000000.9, &object, 1, 1);
    object.end_time = 1700000001;
    fixture_send_frame(fixture, "yard", 1700000001, &object, 1, 1);
    fixture_settle(fixture);
    assert_string_equal(fixture_query(fixture, "SELECT count(*) FROM event"), "0");
    assert_false(fixture_file_exists(fixture, ID_FILE));
}

/* Someone else holds the database: rows wait, and the last state is the one that arrives. */
static void locked_database_delays_only(void **state)
{
    struct fixture *fixture = *state;
    AUTO_STR struct str path = {0};
    str_addf(&path, "%s/corvette.db", fixture->data_dir);
    struct err err = ERR_NONE;
    fixture_settle(fixture);
    struct db *other = db_open(str_text(&path), false, &err);
    assert_non_null(other);
    assert_int_equal(db_execute(other, "BEGIN IMMEDIATE", &err), 0);
    struct msg_object object = fixture_object(ID, "person", 1700000000.5);
    fixture_send_best(fixture, "yard", ID, 1, 1700000000.5, 120);
    struct mono before = mono_now();
    for (int i = 0; i < 200; i++) {
        object.frame_time = 1700000001 + i * 0.2;
        object.top_score = 0.5F + (float)i * 0.002F;
        fixture_send_frame(fixture, "yard", object.frame_time, &object, 1, 1);
    }
    object.end_time = object.frame_time;
    fixture_send_frame(fixture, "yard", object.frame_time, &object, 1, 1);
    assert_true(mono_since_us(before) < 2000000); /* the loop did not wait for it */
    assert_string_equal(fixture_query(fixture, "SELECT count(*) FROM event"), "0");
    assert_int_equal(db_execute(other, "COMMIT", &err), 0);
    db_close(other);
    assert_true(fixture_wait(fixture, is_ended, fixture));
    assert_string_equal(column(fixture, "end_time"), "1700000045.8");
    assert_string_equal(column(fixture, "json_extract(data, '$.top_score')"), "0.898");
}

static int no_change(struct db *db, void *data)
{
    return 0;
}

/* The database stands still for so long that its queue is full: nothing is lost but freshness. */
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
    struct msg_object object = fixture_object(ID, "person", 1700000000.5);
    fixture_send_best(fixture, "yard", ID, 1, 1700000000.5, 120);
    fixture_send_frame(fixture, "yard", 1700000001, &object, 1, 1);
    struct msg_segment segment = {.camera = "yard",
                                  .path = "recordings/2023-11-14/22/yard/13.20.mp4",
                                  .start = 1700000000,
                                  .end = 1700000001,
                                  .duration = 1,
                                  .bytes = 1000};
    fixture_send(fixture, BOARD_CAPTURE, "yard", MSG_SEGMENT, &segment, -1);
    object.end_time = 1700000002;
    fixture_send_frame(fixture, "yard", 1700000002, &object, 1, 1);
    struct events_state counted;
    events_get_state(server_events(fixture->server), &counted);
    assert_true(counted.delayed > 0);
    assert_int_equal(counted.rows, 0);
    assert_int_equal(db_execute(other, "COMMIT", &err), 0);
    db_close(other);
    assert_true(fixture_wait(fixture, is_ended, fixture));
    assert_string_equal(column(fixture, "end_time"), "1700000007");
    assert_string_equal(column(fixture, "has_snapshot"), "1");
    assert_true(fixture_wait(fixture, has_segment, fixture));
}

/* A worker's word about another camera, or an id that would lead out of the folder. */
static void nonsense_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct msg_object object = fixture_object("../../evil", "person", 1700000000.5);
    fixture_send_frame(fixture, "yard", 1700000000.7, &object, 1, 1);
    struct msg_frame frame = {.time = 1700000001, .camera = "door"};
    fixture_send(fixture, BOARD_ANALYSE, "yard", MSG_FRAME, &frame, -1);
    fixture_send(fixture, BOARD_CAPTURE, "door", MSG_FRAME, &frame, -1);
    struct live_view view;
    int door = config_camera_index(fixture->config, "door");
    assert_false(live_get_view(server_live(fixture->server), door, &view));
    live_view_finish(&view);
    fixture_settle(fixture);
    assert_string_equal(fixture_query(fixture, "SELECT count(*) FROM event"), "0");
    struct live_state live;
    live_get_state(server_live(fixture->server), &live);
    assert_int_equal(live.objects, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_appears_with_something_to_show),  TEST(data_and_thumbnail),
        TEST(end_writes_files_then_row),           TEST(false_positive_leaves_nothing),
        TEST(camera_that_keeps_nothing),           TEST(unlisted_object_has_ended),
        TEST(announced_again_after_crash),         TEST(clean_stop_keeps_what_there_is),
        TEST(deleted_while_running_stays_deleted), TEST(locked_database_delays_only),
        TEST(full_queue_keeps_the_last_state),     TEST(nonsense_is_refused),
        TEST(clean_stop_with_many_events),         TEST(unwritable_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
