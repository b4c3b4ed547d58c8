#include "../cmocka_all.h"

#include <errno.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/mem.h"
#include "folder.h"
#include "store/db_region.h"

#define PATIENCE_MS 20000

static void put(struct folder *folder, const char *camera)
{
    struct store_work *work = store_begin(folder->store);
    db_region_put(work, camera, "[]", 1.5);
    assert_int_equal(store_submit(work), 0);
}

static void test_works_are_written_in_order(void **state)
{
    struct folder *folder = *state;
    for (int i = 0; i < 500; i++) {
        struct store_work *work = store_begin(folder->store);
        AUTO_STR struct str grid = {0};
        str_addf(&grid, "[%d]", i);
        db_region_put(work, "back", str_text(&grid), i);
        assert_int_equal(store_submit(work), 0);
    }
    assert_int_equal(store_flush(folder->store, PATIENCE_MS), 0);
    AUTO_READER struct db *db = store_reader(folder->store);
    AUTO_STR struct str grid = {0};
    double updated;
    assert_int_equal(db_region_get(db, "back", &grid, &updated), 0);
    assert_string_equal(str_text(&grid), "[499]");
    assert_true(updated == 499);
    assert_int_equal(db_region_get(db, "front", &grid, &updated), -ENOENT);
}

static int give_up(struct db *db, void *data)
{
    return -EINVAL;
}

/* A work is done wholly or not at all, and a bad one takes none of its neighbours along. */
static void test_a_failing_work_leaves_nothing(void **state)
{
    struct folder *folder = *state;
    put(folder, "one");
    struct store_work *work = store_begin(folder->store);
    db_region_put(work, "two", "[]", 1);
    store_add(work, give_up, NULL, NULL);
    assert_int_equal(store_submit_wait(work, PATIENCE_MS), -EINVAL);
    put(folder, "three");
    work = store_begin(folder->store);
    db_region_put(work, "four", "this is no JSON", 1);
    assert_true(store_submit_wait(work, PATIENCE_MS) < 0);
    assert_int_equal(store_flush(folder->store, PATIENCE_MS), 0);
    assert_int_equal(folder_count(folder, "SELECT count(*) FROM regions"), 2);
    struct store_state now;
    store_get_state(folder->store, &now);
    assert_int_equal(now.works_failed, 2);
    assert_int_equal(now.queued, 0);
}

static void note(void *context, int changed)
{
    *(int *)context = changed;
}

static void test_then_is_told_how_it_went(void **state)
{
    struct folder *folder = *state;
    int changed = -1;
    struct store_work *work = store_begin(folder->store);
    db_region_put(work, "one", "[]", 1);
    db_region_put(work, "two", "[]", 1);
    store_then(work, note, &changed);
    assert_int_equal(store_submit_wait(work, PATIENCE_MS), 2);
    assert_int_equal(changed, 2);
}

/* Another program holds the database: rows wait and get there in the end. */
static void test_a_locked_database_delays_rows(void **state)
{
    struct folder *folder = *state;
    struct err err = ERR_NONE;
    struct db *other = db_open(folder->file, false, &err);
    assert_non_null(other);
    assert_int_equal(db_execute(other, "BEGIN EXCLUSIVE", &err), 0);
    struct store_work *work = store_begin(folder->store);
    db_region_put(work, "back", "[]", 1);
    assert_int_equal(store_submit_wait(work, 10), -ETIMEDOUT);
    struct store_state now;
    do {
        store_get_state(folder->store, &now);
        sched_yield();
    } while (now.delays == 0);
    assert_string_not_equal(now.trouble, "");
    /* Readers do not wait for it. */
    assert_int_equal(folder_count(folder, "SELECT count(*) FROM regions"), 0);
    assert_int_equal(db_execute(other, "COMMIT", &err), 0);
    db_close(other);
    assert_int_equal(store_flush(folder->store, PATIENCE_MS), 0);
    assert_int_equal(folder_count(folder, "SELECT count(*) FROM regions"), 1);
    store_get_state(folder->store, &now);
    assert_string_equal(now.trouble, "");
}

