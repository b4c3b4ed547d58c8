#include "store/db_event.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "base/mem.h"
#include "store/db_manual.h"

/* ---- writing ---- */

/* A copy of what the caller described; the texts are owned. */
static void free_event(void *data)
{
    struct db_event *event = data;
    const char *const texts[] = {event->id,         event->label,         event->camera,
                                 event->zones_json, event->thumbnail,     event->sub_label,
                                 event->model_hash, event->detector_type, event->model_type,
                                 event->data_json};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        free((void *)(uintptr_t)texts[i]);
    }
    free(event);
}

static const char *copy_of(const char *text)
{
    return text != NULL ? mem_strdup(text) : NULL;
}

/* json(): text that is not JSON must not get into a column whose readers take it for JSON. */
static int put(struct db *db, void *data)
{
    const struct db_event *event = data;
    AUTO_QUERY struct db_query *query = db_query(
        db, "INSERT INTO event (id, label, camera, start_time, end_time, zones, thumbnail, "
            "has_clip, has_snapshot, sub_label, model_hash, detector_type, model_type, data, "
            "retain_indefinitely, ratio, top_score, false_positive, region, box, area, plus_id, "
            "score) VALUES (?, ?, ?, ?, ?, json(?), ?, ?, ?, ?, ?, ?, ?, json(?), 0, 1.0, NULL, "
            "NULL, NULL, NULL, NULL, NULL, NULL) ON CONFLICT (id) DO UPDATE SET "
            "label = excluded.label, camera = excluded.camera, start_time = excluded.start_time, "
            "end_time = excluded.end_time, zones = excluded.zones, "
            "thumbnail = excluded.thumbnail, has_clip = excluded.has_clip, "
            "has_snapshot = excluded.has_snapshot, "
            "sub_label = coalesce(excluded.sub_label, sub_label), "
            "model_hash = excluded.model_hash, detector_type = excluded.detector_type, "
            "model_type = excluded.model_type, "
            "data = CASE WHEN json_extract(excluded.data, '$.sub_label_score') IS NULL AND "
            "json_extract(data, '$.sub_label_score') IS NOT NULL THEN json_set(excluded.data, "
            "'$.sub_label_score', json_extract(data, '$.sub_label_score')) "
            "ELSE excluded.data END");
    db_bind_text(query, event->id);
    db_bind_text(query, event->label);
    db_bind_text(query, event->camera);
    db_bind_double(query, event->start_time);
    db_bind_opt_double(query, event->end_time);
    db_bind_text(query, event->zones_json);
    db_bind_text(query, event->thumbnail);
    db_bind_int(query, event->has_clip);
    db_bind_int(query, event->has_snapshot);
    db_bind_text(query, event->sub_label);
    db_bind_text(query, event->model_hash);
    db_bind_text(query, event->detector_type);
    db_bind_text(query, event->model_type);
    db_bind_text(query, event->data_json);
    return db_run(query);
}

void db_event_put(struct store_work *work, const struct db_event *event)
{
    struct db_event *copy = mem_dup(event, sizeof *event);
    copy->id = copy_of(event->id);
    copy->label = copy_of(event->label);
    copy->camera = copy_of(event->camera);
    copy->zones_json = copy_of(event->zones_json);
    copy->thumbnail = copy_of(event->thumbnail);
    copy->sub_label = copy_of(event->sub_label);
    copy->model_hash = copy_of(event->model_hash);
    copy->detector_type = copy_of(event->detector_type);
    copy->model_type = copy_of(event->model_type);
    copy->data_json = copy_of(event->data_json);
    store_add(work, put, copy, free_event);
}

/* A change of one event by id with at most a number and a text beside it. */
struct edit {
    char *id;
    double number;
    char *text;  /* owned, NULL allowed */
    char *score; /* JSON number, NULL = leave */
    bool flag;
};

static void free_edit(void *data)
{
    struct edit *edit = data;
    free(edit->id);
    free(edit->text);
    free(edit->score);
    free(edit);
}

static struct edit *new_edit(const char *id)
{
    struct edit *edit = mem_alloc(sizeof *edit);
    edit->id = id != NULL ? mem_strdup(id) : NULL;
    return edit;
}

static int end_all(struct db *db, void *data)
{
    const struct edit *edit = data;
    AUTO_QUERY struct db_query *query =
        db_query(db, "UPDATE event SET end_time = ?, has_snapshot = 0 WHERE end_time IS NULL");
    db_bind_double(query, edit->number);
    return db_run(query);
}

