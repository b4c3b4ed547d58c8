/* Lists and counts are the same whichever way the rows are found, and those of a full recount. */
#include "../cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "folder.h"
#include "store/db_activity.h"
#include "store/db_event.h"
#include "store/db_review.h"
#include "store/indexes.h"
#include "store/row_json.h"

#define PATIENCE_MS 20000
#define BEGIN 1700000000.0

static const char *const cameras[] = {"back", "front", "yard"};
static const char *const labels[] = {"cat", "dog", "person"};
static const char *const zones[] = {"[]", "[\"lawn\"]", "[\"lawn\", \"gate\"]", "[\"gate\"]"};
static const char *const subs[] = {NULL, NULL, "bob", "bob, ann"};

static bool never(void *context)
{
    return false;
}

static int insert_rows(struct db *db, void *data)
{
    int count = *(int *)data, result = 0;
    for (int i = 0; i < count && result >= 0; i++) {
        AUTO_QUERY struct db_query *event = db_query(
            db, "INSERT INTO event (id, label, camera, start_time, end_time, zones, thumbnail, "
                "has_clip, has_snapshot, retain_indefinitely, sub_label, plus_id, data) VALUES "
                "(lower(hex(randomblob(8))), ?, ?, ?, ?, ?, 'thumb', ?, ?, ?, ?, ?, ?)");
        static int serial;
        double start = BEGIN + rand() % 100000 + ++serial / 16384.0; /* no two alike */
        AUTO_STR struct str score = {0};
        str_addf(&score, rand() % 20 == 0 ? "{}" : "{\"score\": %.3f}", rand() % 50 / 50.0);
        db_bind_text(event, labels[rand() % 3]);
        db_bind_text(event, cameras[rand() % 3]);
        db_bind_double(event, start);
        if (rand() % 10 == 0) {
            db_bind_null(event);
        } else {
            db_bind_double(event, start + rand() % 50);
        }
        db_bind_text(event, zones[rand() % 4]);
        db_bind_int(event, rand() % 4 > 0);
        db_bind_int(event, rand() % 4 > 0);
        db_bind_int(event, rand() % 10 == 0);
        db_bind_text(event, subs[rand() % 4]);
        db_bind_text(event, rand() % 10 == 0 ? "plus" : NULL);
        db_bind_text(event, str_text(&score));
        result = db_run(event);
        AUTO_QUERY struct db_query *review =
            db_query(db, "INSERT INTO reviewsegment VALUES (lower(hex(randomblob(8))), ?, ?, ?, ?, "
                         "?, '', '{\"objects\":[\"cat\"],\"zones\":[\"lawn\"],\"audio\":[]}')");
        db_bind_text(review, cameras[rand() % 3]);
        db_bind_double(review, start);
        db_bind_double(review, start + 10);
        db_bind_int(review, rand() % 2);
        db_bind_text(review, rand() % 2 ? "alert" : "detection");
        result = result < 0 ? result : db_run(review);
        AUTO_QUERY struct db_query *recording = db_query(
            db, "INSERT INTO recordings (id, camera, path, start_time, end_time, duration, motion, "
                "segment_size) VALUES (?1, ?2, ?1, ?3, ?3 + 10, 10, ?4, 1)");
        AUTO_STR struct str id = {0};
        str_addf(&id, "%d-%d", i, rand());
        db_bind_text(recording, str_text(&id));
        db_bind_text(recording, cameras[rand() % 3]);
        db_bind_double(recording, start);
        db_bind_int(recording, rand() % 3 * (rand() % 100));
        result = result < 0 ? result : db_run(recording);
    }
    return result;
}

static void fill(struct folder *folder, int count)
{
    struct store_work *work = store_begin(folder->store);
    store_add(work, insert_rows, &count, NULL);
    assert_true(store_submit_wait(work, PATIENCE_MS) >= 0);
}

static struct db_texts some(const char *const *names, int count)
{
    struct db_texts texts = {.has = rand() % 2 == 0};
    for (int i = 0; i < count && texts.has; i++) {
        if (rand() % 2) {
            texts.items[texts.count++] = names[i];
        }
    }
    return texts;
}

static struct db_opt_int maybe(int of)
{
    return (struct db_opt_int){.has = rand() % 4 == 0, .value = rand() % of};
}

