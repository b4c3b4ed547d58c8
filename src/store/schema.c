#include "store/schema.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

/* Frigate counts its migrations by these names; a database with all of them is a 0.14 database.
 * `sql` brings a database from the state before to the state after; a row without SQL before
 * OLDEST cannot be made up for here, later ones need nothing (text lengths, indexes below). */
static const struct migration {
    const char *name, *sql;
    const char *adds; /* column of recordings: some files have it without the history */
} frigate_migrations[] = {
    {"001_create_events_table", NULL},
    {"002_add_clip_snapshot", NULL},
    {"003_create_recordings_table", NULL},
    {"004_add_bbox_region_area", NULL},
    {"005_make_end_time_nullable", NULL},
    {"006_add_motion_active_objects", NULL},
    {"007_add_retain_indefinitely", NULL},
    {"008_add_sub_label", NULL},
    {"009_add_object_filter_ratio", NULL},
    {"010_add_plus_image_id", NULL},
    {"011_update_indexes", NULL},
    {"012_add_segment_size", NULL},
    {"013_create_timeline_table", NULL},
    {"014_event_updates_for_fp", NULL},
    {"015_event_refactor", NULL},
    {"016_sublabel_increase", NULL},
    {"017_update_indexes", NULL},
    {"018_add_dbfs", "ALTER TABLE recordings ADD COLUMN dBFS INTEGER", "dBFS"},
    {"019_create_regions_table", NULL},
    {"020_update_index_recordings", NULL},
    {"021_create_previews_table", NULL},
    {"022_create_review_segment_table", NULL},
    {"023_add_regions", "ALTER TABLE recordings ADD COLUMN regions INTEGER", "regions"},
    {"024_create_export_table", NULL},
    {"025_create_user_table", NULL},
    /* Of Frigate 0.15. A column of "user" and an index: nothing we read or write is touched. */
    {"026_add_notification_tokens", NULL},
    {"027_create_explore_index", NULL},
};

#define FRIGATE_0_14 25 /* migrations of a 0.14 database */
#define OLDEST 15       /* with fewer, rows themselves would have to be rewritten */

/* The tables in their final form. Missing ones are created, so this serves a new file and, for the
 * tables that came after migration 15, an older one. No column has a default: Frigate's table
 * rebuilds dropped them, and writers name every column. */
