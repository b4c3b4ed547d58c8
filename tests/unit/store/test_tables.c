#include "../cmocka_all.h"

#include <errno.h>

#include "base/cleanup.h"
#include "folder.h"
#include "store/db_recording.h"
#include "store/db_region.h"

#define PATIENCE_MS 20000

static void put(struct folder *folder, const char *id, const char *path, double start, double end)
{
    struct store_work *work = store_begin(folder->store);
    db_recording_put(work, &(struct db_recording){.id = id,
                                                  .camera = "back",
                                                  .path = path,
                                                  .start_time = start,
                                                  .end_time = end,
                                                  .duration = end - start,
                                                  .segment_mib = 1.2345,
                                                  .motion = {true, 7}});
    assert_int_equal(store_submit_wait(work, PATIENCE_MS), 1);
}

static bool add_id(void *context, const struct db_recording *recording)
{
    str_addf(context, "%s ", recording->id);
    return strcmp(recording->id, "r3") != 0;
}

static void check_span(struct folder *folder, double after, double before, const char *expected)
{
    AUTO_READER struct db *db = store_reader(folder->store);
    AUTO_STR struct str ids = {0};
    assert_int_equal(db_recording_each(db, "back", after, before, add_id, &ids), 0);
    assert_string_equal(str_text(&ids), expected);
    str_clear(&ids);
    assert_int_equal(db_recording_each(db, NULL, after, before, add_id, &ids), 0);
    assert_string_equal(str_text(&ids), expected);
}

static void test_recordings(void **state)
{
    struct folder *folder = *state;
    put(folder, "r2", "/2.mp4", 110, 120);
    put(folder, "r1", "/1.mp4", 100, 110);
    put(folder, "r3", "/3.mp4", 120, 130);
    put(folder, "r4", "/4.mp4", 130, 140);
    check_span(folder, 0, 1000, "r1 r2 r3 ");
    check_span(folder, 110, 110, "r1 r2 ");
    check_span(folder, 111, 119, "r2 ");
    check_span(folder, 141, 1000, "");
    AUTO_READER struct db *db = store_reader(folder->store);
    assert_true(db_recording_has_path(db, "/3.mp4"));
    assert_false(db_recording_has_path(db, "/5.mp4"));
    struct db_opt_double newest = db_recording_newest(db, "back");
    assert_true(newest.has && newest.value == 140);
    assert_false(db_recording_newest(db, "front").has);
}

/* The file is the truth: adopting it again replaces what the row says and keeps the row. */
static void test_the_same_path_is_the_same_row(void **state)
{
    struct folder *folder = *state;
    put(folder, "r1", "/1.mp4", 100, 110);
    put(folder, "r9", "/1.mp4", 100, 111.5);
    AUTO_READER struct db *db = store_reader(folder->store);
    AUTO_STR struct str text = {0};
    assert_int_equal(db_recording_list_json(db, "back", 0, 1000, &text), 0);
    assert_string_equal(str_text(&text),
                        "[{\"duration\":11.5,\"end_time\":111.5,\"id\":\"r1\",\"motion\":7,"
                        "\"objects\":null,\"segment_size\":1.2,\"start_time\":100}]");
    struct store_work *work = store_begin(folder->store);
    db_recording_delete(work, "r1");
    assert_int_equal(store_submit_wait(work, PATIENCE_MS), 1);
    assert_int_equal(folder_count(folder, "SELECT count(*) FROM recordings"), 0);
}

static void test_grids_of_unknown_cameras_go(void **state)
{
    struct folder *folder = *state;
    struct store_work *work = store_begin(folder->store);
    db_region_put(work, "back", "[[1]]", 5);
    db_region_put(work, "old \"cam\"", "[]", 5);
    db_region_put(work, "front", "[]", 5);
    db_region_keep_only(work, (const char *const[]){"back", "old \"cam\""}, 2);
    assert_true(store_submit_wait(work, PATIENCE_MS) > 0);
    AUTO_READER struct db *db = store_reader(folder->store);
    AUTO_STR struct str grid = {0};
    double updated;
    assert_int_equal(db_region_get(db, "back", &grid, &updated), 0);
    assert_string_equal(str_text(&grid), "[[1]]");
    assert_int_equal(db_region_get(db, "old \"cam\"", &grid, &updated), 0);
    assert_int_equal(db_region_get(db, "front", &grid, &updated), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup_store, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_recordings),
        TEST(test_the_same_path_is_the_same_row),
        TEST(test_grids_of_unknown_cameras_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
