#include "../cmocka_all.h"

#include <sys/stat.h>

#include "folder.h"
#include "store/db_event.h"

/* The text of a query's first column, lines joined by newlines. */
static char *all_text(struct db *db, const char *sql)
{
    struct str text = {0};
    AUTO_QUERY struct db_query *query = db_query(db, sql);
    while (db_step(query) == 1) {
        str_addf(&text, "%s\n", db_text(query, 0, NULL));
    }
    return str_steal(&text);
}

static void open_and_close(struct folder *folder)
{
    struct err err = ERR_NONE;
    struct store *store = store_open(folder->file, &err);
    assert_string_equal(err.text, "");
    assert_non_null(store);
    store_close(store);
}

static void change(struct folder *folder, const char *sql)
{
    struct err err = ERR_NONE;
    struct db *db = db_open(folder->file, false, &err);
    db_execute(db, sql, &err);
    assert_string_equal(err.text, "");
    db_close(db);
}

static void check_refused(struct folder *folder, const char *expected)
{
    struct err err = ERR_NONE;
    assert_null(store_open(folder->file, &err));
    assert_non_null(strstr(err.text, expected));
    assert_non_null(strstr(err.text, "test.db"));
}

/* A new file is a Frigate 0.14 database: its tables in their form, its history. */
static void test_a_new_file(void **state)
{
    struct folder *folder = *state;
    open_and_close(folder);
    struct err err = ERR_NONE;
    struct db *db = db_open(folder->file, true, &err);
    char *history = all_text(db, "SELECT name FROM migratehistory ORDER BY id");
    assert_non_null(strstr(history, "001_create_events_table\n002_add_clip_snapshot\n"));
    assert_non_null(strstr(history, "025_create_user_table\n"));
    free(history);
    char *columns = all_text(db, "SELECT name FROM pragma_table_info('event') ORDER BY cid");
    assert_string_equal(columns,
                        "id\nlabel\ncamera\nstart_time\nend_time\ntop_score\nfalse_positive\n"
                        "zones\nthumbnail\nhas_clip\nhas_snapshot\nregion\nbox\narea\n"
                        "retain_indefinitely\nsub_label\nratio\nplus_id\nscore\nmodel_hash\n"
                        "detector_type\nmodel_type\ndata\n");
    free(columns);
    char *mode = all_text(db, "PRAGMA journal_mode");
    assert_string_equal(mode, "wal\n");
    free(mode);
    db_close(db);
    open_and_close(folder);
}

/* 0.13 ended before the tables of 0.14: they are added, the rows stay, a copy is kept. */
static void test_an_older_file_is_brought_up(void **state)
{
    struct folder *folder = *state;
    open_and_close(folder);
    change(folder, "DROP TABLE user; DROP TABLE export; DROP TABLE reviewsegment; "
                   "DROP TABLE previews; DROP INDEX recordings_activity; "
                   "ALTER TABLE recordings DROP COLUMN regions; "
                   "DELETE FROM migratehistory WHERE id > 20; "
                   "INSERT INTO recordings (id, camera, path, start_time, end_time, duration, "
                   "segment_size) VALUES ('1.0-a', 'back', '/x.mp4', 1, 11, 10, 1.5)");
    open_and_close(folder);
    struct err err = ERR_NONE;
    struct db *db = db_open(folder->file, true, &err);
    char *count = all_text(db, "SELECT count(*) || '/' || max(name) FROM migratehistory");
    assert_string_equal(count, "25/025_create_user_table\n");
    free(count);
    char *row = all_text(db, "SELECT id || coalesce(regions, '-') FROM recordings");
    assert_string_equal(row, "1.0-a-\n");
    free(row);
    char *tables =
        all_text(db, "SELECT name FROM sqlite_master WHERE name IN ('user', 'export', "
                     "'reviewsegment', 'previews', 'recordings_activity') ORDER BY name");
    assert_string_equal(tables, "export\npreviews\nrecordings_activity\nreviewsegment\nuser\n");
    free(tables);
    db_close(db);
    struct stat info;
    AUTO_STR struct str copy = {0};
    str_addf(&copy, "%s.backup", folder->file);
    assert_int_equal(stat(str_text(&copy), &info), 0);
}

static void test_too_old_is_refused(void **state)
{
    struct folder *folder = *state;
    open_and_close(folder);
    change(folder, "DELETE FROM migratehistory WHERE id > 12");
    check_refused(folder, "older than 0.13");
}

static void test_newer_is_refused_unless_harmless(void **state)
{
    struct folder *folder = *state;
    open_and_close(folder);
    change(folder, "INSERT INTO migratehistory (name, migrated_at) VALUES "
                   "('026_add_notification_tokens', 'x'), ('027_create_explore_index', 'x')");
    open_and_close(folder);
    change(folder, "INSERT INTO migratehistory (name, migrated_at) VALUES "
                   "('028_optional_event_thumbnail', 'x')");
    check_refused(folder, "newer Frigate");
}

static void test_other_files_are_refused(void **state)
{
    struct folder *folder = *state;
    change(folder, "CREATE TABLE event (id)");
    check_refused(folder, "not a Frigate database");
    change(folder, "CREATE TABLE migratehistory (id INTEGER PRIMARY KEY, name, migrated_at); "
                   "INSERT INTO migratehistory (name) VALUES ('001_something_else')");
    check_refused(folder, "001_something_else");
}

static void test_no_database_at_all(void **state)
{
    struct folder *folder = *state;
    FILE *file = fopen(folder->file, "w");
    for (int i = 0; i < 2000; i++) {
        fputs("this is a text file\n", file);
    }
    fclose(file);
    check_refused(folder, "not a database");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_new_file),
        TEST(test_an_older_file_is_brought_up),
        TEST(test_too_old_is_refused),
        TEST(test_newer_is_refused_unless_harmless),
        TEST(test_other_files_are_refused),
        TEST(test_no_database_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