/* Closing gives up on a database that stays locked, soon. */
static void test_closing_does_not_wait_for_ever(void **state)
{
    struct folder *folder = *state;
    struct err err = ERR_NONE;
    struct db *other = db_open(folder->file, false, &err);
    assert_int_equal(db_execute(other, "BEGIN EXCLUSIVE", &err), 0);
    int changed = 1;
    struct store_work *work = store_begin(folder->store);
    db_region_put(work, "back", "[]", 1);
    store_then(work, note, &changed);
    assert_int_equal(store_submit(work), 0);
    struct mono began = mono_now();
    store_close(folder->store);
    folder->store = NULL;
    assert_int_equal(changed, -EBUSY);
    assert_true(mono_since_us(began) < 10 * 1000000);
    db_close(other);
}

static void count_refused(void *context, int changed)
{
    *(int *)context += changed == -EAGAIN;
}

/* The queue is bounded: what does not fit is refused at once, and counted. */
static void test_a_full_queue_refuses(void **state)
{
    struct folder *folder = *state;
    struct err err = ERR_NONE;
    struct db *other = db_open(folder->file, false, &err);
    assert_int_equal(db_execute(other, "BEGIN EXCLUSIVE", &err), 0);
    int refused = 0, told = 0;
    for (int i = 0; i < STORE_QUEUE_MAX + 10; i++) {
        struct store_work *work = store_begin(folder->store);
        db_region_put(work, "back", "[]", i);
        store_then(work, count_refused, &told);
        refused += store_submit(work) == -EAGAIN;
    }
    assert_int_equal(refused, 10);
    struct store_state now;
    store_get_state(folder->store, &now);
    assert_int_equal(now.works_refused, 10);
    assert_int_equal(now.queued, STORE_QUEUE_MAX);
    db_execute(other, "COMMIT", &err);
    db_close(other);
    assert_int_equal(store_flush(folder->store, PATIENCE_MS), 0);
    assert_int_equal(told, 10);
}

static void *write_many(void *context)
{
    struct folder *folder = context;
    for (int i = 0; i < 200; i++) {
        struct store_work *work = store_begin(folder->store);
        char id[7];
        str_random6(id);
        db_region_put(work, id, "[]", i);
        if (store_submit_wait(work, PATIENCE_MS) != 1) {
            return folder;
        }
    }
    return NULL;
}

static void *read_many(void *context)
{
    struct folder *folder = context;
    for (int i = 0; i < 300; i++) {
        if (folder_count(folder, "SELECT count(*) FROM regions") < 0) {
            return folder;
        }
    }
    return NULL;
}

static void test_many_threads(void **state)
{
    pthread_t threads[6];
    for (size_t i = 0; i < 6; i++) {
        pthread_create(&threads[i], NULL, i < 2 ? write_many : read_many, *state);
    }
    for (size_t i = 0; i < 6; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
}

static void test_statements_are_reused_and_bounded(void **state)
{
    struct folder *folder = *state;
    AUTO_READER struct db *db = store_reader(folder->store);
    for (int i = 0; i < 200; i++) {
        AUTO_STR struct str sql = {0};
        str_addf(&sql, "SELECT %d AS n", i % 90);
        AUTO_QUERY struct db_query *query = db_query(db, str_text(&sql));
        AUTO_QUERY struct db_query *same = db_query(db, str_text(&sql));
        assert_ptr_not_equal(query, same);
        assert_int_equal(db_step(query), 1);
        assert_int_equal(db_step(same), 1);
        assert_int_equal(db_int(query, db_column(query, "n")), i % 90);
        assert_int_equal(db_int(same, 0), i % 90);
        assert_int_equal(db_step(query), 0);
    }
    AUTO_QUERY struct db_query *wrong = db_query(db, "SELECT nonsense FROM nowhere");
    assert_true(db_step(wrong) < 0);
}

static void test_readers_cannot_write(void **state)
{
    struct folder *folder = *state;
    AUTO_READER struct db *db = store_reader(folder->store);
    AUTO_QUERY struct db_query *query = db_query(db, "DELETE FROM event");
    assert_true(db_run(query) < 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup_store, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_works_are_written_in_order),
        TEST(test_a_failing_work_leaves_nothing),
        TEST(test_then_is_told_how_it_went),
        TEST(test_a_locked_database_delays_rows),
        TEST(test_closing_does_not_wait_for_ever),
        TEST(test_a_full_queue_refuses),
        TEST(test_many_threads),
        TEST(test_statements_are_reused_and_bounded),
        TEST(test_readers_cannot_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