static struct db_event_filter random_filter(void)
{
    static const char *const zone_names[] = {"lawn", "gate", "None"};
    static const char *const sub_names[] = {"bob", "ann", "None"};
    struct db_event_filter filter = {
        .cameras = some(cameras, 3),
        .labels = some(labels, 3),
        .zones = some(zone_names, 3),
        .sub_labels = some(sub_names, 3),
        .after = {rand() % 3 == 0, BEGIN + rand() % 50000},
        .before = {rand() % 3 == 0, BEGIN + 50000 + rand() % 50000},
        .has_clip = maybe(2),
        .has_snapshot = maybe(2),
        .in_progress = maybe(2),
        .submitted = maybe(2),
        .favorites = rand() % 8 == 0,
        .min_score = {rand() % 4 == 0, rand() % 50 / 50.0},
        .sort = (enum db_event_sort)(rand() % 5),
        .limit = {true, rand() % 2 ? -1 : rand() % 30},
        .thumbnails = rand() % 2 == 0,
    };
    if (rand() % 4 == 0) {
        filter.time_after = rand() % 2 ? "08:00" : "20:00";
        filter.time_before = "12:30";
    }
    return filter;
}

#define FILTERS 300

static void lists_do_not_depend_on_indexes(void **state)
{
    struct folder *folder = *state;
    struct db_event_filter filters[FILTERS];
    struct str before[FILTERS] = {0};
    srand(21);
    fill(folder, 400);
    for (int i = 0; i < FILTERS; i++) {
        AUTO_READER struct db *db = store_reader(folder->store);
        assert_false(indexes_have(db, "corvette_event_walk"));
        filters[i] = random_filter();
        assert_int_equal(db_event_list_json(db, &filters[i], &before[i]), 0);
    }
    indexes_build(folder->store, never, NULL);
    size_t longest = 0;
    for (int i = 0; i < FILTERS; i++) {
        AUTO_READER struct db *db = store_reader(folder->store);
        AUTO_STR struct str after = {0};
        assert_true(indexes_have(db, "corvette_event_walk"));
        assert_true(indexes_have(db, "corvette_event_score"));
        assert_int_equal(db_event_list_json(db, &filters[i], &after), 0);
        assert_string_equal(str_text(&after), str_text(&before[i]));
        longest = after.length > longest ? after.length : longest;
        str_finish(&before[i]);
    }
    assert_true(longest > 10000);
}

/* As the reference computes it: one grouped query. */
static void recount_events(struct db *db, int offset_s, struct str *out)
{
    static const struct row_field fields[] = {
        {"camera", ROW_TEXT}, {"count", ROW_NUMBER},   {"day", ROW_TEXT},
        {"label", ROW_TEXT},  {"sub_label", ROW_TEXT}, {"zones", ROW_JSON},
    };
    AUTO_STR struct str sql = {0};
    str_addf(&sql,
             "SELECT camera, label, sub_label, strftime('%%Y-%%m-%%d', datetime(start_time, "
             "'unixepoch', '%d seconds')) AS day, zones, count(*) AS count FROM event WHERE "
             "has_clip = 1 GROUP BY camera, label, sub_label, CAST(start_time + %d AS INTEGER) / "
             "86400, zones",
             offset_s, offset_s);
    AUTO_QUERY struct db_query *query = db_query(db, str_text(&sql));
    assert_int_equal(row_list(query, fields, ARRAY_SIZE(fields), out), 0);
}

static void recount_reviews(struct db *db, int offset_s, struct str *out)
{
    AUTO_STR struct str sql = {0};
    str_addf(&sql,
             "SELECT strftime('%%Y-%%m-%%d', datetime(start_time, 'unixepoch', '%d seconds')) AS "
             "day, sum(severity = 'alert' AND has_been_reviewed), sum(severity = 'detection' AND "
             "has_been_reviewed), sum(severity = 'alert'), sum(severity = 'detection') FROM "
             "reviewsegment WHERE camera != 'yard' GROUP BY day ORDER BY day",
             offset_s);
    AUTO_QUERY struct db_query *query = db_query(db, str_text(&sql));
    str_add_char(out, '{');
    while (db_step(query) == 1) {
        const char *day = db_text(query, 0, NULL);
        str_addf(out,
                 "\"%s\":{\"day\":\"%s\",\"reviewed_alert\":%d,\"reviewed_detection\":%d,"
                 "\"reviewed_motion\":0,\"total_alert\":%d,\"total_detection\":%d,"
                 "\"total_motion\":0},",
                 day, day, (int)db_int(query, 1), (int)db_int(query, 2), (int)db_int(query, 3),
                 (int)db_int(query, 4));
    }
    str_add(out, "\"last24Hours\"");
}

