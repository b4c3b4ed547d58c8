#include "store/db_timeline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "base/mem.h"
#include "store/row_json.h"
#include "store/where.h"

static void free_row(void *data)
{
    struct db_timeline *row = data;
    const char *const texts[] = {row->camera, row->source, row->source_id, row->class_type,
                                 row->data_json};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        free((void *)(uintptr_t)texts[i]);
    }
    free(row);
}

#define INSERT                                                                       \
    "INSERT INTO timeline (timestamp, camera, source, source_id, class_type, data) " \
    "SELECT ?1, ?2, ?3, ?4, ?5, json(?6)"

static int insert(struct db *db, const char *sql, const struct db_timeline *row)
{
    AUTO_QUERY struct db_query *query = db_query(db, sql);
    db_bind_double(query, row->timestamp);
    db_bind_text(query, row->camera);
    db_bind_text(query, row->source);
    db_bind_text(query, row->source_id);
    db_bind_text(query, row->class_type);
    db_bind_text(query, row->data_json);
    return db_run(query);
}

static int add(struct db *db, void *data)
{
    return insert(db, INSERT, data);
}

static int add_of_event(struct db *db, void *data)
{
    return insert(db, INSERT " WHERE EXISTS (SELECT 1 FROM event WHERE id = ?4)", data);
}

static void add_copy(struct store_work *work, store_change_fn fn, const struct db_timeline *row)
{
    struct db_timeline *copy = mem_dup(row, sizeof *row);
    copy->camera = mem_strdup(row->camera);
    copy->source = mem_strdup(row->source);
    copy->source_id = row->source_id != NULL ? mem_strdup(row->source_id) : NULL;
    copy->class_type = mem_strdup(row->class_type);
    copy->data_json = row->data_json != NULL ? mem_strdup(row->data_json) : NULL;
    store_add(work, fn, copy, free_row);
}

void db_timeline_add(struct store_work *work, const struct db_timeline *row)
{
    add_copy(work, add, row);
}

void db_timeline_add_of_event(struct store_work *work, const struct db_timeline *row)
{
    add_copy(work, add_of_event, row);
}

static const struct row_field fields[] = {
    {"camera", ROW_TEXT}, {"class_type", ROW_TEXT}, {"data", ROW_JSON},
    {"source", ROW_TEXT}, {"source_id", ROW_TEXT},  {"timestamp", ROW_NUMBER},
};

int db_timeline_list_json(struct db *db, const char *camera, const char *source_id, int64_t limit,
                          struct str *out)
{
    AUTO_WHERE struct where where = {0};
    if (strcmp(camera, "all") != 0) {
        where_text(&where, "camera = ?", camera);
    }
    if (source_id != NULL) {
        where_text(&where, "source_id = ?", source_id);
    }
    AUTO_QUERY struct db_query *query =
        where_query(db, &where,
                    "SELECT camera, class_type, data, source, source_id, timestamp "
                    "FROM timeline",
                    " ORDER BY timestamp, rowid LIMIT ?");
    db_bind_int(query, limit);
    return row_list(query, fields, ARRAY_SIZE(fields), out);
}

/* ---- by hour ---- */

/* One row's text in a buffer of all of them, newest first. */
struct piece {
    size_t from, length;
    int64_t hour; /* key it stands under, seconds since the epoch */
};

/* Start of the hour on this machine's clock, as Frigate groups, moved by the minutes the asked zone
 * is off whole hours. */
static int64_t hour_of(double timestamp, int utc_offset_s)
{
    time_t when = (time_t)floor(timestamp);
    struct tm local;
    localtime_r(&when, &local);
    return when - local.tm_min * 60 - local.tm_sec + utc_offset_s % 3600;
}

/* Rows come newest first and go out oldest first, under the hours they belong to. */
static void add_hours(struct jout *json, const struct str *rows, const struct piece *pieces,
                      size_t count)
{
    jout_begin_object(json);
    for (size_t i = count; i-- > 0;) {
        bool first = i + 1 == count || pieces[i].hour != pieces[i + 1].hour;
        if (first) {
            char key[32];
            if (i + 1 < count) {
                jout_end_array(json);
            }
            jout_key(json, str_double(key, (double)pieces[i].hour));
            jout_begin_array(json);
        }
        AUTO_FREE char *row = mem_strndup(rows->data + pieces[i].from, pieces[i].length);
        jout_raw(json, row);
    }
    if (count > 0) {
        jout_end_array(json);
    }
    jout_end_object(json);
}

int db_timeline_hourly_json(struct db *db, const struct db_timeline_filter *filter, struct str *out)
{
    AUTO_WHERE struct where where = {0};
    where_in(&where, "camera", &filter->cameras);
    where_in(&where, "json_extract(data, '$.label')", &filter->labels);
    where_opt_double(&where, "timestamp < ?", filter->before);
    where_opt_double(&where, "timestamp > ?", filter->after);
    AUTO_QUERY struct db_query *query = where_query(
        db, &where, "SELECT camera, class_type, data, source, source_id, timestamp FROM timeline",
        " ORDER BY timestamp DESC, rowid LIMIT ?");
    db_bind_int(query, filter->limit);
    AUTO_STR struct str rows = {0}, start = {0}, end = {0};
    AUTO_FREE struct piece *pieces = NULL;
    size_t count = 0, capacity = 0;
    int columns[ROW_FIELDS_MAX], result;
    while ((result = db_step(query)) == 1) {
        row_columns(query, fields, ARRAY_SIZE(fields), columns);
        int timestamp = db_column(query, "timestamp");
        struct piece *piece = MEM_PUSH(pieces, count, capacity);
        piece->from = rows.length;
        piece->hour = hour_of(db_double(query, timestamp), filter->utc_offset_s);
        row_object(query, fields, ARRAY_SIZE(fields), columns, &rows);
        piece->length = rows.length - piece->from;
        struct str *edge = count == 1 ? &start : &end;
        str_clear(edge);
        row_value(query, timestamp, ROW_NUMBER, edge);
    }
    struct jout json = {.out = out};
    jout_begin_object(&json);
    jout_put_int(&json, "count", (int64_t)count);
    jout_put_raw(&json, "end", end.length > 0 ? str_text(&end) : "0");
    jout_key(&json, "hours");
    add_hours(&json, &rows, pieces, count);
    jout_put_raw(&json, "start", start.length > 0 ? str_text(&start) : "0");
    jout_end_object(&json);
    return result;
}
