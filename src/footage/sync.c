#include "footage/sync.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "footage/place.h"
#include "store/db_retention.h"

#define PIECE 1000
#define WRITE_MS 30000

struct sync {
    struct store *store;
    const char *data_dir;
    char **ids; /* of rows without a file */
    size_t count, capacity;
    uint64_t rows;
    int seen;
    double last_start;
};

static bool look(void *context, const struct db_recording *row)
{
    struct sync *sync = context;
    const char *relative = place_relative(row->path);
    sync->seen++;
    sync->rows++;
    sync->last_start = row->start_time;
    AUTO_CLOSE int fd = relative != NULL ? place_open(sync->data_dir, relative) : 0;
    if (relative == NULL) {
        fd = -1; /* not a place of ours: left alone */
    } else if (fd == -ENOENT) {
        *MEM_PUSH(sync->ids, sync->count, sync->capacity) = mem_strdup(row->id);
    }
    return true;
}

/* In pieces, so that no reader is held for long. */
static bool look_at_camera(struct sync *sync, const char *camera, double from,
                           bool (*stopping)(void *context), void *context)
{
    do {
        AUTO_READER struct db *db = store_reader(sync->store);
        sync->seen = 0;
        if (stopping(context) || db == NULL ||
            db_retention_segments(db, camera, from, INFINITY, PIECE, look, sync) < 0) {
            return false;
        }
        from = nextafter(sync->last_start, INFINITY);
    } while (sync->seen == PIECE);
    return true;
}

struct names {
    char **items;
    size_t count, capacity;
};

static void add_name(void *context, const char *name)
{
    struct names *names = context;
    *MEM_PUSH(names->items, names->count, names->capacity) = mem_strdup(name);
}

static void remove_rows(struct sync *sync)
{
    for (size_t i = 0; i < sync->count;) {
        struct store_work *work = store_begin(sync->store);
        for (size_t n = 0; n < PIECE && i < sync->count; n++, i++) {
            db_recording_delete(work, sync->ids[i]);
        }
        if (store_submit_wait(work, WRITE_MS) < 0) {
            return;
        }
    }
    log_warning("sync_recordings: %zu of %llu recordings had no file and were removed", sync->count,
                (unsigned long long)sync->rows);
}

void sync_rows(struct store *store, const char *data_dir, const struct volume *volume, double from,
               bool (*stopping)(void *context), void *context)
{
    struct sync sync = {.store = store, .data_dir = data_dir};
    struct names cameras = {0};
    from = fmax(from, volume->rows_since);
    {
        AUTO_READER struct db *db = store_reader(store);
        if (db != NULL) {
            db_retention_cameras(db, add_name, &cameras);
        }
    }
    bool good = true;
    for (size_t i = 0; i < cameras.count; i++) {
        good = good && look_at_camera(&sync, cameras.items[i], from, stopping, context);
        free(cameras.items[i]);
    }
    free(cameras.items);
    if (good && sync.count > 0 && sync.count * 2 > sync.rows) {
        log_error(
            "sync_recordings: %zu of %llu recordings have no file: that many are not removed. "
            "Is the disk the right one? \"corvette reindex --prune\" would remove them",
            sync.count, (unsigned long long)sync.rows);
    } else if (good && sync.count > 0 && volume_is_same(data_dir, volume)) {
        remove_rows(&sync);
    }
    for (size_t i = 0; i < sync.count; i++) {
        free(sync.ids[i]);
    }
    free(sync.ids);
}