static void check_counts(struct folder *folder, int offset_s)
{
    AUTO_READER struct db *db = store_reader(folder->store);
    AUTO_STR struct str events = {0}, all_events = {0}, reviews = {0}, all_reviews = {0};
    struct db_review_filter filter = {.cameras = {true, 2, {"back", "front"}}};
    assert_int_equal(db_event_summary_json(db, offset_s, (struct db_opt_int){true, 1},
                                           (struct db_opt_int){0}, &events),
                     0);
    recount_events(db, offset_s, &all_events);
    assert_string_equal(str_text(&events), str_text(&all_events));
    assert_int_equal(db_review_summary_json(db, &filter, BEGIN + 200000, offset_s, &reviews), 0);
    recount_reviews(db, offset_s, &all_reviews);
    assert_memory_equal(reviews.data, all_reviews.data, all_reviews.length);
}

static void counts_are_those_of_a_recount(void **state)
{
    struct folder *folder = *state;
    srand(22);
    check_counts(folder, 0);
    for (int i = 0; i < 4; i++) {
        fill(folder, 200);
        check_counts(folder, 0);
        check_counts(folder, 20700); /* Kathmandu */
        check_counts(folder, -12600);
        if (i == 1) {
            indexes_build(folder->store, never, NULL);
        }
    }
}

/* The greatest motion of each bin, by a query of its own. */
static void recount_motion(struct db *db, const struct db_activity_filter *filter, struct str *out)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT CAST((start_time - ?1) / ?2 AS INTEGER) * ?2 + ?1, max(motion), "
                     "count(DISTINCT camera) FROM recordings WHERE start_time > ?3 AND end_time < "
                     "?4 AND motion > 0 AND camera != 'yard' GROUP BY 1 ORDER BY 1");
    db_bind_int(query, (int64_t)BEGIN / 86400 * 86400);
    db_bind_int(query, filter->scale_s);
    db_bind_double(query, filter->after);
    db_bind_double(query, filter->before);
    double most = 0;
    while (db_step(query) == 1) {
        most = fmax(most, db_double(query, 1));
        str_addf(out, "%lld:%d ", (long long)db_int(query, 0), (int)db_int(query, 2));
    }
    str_addf(out, "most %s", most > 0 ? "100" : "0");
}

/* Past the next `word`, NULL when there is none; strstr() is quadratic over a list under a
 * sanitizer. */
static const char *past(const char *text, const char *word)
{
    size_t length = strlen(word);
    while (*text != '\0' && strncmp(text, word, length) != 0) {
        text++;
    }
    return *text != '\0' ? text + length : NULL;
}

static void motion_is_that_of_a_recount(void **state)
{
    struct folder *folder = *state;
    static const int scales[] = {10, 30, 60, 300, 900}; /* of a day without rest */
    srand(23);
    fill(folder, 600);
    for (int i = 0; i < 40; i++) {
        struct db_activity_filter filter = {
            .cameras = {true, 2, {"front", "back"}},
            .after = BEGIN + rand() % 90000,
            .scale_s = scales[rand() % 5],
        };
        filter.before = filter.after + rand() % (i % 2 ? 2000 : 100000);
        AUTO_READER struct db *db = store_reader(folder->store);
        AUTO_STR struct str json = {0}, got = {0}, expected = {0};
        assert_int_equal(db_activity_motion_json(db, &filter, &json), 0);
        bool full = false;
        for (const char *p = str_text(&json); (p = past(p, "{\"camera\":\"")) != NULL;) {
            size_t length = strcspn(p, "\"");
            int count = length == 0 ? 0 : 1 + (memchr(p, ',', length) != NULL);
            const char *motion = past(p, "\"motion\":"), *start = past(motion, "\"start_time\":");
            full |= strncmp(motion, "100.0", 5) == 0;
            if (count > 0) {
                str_addf(&got, "%.*s:%d ", (int)strcspn(start, "}"), start, count);
            }
            p = start;
        }
        recount_motion(db, &filter, &expected);
        size_t bins = (size_t)(strstr(str_text(&expected), "most") - expected.data);
        assert_int_equal(got.length, bins);
        assert_memory_equal(str_text(&got), expected.data, bins);
        assert_true(full || bins < 100); /* one bin alone is 0 */
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup_store, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lists_do_not_depend_on_indexes),
        TEST(counts_are_those_of_a_recount),
        TEST(motion_is_that_of_a_recount),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
