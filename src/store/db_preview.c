#include "store/db_preview.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "base/mem.h"
#include "store/rollup.h"
#include "store/row_json.h"

#define COLUMNS "SELECT id, camera, path, start_time, end_time, duration FROM previews "

static void free_preview(void *data)
{
    struct db_preview *preview = data;
    free((void *)(uintptr_t)preview->id);
    free((void *)(uintptr_t)preview->camera);
    free((void *)(uintptr_t)preview->path);
    free(preview);
}

static int put(struct db *db, void *data)
{
    const struct db_preview *preview = data;
    AUTO_QUERY struct db_query *query =
        db_query(db, "INSERT OR REPLACE INTO previews (id, camera, path, start_time, end_time, "
                     "duration) VALUES (?, ?, ?, ?, ?, ?)");
    db_bind_text(query, preview->id);
    db_bind_text(query, preview->camera);
    db_bind_text(query, preview->path);
    db_bind_double(query, preview->start_time);
    db_bind_double(query, preview->end_time);
    db_bind_double(query, preview->duration);
    return db_run(query);
}

void db_preview_put(struct store_work *work, const struct db_preview *preview)
{
    struct db_preview *copy = mem_dup(preview, sizeof *preview);
    copy->id = mem_strdup(preview->id);
    copy->camera = mem_strdup(preview->camera);
    copy->path = mem_strdup(preview->path);
    store_add(work, put, copy, free_preview);
}

static int delete_preview(struct db *db, void *id)
{
    AUTO_QUERY struct db_query *query = db_query(db, "DELETE FROM previews WHERE id = ?");
    db_bind_text(query, id);
    return db_run(query);
}

void db_preview_delete(struct store_work *work, const char *id)
{
    store_add(work, delete_preview, mem_strdup(id), free);
}

/* ---- reading ---- */

static void add_object(struct db_query *query, const int *columns, struct jout *json)
{
    static const char root[] = "/media/frigate";
    const char *path = db_text(query, columns[1], NULL);
    AUTO_STR struct str start = {0}, end = {0};
    row_value(query, columns[2], ROW_NUMBER, &start);
    row_value(query, columns[3], ROW_NUMBER, &end);
    jout_begin_object(json);
    jout_put_string(json, "camera", db_text(query, columns[0], NULL));
    jout_put_raw(json, "end", str_text(&end));
    jout_put_string(json, "src", str_starts(path, root) ? path + sizeof root - 1 : path);
    jout_put_raw(json, "start", str_text(&start));
    jout_put_string(json, "type", "video/mp4");
    jout_end_object(json);
}

int db_preview_list_json(struct db *db, const char *camera, double after, double before,
                         struct str *out, size_t *count)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, COLUMNS "WHERE (?1 IS NULL OR camera = ?1) AND (start_time BETWEEN ?2 AND ?3 "
                             "OR end_time BETWEEN ?2 AND ?3 OR (start_time < ?2 AND end_time > "
                             "?3)) ORDER BY start_time");
    db_bind_text(query, camera);
    db_bind_double(query, after);
    db_bind_double(query, before);
    const int columns[] = {db_column(query, "camera"), db_column(query, "path"),
                           db_column(query, "start_time"), db_column(query, "end_time")};
    struct jout json = {.out = out};
    int result;
    *count = 0;
    jout_begin_array(&json);
    while ((result = db_step(query)) == 1) {
        add_object(query, columns, &json);
        ++*count;
    }
    jout_end_array(&json);
    return result;
}

int db_preview_each(struct db *db, const char *camera, double after, double before,
                    db_preview_fn fn, void *context)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, COLUMNS "WHERE (?1 IS NULL OR camera = ?1) AND start_time <= ?3 AND end_time "
                             ">= ?2 ORDER BY start_time");
    db_bind_text(query, camera);
    db_bind_double(query, after);
    db_bind_double(query, before);
    int result;
    while ((result = db_step(query)) == 1) {
        struct db_preview preview = {
            .id = db_text(query, 0, NULL),
            .camera = db_text(query, 1, NULL),
            .path = db_text(query, 2, NULL),
            .start_time = db_double(query, 3),
            .end_time = db_double(query, 4),
            .duration = db_double(query, 5),
        };
        fn(context, &preview);
    }
    return result;
}

int db_preview_recorded(struct db *db, db_preview_quarter_fn fn, void *context)
{
    AUTO_QUERY struct db_query *query = db_query(
        db, rollup_is_ready(db) ? "SELECT camera, quarter, duration FROM corvette_quarter WHERE "
                                  "segments > 0 ORDER BY camera, quarter"
                                : "SELECT camera, CAST(start_time AS INTEGER) / 900 AS quarter, "
                                  "sum(duration) FROM recordings GROUP BY 1, 2 ORDER BY 1, 2");
    int result;
    while ((result = db_step(query)) == 1) {
        fn(context, db_text(query, 0, NULL), db_int(query, 1), db_double(query, 2));
    }
    return result;
}
