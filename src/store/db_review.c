#include "store/db_review.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "base/mem.h"
#include "store/row_json.h"
#include "store/where.h"

static const struct row_field fields[] = {
    {"camera", ROW_TEXT},       {"data", ROW_JSON},
    {"end_time", ROW_NUMBER},   {"has_been_reviewed", ROW_BOOL},
    {"id", ROW_TEXT},           {"severity", ROW_TEXT},
    {"start_time", ROW_NUMBER}, {"thumb_path", ROW_TEXT},
};

#define COLUMNS                                                                               \
    "SELECT camera, data, end_time, has_been_reviewed, id, severity, start_time, thumb_path " \
    "FROM reviewsegment"

/* Names are looked for as quoted tokens of the lists in `data`. */
static void add_tokens(struct where *where, const struct db_texts *texts, const char *first,
                       const char *second)
{
    if (!texts->has) {
        return;
    }
    where_begin_any(where);
    for (size_t i = 0; i < texts->count; i++) {
        where_any_pattern(where, first, "*\"", texts->items[i], "\"*");
        if (second != NULL) {
            where_any_pattern(where, second, "*\"", texts->items[i], "\"*");
        }
    }
    where_end_any(where);
}

#define OBJECTS "json_extract(data, '$.objects') GLOB ?"
#define AUDIO "json_extract(data, '$.audio') GLOB ?"
#define ZONES "json_extract(data, '$.zones') GLOB ?"

int db_review_list_json(struct db *db, const struct db_review_filter *filter, struct str *out)
{
    AUTO_WHERE struct where where = {0};
    where_double(&where, "start_time > ?", filter->after);
    where_double(&where, "end_time IS NULL OR end_time < ?", filter->before);
    where_in(&where, "camera", &filter->cameras);
    add_tokens(&where, &filter->labels, OBJECTS, AUDIO);
    add_tokens(&where, &filter->zones, ZONES, NULL);
    if (filter->unreviewed) {
        where_add(&where, "has_been_reviewed = 0");
    }
    if (filter->severity != NULL) {
        where_text(&where, "severity = ?", filter->severity);
    }
    AUTO_QUERY struct db_query *query =
        where_query(db, &where, COLUMNS, " ORDER BY start_time DESC LIMIT ?");
    db_bind_int(query, filter->limit.has ? filter->limit.value : -1);
    return row_list(query, fields, ARRAY_SIZE(fields), out);
}

static int one(struct db_query *query, struct str *out)
{
    int columns[ROW_FIELDS_MAX];
    int result = db_step(query);
    if (result != 1) {
        return result < 0 ? result : -ENOENT;
    }
    row_columns(query, fields, ARRAY_SIZE(fields), columns);
    row_object(query, fields, ARRAY_SIZE(fields), columns, out);
    return 0;
}

int db_review_json(struct db *db, const char *id, struct str *out)
{
    AUTO_QUERY struct db_query *query = db_query(db, COLUMNS " WHERE id = ?");
    db_bind_text(query, id);
    return one(query, out);
}

int db_review_get(struct db *db, const char *id, struct db_review_row *row)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT camera, start_time, end_time, thumb_path FROM reviewsegment "
                     "WHERE id = ?");
    db_bind_text(query, id);
    *row = (struct db_review_row){0};
    int result = db_step(query);
    if (result != 1) {
        return result < 0 ? result : -ENOENT;
    }
    *row = (struct db_review_row){
        .id = mem_strdup(id),
        .camera = mem_strdup(db_text(query, 0, NULL)),
        .thumb_path = mem_strdup(db_text(query, 3, NULL)),
        .start_time = db_double(query, 1),
        .end_time = {!db_is_null(query, 2), db_double(query, 2)},
    };
    return 0;
}

void db_review_row_finish(struct db_review_row *row)
{
    free(row->id);
    free(row->camera);
    free(row->thumb_path);
    *row = (struct db_review_row){0};
}

bool db_review_exists(struct db *db, const char *id)
{
    AUTO_QUERY struct db_query *query = db_query(db, "SELECT 1 FROM reviewsegment WHERE id = ?");
    db_bind_text(query, id);
    return db_step(query) == 1;
}

int db_review_span(struct db *db, const char *id, struct str *camera, double *start,
                   struct db_opt_double *end)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT camera, start_time, end_time FROM reviewsegment WHERE id = ?");
    db_bind_text(query, id);
    int result = db_step(query);
    if (result != 1) {
        return result < 0 ? result : -ENOENT;
    }
    str_add(camera, db_text(query, 0, NULL));
    *start = db_double(query, 1);
    *end = (struct db_opt_double){!db_is_null(query, 2), db_double(query, 2)};
    return 0;
}

/* An item begins before what it holds ends and lasts until after it began. Ids begin with the time
 * of their first picture, which bounds the search also for events whose row is gone. */
int db_review_of_event_json(struct db *db, const char *event_id, struct str *out)
{
    AUTO_QUERY struct db_query *query = db_query(
        db, COLUMNS " WHERE start_time < coalesce((SELECT coalesce(end_time, 1e12) FROM event "
                    "WHERE id = ?1), CAST(?1 AS REAL) + 86400) "
                    "AND (end_time IS NULL OR end_time >= CAST(?1 AS REAL)) "
                    "AND EXISTS (SELECT 1 FROM json_each(data, '$.detections') WHERE value = ?1) "
                    "ORDER BY start_time DESC LIMIT 1");
    db_bind_text(query, event_id);
    return one(query, out);
}

/* ---- counts ---- */

/* clang-format off */
#define SUM(severity, value, name)                                                                 \
    "sum(CASE WHEN severity = '" severity "' THEN " value " ELSE 0 END) AS " name
