/* Review items thrown away with their recordings: what holds it up leaves everything in its place,
 * to be thrown away again. What it removes and what not is in tests/api/test_review_delete.py. */
#include "../cmocka_all.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#include "../store/folder.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/mem.h"
#include "footage/discard.h"

#define SEGMENT "recordings/2023-11-14/22/yard/13.20.mp4"
#define THUMB "clips/review/thumb-yard-a.webp"

static int change(struct db *db, void *sql)
{
    AUTO_QUERY struct db_query *query = db_query(db, sql);
    return db_run(query);
}

static void run(struct folder *folder, const char *sql)
{
    struct store_work *work = store_begin(folder->store);
    store_add(work, change, (void *)(uintptr_t)sql, NULL);
    assert_int_equal(store_submit_wait(work, 10000), 1);
}

static void make_file(struct folder *folder, const char *relative)
{
    AUTO_FREE char *path = mem_printf("%s/media/%s", folder->path, relative);
    assert_int_equal(file_make_parent_dirs(path), 0);
    assert_int_equal(file_write_atomic(path, "x", 1), 0);
}

/* Bits: file, thumbnail, row of the recording, row of the item. */
static unsigned left(struct folder *folder)
{
    AUTO_FREE char *segment = mem_printf("%s/media/" SEGMENT, folder->path);
    AUTO_FREE char *thumb = mem_printf("%s/media/" THUMB, folder->path);
    return (access(segment, F_OK) == 0 ? 1u : 0) | (access(thumb, F_OK) == 0 ? 2u : 0) |
           (unsigned)folder_count(folder, "SELECT count(*) FROM recordings") << 2 |
           (unsigned)folder_count(folder, "SELECT count(*) FROM reviewsegment") << 3;
}

static bool stopping;

static bool is_stopping(void *context)
{
    return stopping;
}

static void what_holds_it_up_leaves_all(void **state)
{
    struct folder *folder = *state;
    make_file(folder, SEGMENT);
    make_file(folder, THUMB);
    run(folder, "INSERT INTO recordings (id, camera, path, start_time, end_time, duration, "
                "segment_size) VALUES ('r', 'yard', '/media/frigate/" SEGMENT
                "', 1700000000, 1700000010, 10, 1)");
    run(folder, "INSERT INTO reviewsegment (id, camera, start_time, end_time, has_been_reviewed, "
                "severity, thumb_path, data) VALUES ('a', 'yard', 1700000001, 1700000002, 0, "
                "'alert', '/media/frigate/" THUMB "', '{}')");
    struct volume volume;
    assert_int_equal(volume_identify(folder->store, folder->path, &volume), 0);
    struct discard discard = {.store = folder->store,
                              .data_dir = folder->path,
                              .volume = &volume,
                              .stopping = is_stopping};
    const char *ids[] = {"nope", "a"};
    stopping = true;
    assert_int_equal(discard_reviews(&discard, ids, 2, 2e9), -ECANCELED);
    assert_int_equal(left(folder), 15);
    stopping = false;
    struct volume other = volume;
    snprintf(other.id, sizeof other.id, "of another disk");
    discard.volume = &other;
    assert_int_equal(discard_reviews(&discard, ids, 2, 2e9), -EIO);
    assert_int_equal(left(folder), 15);
    discard.volume = &volume;
    assert_int_equal(discard_reviews(&discard, ids, 2, 2e9), 0);
    assert_int_equal(left(folder), 0);
    assert_int_equal(discard_reviews(&discard, ids, 2, 2e9), 0);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    return remove(path);
}

static int remove_all(void **state)
{
    struct folder *folder = *state;
    AUTO_FREE char *media = mem_printf("%s/media", folder->path);
    nftw(media, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return folder_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_holds_it_up_leaves_all, folder_setup_store,
                                        remove_all),
    };
    return cmocka_run_group_tests_name("discard", tests, NULL, NULL);
}
