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

struct removing {
    const struct discard *discard;
    struct removal removal;
    int result;
};

static bool remove_recording(void *context, const struct db_recording *row)
{
    struct removing *removing = context;
    const struct discard *discard = removing->discard;
    if (discard->stopping(discard->context)) {
        removing->result = -ECANCELED;
    } else if (!removal_add(&removing->removal, row)) {
        removing->result = -EIO;
    }
    return removing->result == 0;
}

/* 0 also when there is no such item. */
static int remove_recordings(struct removing *removing, struct db *db, const char *id, double now)
{
    AUTO_REVIEW_ROW struct db_review_row row = {0};
    int result = db_review_get(db, id, &row);
    if (result == -ENOENT) {
        return 0;
    }
    if (result == 0) {
        result = db_recording_each(db, row.camera, row.start_time,
                                   row.end_time.has ? row.end_time.value : now, remove_recording,
                                   removing);
    }
    return removing->result < 0 ? removing->result : result;
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

static int remove_items(const struct discard *discard, struct db *db, const char *const *ids,
                        size_t count)
{
    struct store_work *work = store_begin(discard->store);
    for (size_t i = 0; i < count; i++) {
        AUTO_REVIEW_ROW struct db_review_row row = {0};
        if (db_review_get(db, ids[i], &row) == 0) {
            remove_thumbnail(discard->data_dir, &row);
            db_retention_remove(work, DB_RETENTION_REVIEW, ids[i]);
        }
    }
    int result = store_submit_wait(work, WRITE_MS);
    return result < 0 ? result : 0;
}

int discard_reviews(const struct discard *discard, const char *const *ids, size_t count, double now)
{
    AUTO_READER struct db *db = store_reader(discard->store);
    if (db == NULL) {
        return -EIO;
    }
    struct removing removing = {.discard = discard};
    removal_begin(&removing.removal, discard->store, discard->data_dir, discard->volume);
    removing.removal.forgets = true;
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        result = remove_recordings(&removing, db, ids[i], now);
    }
    if (!removal_end(&removing.removal) && result == 0) {
        result = -EIO;
    }
    return result < 0 ? result : remove_items(discard, db, ids, count);
}
