#include "store/db_recording.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static struct db_opt_int opt_int(struct db_query *query, const char *name)
{
    int column = db_column(query, name);
    return (struct db_opt_int){.has = !db_is_null(query, column), .value = db_int(query, column)};
}

int db_recording_rows(struct db_query *query, db_recording_fn fn, void *context)
{
    int result;
    while ((result = db_step(query)) == 1) {
        struct db_recording recording = {
            .id = db_text(query, db_column(query, "id"), NULL),
            .camera = db_text(query, db_column(query, "camera"), NULL),
            .path = db_text(query, db_column(query, "path"), NULL),
            .start_time = db_double(query, db_column(query, "start_time")),
            .end_time = db_double(query, db_column(query, "end_time")),
            .duration = db_double(query, db_column(query, "duration")),
            .segment_mib = db_double(query, db_column(query, "segment_size")),
            .objects = opt_int(query, "objects"),
            .motion = opt_int(query, "motion"),
            .regions = opt_int(query, "regions"),
            .dbfs = opt_int(query, "dBFS"),
        };
        if (!fn(context, &recording)) {
            return 0;
        }
    }
    return result;
}

/* Rows that overlap a span begin at most this long before it: the longest segment there can be
 * (Frigate's and our bound). It keeps the walk over the index as short as the span. */
#define LONGEST_S 600.0

int db_recording_each(struct db *db, const char *camera, double after, double before,
                      db_recording_fn fn, void *context)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, camera != NULL ? "SELECT * FROM recordings WHERE start_time <= ? AND "
                                      "start_time >= ? AND end_time >= ? AND camera = ? "
                                      "ORDER BY start_time"
                                    : "SELECT * FROM recordings WHERE start_time <= ? AND "
                                      "start_time >= ? AND end_time >= ? ORDER BY start_time");
    db_bind_double(query, before);
    db_bind_double(query, after - LONGEST_S);
    db_bind_double(query, after);
    if (camera != NULL) {
        db_bind_text(query, camera);
    }
    return db_recording_rows(query, fn, context);
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
    db_bind_double(query, after - LONGEST_S);
    db_bind_double(query, after);
    return row_list(query, fields, ARRAY_SIZE(fields), out);
}

/* ---- by day and hour ---- */

/* Events with a clip per local hour, newest first, beside the hours of the recordings. */
static struct db_query *count_events(struct db *db, const char *camera, int utc_offset_s)
{
    struct db_query *query = db_query(
        db, "SELECT CAST(start_time + ?1 AS INTEGER) / 3600 AS hour, count(*) AS count FROM event "
            "WHERE camera = ?2 AND has_clip = 1 GROUP BY hour ORDER BY hour DESC");
    db_bind_int(query, utc_offset_s);
    db_bind_text(query, camera);
    return query;
}

/* Events of one hour; the walk goes from newest to oldest only. */
static int64_t events_in(struct db_query *events, int *more, int64_t hour)
{
    while (*more == 1 && db_int(events, 0) > hour) {
        *more = db_step(events);
    }
    return *more == 1 && db_int(events, 0) == hour ? db_int(events, 1) : 0;
}

static void add_sum(struct jout *json, const char *key, struct db_query *query, const char *column)
{
    struct db_opt_int sum = opt_int(query, column);
    jout_key(json, key);
    if (sum.has) {
        jout_int(json, sum.value);
    } else {
        jout_null(json);
    }
}

/* The day that is being put together; its head needs the sum of its hours. */
struct day {
    char name[16];
    int64_t events;
    struct str hours;
    struct jout json;
};

static void end_day(struct jout *json, struct day *day)
{
    if (day->name[0] == '\0') {
        return;
    }
    jout_begin_object(json);
    jout_put_string(json, "day", day->name);
    jout_put_int(json, "events", day->events);
    jout_key(json, "hours");
    jout_begin_array(json);
    jout_raw(json, str_text(&day->hours));
    jout_end_array(json);
    jout_end_object(json);
}

static void begin_day(struct day *day, const char *name)
{
    snprintf(day->name, sizeof day->name, "%.10s", name);
    day->events = 0;
    str_clear(&day->hours);
    day->json = (struct jout){.out = &day->hours};
}

/* The same columns whichever way they are computed. */
static struct db_query *count_hours(struct db *db, const char *camera, int utc_offset_s, bool sums)
{
    struct db_query *query = db_query(
        db, sums ? "SELECT (quarter * 900 + ?1) / 3600 AS hour, total(duration) AS duration, "
                   "CASE WHEN sum(motions) > 0 THEN sum(motion) END AS motion, "
                   "CASE WHEN sum(objectss) > 0 THEN sum(objects) END AS objects, "
                   "strftime('%Y-%m-%d %H', max(quarter) * 900 + ?1, 'unixepoch') AS name, "
                   "sum(clips) AS events FROM corvette_quarter WHERE camera = ?2 GROUP BY hour "
                   "HAVING sum(segments) > 0 ORDER BY hour DESC"
                 : "SELECT CAST(start_time + ?1 AS INTEGER) / 3600 AS hour, "
                   "sum(duration) AS duration, sum(motion) AS motion, sum(objects) AS objects, "
                   "strftime('%Y-%m-%d %H', max(start_time) + ?1, 'unixepoch') AS name, "
                   "0 AS events FROM recordings WHERE camera = ?2 GROUP BY hour "
                   "ORDER BY hour DESC");
    db_bind_int(query, utc_offset_s);
    db_bind_text(query, camera);
    return query;
}

int db_recording_summary_json(struct db *db, const char *camera, int utc_offset_s, struct str *out)
{
    bool sums = utc_offset_s % ROLLUP_S == 0 && rollup_is_ready(db);
    AUTO_QUERY struct db_query *query = count_hours(db, camera, utc_offset_s, sums);
    AUTO_QUERY struct db_query *events = count_events(db, camera, utc_offset_s);
    int result, more = sums ? 0 : db_step(events);
    struct day day = {0};
    struct jout json = {.out = out};
    jout_begin_array(&json);
    while ((result = db_step(query)) == 1) {
        const char *name = db_text(query, db_column(query, "name"), NULL);
        if (strncmp(day.name, name, 10) != 0) {
            end_day(&json, &day);
            begin_day(&day, name);
        }
        int64_t count = sums ? db_int(query, db_column(query, "events"))
                             : events_in(events, &more, db_int(query, 0));
        day.events += count;
        jout_begin_object(&day.json);
        jout_put_int(&day.json, "duration", llrint(db_double(query, db_column(query, "duration"))));
        jout_put_int(&day.json, "events", count);
        jout_put_string(&day.json, "hour", name + 11);
        add_sum(&day.json, "motion", query, "motion");
        add_sum(&day.json, "objects", query, "objects");
        jout_end_object(&day.json);
    }
    end_day(&json, &day);
    jout_end_array(&json);
    str_finish(&day.hours);
    return result < 0 ? result : more < 0 ? more : 0;
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
            "FROM recordings WHERE camera = ? AND segment_size > 0 AND end_time > start_time "
            "ORDER BY start_time DESC LIMIT ?)");
    db_bind_text(rate, camera);
    db_bind_int(rate, RATE_SEGMENTS);
    result = result < 0 ? result : db_step(rate);
    *mib_per_hour = result == 1 ? db_double(rate, 0) : 0;
    return result < 0 ? result : 0;
}
