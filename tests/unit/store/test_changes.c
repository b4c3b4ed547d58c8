/* What was read stays right as long as the store says that nothing changed. */
#include "../cmocka_all.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "folder.h"
#include "store/db_event.h"
#include "store/db_region.h"
#include "store/store.h"

#define PATIENCE_MS 20000

static void put_event(struct store *store, int number)
{
    char id[32];
    snprintf(id, sizeof id, "e%d", number);
    struct store_work *work = store_begin(store);
    db_event_put(work, &(struct db_event){.id = id,
                                          .label = "cat",
                                          .camera = "back",
                                          .start_time = 1700000000 + number,
                                          .zones_json = "[]",
                                          .thumbnail = "",
                                          .data_json = "{}"});
    assert_true(store_submit_wait(work, PATIENCE_MS) >= 0);
}

static void put_region(struct store *store, int number)
{
    struct store_work *work = store_begin(store);
    db_region_put(work, "back", "[]", number);
    assert_true(store_submit_wait(work, PATIENCE_MS) >= 0);
}

/* A number read from a table, and which tables that took. */
static int64_t read_number(struct store *store, const char *sql, uint32_t *tables)
{
    AUTO_READER struct db *db = store_reader(store);
    AUTO_QUERY struct db_query *query = db_query(db, sql);
    assert_int_equal(db_step(query), 1);
    *tables = db_tables_read(db);
    return db_int(query, 0);
}

#define EVENTS "SELECT count(*) FROM event"
#define REGIONS "SELECT total(last_update) FROM regions"

static void own_changes_are_of_their_tables(void **state)
{
    struct folder *folder = *state;
    struct store *store = folder->store;
    uint32_t events, regions;
    put_region(store, 1);
    uint64_t moment = store_moment(store);
    assert_true(moment > 0);
    assert_int_equal(read_number(store, EVENTS, &events), 0);
    assert_int_equal(read_number(store, REGIONS, &regions), 1);
    assert_true(store_unchanged(store, events | regions, moment));
    put_region(store, 2);
    assert_true(store_unchanged(store, events, moment));
    assert_false(store_unchanged(store, regions, moment));
    put_event(store, 1);
    assert_false(store_unchanged(store, events, moment));
    moment = store_moment(store);
    assert_true(store_unchanged(store, events | regions, moment));
    assert_int_equal(store_foreign(store), 0);
}

/* What triggers change is changed too: sums by quarter of an hour follow events. */
static void triggers_count(void **state)
{
    struct folder *folder = *state;
    uint32_t tables;
    read_number(folder->store, "SELECT count(*) FROM corvette_quarter", &tables);
    uint64_t moment = store_moment(folder->store);
    put_event(folder->store, 1);
    assert_false(store_unchanged(folder->store, tables, moment));
}

/* Reading through an index, a subquery or a join is reading. */
static void every_table_of_a_query_counts(void **state)
{
    struct folder *folder = *state;
    uint32_t events, regions, both;
    read_number(folder->store, EVENTS, &events);
    read_number(folder->store, REGIONS, &regions);
    read_number(folder->store,
                "SELECT count(*) FROM event WHERE camera IN (SELECT camera FROM regions)", &both);
    assert_int_equal(both, events | regions);
    read_number(folder->store, "SELECT (SELECT count(*) FROM event WHERE camera = 'x')", &both);
    assert_int_equal(both, events);
}

static struct db *other_program(struct folder *folder)
{
    struct err err = ERR_NONE;
    struct db *db = db_open(folder->file, false, &err);
    assert_non_null(db);
    return db;
}

static void put_foreign(struct db *db, int number)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "INSERT OR REPLACE INTO regions (camera, last_update) VALUES ('other', ?)");
    db_bind_int(query, number);
    int result;
    do { /* the store's writer may hold the file */
        result = db_run(query);
    } while (result == -EBUSY);
    assert_int_equal(result, 1);
}

static void another_program_changes_everything(void **state)
{
    struct folder *folder = *state;
    uint32_t events;
    read_number(folder->store, EVENTS, &events);
    uint64_t moment = store_moment(folder->store);
    struct db *db = other_program(folder);
    assert_true(store_unchanged(folder->store, events, moment));
    put_foreign(db, 1);
    assert_false(store_unchanged(folder->store, events, moment));
    assert_int_equal(store_foreign(folder->store), 1);
    moment = store_moment(folder->store);
    assert_true(store_unchanged(folder->store, events, moment));
    /* Mixed with ours, each of theirs is still seen. */
    for (int i = 0; i < 50; i++) {
        put_event(folder->store, i);
        moment = store_moment(folder->store);
        uint64_t seen = store_foreign(folder->store);
        put_foreign(db, i + 2);
        if (i % 2 == 0) {
            put_event(folder->store, i);
        }
        assert_true(store_foreign(folder->store) > seen);
        assert_false(store_unchanged(folder->store, events, moment));
    }
    db_close(db);
}

/* ---- all at once ---- */

struct crowd {
    struct folder *folder;
    atomic_bool stop;
    atomic_uint kept, changed;
};

static void *read_all_along(void *context)
{
    struct crowd *crowd = context;
    struct store *store = crowd->folder->store;
    while (!atomic_load(&crowd->stop)) {
        uint32_t tables;
        uint64_t moment = store_moment(store);
        int64_t first = read_number(store, REGIONS, &tables);
        int64_t second = read_number(store, REGIONS, &tables);
        if (moment != 0 && store_unchanged(store, tables, moment)) {
            assert_true(first == second);
            atomic_fetch_add(&crowd->kept, 1);
        } else {
            atomic_fetch_add(&crowd->changed, 1);
        }
    }
    return NULL;
}

static void *write_from_outside(void *context)
{
    struct crowd *crowd = context;
    struct db *db = other_program(crowd->folder);
    for (int i = 0; !atomic_load(&crowd->stop); i++) {
        put_foreign(db, 1000 + i);
    }
    db_close(db);
    return NULL;
}

static void nothing_is_missed_in_a_crowd(void **state)
{
    struct crowd crowd = {.folder = *state};
    pthread_t readers[2], outside;
    put_region(crowd.folder->store, 0);
    for (int i = 0; i < 2; i++) {
        pthread_create(&readers[i], NULL, read_all_along, &crowd);
    }
    pthread_create(&outside, NULL, write_from_outside, &crowd);
    for (int i = 1; i < 300 || atomic_load(&crowd.changed) == 0; i++) {
        put_region(crowd.folder->store, i);
    }
    atomic_store(&crowd.stop, true);
    pthread_join(outside, NULL);
    for (int i = 0; i < 2; i++) {
        pthread_join(readers[i], NULL);
    }
    uint32_t tables;
    uint64_t moment = store_moment(crowd.folder->store);
    read_number(crowd.folder->store, REGIONS, &tables);
    assert_true(moment > 0 && store_unchanged(crowd.folder->store, tables, moment));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup_store, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(own_changes_are_of_their_tables), TEST(triggers_count),
        TEST(every_table_of_a_query_counts),   TEST(another_program_changes_everything),
        TEST(nothing_is_missed_in_a_crowd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