static const char tables_sql[] =
    "CREATE TABLE IF NOT EXISTS \"migratehistory\" (\"id\" INTEGER NOT NULL PRIMARY KEY, "
    "\"name\" VARCHAR(255) NOT NULL, \"migrated_at\" DATETIME NOT NULL);"
    "CREATE TABLE IF NOT EXISTS \"recordings\" (\"id\" VARCHAR(30) NOT NULL PRIMARY KEY, "
    "\"camera\" VARCHAR(20) NOT NULL, \"path\" VARCHAR(255) NOT NULL, "
    "\"start_time\" DATETIME NOT NULL, \"end_time\" DATETIME NOT NULL, \"duration\" REAL NOT NULL, "
    "\"objects\" INTEGER, \"motion\" INTEGER, \"segment_size\" REAL NOT NULL, \"dBFS\" INTEGER, "
    "\"regions\" INTEGER);"
    "CREATE TABLE IF NOT EXISTS \"timeline\" (\"timestamp\" DATETIME NOT NULL, "
    "\"camera\" VARCHAR(20) NOT NULL, \"source\" VARCHAR(20) NOT NULL, \"source_id\" VARCHAR(30), "
    "\"class_type\" VARCHAR(50) NOT NULL, \"data\" JSON);"
    "CREATE TABLE IF NOT EXISTS \"event\" (\"id\" VARCHAR(30) NOT NULL PRIMARY KEY, "
    "\"label\" VARCHAR(20) NOT NULL, \"camera\" VARCHAR(20) NOT NULL, "
    "\"start_time\" DATETIME NOT NULL, \"end_time\" DATETIME, \"top_score\" REAL, "
    "\"false_positive\" INTEGER, \"zones\" JSON NOT NULL, \"thumbnail\" TEXT NOT NULL, "
    "\"has_clip\" INTEGER NOT NULL, \"has_snapshot\" INTEGER NOT NULL, \"region\" JSON, "
    "\"box\" JSON, \"area\" INTEGER, \"retain_indefinitely\" INTEGER NOT NULL, "
    "\"sub_label\" VARCHAR(100), \"ratio\" REAL, \"plus_id\" VARCHAR(30), \"score\" REAL, "
    "\"model_hash\" VARCHAR(32), \"detector_type\" VARCHAR(32), \"model_type\" VARCHAR(32), "
    "\"data\" JSON NOT NULL);"
    "CREATE TABLE IF NOT EXISTS \"regions\" (\"camera\" VARCHAR(20) NOT NULL PRIMARY KEY, "
    "\"last_update\" DATETIME NOT NULL, \"grid\" JSON);"
    "CREATE TABLE IF NOT EXISTS \"previews\" (\"id\" VARCHAR(30) NOT NULL PRIMARY KEY, "
    "\"camera\" VARCHAR(20) NOT NULL, \"path\" VARCHAR(255) NOT NULL, "
    "\"start_time\" DATETIME NOT NULL, \"end_time\" DATETIME NOT NULL, \"duration\" REAL NOT NULL);"
    "CREATE TABLE IF NOT EXISTS \"reviewsegment\" (\"id\" VARCHAR(30) NOT NULL PRIMARY KEY, "
    "\"camera\" VARCHAR(20) NOT NULL, \"start_time\" DATETIME NOT NULL, \"end_time\" DATETIME, "
    "\"has_been_reviewed\" INTEGER NOT NULL, \"severity\" VARCHAR(30) NOT NULL, "
    "\"thumb_path\" VARCHAR(255) NOT NULL, \"data\" JSON NOT NULL);"
    "CREATE TABLE IF NOT EXISTS \"export\" (\"id\" VARCHAR(30) NOT NULL PRIMARY KEY, "
    "\"camera\" VARCHAR(20) NOT NULL, \"name\" VARCHAR(100) NOT NULL, \"date\" DATETIME NOT NULL, "
    "\"video_path\" VARCHAR(255) NOT NULL, \"thumb_path\" VARCHAR(255) NOT NULL, "
    "\"in_progress\" INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS \"user\" (\"username\" VARCHAR(30) NOT NULL PRIMARY KEY, "
    "\"password_hash\" VARCHAR(120) NOT NULL);";

static const char indexes_sql[] =
    "CREATE INDEX IF NOT EXISTS \"recordings_activity\" ON \"recordings\" "
    "(\"camera\", \"start_time\" DESC, \"regions\");"
    "CREATE INDEX IF NOT EXISTS \"recordings_camera\" ON \"recordings\" (\"camera\");"
    "CREATE UNIQUE INDEX IF NOT EXISTS \"recordings_path\" ON \"recordings\" (\"path\");"
    "CREATE INDEX IF NOT EXISTS \"timeline_camera\" ON \"timeline\" (\"camera\");"
    "CREATE INDEX IF NOT EXISTS \"timeline_source\" ON \"timeline\" (\"source\");"
    "CREATE INDEX IF NOT EXISTS \"timeline_source_id\" ON \"timeline\" (\"source_id\");"
    "CREATE INDEX IF NOT EXISTS \"event_camera\" ON \"event\" (\"camera\");"
    "CREATE INDEX IF NOT EXISTS \"event_label\" ON \"event\" (\"label\");"
    "CREATE INDEX IF NOT EXISTS \"event_start_time_end_time\" ON \"event\" "
    "(\"start_time\" DESC, \"end_time\" DESC);"
    "CREATE INDEX IF NOT EXISTS \"recordings_camera_segment_size\" ON \"recordings\" "
    "(\"camera\", \"segment_size\");"
    "CREATE INDEX IF NOT EXISTS \"recordings_camera_start_time_end_time\" ON \"recordings\" "
    "(\"camera\", \"start_time\" DESC, \"end_time\" DESC);"
    "CREATE INDEX IF NOT EXISTS \"recordings_api_recordings_summary\" ON \"recordings\" "
    "(\"camera\", \"start_time\" DESC, \"duration\", \"motion\", \"objects\");"
    "CREATE INDEX IF NOT EXISTS \"recordings_start_time\" ON \"recordings\" (\"start_time\");"
    "CREATE INDEX IF NOT EXISTS \"review_segment_camera\" ON \"reviewsegment\" (\"camera\");"
    "CREATE INDEX IF NOT EXISTS \"review_segment_start_time_end_time\" ON \"reviewsegment\" "
    "(\"start_time\" DESC, \"end_time\" DESC);"
    "CREATE INDEX IF NOT EXISTS \"export_camera\" ON \"export\" (\"camera\");";

