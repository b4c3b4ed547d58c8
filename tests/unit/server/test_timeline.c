/* What objects do, as rows of the table timeline. */
#include "../cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "fixture.h"
#include "server/events.h"
#include "server/live.h"
#include "server/timeline.h"
#include "store/db_event.h"

#define T 4000000000.0
#define ID "4000000000.0-abc123"

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

static const char *steps(struct fixture *fixture)
{
    return fixture_query(fixture,
                         "SELECT group_concat(step, ' ') FROM (SELECT class_type || '@' "
                         "|| CAST(timestamp - 4000000000 AS INTEGER) AS step FROM timeline "
                         "ORDER BY timestamp, rowid)");
}

static void send(struct fixture *fixture, struct msg_object *object, double time)
{
    object->frame_time = time;
    fixture_send_frame(fixture, "yard", time, object, 1, 1);
}

static void send_end(struct fixture *fixture, struct msg_object *object, double time)
{
    object->end_time = time;
    fixture_send_frame(fixture, "yard", time, object, 1, 1);
}

static bool has_gone(void *context)
{
    return strcmp(fixture_query(context, "SELECT count(*) FROM timeline WHERE "
                                         "class_type = 'gone'"),
                  "1") == 0;
}

/* Thousands of objects and steps. */
static unsigned kept_now(struct fixture *fixture)
{
    struct timeline_state state;
    timeline_get_state(server_timeline(fixture->server), &state);
    return state.objects * 1000 + state.waiting;
}

static unsigned kept(struct fixture *fixture)
{
    fixture_settle(fixture);
    return kept_now(fixture);
}

static bool nothing_is_kept(void *context)
{
    return kept_now(context) == 0;
}

/* A whole life; first it may still be a mistake, so that everything is held back. */
static void a_life_in_steps(void **state)
{
    struct fixture *fixture = *state;
    struct msg_object object = fixture_object(ID, "person", T);
    struct msg_zone zones[2] = {{1}, {0}};
    struct msg_attribute face = {.label = "face", .score = 0.75F, .box = {96, 90, 112, 99}};
    object.false_positive = true;
    object.position_changes = 0;
    send(fixture, &object, T);
    object.current_zones.items = zones;
    object.current_zones.count = 1;
    send(fixture, &object, T + 1);
    object.false_positive = false;
    send(fixture, &object, T + 2);
    fixture_settle(fixture);
    assert_string_equal(steps(fixture), "");

    object.position_changes = 1; /* now it is an event, and all that was comes with it */
    send(fixture, &object, T + 3);
    fixture_settle(fixture);
    assert_string_equal(steps(fixture), "visible@0 entered_zone@1");

    object.current_zones.count = 2;
    send(fixture, &object, T + 4);
    object.current_zones.count = 1;
    send(fixture, &object, T + 5); /* leaving is no step */
    object.stationary = true;
    send(fixture, &object, T + 6);
    object.current_zones.count = 2;
    send(fixture, &object, T + 7); /* nor is a zone around what stands still */
    object.stationary = false;
    object.attributes.items = &face;
    object.attributes.count = 1;
    send(fixture, &object, T + 8);
    send(fixture, &object, T + 9);
    send_end(fixture, &object, T + 12);
    assert_true(fixture_wait(fixture, has_gone, fixture));
    assert_string_equal(steps(fixture), "visible@0 entered_zone@1 entered_zone@4 stationary@6 "
                                        "active@8 attribute@8 gone@9");
    assert_string_equal(fixture_query(fixture, "SELECT data FROM timeline WHERE timestamp = "
                                               "4000000004"),
                        "{\"box\":[0.15625,0.2777777777777778,0.1,0.2777777777777778],"
                        "\"label\":\"person\",\"sub_label\":null,"
                        "\"region\":[0.0,0.0,0.5,0.8888888888888888],\"attribute\":\"\","
                        "\"zones\":[\"drive\",\"lawn\"]}");
    assert_string_equal(fixture_query(fixture, "SELECT json_extract(data, '$.attribute') FROM "
                                               "timeline WHERE class_type = 'attribute'"),
                        "face");
    assert_string_equal(fixture_query(fixture, "SELECT DISTINCT source || source_id || camera FROM "
                                               "timeline"),
                        "tracked_object" ID "yard");
    assert_true(fixture_wait(fixture, nothing_is_kept, fixture));
}

static void what_never_was_an_event_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct msg_object object = fixture_object(ID, "person", T);
    object.false_positive = true;
    for (int i = 0; i < 2 * TIMELINE_STEPS_MAX; i++) {
        object.stationary = i % 2 == 1;
        send(fixture, &object, T + i);
    }
    assert_int_equal(kept(fixture), 1000 + TIMELINE_STEPS_MAX); /* bounded, and counted */
    struct timeline_state counts;
    timeline_get_state(server_timeline(fixture->server), &counts);
    assert_int_equal(counts.dropped, TIMELINE_STEPS_MAX);
    send_end(fixture, &object, T + 1000);
    assert_int_equal(kept(fixture), 0);
    /* Nor one that stands still and ends unlisted. */
    object = fixture_object(ID, "person", T);
    object.position_changes = 0;
    send(fixture, &object, T + 2000);
    assert_int_equal(kept(fixture), 1001);
    fixture_send_frame(fixture, "yard", T + 2001, NULL, 0, 0);
    assert_int_equal(kept(fixture), 0);
    assert_string_equal(steps(fixture), "");
}

