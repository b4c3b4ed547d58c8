#include "footage/discard.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/str.h"
#include "footage/place.h"
#include "footage/removal.h"
#include "store/db_retention.h"
#include "store/db_review.h"

#define WRITE_MS 30000

struct discard {
    struct removal removal;
    bool stopped;
};

static bool remove_recording(void *context, const struct db_recording *row)
{
    struct discard *discard = context;
    discard->stopped = !removal_add(&discard->removal, row);
    return !discard->stopped;
}

/* 0 also when there is no such item. */
static int remove_recordings(struct discard *discard, struct db *db, const char *id, double now)
{
    AUTO_REVIEW_ROW struct db_review_row row = {0};
    int result = db_review_get(db, id, &row);
    if (result == -ENOENT) {
        return 0;
    }
    if (result == 0) {
        result = db_recording_each(db, row.camera, row.start_time,
                                   row.end_time.has ? row.end_time.value : now, remove_recording,
                                   discard);
    }
    return discard->stopped ? -EIO : result;
}

/* The thumbnail, whatever its row says its name is: nothing outside its folder. */
static void remove_thumbnail(const char *data_dir, const struct db_review_row *row)
{
    const char *relative = place_relative(row->thumb_path);
    if (relative == NULL || !str_starts(relative, "clips/review/")) {
        return;
    }
    int result = removal_unlink(data_dir, relative);
    if (result < 0) {
        log_warning("review item %s: %s cannot be removed: %s", row->id, relative,
                    err_name(result));
    }
}

int discard_reviews(struct store *store, const char *data_dir, const struct volume *volume,
                    const char *const *ids, size_t count, double now)
{
    AUTO_READER struct db *db = store_reader(store);
    if (db == NULL) {
        return -EIO;
    }
    struct discard discard = {0};
    removal_begin(&discard.removal, store, data_dir, volume);
    discard.removal.forgets = true;
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        result = remove_recordings(&discard, db, ids[i], now);
    }
    if (!removal_end(&discard.removal) || result < 0) {
        return result < 0 ? result : -EIO;
    }
    struct store_work *work = store_begin(store);
    for (size_t i = 0; i < count; i++) {
        AUTO_REVIEW_ROW struct db_review_row row = {0};
        if (db_review_get(db, ids[i], &row) == 0) {
            remove_thumbnail(data_dir, &row);
            db_retention_remove(work, DB_RETENTION_REVIEW, ids[i]);
        }
    }
    result = store_submit_wait(work, WRITE_MS);
    return result < 0 ? result : 0;
}
