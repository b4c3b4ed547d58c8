#include "store/db_retention.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "store/db_manual.h"

int db_retention_segments(struct db *db, const char *camera, double from, double before, int limit,
                          db_recording_fn fn, void *context)
{
    AUTO_QUERY struct db_query *query = db_query(
        db,
        "SELECT id, camera, path, start_time, end_time, duration, segment_size, objects, motion, "
        "regions, dBFS FROM recordings WHERE camera = ? AND start_time >= ? AND start_time < ? "
        "AND end_time < ? ORDER BY start_time LIMIT ?");
    db_bind_text(query, camera);
    db_bind_double(query, from);
    db_bind_double(query, before);
    db_bind_double(query, before);
    db_bind_int(query, limit);
    return db_recording_rows(query, fn, context);
}

int db_retention_events(struct db *db, const char *camera, double after, double before,
                        db_retention_event_fn fn, void *context)
{
    AUTO_QUERY struct db_query *query = db_query(
        db, "SELECT id, label, start_time, end_time, retain_indefinitely, " DB_MANUAL_OVER_API
            " FROM event WHERE camera = ? AND has_clip = 1 "
            "AND start_time <= ? AND (end_time IS NULL OR end_time >= ?) ORDER BY start_time");
    db_bind_text(query, camera);
    db_bind_double(query, before);
    db_bind_double(query, after);
    int result;
    while ((result = db_step(query)) == 1) {
        struct db_retention_event event = {
            .id = db_text(query, 0, NULL),
            .label = db_text(query, 1, NULL),
            .start = db_double(query, 2),
            .end = {!db_is_null(query, 3), db_double(query, 3)},
            .favorite = db_int(query, 4) != 0,
            .manual = db_int(query, 5) != 0,
        };
        fn(context, &event);
    }
    return result;
}

static int each_name(struct db_query *query, db_retention_name_fn fn, void *context)
{
    int result;
    while ((result = db_step(query)) == 1) {
        fn(context, db_text(query, 0, NULL));
    }
    return result;
}

/* The next greater name each time: an index step a name instead of a walk over all rows. */
#define DISTINCT(column_, table_, where_)                                                         \
    "WITH RECURSIVE names(name) AS (SELECT min(" column_ ") FROM " table_ " WHERE 1 " where_      \
    " UNION ALL SELECT (SELECT min(" column_ ") FROM " table_ " WHERE " column_ " > name " where_ \
    ") FROM names WHERE name IS NOT NULL) "

int db_retention_cameras(struct db *db, db_retention_name_fn fn, void *context)
{
    static const char *const queries[] = {
        DISTINCT("camera", "recordings", "") "SELECT name FROM names WHERE name IS NOT NULL",
        DISTINCT("camera", "event", "") "SELECT name FROM names WHERE name IS NOT NULL",
        DISTINCT("camera", "reviewsegment", "") "SELECT name FROM names WHERE name IS NOT NULL",
        "SELECT DISTINCT camera FROM previews", /* a row an hour, no index */
    };
    int result = 0;
    for (size_t i = 0; i < ARRAY_SIZE(queries) && result == 0; i++) {
        AUTO_QUERY struct db_query *query = db_query(db, queries[i]);
        result = each_name(query, fn, context);
    }
    return result;
}

int db_retention_labels(struct db *db, const char *camera, db_retention_name_fn fn, void *context)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, DISTINCT("label", "event",
                              "AND camera = ?1") "SELECT name FROM names WHERE name IS NOT NULL");
    db_bind_text(query, camera);
    return each_name(query, fn, context);
}

