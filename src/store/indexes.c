#include "store/indexes.h"

#include <stdint.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

#define WRITE_MS 600000
/* Building one of a table with fewer rows is not worth a line in the log. */
#define ROWS_TO_TELL 20000

static const struct row {
    const char *name, *table, *columns;
} rows[] = {
    /* Filters are decided on the index: a row is looked up only when it is wanted. */
    {"corvette_event_walk", "event",
     "start_time DESC, camera, label, zones, sub_label, end_time, has_clip, has_snapshot, "
     "retain_indefinitely, plus_id"},
    /* The same for one label, which may be rare. */
    {"corvette_event_label_walk", "event",
     "label, start_time DESC, camera, zones, sub_label, end_time, has_clip, has_snapshot, "
     "retain_indefinitely, plus_id"},
    /* The summary, without the thumbnails in the rows. */
    {"corvette_event_count", "event",
     "camera, label, sub_label, zones, start_time, has_clip, has_snapshot"},
    {"corvette_event_score", "event", INDEXES_SCORE " DESC"},
    {"corvette_review_count", "reviewsegment", "start_time, camera, severity, has_been_reviewed"},
    {"corvette_timeline_camera", "timeline", "camera, timestamp"},
};

bool indexes_have(struct db *db, const char *name)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = ?");
    db_bind_text(query, name);
    return db_step(query) == 1;
}

static int64_t row_count(struct db *db, const char *table)
{
    AUTO_STR struct str sql = {0};
    str_addf(&sql, "SELECT count(*) FROM %s", table);
    AUTO_QUERY struct db_query *query = db_query(db, str_text(&sql));
    return db_step(query) == 1 ? db_int(query, 0) : 0;
}

static int build(struct db *db, void *data)
{
    const struct row *row = data;
    AUTO_STR struct str sql = {0};
    str_addf(&sql, "CREATE INDEX IF NOT EXISTS %s ON %s (%s)", row->name, row->table, row->columns);
    AUTO_QUERY struct db_query *query = db_query(db, str_text(&sql));
    return db_step(query);
}

void indexes_build(struct store *store, bool (*stopping)(void *context), void *context)
{
    int64_t counts[ARRAY_SIZE(rows)] = {0}, total = 0, done = 0;
    bool missing[ARRAY_SIZE(rows)] = {0};
    {
        AUTO_READER struct db *db = store_reader(store);
        for (size_t i = 0; i < ARRAY_SIZE(rows) && db != NULL; i++) {
            missing[i] = !indexes_have(db, rows[i].name);
            counts[i] = missing[i] ? row_count(db, rows[i].table) : 0;
            total += counts[i];
        }
    }
    int64_t begin_us = mono_now().us;
    for (size_t i = 0; i < ARRAY_SIZE(rows) && !stopping(context); i++) {
        if (!missing[i]) {
            continue;
        }
        struct store_work *work = store_begin(store);
        store_add(work, build, (void *)(uintptr_t)&rows[i], NULL);
        int result = store_submit_wait(work, WRITE_MS);
        if (result < 0) { /* without it answers are right, and take longer */
            log_warning("database: index %s could not be built: %s", rows[i].name,
                        err_name(result));
            continue;
        }
        done += counts[i];
        double taken = (double)(mono_now().us - begin_us) / 1e6;
        if (total >= ROWS_TO_TELL && done > 0) {
            log_info("database: indexed %lld of %lld rows, %.0f a second, %.0f s left",
                     (long long)done, (long long)total, (double)done / taken,
                     taken / (double)done * (double)(total - done));
        }
    }
}