void db_event_end_all(struct store_work *work, double now)
{
    struct edit *edit = new_edit(NULL);
    edit->number = now;
    store_add(work, end_all, edit, free_edit);
}

/* Those made over the API end when they are told to, or after their longest time. */
static int repair(struct db *db, void *data)
{
    const struct edit *edit = data;
    AUTO_QUERY struct db_query *query =
        db_query(db, "UPDATE event SET end_time = start_time + CASE WHEN " DB_MANUAL_OVER_API
                     " THEN ?1 ELSE 30 END WHERE end_time IS NULL AND NOT (" DB_MANUAL_OVER_API
                     " AND start_time > ?2)");
    db_bind_double(query, DB_MANUAL_LONGEST_S);
    db_bind_double(query, edit->number - DB_MANUAL_LONGEST_S);
    return db_run(query);
}

void db_event_repair(struct store_work *work, double now)
{
    struct edit *edit = new_edit(NULL);
    edit->number = now;
    store_add(work, repair, edit, free_edit);
}

static int delete_event(struct db *db, void *data)
{
    const struct edit *edit = data;
    AUTO_QUERY struct db_query *timeline = db_query(db, "DELETE FROM timeline WHERE source_id = ?");
    db_bind_text(timeline, edit->id);
    int result = db_run(timeline);
    if (result < 0) {
        return result;
    }
    AUTO_QUERY struct db_query *query = db_query(db, "DELETE FROM event WHERE id = ?");
    db_bind_text(query, edit->id);
    return db_run(query);
}

void db_event_delete(struct store_work *work, const char *id)
{
    store_add(work, delete_event, new_edit(id), free_edit);
}

static int retain(struct db *db, void *data)
{
    const struct edit *edit = data;
    AUTO_QUERY struct db_query *query =
        db_query(db, "UPDATE event SET retain_indefinitely = ? WHERE id = ?");
    db_bind_int(query, edit->flag);
    db_bind_text(query, edit->id);
    return db_run(query);
}

void db_event_retain(struct store_work *work, const char *id, bool flag)
{
    struct edit *edit = new_edit(id);
    edit->flag = flag;
    store_add(work, retain, edit, free_edit);
}

static int set_sub_label(struct db *db, void *data)
{
    const struct edit *edit = data;
    AUTO_QUERY struct db_query *query = db_query(
        db, edit->score != NULL ? "UPDATE event SET sub_label = ?, "
                                  "data = json_set(data, '$.sub_label_score', json(?)) WHERE id = ?"
                                : "UPDATE event SET sub_label = ? WHERE id = ?");
    db_bind_text(query, edit->text);
    if (edit->score != NULL) {
        db_bind_text(query, edit->score);
    }
    db_bind_text(query, edit->id);
    int result = db_run(query);
    if (result < 0 || !edit->flag) {
        return result;
    }
    AUTO_STR struct str pair = {0};
    struct jout json = {.out = &pair};
    jout_begin_array(&json);
    jout_string(&json, edit->text);
    jout_raw(&json, edit->score != NULL ? edit->score : "null");
    jout_end_array(&json);
    AUTO_QUERY struct db_query *timeline = db_query(
        db,
        "UPDATE timeline SET data = json_set(data, '$.sub_label', json(?)) WHERE source_id = ?");
    db_bind_text(timeline, str_text(&pair));
    db_bind_text(timeline, edit->id);
    int rows = db_run(timeline);
    return rows < 0 ? rows : result;
}

void db_event_sub_label(struct store_work *work, const char *id, const char *sub_label,
                        struct db_opt_double score, bool timeline)
{
    struct edit *edit = new_edit(id);
    edit->text = mem_strdup(sub_label);
    edit->flag = timeline;
    if (score.has) {
        struct str text = {0};
        struct jout json = {.out = &text};
        jout_number(&json, score.value);
        edit->score = str_steal(&text);
    }
    store_add(work, set_sub_label, edit, free_edit);
}

/* ---- single rows ---- */

void db_event_row_finish(struct db_event_row *row)
{
    free(row->id);
    free(row->camera);
    free(row->label);
    free(row->sub_label);
    free(row->thumbnail);
    *row = (struct db_event_row){0};
}

