/* The list endpoints of table event. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "base/mem.h"
#include "store/db_event.h"
#include "store/indexes.h"
#include "store/row_json.h"
#include "store/where.h"

static const struct row_field list_fields[] = {
    {"box", ROW_JSON},
    {"camera", ROW_TEXT},
    {"data", ROW_JSON},
    {"end_time", ROW_NUMBER},
    {"false_positive", ROW_BOOL},
    {"has_clip", ROW_BOOL},
    {"has_snapshot", ROW_BOOL},
    {"id", ROW_TEXT},
    {"label", ROW_TEXT},
    {"plus_id", ROW_TEXT},
    {"retain_indefinitely", ROW_BOOL},
    {"start_time", ROW_NUMBER},
    {"sub_label", ROW_TEXT},
    {"thumbnail", ROW_TEXT}, /* THUMBNAIL below */
    {"top_score", ROW_NUMBER},
    {"zones", ROW_JSON},
};

#define LIST_COLUMNS                                                                            \
    "box, camera, data, end_time, false_positive, has_clip, has_snapshot, id, label, plus_id, " \
    "retain_indefinitely, start_time, sub_label, top_score, zones"

static const struct row_field all_fields[] = {
    {"area", ROW_NUMBER},
    {"box", ROW_JSON},
    {"camera", ROW_TEXT},
    {"data", ROW_JSON},
    {"detector_type", ROW_TEXT},
    {"end_time", ROW_NUMBER},
    {"false_positive", ROW_BOOL},
    {"has_clip", ROW_BOOL},
    {"has_snapshot", ROW_BOOL},
    {"id", ROW_TEXT},
    {"label", ROW_TEXT},
    {"model_hash", ROW_TEXT},
    {"model_type", ROW_TEXT},
    {"plus_id", ROW_TEXT},
    {"ratio", ROW_REAL},
    {"region", ROW_JSON},
    {"retain_indefinitely", ROW_BOOL},
    {"score", ROW_NUMBER},
    {"start_time", ROW_NUMBER},
    {"sub_label", ROW_TEXT},
    {"thumbnail", ROW_TEXT},
    {"top_score", ROW_NUMBER},
    {"zones", ROW_JSON},
};

/* "None" stands for no sub label. A stored sub label may be several, joined by comma: a name is
 * also found as the start of one after a comma. */
static void add_sub_labels(struct where *where, const struct db_texts *texts)
{
    if (!texts->has) {
        return;
    }
    where_begin_any(where);
    for (size_t i = 0; i < texts->count; i++) {
        const char *text = texts->items[i];
        if (strcmp(text, "None") == 0) {
            where_any(where, "sub_label IS NULL");
            continue;
        }
        where_any_text(where, "sub_label = ?", text);
        where_any_pattern(where, "sub_label GLOB ?", "*", text, ",*");
        where_any_pattern(where, "sub_label GLOB ?", "*, ", text, "*");
    }
    where_end_any(where);
}

static void add_zones(struct where *where, const struct db_texts *texts)
{
    if (!texts->has) {
        return;
    }
    where_begin_any(where);
    for (size_t i = 0; i < texts->count; i++) {
        if (strcmp(texts->items[i], "None") == 0) {
            where_any(where, "json_array_length(zones) = 0");
        } else {
            where_any_pattern(where, "zones GLOB ?", "*\"", texts->items[i], "\"*");
        }
    }
    where_end_any(where);
}

/* Local time of day, by today's offset of the zone: strictly between the two, or around midnight
 * when the first is later. */
static void add_time_of_day(struct where *where, const struct db_event_filter *filter)
{
    if (filter->time_after == NULL) {
        return;
    }
    AUTO_STR struct str time = {0};
    str_addf(&time, "strftime('%%H:%%M', datetime(start_time, 'unixepoch', '%d seconds'))",
             filter->utc_offset_s);
    bool overnight = strcmp(filter->time_after, filter->time_before) > 0;
    AUTO_STR struct str condition = {0};
    str_addf(&condition, "%s > ? %s %s < ?", str_text(&time), overnight ? "OR" : "AND",
             str_text(&time));
    where_text(where, str_text(&condition), filter->time_after);
    /* The condition above has two values: this is the second. */
    struct where_value *second = MEM_PUSH(where->values, where->count, where->capacity);
    second->text = filter->time_before;
}

static void add_flags(struct where *where, const struct db_event_filter *filter)
{
    if (filter->has_clip.has) {
        where_int(where, "has_clip = ?", filter->has_clip.value != 0);
    }
    if (filter->has_snapshot.has) {
        where_int(where, "has_snapshot = ?", filter->has_snapshot.value != 0);
    }
    if (filter->in_progress.has) {
        where_add(where,
                  filter->in_progress.value != 0 ? "end_time IS NULL" : "end_time IS NOT NULL");
    }
    if (filter->favorites) {
        where_add(where, "retain_indefinitely = 1");
    }
    if (filter->submitted.has && filter->submitted.value >= 0) {
        where_add(where, filter->submitted.value == 0 ? "plus_id IS NULL" : "plus_id != ''");
    }
}