/* Our own, append-only: a row that has been released is never changed. Frigate ignores tables and
 * indexes it does not know; the indexes keep lists as fast after years as on the first day. */
static const struct migration own_migrations[] = {
    {"001_indexes",
     "CREATE INDEX IF NOT EXISTS corvette_event_camera_start ON event (camera, start_time DESC);"
     "CREATE INDEX IF NOT EXISTS corvette_event_label_start ON event (label, start_time DESC);"
     "CREATE INDEX IF NOT EXISTS corvette_event_camera_label_start ON event "
     "(camera, label, start_time DESC);"
     "CREATE INDEX IF NOT EXISTS corvette_event_camera_label_id ON event (camera, label, id);"
     "CREATE INDEX IF NOT EXISTS corvette_event_camera_id ON event (camera, id);"
     "CREATE INDEX IF NOT EXISTS corvette_event_sub_label ON event (sub_label) "
     "WHERE sub_label IS NOT NULL;"
     "CREATE INDEX IF NOT EXISTS corvette_event_open ON event (start_time) WHERE end_time IS NULL;"
     "CREATE INDEX IF NOT EXISTS corvette_event_favorite ON event (start_time) "
     "WHERE retain_indefinitely = 1;"
     "CREATE INDEX IF NOT EXISTS corvette_timeline_timestamp ON timeline (timestamp);"},
    /* Seconds of a camera that were not recorded, and why. */
    {"002_gaps",
     "CREATE TABLE corvette_gap (camera TEXT NOT NULL, start_time REAL NOT NULL, "
     "end_time REAL NOT NULL, cause TEXT NOT NULL, detail TEXT NOT NULL, "
     "PRIMARY KEY (camera, start_time)) WITHOUT ROWID;"
     /* End of the newest recording there ever was: retention may have removed its row. */
     "CREATE TABLE corvette_recorded (camera TEXT PRIMARY KEY, until REAL NOT NULL) "
     "WITHOUT ROWID;"},
    /* Segments before which the stream's parameters changed: players need a discontinuity there. */
    {"003_stream_changes",
     "CREATE TABLE corvette_stream_change (camera TEXT NOT NULL, start_time REAL NOT NULL, "
     "PRIMARY KEY (camera, start_time)) WITHOUT ROWID;"
     /* Of the newest recording. */
     "CREATE TABLE corvette_stream (camera TEXT PRIMARY KEY, parameters INTEGER NOT NULL) "
     "WITHOUT ROWID;"},
    /* Identities of the disks recordings were kept on. */
    {"004_volumes", "CREATE TABLE corvette_volume (id TEXT PRIMARY KEY, first_seen REAL NOT NULL, "
                    "last_seen REAL NOT NULL, adopted_at REAL NOT NULL) WITHOUT ROWID;"},
    /* What an export needs to be made again after a crash; gone once it is finished. */
    {"005_exports",
     "CREATE TABLE corvette_export (id TEXT PRIMARY KEY, start_time REAL NOT NULL, "
     "end_time REAL NOT NULL, playback TEXT NOT NULL, attempts INTEGER NOT NULL) WITHOUT ROWID;"},
    /* Sums of recordings and events (store/rollup.h). motions and objectss: rows with a verdict. */
    {"006_sums", "CREATE TABLE corvette_quarter (camera TEXT NOT NULL, quarter INTEGER NOT NULL, "
                 "segments INTEGER NOT NULL, duration REAL NOT NULL, motion INTEGER NOT NULL, "
                 "motions INTEGER NOT NULL, objects INTEGER NOT NULL, objectss INTEGER NOT NULL, "
                 "mib REAL NOT NULL, events INTEGER NOT NULL, clips INTEGER NOT NULL, "
                 "PRIMARY KEY (camera, quarter)) WITHOUT ROWID;"},
    /* Until when running review items were known to be active. */
    {"007_running_reviews",
     "CREATE TABLE corvette_review (id TEXT PRIMARY KEY, last_activity REAL NOT NULL) "
     "WITHOUT ROWID;"
     "CREATE INDEX IF NOT EXISTS corvette_review_open ON reviewsegment (start_time) "
     "WHERE end_time IS NULL;"},
};