int db_retention_flagged(struct db *db, const char *camera, const char *label,
                         enum db_retention_flag flag, double before, int limit,
                         db_retention_name_fn fn, void *context)
{
    AUTO_QUERY struct db_query *query = db_query(
        db, flag == DB_RETENTION_CLIP
                ? "SELECT id FROM event WHERE camera = ? AND label = ? AND start_time < ? AND "
                  "has_clip = 1 AND retain_indefinitely = 0 ORDER BY start_time LIMIT ?"
                : "SELECT id FROM event WHERE camera = ? AND label = ? AND start_time < ? AND "
                  "has_snapshot = 1 AND retain_indefinitely = 0 ORDER BY start_time LIMIT ?");
    db_bind_text(query, camera);
    db_bind_text(query, label);
    db_bind_double(query, before);
    db_bind_int(query, limit);
    return each_name(query, fn, context);
}

struct clearing {
    char *id;
    enum db_retention_flag flag;
};

static void free_clearing(void *data)
{
    struct clearing *clearing = data;
    free(clearing->id);
    free(clearing);
}

static int run_with_id(struct db *db, const char *sql, const char *id)
{
    AUTO_QUERY struct db_query *query = db_query(db, sql);
    db_bind_text(query, id);
    return db_run(query);
}

static int clear(struct db *db, void *data)
{
    const struct clearing *clearing = data;
    bool clip = clearing->flag == DB_RETENTION_CLIP;
    int changed = run_with_id(db,
                              clip ? "UPDATE event SET has_clip = 0 WHERE id = ?"
                                   : "UPDATE event SET has_snapshot = 0 WHERE id = ?",
                              clearing->id);
    int result = changed < 0 || !clip
                     ? changed
                     : run_with_id(db, "DELETE FROM timeline WHERE source_id = ?", clearing->id);
    if (result >= 0) {
        result =
            run_with_id(db, "DELETE FROM event WHERE id = ? AND has_clip = 0 AND has_snapshot = 0",
                        clearing->id);
    }
    return result < 0 ? result : changed;
}

void db_retention_clear(struct store_work *work, const char *id, enum db_retention_flag flag)
{
    struct clearing *clearing = mem_alloc(sizeof *clearing);
    *clearing = (struct clearing){mem_strdup(id), flag};
    store_add(work, clear, clearing, free_clearing);
}

/* A segment is at most 600 s long: that bounds the walk over the index. */
#define NOT_OVERLAPPING                                                                     \
    "NOT EXISTS (SELECT 1 FROM recordings r WHERE r.camera = t.camera AND r.start_time <= " \
    "t.end_time "                                                                           \
    "AND r.start_time >= t.start_time - 600 AND r.end_time >= t.start_time) "

int db_retention_bare(struct db *db, enum db_retention_table table, const char *camera,
                      double before, int limit, db_retention_file_fn fn, void *context)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, table == DB_RETENTION_REVIEW
                         ? "SELECT id, thumb_path FROM reviewsegment t WHERE camera = ? AND "
                           "end_time < ? AND " NOT_OVERLAPPING "LIMIT ?"
                         : "SELECT id, path FROM previews t WHERE camera = ? AND end_time < ? "
                           "AND " NOT_OVERLAPPING "LIMIT ?");
    db_bind_text(query, camera);
    db_bind_double(query, before);
    db_bind_int(query, limit);
    int result;
    while ((result = db_step(query)) == 1) {
        fn(context, db_text(query, 0, NULL), db_text(query, 1, NULL));
    }
    return result;
}

static int remove_review(struct db *db, void *id)
{
    return run_with_id(db, "DELETE FROM reviewsegment WHERE id = ?", id);
}

static int remove_preview(struct db *db, void *id)
{
    return run_with_id(db, "DELETE FROM previews WHERE id = ?", id);
}

void db_retention_remove(struct store_work *work, enum db_retention_table table, const char *id)
{
    store_add(work, table == DB_RETENTION_REVIEW ? remove_review : remove_preview, mem_strdup(id),
              free);
}

double db_retention_mib(struct db *db, const char *camera)
{
    struct db_opt_double mib;
    double rate;
    db_recording_usage(db, camera, &mib, &rate);
    return mib.value;
}