static void add_filter(struct where *where, const struct db_event_filter *filter)
{
    where_in(where, "camera", &filter->camera);
    where_in(where, "camera", &filter->cameras);
    where_in(where, "label", &filter->labels);
    add_sub_labels(where, &filter->sub_labels);
    add_zones(where, &filter->zones);
    where_opt_double(where, "start_time > ?", filter->after);
    where_opt_double(where, "start_time < ?", filter->before);
    add_time_of_day(where, filter);
    add_flags(where, filter);
    where_opt_double(where, INDEXES_SCORE " >= ?", filter->min_score);
    where_opt_double(where, INDEXES_SCORE " <= ?", filter->max_score);
    where_opt_double(where, "end_time - start_time >= ?", filter->min_length);
    where_opt_double(where, "end_time - start_time <= ?", filter->max_length);
}

/* ---- lists ----
 * Thumbnails make rows wide: a filter is decided on an index that holds all it asks for, and only
 * rows that are wanted are read. */

/* Which index finds the rows; NULL: SQLite knows best (a camera or a label, by time). */
static const char *index_for(struct db *db, const struct db_event_filter *filter,
                             enum db_event_sort sort)
{
    bool by_score = sort == DB_EVENT_SCORE_DESC || sort == DB_EVENT_SCORE_ASC;
    bool simple = filter->camera.count + filter->cameras.count <= 1 && filter->labels.count <= 1 &&
                  !filter->sub_labels.has && !filter->zones.has && !filter->has_clip.has &&
                  !filter->has_snapshot.has && filter->time_after == NULL;
    bool few = filter->favorites || (filter->in_progress.has && filter->in_progress.value != 0);
    const char *name = by_score                    ? "corvette_event_score"
                       : simple || few             ? NULL
                       : filter->labels.count == 1 ? "corvette_event_label_walk"
                                                   : "corvette_event_walk";
    return name != NULL && indexes_have(db, name) ? name : NULL;
}

static struct db_query *find(struct db *db, const struct db_event_filter *filter,
                             const struct where *where, const char *columns, const char *index)
{
    static const char *const order[] = {
        [DB_EVENT_DATE_DESC] = "start_time DESC",
        [DB_EVENT_DATE_ASC] = "start_time ASC",
        [DB_EVENT_SCORE_DESC] = INDEXES_SCORE " DESC, rowid",
        [DB_EVENT_SCORE_ASC] = INDEXES_SCORE " ASC, rowid",
    };
    enum db_event_sort sort = filter->sort != 0 ? filter->sort : DB_EVENT_DATE_DESC;
    AUTO_STR struct str head = {0}, tail = {0};
    str_addf(&head, "SELECT %s FROM event%s%s", columns, index != NULL ? " INDEXED BY " : "",
             index != NULL ? index : "");
    str_addf(&tail, " ORDER BY %s LIMIT ?", order[sort]);
    struct db_query *query = where_query(db, where, str_text(&head), str_text(&tail));
    db_bind_int(query, filter->limit.has ? filter->limit.value : -1);
    return query;
}

struct rowids {
    int64_t *items;
    size_t count, capacity;
};

static int find_rowids(struct db *db, const struct db_event_filter *filter,
                       const struct where *where, const char *index, struct rowids *rowids)
{
    AUTO_QUERY struct db_query *query = find(db, filter, where, "rowid", index);
    int result;
    while ((result = db_step(query)) == 1) {
        *MEM_PUSH(rowids->items, rowids->count, rowids->capacity) = db_int(query, 0);
    }
    return result;
}

/* Rows that went since they were found are passed over. */
static int list_rows(struct db *db, const struct rowids *rowids, const char *sql,
                     const struct row_field *fields, size_t count, struct str *out)
{
    int columns[ROW_FIELDS_MAX], result = 0;
    bool first = true;
    str_add_char(out, '[');
    for (size_t i = 0; i < rowids->count && result >= 0; i++) {
        AUTO_QUERY struct db_query *query = db_query(db, sql);
        db_bind_int(query, rowids->items[i]);
        result = db_step(query);
        if (result != 1) {
            continue;
        }
        if (first) {
            row_columns(query, fields, count, columns);
        } else {
            str_add_char(out, ',');
        }
        first = false;
        row_object(query, fields, count, columns, out);
    }
    str_add_char(out, ']');
    return result < 0 ? result : 0;
}