#define ROW_COLUMNS                                                                           \
    "SELECT id, camera, label, sub_label, start_time, end_time, has_clip, has_snapshot, "     \
    "thumbnail, CASE WHEN json_valid(data) THEN "                                             \
    "coalesce(json_extract(data, '$.type'), 'object') = 'object' ELSE 1 END AS tracked FROM " \
    "event "

static char *copy_column(struct db_query *query, const char *name)
{
    int column = db_column(query, name);
    return db_is_null(query, column) ? NULL : mem_strdup(db_text(query, column, NULL));
}

static int read_row(struct db_query *query, struct db_event_row *row)
{
    *row = (struct db_event_row){0};
    int result = db_step(query);
    if (result != 1) {
        return result < 0 ? result : -ENOENT;
    }
    int end_time = db_column(query, "end_time");
    row->id = copy_column(query, "id");
    row->camera = copy_column(query, "camera");
    row->label = copy_column(query, "label");
    row->sub_label = copy_column(query, "sub_label");
    row->start_time = db_double(query, db_column(query, "start_time"));
    row->end_time.has = !db_is_null(query, end_time);
    row->end_time.value = db_double(query, end_time);
    row->has_clip = db_int(query, db_column(query, "has_clip")) != 0;
    row->has_snapshot = db_int(query, db_column(query, "has_snapshot")) != 0;
    row->tracked = db_int(query, db_column(query, "tracked")) != 0;
    row->thumbnail = copy_column(query, "thumbnail");
    return 0;
}

int db_event_get(struct db *db, const char *id, struct db_event_row *row)
{
    AUTO_QUERY struct db_query *query = db_query(db, ROW_COLUMNS "WHERE id = ?");
    db_bind_text(query, id);
    return read_row(query, row);
}

static int latest(struct db *db, const char *camera, const char *label, const char *with_label,
                  const char *any_label, struct db_event_row *row)
{
    bool any = strcmp(label, "any") == 0;
    AUTO_QUERY struct db_query *query = db_query(db, any ? any_label : with_label);
    db_bind_text(query, camera);
    if (!any) {
        db_bind_text(query, label);
    }
    return read_row(query, row);
}

int db_event_latest(struct db *db, const char *camera, const char *label, struct db_event_row *row)
{
    return latest(db, camera, label,
                  ROW_COLUMNS "WHERE camera = ? AND label = ? ORDER BY id DESC LIMIT 1",
                  ROW_COLUMNS "WHERE camera = ? ORDER BY id DESC LIMIT 1", row);
}

int db_event_latest_clip(struct db *db, const char *camera, const char *label,
                         struct db_event_row *row)
{
    return latest(db, camera, label,
                  ROW_COLUMNS
                  "WHERE camera = ? AND label = ? AND has_clip = 1 ORDER BY id DESC LIMIT 1",
                  ROW_COLUMNS "WHERE camera = ? AND has_clip = 1 ORDER BY id DESC LIMIT 1", row);
}

int db_event_latest_snapshot(struct db *db, const char *camera, const char *label,
                             struct db_event_row *row)
{
    return latest(
        db, camera, label,
        ROW_COLUMNS
        "WHERE camera = ? AND label = ? AND has_snapshot = 1 ORDER BY start_time DESC LIMIT 1",
        ROW_COLUMNS "WHERE camera = ? AND has_snapshot = 1 ORDER BY start_time DESC LIMIT 1", row);
}

int db_event_boxes(struct db *db, const char *camera, double since, db_event_box_fn fn,
                   void *context)
{
    AUTO_QUERY struct db_query *query = db_query(
        db, "SELECT json_extract(data, '$.box[0]'), json_extract(data, '$.box[1]'), "
            "json_extract(data, '$.box[2]'), json_extract(data, '$.box[3]'), "
            "json_extract(data, '$.region[0]'), json_extract(data, '$.region[1]'), "
            "json_extract(data, '$.region[2]'), json_extract(data, '$.region[3]') "
            "FROM event WHERE camera = ? AND start_time > ? AND end_time IS NOT NULL "
            "AND coalesce(false_positive, 0) = 0 AND json_extract(data, '$.box') IS NOT NULL "
            "ORDER BY start_time");
    db_bind_text(query, camera);
    db_bind_double(query, since);
    int result;
    while ((result = db_step(query)) == 1) {
        double box[4], region[4];
        for (int i = 0; i < 4; i++) {
            box[i] = db_double(query, i);
            region[i] = db_double(query, 4 + i);
        }
        fn(context, box, region);
    }
    return result;
}