#define SUMS                                                                                       \
    SUM("alert", "has_been_reviewed", "reviewed_alert") ", "                                       \
    SUM("detection", "has_been_reviewed", "reviewed_detection") ", "                               \
    SUM("significant_motion", "has_been_reviewed", "reviewed_motion") ", "                         \
    SUM("alert", "1", "total_alert") ", "                                                          \
    SUM("detection", "1", "total_detection") ", "                                                  \
    SUM("significant_motion", "1", "total_motion")
/* clang-format on */

static const struct row_field count_fields[] = {
    {"day", ROW_TEXT},
    {"reviewed_alert", ROW_NUMBER},
    {"reviewed_detection", ROW_NUMBER},
    {"reviewed_motion", ROW_NUMBER},
    {"total_alert", ROW_NUMBER},
    {"total_detection", ROW_NUMBER},
    {"total_motion", ROW_NUMBER},
};

/* `sounds`: labels count for sounds too. Frigate's days count those of objects only. */
static void add_filter(struct where *where, const struct db_review_filter *filter, double after,
                       bool sounds)
{
    where_double(where, "start_time > ?", after);
    where_in(where, "camera", &filter->cameras);
    add_tokens(where, &filter->labels, OBJECTS, sounds ? AUDIO : NULL);
    add_tokens(where, &filter->zones, ZONES, NULL);
}

/* Row of counts without its day. */
static int add_last_day(struct db *db, const struct db_review_filter *filter, double now,
                        struct str *out)
{
    AUTO_WHERE struct where where = {0};
    add_filter(&where, filter, now - 86400, true);
    AUTO_QUERY struct db_query *query =
        where_query(db, &where, "SELECT " SUMS " FROM reviewsegment", "");
    int columns[ROW_FIELDS_MAX], result = db_step(query);
    if (result == 1) {
        row_columns(query, count_fields + 1, ARRAY_SIZE(count_fields) - 1, columns);
        row_object(query, count_fields + 1, ARRAY_SIZE(count_fields) - 1, columns, out);
    }
    return result < 0 ? result : 0;
}

/* ---- by day ----
 * Rows come by time out of an index that holds what is counted, so those of a day stand together.
 */

#define SEVERITIES 3

struct day {
    int64_t number; /* since the epoch, local */
    int64_t total[SEVERITIES], reviewed[SEVERITIES];
};

static void count_item(struct day *day, struct db_query *query)
{
    static const char *const severities[SEVERITIES] = {"alert", "detection", "significant_motion"};
    const char *severity = db_text(query, 1, NULL);
    for (int i = 0; i < SEVERITIES; i++) {
        if (strcmp(severity, severities[i]) == 0) {
            day->total[i]++;
            day->reviewed[i] += db_int(query, 2);
        }
    }
}

static void put_day(struct jout *json, const struct day *day)
{
    char name[16];
    time_t begin = (time_t)(day->number * 86400);
    struct tm tm;
    gmtime_r(&begin, &tm);
    strftime(name, sizeof name, "%Y-%m-%d", &tm);
    jout_key(json, name);
    jout_begin_object(json);
    jout_put_string(json, "day", name);
    for (size_t i = 1; i < ARRAY_SIZE(count_fields); i++) {
        const int64_t *counts = i <= SEVERITIES ? day->reviewed : day->total;
        jout_put_int(json, count_fields[i].name, counts[(i - 1) % SEVERITIES]);
    }
    jout_end_object(json);
}

static int add_days(struct db *db, const struct where *where, int utc_offset_s, struct jout *json)
{
    AUTO_QUERY struct db_query *query =
        where_query(db, where, "SELECT start_time, severity, has_been_reviewed FROM reviewsegment",
                    " ORDER BY start_time");
    struct day day = {0};
    bool any = false;
    int result;
    while ((result = db_step(query)) == 1) {
        int64_t number = (int64_t)floor((db_double(query, 0) + utc_offset_s) / 86400);
        if (any && number != day.number) {
            put_day(json, &day);
            day = (struct day){0};
        }
        any = true;
        day.number = number;
        count_item(&day, query);
    }
    if (any) {
        put_day(json, &day);
    }
    return result;
}

int db_review_summary_json(struct db *db, const struct db_review_filter *filter, double now,
                           int utc_offset_s, struct str *out)
{
    AUTO_WHERE struct where where = {0};
    AUTO_STR struct str last = {0};
    struct jout json = {.out = out};
    add_filter(&where, filter, now - 30 * 86400, false);
    jout_begin_object(&json);
    int result = add_days(db, &where, utc_offset_s, &json);
    if (result == 0) {
        result = add_last_day(db, filter, now, &last);
    }
    jout_put_raw(&json, "last24Hours", str_text(&last));
    jout_end_object(&json);
    return result;
}

/* ---- writing ---- */

struct mark {
    char *id;
    bool reviewed;
};

static void free_mark(void *data)
{
    struct mark *mark = data;
    free(mark->id);
    free(mark);
}

static int set_mark(struct db *db, void *data)
{
    const struct mark *mark = data;
    AUTO_QUERY struct db_query *query =
        db_query(db, "UPDATE reviewsegment SET has_been_reviewed = ? WHERE id = ?");
    db_bind_int(query, mark->reviewed);
    db_bind_text(query, mark->id);
    return db_run(query);
}

void db_review_mark(struct store_work *work, const char *id, bool reviewed)
{
    struct mark *mark = mem_alloc(sizeof *mark);
    mark->id = mem_strdup(id);
    mark->reviewed = reviewed;
    store_add(work, set_mark, mark, free_mark);
}