int db_event_list_json(struct db *db, const struct db_event_filter *filter, struct str *out)
{
    AUTO_WHERE struct where where = {0};
    add_filter(&where, filter);
    struct row_field fields[ARRAY_SIZE(list_fields)];
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_SIZE(list_fields); i++) {
        if (filter->thumbnails || strcmp(list_fields[i].name, "thumbnail") != 0) {
            fields[count++] = list_fields[i];
        }
    }
    const char *columns = filter->thumbnails ? LIST_COLUMNS ", thumbnail" : LIST_COLUMNS;
    const char *index = index_for(db, filter, filter->sort);
    if (index == NULL) {
        AUTO_QUERY struct db_query *query = find(db, filter, &where, columns, NULL);
        return row_list(query, fields, count, out);
    }
    struct rowids rowids = {0};
    AUTO_STR struct str sql = {0};
    str_addf(&sql, "SELECT %s FROM event WHERE rowid = ?", columns);
    int result = find_rowids(db, filter, &where, index, &rowids);
    if (result >= 0) {
        result = list_rows(db, &rowids, str_text(&sql), fields, count, out);
    }
    free(rowids.items);
    return result;
}

int db_event_json(struct db *db, const char *id, struct str *out)
{
    AUTO_QUERY struct db_query *query = db_query(db, "SELECT * FROM event WHERE id = ?");
    db_bind_text(query, id);
    int result = db_step(query);
    if (result != 1) {
        return result < 0 ? result : -ENOENT;
    }
    int columns[ROW_FIELDS_MAX];
    row_columns(query, all_fields, ARRAY_SIZE(all_fields), columns);
    row_object(query, all_fields, ARRAY_SIZE(all_fields), columns, out);
    return 0;
}

/* ---- names ----
 * Walks an index from one distinct value to the next, so the cost is that of the answer and not of
 * the table. */

static int text_list(struct db_query *query, struct str *out)
{
    int result;
    bool first = true;
    str_add_char(out, '[');
    while ((result = db_step(query)) == 1) {
        size_t length;
        const char *text = db_text(query, 0, &length);
        if (!first) {
            str_add_char(out, ',');
        }
        first = false;
        row_json_string(text, length, out);
    }
    str_add_char(out, ']');
    return result;
}

int db_event_labels_json(struct db *db, const char *camera, struct str *out)
{
    AUTO_QUERY struct db_query *query = db_query(
        db,
        camera == NULL
            ? "WITH RECURSIVE t (x) AS (SELECT min(label) FROM event UNION ALL SELECT (SELECT "
              "min(label) FROM event WHERE label > x) FROM t WHERE x IS NOT NULL) SELECT x "
              "FROM t WHERE x IS NOT NULL"
            : "WITH RECURSIVE t (x) AS (SELECT min(label) FROM event WHERE camera = ?1 UNION "
              "ALL SELECT (SELECT min(label) FROM event WHERE camera = ?1 AND label > x) FROM t "
              "WHERE x IS NOT NULL) SELECT x FROM t WHERE x IS NOT NULL");
    if (camera != NULL) {
        db_bind_text(query, camera);
    }
    return text_list(query, out);
}

/* Names out of joined ones ("bob, john"), sorted, without doubles. */
struct names {
    char **items;
    size_t count, capacity;
};

static void add_name(struct names *names, const char *text, size_t length)
{
    static const char blanks[] = " \t\r\n\v\f";
    while (length > 0 && strchr(blanks, *text) != NULL) {
        text++;
        length--;
    }
    while (length > 0 && strchr(blanks, text[length - 1]) != NULL) {
        length--;
    }
    *MEM_PUSH(names->items, names->count, names->capacity) = mem_strndup(text, length);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int split_list(struct db_query *query, struct str *out)
{
    struct names names = {0};
    int result;
    while ((result = db_step(query)) == 1) {
        const char *text = db_text(query, 0, NULL);
        if (strchr(text, ',') == NULL) {
            *MEM_PUSH(names.items, names.count, names.capacity) = mem_strdup(text);
            continue;
        }
        for (size_t length;; text += length + 1) {
            length = strcspn(text, ",");
            add_name(&names, text, length);
            if (text[length] == '\0') {
                break;
            }
        }
    }
    if (names.count > 0) {
        qsort(names.items, names.count, sizeof *names.items, compare_names);
    }
    struct jout json = {.out = out};
    jout_begin_array(&json);
    for (size_t i = 0; i < names.count; i++) {
        if (i == 0 || strcmp(names.items[i], names.items[i - 1]) != 0) {
            jout_string(&json, names.items[i]);
        }
    }
    jout_end_array(&json);
    for (size_t i = 0; i < names.count; i++) {
        free(names.items[i]);
    }
    free(names.items);
    return result;
}

int db_event_sub_labels_json(struct db *db, bool split, struct str *out)
{
    AUTO_QUERY struct db_query *query = db_query(
        db, "WITH RECURSIVE t (x) AS (SELECT min(sub_label) FROM event WHERE sub_label IS NOT NULL "
            "UNION ALL SELECT (SELECT min(sub_label) FROM event WHERE sub_label > x) FROM t WHERE "
            "x IS NOT NULL) SELECT x FROM t WHERE x IS NOT NULL");
    return split ? split_list(query, out) : text_list(query, out);
}
