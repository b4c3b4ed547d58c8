#include "../cmocka_all.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "folder.h"
#include "store/db_event.h"
#include "store/db_timeline.h"

#define PATIENCE_MS 20000

static const struct db_event example = {
    .id = "1700000000.5-abcdef",
    .label = "person",
    .camera = "back",
    .start_time = 1699999995.5,
    .zones_json = "[]",
    .thumbnail = "QUJD",
    .has_clip = true,
    .has_snapshot = true,
    .data_json = "{\"box\": [0.1, 0.2, 0.3, 0.4], \"score\": 0.5, \"type\": \"object\"}",
};

static void put(struct folder *folder, const struct db_event *event)
{
    struct store_work *work = store_begin(folder->store);
    db_event_put(work, event);
    assert_int_equal(store_submit_wait(work, PATIENCE_MS), 1);
}

static void check_list(struct folder *folder, const struct db_event_filter *filter,
                       const char *expected)
{
    AUTO_READER struct db *db = store_reader(folder->store);
    AUTO_STR struct str text = {0}, ids = {0};
    assert_int_equal(db_event_list_json(db, filter, &text), 0);
    for (const char *p = str_text(&text); (p = strstr(p, "\"id\":\"")) != NULL;) {
        p += strlen("\"id\":\"");
        str_addf(&ids, "%s%.*s", ids.length > 0 ? " " : "", (int)strcspn(p, "\""), p);
    }
    assert_string_equal(str_text(&ids), expected);
}

static void test_one_event_as_json(void **state)
{
    struct folder *folder = *state;
    put(folder, &example);
    AUTO_READER struct db *db = store_reader(folder->store);
    AUTO_STR struct str list = {0}, one = {0};
    struct db_event_filter filter = {.thumbnails = true};
    assert_int_equal(db_event_list_json(db, &filter, &list), 0);
    assert_string_equal(
        str_text(&list),
        "[{\"box\":null,\"camera\":\"back\",\"data\":{\"box\":[0.1,0.2,0.3,0.4],\"score\":0.5,"
        "\"type\":\"object\"},\"end_time\":null,\"false_positive\":null,\"has_clip\":true,"
        "\"has_snapshot\":true,\"id\":\"1700000000.5-abcdef\",\"label\":\"person\","
        "\"plus_id\":null,\"retain_indefinitely\":false,\"start_time\":1699999995.5,"
        "\"sub_label\":null,\"thumbnail\":\"QUJD\",\"top_score\":null,\"zones\":[]}]");
    assert_int_equal(db_event_json(db, example.id, &one), 0);
    assert_non_null(strstr(str_text(&one), "\"ratio\":1.0,"));
    assert_int_equal(db_event_json(db, "nope", &one), -ENOENT);
}

/* What the user said of an event stays when the tracker writes it again. */
static void test_updates_keep_what_users_set(void **state)
{
    struct folder *folder = *state;
    put(folder, &example);
    struct store_work *work = store_begin(folder->store);
    db_event_retain(work, example.id, true);
    db_event_sub_label(work, example.id, "bob", (struct db_opt_double){true, 0.875}, false);
    assert_int_equal(store_submit_wait(work, PATIENCE_MS), 2);
    struct db_event again = example;
    again.end_time = (struct db_opt_double){true, 1700000100};
    again.zones_json = "[\"yard\"]";
    put(folder, &again);
    assert_int_equal(folder_count(folder, "SELECT count(*) FROM event WHERE "
                                          "json_extract(data, '$.sub_label_score') = 0.875"),
                     1);
    assert_int_equal(folder_count(folder, "SELECT count(*) FROM event WHERE sub_label = 'bob' AND "
                                          "retain_indefinitely = 1 AND end_time = 1700000100 AND "
                                          "zones = '[\"yard\"]'"),
                     1);
    again.sub_label = "carla";
    put(folder, &again);
    assert_int_equal(folder_count(folder, "SELECT count(*) FROM event WHERE sub_label = 'carla'"),
                     1);
}

