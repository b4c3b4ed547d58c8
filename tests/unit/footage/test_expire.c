/* Review items and previews go when their recordings have gone, and their files with them. */
#include "../cmocka_all.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../store/folder.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/mem.h"
#include "footage/expire.h"
#include "store/db_retention.h"

#define DAY 86400.0
#define NOW (100 * DAY)

static int change(struct db *db, void *sql)
{
    AUTO_QUERY struct db_query *query = db_query(db, sql);
    return db_run(query);
}

static void run(struct folder *folder, const char *sql)
{
    struct store_work *work = store_begin(folder->store);
    store_add(work, change, (void *)(uintptr_t)sql, NULL);
    assert_true(store_submit_wait(work, 10000) >= 0);
}

static void make_file(struct folder *folder, const char *relative)
{
    AUTO_FREE char *path = mem_printf("%s/media/%s", folder->path, relative);
    assert_int_equal(file_make_parent_dirs(path), 0);
    assert_int_equal(file_write_atomic(path, "x", 1), 0);
}

static bool exists(struct folder *folder, const char *relative)
{
    AUTO_FREE char *path = mem_printf("%s/media/%s", folder->path, relative);
    return access(path, F_OK) == 0;
}

/* A review item of ten seconds so many days ago, with its thumbnail. */
static void add_item(struct folder *folder, const char *id, const char *camera, double days_ago,
                     const char *path)
{
    double start = NOW - days_ago * DAY;
    AUTO_FREE char *sql = mem_printf("INSERT INTO reviewsegment (id, camera, start_time, end_time, "
                                     "has_been_reviewed, severity, thumb_path, data) VALUES ('%s', "
                                     "'%s', %f, %f, 0, 'alert', '/media/frigate/%s', '{}')",
                                     id, camera, start, start + 10, path);
    run(folder, sql);
    make_file(folder, path);
}

static bool never(void *context)
{
    return false;
}

static char yard[] = "yard";
static struct cfg_camera camera = {.name = yard, .record.retain = {5, CFG_RETAIN_ALL}};
static const struct config config = {
    .cameras = &camera, .camera_count = 1, .global.record.retain = {2, CFG_RETAIN_ALL}};
static const struct volume volume = {.kind = VOLUME_KNOWN};

static void items_go_with_their_recordings(void **state)
{
    struct folder *folder = *state;
    add_item(folder, "fresh", "yard", 4, "clips/review/thumb-yard-fresh.webp");
    add_item(folder, "bare", "yard", 6, "clips/review/thumb-yard-bare.webp");
    add_item(folder, "kept", "yard", 7, "clips/review/thumb-yard-kept.webp");
    add_item(folder, "odd", "yard", 8, "recordings/2026-01-01/00/yard/00.00.mp4");
    add_item(folder, "other", "gone", 4, "clips/review/thumb-gone-other.webp");
    run(folder, "INSERT INTO reviewsegment (id, camera, start_time, has_been_reviewed, severity, "
                "thumb_path, data) VALUES ('open', 'yard', 1, 0, 'alert', '', '{}')");
    AUTO_FREE char *sql =
        mem_printf("INSERT INTO recordings (id, camera, path, start_time, end_time, duration, "
                   "segment_size) VALUES ('r', "
                   "'yard', '/r.mp4', %f, %f, 10, 1)",
                   NOW - 7 * DAY - 5, NOW - 7 * DAY + 5);
    run(folder, sql);
    struct expire expire = {&config, folder->store, folder->path, &volume, .stopping = never};
    assert_true(expire_bare(&expire, "yard", NOW));
    assert_int_equal(expire.others, 2);
    assert_int_equal(folder_count(folder, "SELECT count(*) FROM reviewsegment WHERE id IN "
                                          "('fresh', 'kept', 'other', 'open')"),
                     4);
    assert_int_equal(folder_count(folder, "SELECT count(*) FROM reviewsegment"), 4);
    assert_true(exists(folder, "clips/review/thumb-yard-fresh.webp"));
    assert_true(exists(folder, "clips/review/thumb-yard-kept.webp"));
    assert_false(exists(folder, "clips/review/thumb-yard-bare.webp"));
    /* A row that names footage does not remove it. */
    assert_true(exists(folder, "recordings/2026-01-01/00/yard/00.00.mp4"));
    /* A camera that is no longer configured: the global days count. */
    assert_true(expire_bare(&expire, "gone", NOW));
    assert_false(exists(folder, "clips/review/thumb-gone-other.webp"));
}

