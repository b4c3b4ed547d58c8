#include "store/db_check.h"

int64_t db_check_rows(struct db *db)
{
    AUTO_QUERY struct db_query *query = db_query(db, "SELECT count(*) FROM recordings");
    return db_step(query) == 1 ? db_int(query, 0) : 0;
}

int db_check_recordings(struct db *db, db_recording_fn fn, void *context)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT " DB_RECORDING_COLUMNS "FROM recordings ORDER BY camera, start_time");
    return db_recording_rows(query, fn, context);
}

static int each(struct db_query *query, db_check_fn fn, void *context)
{
    int result;
    while ((result = db_step(query)) == 1) {
        fn(context, db_text(query, 0, NULL));
    }
    return result;
}

static bool has_table(struct db *db, const char *name)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?");
    db_bind_text(query, name);
    return db_step(query) == 1;
}

int db_check_gaps(struct db *db, db_check_fn fn, void *context)
{
    if (!has_table(db, "corvette_gap")) {
        return 0; /* not opened by Corvette yet */
    }
    /* A recording is at most 600 s long, and clocks are not exact. */
    AUTO_QUERY struct db_query *query = db_query(
        db, "SELECT g.camera || ' ' || g.start_time || '..' || g.end_time || ' (' || g.cause || "
            "') over ' || r.path FROM corvette_gap g JOIN recordings r ON r.camera = g.camera AND "
            "r.start_time < g.end_time - 0.1 AND r.start_time > g.start_time - 600 AND "
            "r.end_time > g.start_time + 0.1");
    return each(query, fn, context);
}

int db_check_pictures(struct db *db, double since, db_check_event_fn fn, void *context)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT camera, id FROM event WHERE has_snapshot = 1 AND "
                     "end_time IS NOT NULL AND start_time >= ?");
    db_bind_double(query, since);
    int result;
    while ((result = db_step(query)) == 1) {
        fn(context, db_text(query, 0, NULL), db_text(query, 1, NULL));
    }
    return result;
}

int db_check_exports(struct db *db, db_check_fn fn, void *context)
{
    if (!has_table(db, "corvette_export")) {
        return 0;
    }
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT id FROM export WHERE in_progress = 1 AND "
                     "id NOT IN (SELECT id FROM corvette_export)");
    return each(query, fn, context);
}