static void test_whole_times_are_integers(void **state)
{
    struct folder *folder = *state;
    struct db_event event = example;
    event.start_time = 1700000000;
    put(folder, &event);
    assert_int_equal(
        folder_count(folder, "SELECT count(*) FROM event WHERE typeof(start_time) = 'integer'"), 1);
}

static void test_sub_labels_reach_the_timeline(void **state)
{
    struct folder *folder = *state;
    put(folder, &example);
    struct store_work *work = store_begin(folder->store);
    db_timeline_add(work, &(struct db_timeline){.timestamp = 1700000000.5,
                                                .camera = "back",
                                                .source = "tracked_object",
                                                .source_id = example.id,
                                                .class_type = "visible",
                                                .data_json = "{\"sub_label\":null}"});
    db_event_sub_label(work, example.id, "bob \"b\"", (struct db_opt_double){0}, true);
    assert_true(store_submit_wait(work, PATIENCE_MS) > 0);
    AUTO_READER struct db *db = store_reader(folder->store);
    AUTO_STR struct str text = {0};
    assert_int_equal(db_timeline_list_json(db, "all", example.id, -1, &text), 0);
    assert_non_null(strstr(str_text(&text), "\"sub_label\":[\"bob \\\"b\\\"\",null]"));
}

static void test_deleting_takes_the_timeline_along(void **state)
{
    struct folder *folder = *state;
    put(folder, &example);
    struct store_work *work = store_begin(folder->store);
    db_timeline_add(work, &(struct db_timeline){.timestamp = 1,
                                                .camera = "back",
                                                .source = "tracked_object",
                                                .source_id = example.id,
                                                .class_type = "visible"});
    db_event_delete(work, example.id);
    assert_true(store_submit_wait(work, PATIENCE_MS) > 0);
    assert_int_equal(folder_count(folder, "SELECT (SELECT count(*) FROM event) + "
                                          "(SELECT count(*) FROM timeline)"),
                     0);
}

static void test_what_is_left_open_is_closed(void **state)
{
    struct folder *folder = *state;
    put(folder, &example);
    store_repair(folder->store);
    assert_int_equal(store_flush(folder->store, PATIENCE_MS), 0);
    assert_int_equal(folder_count(folder, "SELECT count(*) FROM event WHERE "
                                          "end_time = start_time + 30 AND has_snapshot = 1"),
                     1);
    put(folder, &example);
    struct store_work *work = store_begin(folder->store);
    db_event_end_all(work, 1700000050);
    assert_int_equal(store_submit_wait(work, PATIENCE_MS), 1);
    assert_int_equal(folder_count(folder, "SELECT count(*) FROM event WHERE "
                                          "end_time = 1700000050 AND has_snapshot = 0"),
                     1);
}

/* As only another program could. */
static int break_row(struct db *db, void *data)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "UPDATE event SET data = '{\"score\":' WHERE id = '6-broken'");
    return db_run(query);
}

