#include "store/db_recording.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "base/mem.h"
#include "store/db_gap.h"
#include "store/db_stream.h"
#include "store/rollup.h"
#include "store/row_json.h"

static void free_recording(void *data)
{
    struct db_recording *recording = data;
    const char *const texts[] = {recording->id, recording->camera, recording->path};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        free((void *)(uintptr_t)texts[i]);
    }
    free(recording);
}

static int put(struct db *db, void *data)
{
    const struct db_recording *recording = data;
    AUTO_QUERY struct db_query *query = db_query(
        db,
        "INSERT INTO recordings (id, camera, path, start_time, end_time, duration, "
        "segment_size, objects, motion, regions, dBFS) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (path) DO UPDATE SET camera = excluded.camera, "
        "start_time = excluded.start_time, end_time = excluded.end_time, "
        "duration = excluded.duration, segment_size = excluded.segment_size, "
        "objects = coalesce(excluded.objects, objects), "
        "motion = coalesce(excluded.motion, motion), "
        "regions = coalesce(excluded.regions, regions), dBFS = coalesce(excluded.dBFS, dBFS)");
    db_bind_text(query, recording->id);
    db_bind_text(query, recording->camera);
    db_bind_text(query, recording->path);
    db_bind_double(query, recording->start_time);
    db_bind_double(query, recording->end_time);
    db_bind_double(query, recording->duration);
    db_bind_double(query, round(recording->segment_mib * 10) / 10);
    db_bind_opt_int(query, recording->objects);
    db_bind_opt_int(query, recording->motion);
    db_bind_opt_int(query, recording->regions);
    db_bind_opt_int(query, recording->dbfs);
    int changed = db_run(query);
    int result = changed;
    if (result >= 0 && recording->parameters != 0) {
        result =
            db_stream_recorded(db, recording->camera, recording->start_time, recording->parameters);
    }
    result = result < 0 ? result
                        : db_gap_recorded(db, recording->camera, recording->start_time,
                                          recording->end_time);
    return result < 0 ? result : changed;
}

void db_recording_put(struct store_work *work, const struct db_recording *recording)
{
    struct db_recording *copy = mem_dup(recording, sizeof *recording);
    copy->id = mem_strdup(recording->id);
    copy->camera = mem_strdup(recording->camera);
    copy->path = mem_strdup(recording->path);
    store_add(work, put, copy, free_recording);
}

/* Where the stream's parameters changed before a segment that goes, they now change before the next
 * one. */
static int move_change(struct db *db, const char *id)
{
    AUTO_QUERY struct db_query *query = db_query(
        db,
        "UPDATE OR REPLACE corvette_stream_change SET start_time = (SELECT min(r.start_time) "
        "FROM recordings r WHERE r.camera = corvette_stream_change.camera AND "
        "r.start_time > corvette_stream_change.start_time) "
        "WHERE (camera, start_time) = (SELECT camera, start_time FROM recordings WHERE id = ?1) "
        "AND EXISTS (SELECT 1 FROM recordings r WHERE r.camera = corvette_stream_change.camera "
        "AND r.start_time > corvette_stream_change.start_time)");
    db_bind_text(query, id);
    return db_run(query);
}

static int delete_recording(struct db *db, void *data)
{
    int result = move_change(db, data);
    if (result < 0) {
        return result;
    }
    AUTO_QUERY struct db_query *query = db_query(db, "DELETE FROM recordings WHERE id = ?");
    db_bind_text(query, data);
    return db_run(query);
}

void db_recording_delete(struct store_work *work, const char *id)
{
    store_add(work, delete_recording, mem_strdup(id), free);
}

bool db_recording_has_path(struct db *db, const char *path)
{
    AUTO_QUERY struct db_query *query = db_query(db, "SELECT 1 FROM recordings WHERE path = ?");
    db_bind_text(query, path);
    return db_step(query) == 1;
}

bool db_recording_times(struct db *db, const char *path, double *start, double *duration)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT start_time, duration FROM recordings WHERE path = ?");
    db_bind_text(query, path);
    bool found = db_step(query) == 1;
    if (found) {
        *start = db_double(query, 0);
        *duration = db_double(query, 1);
    }
    return found;
}

struct db_opt_double db_recording_newest(struct db *db, const char *camera)
{
    AUTO_QUERY struct db_query *query = db_query(
        db, "SELECT end_time FROM recordings WHERE camera = ? ORDER BY start_time DESC LIMIT 1");
    db_bind_text(query, camera);
    struct db_opt_double end = {0};
    if (db_step(query) == 1) {
        end = (struct db_opt_double){.has = true, .value = db_double(query, 0)};
    }
    return end;
}

static struct db_opt_int opt_int_at(struct db_query *query, int column)
{
    return (struct db_opt_int){.has = !db_is_null(query, column), .value = db_int(query, column)};
}