static bool table_exists(struct db *db, const char *name)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?");
    db_bind_text(query, name);
    return db_step(query) == 1;
}

static bool column_exists(struct db *db, const char *table, const char *column)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT 1 FROM pragma_table_info(?) WHERE name = ?");
    db_bind_text(query, table);
    db_bind_text(query, column);
    return db_step(query) == 1;
}

/* Number of Frigate migrations the file has had, or -errno with a sentence when they are not ours
 * to handle. */
static int count_migrations(struct db *db, struct err *err)
{
    AUTO_QUERY struct db_query *query = db_query(db, "SELECT name FROM migratehistory ORDER BY id");
    size_t count = 0;
    int result;
    while ((result = db_step(query)) == 1) {
        const char *name = db_text(query, 0, NULL);
        if (count == ARRAY_SIZE(frigate_migrations) && strncmp(name, "0", 1) == 0) {
            return err_set(err, EPROTO,
                           "it was written by a newer Frigate (it knows \"%s\"; Frigate 0.14 ends "
                           "with \"%s\"): use a copy from before that update, or another file",
                           name, frigate_migrations[FRIGATE_0_14 - 1].name);
        }
        if (count == ARRAY_SIZE(frigate_migrations) ||
            strcmp(name, frigate_migrations[count].name) != 0) {
            return err_set(err, EPROTO,
                           "its history holds \"%s\", which Frigate 0.14 does not have at this "
                           "place: it is not a Frigate 0.14 database",
                           name);
        }
        count++;
    }
    return result < 0 ? err_set(err, -result, "its history cannot be read: %s", err_name(result))
                      : (int)count;
}

static int record_frigate(struct db *db, size_t from, struct err *err)
{
    for (size_t i = from; i < FRIGATE_0_14; i++) {
        AUTO_QUERY struct db_query *query =
            db_query(db, "INSERT INTO migratehistory (name, migrated_at) "
                         "VALUES (?, strftime('%Y-%m-%d %H:%M:%f', 'now'))");
        db_bind_text(query, frigate_migrations[i].name);
        int result = db_run(query);
        if (result < 0) {
            return err_set(err, -result, "its history cannot be written: %s", err_name(result));
        }
    }
    return 0;
}

