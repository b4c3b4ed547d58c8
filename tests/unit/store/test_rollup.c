/* Sums follow the rows, whatever changes them, and are made anew when another program was at work.
 */
#include "../cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "folder.h"
#include "store/db_event.h"
#include "store/db_recording.h"
#include "store/db_retention.h"
#include "store/rollup.h"

#define PATIENCE_MS 20000

static bool never(void *context)
{
    return false;
}

/* A full recount beside the sums: what differs. */
static void check(struct folder *folder)
{
    AUTO_READER struct db *db = store_reader(folder->store);
    assert_true(rollup_is_ready(db));
    AUTO_QUERY struct db_query *query = db_query(
        db,
        "WITH truth AS (SELECT camera, CAST(start_time AS INTEGER) / 900 q, count(*) n, "
        "total(duration) d, total(motion) m, count(motion) mm, total(objects) o, "
        "count(objects) oo, total(segment_size) s FROM recordings GROUP BY camera, q), "
        "clips AS (SELECT camera, CAST(start_time AS INTEGER) / 900 q, count(*) e, "
        "total(has_clip = 1) c FROM event GROUP BY camera, q) "
        "SELECT (SELECT count(*) FROM corvette_quarter k LEFT JOIN truth t ON t.camera = k.camera "
        "AND t.q = k.quarter WHERE k.camera != '' AND (k.segments != coalesce(n, 0) OR "
        "abs(k.duration - coalesce(d, 0)) > 1e-6 OR k.motion != coalesce(m, 0) OR "
        "k.motions != coalesce(mm, 0) OR k.objects != coalesce(o, 0) OR "
        "k.objectss != coalesce(oo, 0) OR abs(k.mib - coalesce(s, 0)) > 1e-6)) + "
        "(SELECT count(*) FROM corvette_quarter k LEFT JOIN clips c ON c.camera = k.camera AND "
        "c.q = k.quarter WHERE k.camera != '' AND (k.events != coalesce(e, 0) OR "
        "k.clips != coalesce(c.c, 0))) + "
        "(SELECT abs((SELECT count(*) FROM recordings) - (SELECT total(segments) FROM "
        "corvette_quarter)))");
    assert_int_equal(db_step(query), 1);
    assert_int_equal(db_int(query, 0), 0);
}

static void put_recording(struct store_work *work, int number)
{
    char id[32], path[32];
    snprintf(id, sizeof id, "r%d", number);
    snprintf(path, sizeof path, "/%d.mp4", number);
    double start = 1700000000 + (rand() % 40) * 211.5;
    db_recording_put(work, &(struct db_recording){.id = id,
                                                  .camera = number % 2 ? "back" : "front",
                                                  .path = path,
                                                  .start_time = start,
                                                  .end_time = start + 10,
                                                  .duration = 10 + rand() % 100 / 100.0,
                                                  .segment_mib = rand() % 50 / 10.0,
                                                  .motion = {rand() % 3 != 0, rand() % 5},
                                                  .objects = {rand() % 3 != 0, rand() % 5}});
}

static void put_event(struct store_work *work, int number)
{
    char id[32];
    snprintf(id, sizeof id, "e%d", number);
    db_event_put(work, &(struct db_event){.id = id,
                                          .label = "cat",
                                          .camera = number % 2 ? "back" : "front",
                                          .start_time = 1700000000 + (rand() % 40) * 300,
                                          .zones_json = "[]",
                                          .thumbnail = "",
                                          .has_clip = rand() % 2 == 0,
                                          .has_snapshot = true,
                                          .data_json = "{}"});
}

static void random_changes(struct folder *folder, int count)
{
    for (int i = 0; i < count; i++) {
        struct store_work *work = store_begin(folder->store);
        for (int n = 0; n < 5; n++) {
            int number = rand() % 60;
            char id[32];
            switch (rand() % 5) {
            case 0:
            case 1:
                put_recording(work, number);
                break;
            case 2:
                snprintf(id, sizeof id, "r%d", number);
                db_recording_delete(work, id);
                break;
            case 3:
                put_event(work, number);
                break;
            default:
                snprintf(id, sizeof id, "e%d", number);
                if (rand() % 2) {
                    db_event_delete(work, id);
                } else {
                    db_retention_clear(work, id,
                                       rand() % 2 ? DB_RETENTION_CLIP : DB_RETENTION_SNAPSHOT);
                }
            }
        }
        assert_true(store_submit_wait(work, PATIENCE_MS) >= 0);
    }
}

static void sums_follow_every_change(void **state)
{
    struct folder *folder = *state;
    srand(11);
    rollup_check(folder->store, never, NULL); /* an empty file is ready at once */
    for (int i = 0; i < 10; i++) {
        random_changes(folder, 30);
        check(folder);
    }
}

static int change_behind(struct db *db, void *data)
{
    struct err err = ERR_NONE;
    /* As another program would: without our triggers. */
    int result = db_execute(db, "DROP TRIGGER temp.corvette_recording_in;", &err);
    result = result < 0
                 ? result
                 : db_execute(db,
                              "INSERT INTO recordings SELECT id || 'x', camera, path || 'x', "
                              "start_time + 86400 * 7, end_time + 86400 * 7, duration, "
                              "objects, motion, segment_size, dBFS, regions FROM recordings",
                              &err);
    return result;
}

static void foreign_changes_are_seen(void **state)
{
    struct folder *folder = *state;
    srand(12);
    rollup_check(folder->store, never, NULL);
    random_changes(folder, 40);
    struct store_work *work = store_begin(folder->store);
    store_add(work, change_behind, NULL, NULL);
    assert_true(store_submit_wait(work, PATIENCE_MS) >= 0);
    rollup_check(folder->store, never, NULL);
    check(folder);
}

/* A row that is changed in its place leaves all counts as they are. */
static void changes_of_another_program_are_doubted(void **state)
{
    struct folder *folder = *state;
    struct err err = ERR_NONE;
    srand(13);
    rollup_check(folder->store, never, NULL);
    random_changes(folder, 40);
    assert_false(rollup_is_doubtful(folder->store));
    struct db *other = db_open(folder->file, false, &err);
    assert_int_equal(db_execute(other,
                                "UPDATE recordings SET motion = 77; "
                                "UPDATE event SET has_clip = 1 - has_clip",
                                &err),
                     0);
    assert_true(rollup_is_doubtful(folder->store));
    {
        AUTO_READER struct db *db = store_reader(folder->store);
        assert_false(rollup_is_ready(db));
    }
    rollup_check(folder->store, never, NULL);
    assert_false(rollup_is_doubtful(folder->store));
    check(folder);
    db_close(other);
    random_changes(folder, 40);
    check(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sums_follow_every_change, folder_setup_store,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(foreign_changes_are_seen, folder_setup_store,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(changes_of_another_program_are_doubted, folder_setup_store,
                                        folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