/* Here and gone within one message. */
static void the_shortest_life(void **state)
{
    struct fixture *fixture = *state;
    struct msg_object object = fixture_object(ID, "person", T);
    fixture_send_best(fixture, "yard", ID, 1, T, 120);
    object.frame_time = T + 1;
    send_end(fixture, &object, T + 1);
    assert_true(fixture_wait(fixture, has_gone, fixture));
    assert_string_equal(steps(fixture), "visible@0 gone@1");
    assert_true(fixture_wait(fixture, nothing_is_kept, fixture));
}

static void deleted_events_have_none(void **state)
{
    struct fixture *fixture = *state;
    struct msg_object object = fixture_object(ID, "person", T);
    send(fixture, &object, T);
    fixture_settle(fixture);
    assert_string_equal(steps(fixture), "visible@0");
    events_forget(server_events(fixture->server), ID);
    struct store_work *work = store_begin(server_store(fixture->server));
    db_event_delete(work, ID);
    assert_int_equal(store_submit(work), 0);
    object.stationary = true;
    send(fixture, &object, T + 1);
    send_end(fixture, &object, T + 2);
    fixture_settle(fixture);
    assert_string_equal(steps(fixture), "");
    assert_int_equal(kept(fixture), 0);
}

/* The name that a user gives is the object's, its event's and that of its steps to come. */
static void a_given_name(void **state)
{
    struct fixture *fixture = *state;
    struct msg_object object = fixture_object(ID, "person", T);
    object.position_changes = 0;
    send(fixture, &object, T);
    char name[IPC_SUB_LABEL];
    for (size_t i = 0; i < 100; i++) {
        memcpy(name + 4 * i, "\xf0\x9f\x90\x95", 5); /* the longest there may be */
    }
    struct live *live = server_live(fixture->server);
    assert_false(live_set_sub_label(live, "nope", "x", 0));
    assert_true(live_set_sub_label(live, ID, name, 0.75F));
    object.position_changes = 1;
    snprintf(object.sub_label, sizeof object.sub_label, "ups"); /* analyse means something else */
    send(fixture, &object, T + 1);
    struct live_object found = {0};
    assert_true(live_find_object(live, ID, &found, NULL));
    assert_string_equal(found.state.sub_label, name);
    live_object_finish(&found);
    fixture_settle(fixture);
    assert_string_equal(fixture_query(fixture, "SELECT sub_label FROM event"), name);
    assert_string_equal(fixture_query(fixture, "SELECT json_extract(data, '$.sub_label_score') "
                                               "FROM event"),
                        "0.75");
    AUTO_FREE char *pair = mem_printf("%s 0.75", name);
    assert_string_equal(fixture_query(fixture, "SELECT json_extract(data, '$.sub_label[0]') || ' ' "
                                               "|| json_extract(data, '$.sub_label[1]') "
                                               "FROM timeline"),
                        pair);
}

/* The server died, analyse lives: what was written is not written again, what goes on is. */
static void goes_on_after_a_crash(void **state)
{
    struct fixture *fixture = *state;
    struct msg_object object = fixture_object("1700000000.5-abc123", "person", 1700000000.5);
    struct msg_zone zone = {0};
    object.current_zones.items = &zone;
    object.current_zones.count = 1;
    send(fixture, &object, 1700000001);
    fixture_settle(fixture);
    fixture_crash(fixture);
    fixture_serve(fixture);
    send(fixture, &object, 1700000002);
    object.stationary = true;
    send(fixture, &object, 1700000003);
    fixture_settle(fixture);
    assert_string_equal(fixture_query(fixture, "SELECT group_concat(class_type) FROM timeline"),
                        "visible,entered_zone,stationary");
}

static void clean_stop_says_gone(void **state)
{
    struct fixture *fixture = *state;
    struct msg_object object = fixture_object(ID, "person", T);
    fixture_send_best(fixture, "yard", ID, 1, T, 120);
    send(fixture, &object, T);
    fixture_stop(fixture);
    fixture_serve(fixture);
    assert_string_equal(fixture_query(fixture,
                                      "SELECT group_concat(class_type) FROM (SELECT * FROM "
                                      "timeline ORDER BY rowid)"),
                        "visible,gone");
}

static void locked_database_delays_only(void **state)
{
    struct fixture *fixture = *state;
    AUTO_FREE char *path = mem_printf("%s/corvette.db", fixture->data_dir);
    struct err err = ERR_NONE;
    fixture_settle(fixture);
    struct db *other = db_open(path, false, &err);
    assert_int_equal(db_execute(other, "BEGIN IMMEDIATE", &err), 0);
    struct msg_object object = fixture_object(ID, "person", T);
    fixture_send_best(fixture, "yard", ID, 1, T, 120);
    for (int i = 0; i < 40; i++) {
        object.stationary = i % 2 == 1;
        send(fixture, &object, T + i);
    }
    send_end(fixture, &object, T + 40);
    assert_int_equal(db_execute(other, "COMMIT", &err), 0);
    db_close(other);
    assert_true(fixture_wait(fixture, has_gone, fixture));
    assert_string_equal(fixture_query(fixture, "SELECT count(*) FROM timeline"), "41");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_life_in_steps),      TEST(what_never_was_an_event_leaves_nothing),
        TEST(the_shortest_life),    TEST(deleted_events_have_none),
        TEST(a_given_name),         TEST(goes_on_after_a_crash),
        TEST(clean_stop_says_gone), TEST(locked_database_delays_only),
    };
    return cmocka_run_group_tests_name("timeline", tests, NULL, NULL);
}