/* Those made over the API go on for a day; whatever is in the other rows, they are closed. */
static void test_what_was_made_by_hand_stays_open(void **state)
{
    struct folder *folder = *state;
    double now = wall_seconds(wall_now());
    const struct {
        const char *id;
        double age;
        const char *data;
    } rows[] = {
        {"1-fresh", 3600, "{\"type\": \"api\"}"},
        {"2-old", 90000, "{\"type\": \"api\"}"},
        {"3-heard", 3600, "{\"type\": \"audio\"}"},
        {"4-bare", 3600, "{}"},
        {"5-odd", 3600, "[1]"},
        {"6-broken", 3600, "{}"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct db_event event = example;
        event.id = rows[i].id;
        event.start_time = now - rows[i].age;
        event.data_json = rows[i].data;
        put(folder, &event);
    }
    struct store_work *work = store_begin(folder->store);
    store_add(work, break_row, NULL, NULL);
    assert_int_equal(store_submit_wait(work, PATIENCE_MS), 1);
    store_repair(folder->store);
    assert_int_equal(store_flush(folder->store, PATIENCE_MS), 0);
    AUTO_READER struct db *db = store_reader(folder->store);
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT group_concat(coalesce(CAST(round(end_time - start_time) AS INTEGER), "
                     "'open')) FROM (SELECT * FROM event ORDER BY id)");
    assert_int_equal(db_step(query), 1);
    assert_string_equal(db_text(query, 0, NULL), "open,86400,30,30,30,30");
}

static void put_many(struct folder *folder)
{
    static const struct {
        const char *id, *label, *camera, *zones, *sub_label;
        double start, end, score;
    } rows[] = {
        {"a", "person", "back", "[\"yard\",\"gate\"]", NULL, 1000, 1010, 0.9},
        {"b", "car", "back", "[]", "bob, john", 2000, 2050, 0.8},
        {"c", "person", "front", "[\"gate2\"]", "bob", 3000, 0, 0.7},
        {"d", "dog", "side", "[\"gate\"]", "x*y", 4000, 4001, 0.6},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        AUTO_STR struct str data = {0};
        str_addf(&data, "{\"score\":%.1f}", rows[i].score);
        struct db_event event = {
            .id = rows[i].id,
            .label = rows[i].label,
            .camera = rows[i].camera,
            .start_time = rows[i].start,
            .end_time = {rows[i].end > 0, rows[i].end},
            .zones_json = rows[i].zones,
            .thumbnail = "",
            .has_clip = i % 2 == 0,
            .sub_label = rows[i].sub_label,
            .data_json = str_text(&data),
        };
        put(folder, &event);
    }
}

#define ONE(text)                                  \
    {                                              \
        .has = true, .count = 1, .items = { text } \
    }

static void test_filters(void **state)
{
    static const struct {
        struct db_event_filter filter;
        const char *ids;
    } cases[] = {
        {{.favorites = false}, "d c b a"},
        {{.sort = DB_EVENT_DATE_ASC}, "a b c d"},
        {{.sort = DB_EVENT_SCORE_DESC}, "a b c d"},
        {{.sort = DB_EVENT_SCORE_ASC}, "d c b a"},
        {{.limit = {true, 2}}, "d c"},
        {{.limit = {true, 0}}, ""},
        {{.limit = {true, -1}}, "d c b a"},
        {{.cameras = ONE("back")}, "b a"},
        {{.cameras = {.has = true, .count = 2, .items = {"back", "side"}}}, "d b a"},
        {{.camera = ONE("back"), .cameras = ONE("front")}, ""},
        {{.cameras = {.has = true}}, ""},
        {{.labels = ONE("person")}, "c a"},
        {{.labels = ONE("PERSON")}, ""},
        {{.zones = ONE("gate")}, "d a"},
        {{.zones = ONE("None")}, "b"},
        {{.zones = {.has = true, .count = 2, .items = {"None", "gate2"}}}, "c b"},
        {{.sub_labels = ONE("bob")}, "c b"},
        {{.sub_labels = ONE("john")}, "b"},
        {{.sub_labels = ONE("None")}, "a"},
        {{.sub_labels = ONE("' OR 1=1 --")}, ""},
        {{.after = {true, 2000}}, "d c"},
        {{.before = {true, 2000}}, "a"},
        {{.has_clip = {true, 1}}, "c a"},
        {{.has_clip = {true, 0}}, "d b"},
        {{.in_progress = {true, 1}}, "c"},
        {{.in_progress = {true, 0}}, "d b a"},
        {{.min_score = {true, 0.8}}, "b a"},
        {{.max_score = {true, 0.7}}, "d c"},
        {{.min_length = {true, 10}}, "b a"},
        {{.max_length = {true, 10}}, "d a"},
        {{.favorites = true}, ""},
        {{.submitted = {true, 0}}, "d c b a"},
        {{.submitted = {true, 1}}, ""},
        {{.submitted = {true, -1}}, "d c b a"},
        {{.time_after = "00:16", .time_before = "00:50"}, "b"},
        {{.time_after = "00:50", .time_before = "00:20"}, "d a"},
        {{.time_after = "01:16", .time_before = "01:50", .utc_offset_s = 3600}, "b"},
    };
    struct folder *folder = *state;
    put_many(folder);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        check_list(folder, &cases[i].filter, cases[i].ids);
    }
}

static void test_names(void **state)
{
    struct folder *folder = *state;
    put_many(folder);
    AUTO_READER struct db *db = store_reader(folder->store);
    AUTO_STR struct str all = {0}, back = {0}, joined = {0}, split = {0}, none = {0};
    assert_int_equal(db_event_labels_json(db, NULL, &all), 0);
    assert_string_equal(str_text(&all), "[\"car\",\"dog\",\"person\"]");
    assert_int_equal(db_event_labels_json(db, "back", &back), 0);
    assert_string_equal(str_text(&back), "[\"car\",\"person\"]");
    assert_int_equal(db_event_labels_json(db, "nowhere", &none), 0);
    assert_string_equal(str_text(&none), "[]");
    assert_int_equal(db_event_sub_labels_json(db, false, &joined), 0);
    assert_string_equal(str_text(&joined), "[\"bob\",\"bob, john\",\"x*y\"]");
    assert_int_equal(db_event_sub_labels_json(db, true, &split), 0);
    assert_string_equal(str_text(&split), "[\"bob\",\"john\",\"x*y\"]");
}

static void test_latest(void **state)
{
    struct folder *folder = *state;
    put_many(folder);
    put(folder, &example);
    AUTO_READER struct db *db = store_reader(folder->store);
    AUTO_EVENT_ROW struct db_event_row row = {0};
    assert_int_equal(db_event_latest(db, "back", "any", &row), 0);
    assert_string_equal(row.id, "b"); /* the greatest text, not the newest */
    db_event_row_finish(&row);
    assert_int_equal(db_event_latest(db, "back", "person", &row), 0);
    assert_string_equal(row.id, "a");
    db_event_row_finish(&row);
    assert_int_equal(db_event_latest_snapshot(db, "back", "any", &row), 0);
    assert_string_equal(row.id, example.id);
    assert_string_equal(row.thumbnail, "QUJD");
    assert_false(row.end_time.has);
    db_event_row_finish(&row);
    assert_int_equal(db_event_latest(db, "back", "cat", &row), -ENOENT);
}

static void add_box(void *context, const double box[4], const double region[4])
{
    str_addf(context, "%g/%g ", box[0], region[0]);
}

static void test_boxes(void **state)
{
    struct folder *folder = *state;
    put_many(folder);
    struct db_event event = example;
    event.end_time = (struct db_opt_double){true, 1700000100};
    put(folder, &event);
    AUTO_READER struct db *db = store_reader(folder->store);
    AUTO_STR struct str boxes = {0};
    assert_int_equal(db_event_boxes(db, "back", 0, add_box, &boxes), 0);
    assert_string_equal(str_text(&boxes), "0.1/0 ");
    assert_int_equal(db_event_boxes(db, "back", 1700000000, add_box, &boxes), 0);
    assert_string_equal(str_text(&boxes), "0.1/0 ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup_store, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_event_as_json),
        TEST(test_updates_keep_what_users_set),
        TEST(test_whole_times_are_integers),
        TEST(test_sub_labels_reach_the_timeline),
        TEST(test_deleting_takes_the_timeline_along),
        TEST(test_what_is_left_open_is_closed),
        TEST(test_what_was_made_by_hand_stays_open),
        TEST(test_filters),
        TEST(test_names),
        TEST(test_latest),
        TEST(test_boxes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