int db_recording_rows(struct db_query *query, db_recording_fn fn, void *context)
{
    int result;
    while ((result = db_step(query)) == 1) {
        struct db_recording recording = {
            .id = db_text(query, 0, NULL),
            .camera = db_text(query, 1, NULL),
            .path = db_text(query, 2, NULL),
            .start_time = db_double(query, 3),
            .end_time = db_double(query, 4),
            .duration = db_double(query, 5),
            .segment_mib = db_double(query, 6),
            .objects = opt_int_at(query, 7),
            .motion = opt_int_at(query, 8),
            .regions = opt_int_at(query, 9),
            .dbfs = opt_int_at(query, 10),
        };
        if (!fn(context, &recording)) {
            return 0;
        }
    }
    return result;
}

int db_recording_each(struct db *db, const char *camera, double after, double before,
                      db_recording_fn fn, void *context)
{
    AUTO_QUERY struct db_query *query = db_query(
        db, camera != NULL
                ? "SELECT " DB_RECORDING_COLUMNS "FROM recordings WHERE start_time <= ? AND "
                  "start_time >= ? AND end_time >= ? AND camera = ? "
                  "ORDER BY start_time"
                : "SELECT " DB_RECORDING_COLUMNS "FROM recordings WHERE start_time <= ? AND "
                  "start_time >= ? AND end_time >= ? ORDER BY start_time");
    db_bind_double(query, before);
    db_bind_double(query, after - DB_RECORDING_LONGEST_S);
    db_bind_double(query, after);
    if (camera != NULL) {
        db_bind_text(query, camera);
    }
    return db_recording_rows(query, fn, context);
}

static int each_time(struct db_query *query, db_recording_time_fn fn, void *context)
{
    int result;
    while ((result = db_step(query)) == 1) {
        fn(context, db_double(query, 0), db_double(query, 1));
    }
    return result;
}

int db_recording_each_time(struct db *db, const char *camera, double after, double before,
                           db_recording_time_fn fn, void *context)
{
    /* Those that begin before the span are few; only for them the end must be looked up. */
    AUTO_QUERY struct db_query *first =
        db_query(db, "SELECT start_time, duration FROM recordings WHERE camera = ? AND "
                     "start_time >= ? AND start_time < ? AND end_time >= ? AND start_time <= ? "
                     "ORDER BY start_time");
    db_bind_text(first, camera);
    db_bind_double(first, after - DB_RECORDING_LONGEST_S);
    db_bind_double(first, after);
    db_bind_double(first, after);
    db_bind_double(first, before);
    int result = each_time(first, fn, context);
    AUTO_QUERY struct db_query *rest =
        db_query(db, "SELECT start_time, duration FROM recordings INDEXED BY "
                     "recordings_api_recordings_summary WHERE camera = ? AND start_time >= ? AND "
                     "start_time <= ? ORDER BY start_time");
    db_bind_text(rest, camera);
    db_bind_double(rest, after);
    db_bind_double(rest, before);
    return result < 0 ? result : each_time(rest, fn, context);
}

bool db_recording_path(struct db *db, const char *camera, double start_time, struct str *path)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT path FROM recordings WHERE camera = ? AND start_time = ?");
    db_bind_text(query, camera);
    db_bind_double(query, start_time);
    bool found = db_step(query) == 1;
    if (found) {
        str_add(path, db_text(query, 0, NULL));
    }
    return found;
}

int db_recording_list_json(struct db *db, const char *camera, double after, double before,
                           struct str *out)
{
    static const struct row_field fields[] = {
        {"duration", ROW_REAL},     {"end_time", ROW_NUMBER}, {"id", ROW_TEXT},
        {"motion", ROW_NUMBER},     {"objects", ROW_NUMBER},  {"segment_size", ROW_REAL},
        {"start_time", ROW_NUMBER},
    };
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT id, start_time, end_time, duration, segment_size, motion, objects "
                     "FROM recordings WHERE camera = ? AND start_time <= ? AND start_time >= ? AND "
                     "end_time >= ? ORDER BY start_time");
    db_bind_text(query, camera);
    db_bind_double(query, before);
    db_bind_double(query, after - DB_RECORDING_LONGEST_S);
    db_bind_double(query, after);
    return row_list(query, fields, ARRAY_SIZE(fields), out);
}

/* ---- by day and hour ---- */

/* The sums of one local hour. */
struct hour {
    int64_t number; /* since the epoch, local */
    int64_t segments, motion, motions, objects, objectss, events;
    double duration;
};

/* The day that is being put together; its head needs the sum of its hours. */
struct days {
    struct jout json;
    int64_t day; /* since the epoch, local; -1 = none yet */
    int64_t events;
    struct str hours;
    struct jout hours_json;
};

static void end_day(struct days *days)
{
    if (days->day < 0) {
        return;
    }
    char name[16];
    time_t begin = (time_t)(days->day * 86400);
    struct tm tm;
    gmtime_r(&begin, &tm);
    strftime(name, sizeof name, "%Y-%m-%d", &tm);
    jout_begin_object(&days->json);
    jout_put_string(&days->json, "day", name);
    jout_put_int(&days->json, "events", days->events);
    jout_key(&days->json, "hours");
    jout_begin_array(&days->json);
    jout_raw(&days->json, str_text(&days->hours));
    jout_end_array(&days->json);
    jout_end_object(&days->json);
}