static void many_at_once(void **state)
{
    struct folder *folder = *state;
    run(folder, "INSERT INTO reviewsegment (id, camera, start_time, end_time, has_been_reviewed, "
                "severity, thumb_path, data) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT "
                "i + 1 FROM n WHERE i < 1000) SELECT 'r' || i, 'yard', i, i + 1, 0, 'alert', '', "
                "'{}' FROM n");
    struct expire expire = {&config, folder->store, folder->path, &volume, .stopping = never};
    assert_true(expire_bare(&expire, "yard", NOW));
    assert_int_equal(expire.others, 1000);
    assert_int_equal(folder_count(folder, "SELECT count(*) FROM reviewsegment"), 0);
}

static void add_name(void *context, const char *name)
{
    str_addf(context, "%s ", name);
}

/* Who left nothing but review items or previews is still known. */
static void cameras_of_all_tables(void **state)
{
    struct folder *folder = *state;
    add_item(folder, "a", "only_items", 1, "clips/review/thumb-a.webp");
    run(folder, "INSERT INTO previews (id, camera, path, start_time, end_time, duration) VALUES "
                "('p', 'only_previews', '/p', 1, 2, 1)");
    AUTO_READER struct db *db = store_reader(folder->store);
    AUTO_STR struct str names = {0};
    assert_int_equal(db_retention_cameras(db, add_name, &names), 0);
    assert_string_equal(str_text(&names), "only_items only_previews ");
}

static void add_event(void *context, const struct db_retention_event *event)
{
    str_addf(context, "%s%s ", event->id, event->manual ? "!" : "");
}

/* What cannot be read in one row does not keep footage from being judged at all. */
static void events_with_odd_data(void **state)
{
    struct folder *folder = *state;
    run(folder, "INSERT INTO event (id, label, camera, start_time, zones, thumbnail, has_clip, "
                "has_snapshot, retain_indefinitely, data) SELECT column1, 'x', 'yard', "
                "unicode(column1), '[]', "
                "'', 1, 0, 0, column2 FROM (VALUES ('a', '{\"type\":\"api\"}'), "
                "('b', '{\"score\": NaN, '), ('c', '[]'), ('d', ''))");
    AUTO_STR struct str ids = {0};
    struct db *db = store_reader(folder->store);
    int result = db_retention_events(db, "yard", 0, 1000, add_event, &ids);
    store_reader_done(&db);
    assert_int_equal(result, 0);
    assert_string_equal(str_text(&ids), "a! b c d ");
}

static int remove_all(void **state)
{
    struct folder *folder = *state;
    AUTO_FREE char *media = mem_printf("%s/media", folder->path);
    static const char *const folders[] = {"clips/review",
                                          "clips",
                                          "recordings/2026-01-01/00/yard",
                                          "recordings/2026-01-01/00",
                                          "recordings/2026-01-01",
                                          "recordings",
                                          ""};
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        AUTO_FREE char *path = mem_printf("%s/%s", media, folders[i]);
        DIR *list = opendir(path);
        for (struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;) {
            unlinkat(dirfd(list), entry->d_name, 0);
        }
        if (list != NULL) {
            closedir(list);
            rmdir(path);
        }
    }
    return folder_teardown(state);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup_store, remove_all)
    const struct CMUnitTest tests[] = {
        TEST(items_go_with_their_recordings),
        TEST(many_at_once),
        TEST(cameras_of_all_tables),
        TEST(events_with_odd_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