/* A copy to go back to, made by SQLite so that it is whole. */
static int back_up(struct db *db, const char *path, struct err *err)
{
    AUTO_STR struct str target = {0};
    str_addf(&target, "%s.backup", path);
    if (remove(str_text(&target)) != 0 && errno != ENOENT) {
        return err_set(err, errno, "the old copy %s cannot be replaced: %s", str_text(&target),
                       err_name(errno));
    }
    AUTO_QUERY struct db_query *query = db_query(db, "VACUUM INTO ?");
    db_bind_text(query, str_text(&target));
    int result = db_step(query);
    return result < 0 ? err_set(err, -result, "no copy could be made before the update: %s",
                                err_name(result))
                      : 0;
}

static int migrate_frigate(struct db *db, size_t have, struct err *err)
{
    for (size_t i = have; i < FRIGATE_0_14; i++) {
        const struct migration *migration = &frigate_migrations[i];
        if (migration->sql == NULL || column_exists(db, "recordings", migration->adds)) {
            continue;
        }
        if (db_execute(db, migration->sql, err) != 0) {
            return err_prefix(err, "%s", migration->name);
        }
    }
    return 0;
}

static int migrate_own(struct db *db, struct err *err)
{
    int result = db_execute(db,
                            "CREATE TABLE IF NOT EXISTS corvette_schema (id INTEGER PRIMARY KEY, "
                            "name TEXT NOT NULL, applied REAL NOT NULL)",
                            err);
    for (size_t i = 0; i < ARRAY_SIZE(own_migrations) && result == 0; i++) {
        AUTO_QUERY struct db_query *known =
            db_query(db, "SELECT 1 FROM corvette_schema WHERE name = ?");
        db_bind_text(known, own_migrations[i].name);
        if (db_step(known) == 1) {
            continue;
        }
        result = db_execute(db, own_migrations[i].sql, err);
        if (result == 0) {
            AUTO_QUERY struct db_query *query =
                db_query(db, "INSERT INTO corvette_schema (name, applied) VALUES (?, ?)");
            db_bind_text(query, own_migrations[i].name);
            db_bind_double(query, wall_seconds(wall_now()));
            int changed = db_run(query);
            result = changed < 0 ? err_set(err, -changed, "%s", err_name(changed)) : 0;
        }
    }
    return result;
}

static int update(struct db *db, size_t have, struct err *err)
{
    int result = db_execute(db, "BEGIN IMMEDIATE", err);
    if (result == 0) {
        result = db_execute(db, tables_sql, err);
    }
    if (result == 0 && have > 0) {
        result = migrate_frigate(db, have, err);
    }
    if (result == 0) {
        result = db_execute(db, indexes_sql, err);
    }
    if (result == 0) {
        result = record_frigate(db, have, err);
    }
    if (result == 0) {
        result = migrate_own(db, err);
    }
    if (result == 0) {
        result = db_execute(db, "COMMIT", err);
    }
    if (result != 0) {
        struct err ignored = ERR_NONE;
        db_execute(db, "ROLLBACK", &ignored);
    }
    return result;
}

int schema_prepare(struct db *db, const char *path, struct err *err)
{
    int have = 0;
    if (table_exists(db, "migratehistory")) {
        have = count_migrations(db, err);
        if (have < 0) {
            return have;
        }
    } else if (table_exists(db, "event") || table_exists(db, "recordings")) {
        return err_set(err, EPROTO,
                       "it has tables but no history of Frigate's: not a Frigate "
                       "database");
    }
    if (have > 0 && have < OLDEST) {
        return err_set(err, EPROTO,
                       "it is of a Frigate older than 0.13 (%d of %d updates): start it once with "
                       "Frigate 0.14, which will bring it up to date",
                       have, FRIGATE_0_14);
    }
    if (have > FRIGATE_0_14) {
        log_warning("database %s was opened by a Frigate newer than 0.14; what it added is left "
                    "alone",
                    path);
    }
    if (have > 0 && have < FRIGATE_0_14) {
        log_info("database %s: bringing Frigate's tables from update %d to %d", path, have,
                 FRIGATE_0_14);
        if (back_up(db, path, err) != 0) {
            return -err->code;
        }
    }
    return update(db, (size_t)have, err);
}