static void put_sum(struct jout *json, const char *key, int64_t known, int64_t sum)
{
    jout_key(json, key);
    if (known > 0) {
        jout_int(json, sum);
    } else {
        jout_null(json);
    }
}

static void put_hour(struct days *days, const struct hour *hour)
{
    if (hour->segments == 0) {
        return;
    }
    if (hour->number / 24 != days->day) {
        end_day(days);
        days->day = hour->number / 24;
        days->events = 0;
        str_clear(&days->hours);
        days->hours_json = (struct jout){.out = &days->hours};
    }
    char name[8];
    struct jout *json = &days->hours_json;
    snprintf(name, sizeof name, "%02d", (int)(hour->number % 24));
    days->events += hour->events;
    jout_begin_object(json);
    jout_put_int(json, "duration", llrint(hour->duration));
    jout_put_int(json, "events", hour->events);
    jout_put_string(json, "hour", name);
    put_sum(json, "motion", hour->motions, hour->motion);
    put_sum(json, "objects", hour->objectss, hour->objects);
    jout_end_object(json);
}

/* Sums of quarters of an hour, newest first, in UTC: kept, or computed from the rows. */
static struct db_query *quarters(struct db *db, const char *camera, int utc_offset_s)
{
    /* Zones are off by whole quarters; where one is not, its own quarters are computed. */
    bool kept = utc_offset_s % ROLLUP_S == 0 && rollup_is_ready(db);
    struct db_query *query = db_query(
        db, kept
                ? "SELECT quarter * 900 + ?2, segments, duration, motion, motions, objects, "
                  "objectss, clips FROM corvette_quarter WHERE camera = ?1 ORDER BY quarter DESC"
                : "SELECT q * 900, sum(n), sum(d), sum(m), sum(mm), sum(o), sum(oo), sum(c) FROM ("
                  "SELECT CAST(start_time + ?2 AS INTEGER) / 900 q, count(*) n, total(duration) d, "
                  "total(motion) m, count(motion) mm, total(objects) o, count(objects) oo, 0 c "
                  "FROM recordings WHERE camera = ?1 GROUP BY q UNION ALL "
                  "SELECT CAST(start_time + ?2 AS INTEGER) / 900 q, 0, 0, 0, 0, 0, 0, count(*) "
                  "FROM event WHERE camera = ?1 AND has_clip = 1 GROUP BY q) GROUP BY q "
                  "ORDER BY q DESC");
    db_bind_text(query, camera);
    db_bind_int(query, utc_offset_s);
    return query;
}

int db_recording_summary_json(struct db *db, const char *camera, int utc_offset_s, struct str *out)
{
    AUTO_QUERY struct db_query *query = quarters(db, camera, utc_offset_s);
    struct days days = {.json = {.out = out}, .day = -1};
    struct hour hour = {.number = -1};
    int result;
    jout_begin_array(&days.json);
    while ((result = db_step(query)) == 1) {
        int64_t number = db_int(query, 0) / 3600;
        if (number != hour.number) {
            put_hour(&days, &hour);
            hour = (struct hour){.number = number};
        }
        hour.segments += db_int(query, 1);
        hour.duration += db_double(query, 2);
        hour.motion += db_int(query, 3);
        hour.motions += db_int(query, 4);
        hour.objects += db_int(query, 5);
        hour.objectss += db_int(query, 6);
        hour.events += db_int(query, 7);
    }
    put_hour(&days, &hour);
    end_day(&days);
    jout_end_array(&days.json);
    str_finish(&days.hours);
    return result;
}

/* ---- space ---- */

/* The mean rate of this many newest segments (some five hours). The reference takes all there are,
 * and then keeps the first answer it got; this is the same for a short history. */
#define RATE_SEGMENTS 2000

int db_recording_usage(struct db *db, const char *camera, struct db_opt_double *mib,
                       double *mib_per_hour)
{
    AUTO_QUERY struct db_query *sum =
        db_query(db, rollup_is_ready(db)
                         ? "SELECT sum(mib), sum(segments) FROM corvette_quarter WHERE camera = ?"
                         : "SELECT sum(segment_size), count(*) FROM recordings WHERE camera = ?");
    db_bind_text(sum, camera);
    int result = db_step(sum);
    mib->has = result == 1 && db_int(sum, 1) > 0;
    mib->value = mib->has ? db_double(sum, 0) : 0;
    AUTO_QUERY struct db_query *rate = db_query(
        db, "SELECT avg(rate) * 3600 FROM (SELECT segment_size / (end_time - start_time) AS rate "
            "FROM recordings WHERE camera = ? AND +segment_size > 0 AND end_time > start_time "
            "ORDER BY start_time DESC LIMIT ?)");
    db_bind_text(rate, camera);
    db_bind_int(rate, RATE_SEGMENTS);
    result = result < 0 ? result : db_step(rate);
    *mib_per_hour = result == 1 ? db_double(rate, 0) : 0;
    return result < 0 ? result : 0;
}
