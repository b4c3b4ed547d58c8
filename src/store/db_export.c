#include "store/db_export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "store/row_json.h"

struct change {
    struct db_export_job job;
    char *texts[6];
    bool in_progress;
};

static void free_change(void *data)
{
    struct change *change = data;
    for (size_t i = 0; i < ARRAY_SIZE(change->texts); i++) {
        free(change->texts[i]);
    }
    free(change);
}

static struct change *copy_job(const struct db_export_job *job, bool in_progress)
{
    struct change *change = mem_alloc(sizeof *change);
    change->job = *job;
    change->in_progress = in_progress;
    struct db_export *to = &change->job.export_;
    const char **const fields[] = {&to->id,         &to->camera,     &to->name,
                                   &to->video_path, &to->thumb_path, &change->job.playback};
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        change->texts[i] = mem_strdup(*fields[i] != NULL ? *fields[i] : "");
        *fields[i] = change->texts[i];
    }
    return change;
}

static int put_export(struct db *db, void *data)
{
    const struct change *change = data;
    const struct db_export *export_ = &change->job.export_;
    AUTO_QUERY struct db_query *query =
        db_query(db, "INSERT INTO export (id, camera, name, date, video_path, thumb_path, "
                     "in_progress) VALUES (?, ?, ?, ?, ?, ?, ?)");
    db_bind_text(query, export_->id);
    db_bind_text(query, export_->camera);
    db_bind_text(query, export_->name);
    db_bind_double(query, export_->date);
    db_bind_text(query, export_->video_path);
    db_bind_text(query, export_->thumb_path);
    db_bind_int(query, change->in_progress);
    return db_run(query);
}

static int put_job(struct db *db, void *data)
{
    const struct db_export_job *job = &((const struct change *)data)->job;
    AUTO_QUERY struct db_query *query =
        db_query(db, "INSERT INTO corvette_export (id, start_time, end_time, playback, attempts) "
                     "VALUES (?, ?, ?, ?, ?)");
    db_bind_text(query, job->export_.id);
    db_bind_double(query, job->start);
    db_bind_double(query, job->end);
    db_bind_text(query, job->playback);
    db_bind_int(query, job->attempts);
    return db_run(query);
}

void db_export_begin(struct store_work *work, const struct db_export_job *job)
{
    store_add(work, put_export, copy_job(job, true), free_change);
    store_add(work, put_job, copy_job(job, true), free_change);
}

void db_export_put(struct store_work *work, const struct db_export *export_)
{
    store_add(work, put_export, copy_job(&(struct db_export_job){.export_ = *export_}, false),
              free_change);
}

static int run_with(struct db *db, const char *sql, const char *text, const char *id)
{
    AUTO_QUERY struct db_query *query = db_query(db, sql);
    if (text != NULL) {
        db_bind_text(query, text);
    }
    db_bind_text(query, id);
    return db_run(query);
}

static int attempt(struct db *db, void *data)
{
    const struct db_export_job *job = &((const struct change *)data)->job;
    AUTO_QUERY struct db_query *query =
        db_query(db, "UPDATE corvette_export SET attempts = ? WHERE id = ?");
    db_bind_int(query, job->attempts);
    db_bind_text(query, job->export_.id);
    return db_run(query);
}

void db_export_attempt(struct store_work *work, const char *id, int attempts)
{
    struct db_export_job job = {.export_ = {.id = id}, .attempts = attempts};
    store_add(work, attempt, copy_job(&job, true), free_change);
}

static int finish(struct db *db, void *id)
{
    int result = run_with(db, "DELETE FROM corvette_export WHERE id = ?", NULL, id);
    return result < 0 ? result
                      : run_with(db, "UPDATE export SET in_progress = 0 WHERE id = ?", NULL, id);
}

void db_export_finish(struct store_work *work, const char *id)
{
    store_add(work, finish, mem_strdup(id), free);
}

static int delete_export(struct db *db, void *id)
{
    int result = run_with(db, "DELETE FROM corvette_export WHERE id = ?", NULL, id);
    return result < 0 ? result : run_with(db, "DELETE FROM export WHERE id = ?", NULL, id);
}

void db_export_delete(struct store_work *work, const char *id)
{
    store_add(work, delete_export, mem_strdup(id), free);
}

static int rename_export(struct db *db, void *data)
{
    const struct db_export *export_ = &((const struct change *)data)->job.export_;
    return run_with(db, "UPDATE export SET name = ? WHERE id = ?", export_->name, export_->id);
}

void db_export_rename(struct store_work *work, const char *id, const char *name)
{
    struct db_export_job job = {.export_ = {.id = id, .name = name}};
    store_add(work, rename_export, copy_job(&job, false), free_change);
}

/* ---- reading ---- */

static struct db_export read_export(struct db_query *query)
{
    return (struct db_export){
        .id = db_text(query, db_column(query, "id"), NULL),
        .camera = db_text(query, db_column(query, "camera"), NULL),
        .name = db_text(query, db_column(query, "name"), NULL),
        .date = db_double(query, db_column(query, "date")),
        .video_path = db_text(query, db_column(query, "video_path"), NULL),
        .thumb_path = db_text(query, db_column(query, "thumb_path"), NULL),
    };
}

int db_export_jobs(struct db *db, db_export_job_fn fn, void *context)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT e.*, j.start_time, j.end_time, j.playback, j.attempts "
                     "FROM corvette_export j JOIN export e ON e.id = j.id ORDER BY e.rowid");
    int result;
    while ((result = db_step(query)) == 1) {
        struct db_export_job job = {
            .export_ = read_export(query),
            .start = db_double(query, db_column(query, "start_time")),
            .end = db_double(query, db_column(query, "end_time")),
            .playback = db_text(query, db_column(query, "playback"), NULL),
            .attempts = (int)db_int(query, db_column(query, "attempts")),
        };
        fn(context, &job);
    }
    return result;
}

int db_export_stuck(struct db *db, void (*fn)(void *context, const struct db_export *export_),
                    void *context)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT * FROM export WHERE in_progress = 1 AND "
                     "id NOT IN (SELECT id FROM corvette_export)");
    int result;
    while ((result = db_step(query)) == 1) {
        struct db_export export_ = read_export(query);
        fn(context, &export_);
    }
    return result;
}

bool db_export_has_path(struct db *db, const char *video_path)
{
    AUTO_QUERY struct db_query *query = db_query(db, "SELECT 1 FROM export WHERE video_path = ?");
    db_bind_text(query, video_path);
    return db_step(query) == 1;
}

void db_export_found_finish(struct db_export_found *found)
{
    free(found->id);
    free(found->video_path);
    free(found->thumb_path);
    *found = (struct db_export_found){0};
}

static int find_by(struct db *db, const char *sql, const char *key, struct db_export_found *found)
{
    AUTO_QUERY struct db_query *query = db_query(db, sql);
    db_bind_text(query, key);
    int result = db_step(query);
    if (result == 1) {
        struct db_export export_ = read_export(query);
        *found = (struct db_export_found){mem_strdup(export_.id), mem_strdup(export_.video_path),
                                          mem_strdup(export_.thumb_path)};
    }
    return result < 0 ? result : result == 1 ? 0 : -ENOENT;
}

int db_export_find(struct db *db, const char *key, struct db_export_found *found)
{
    static const char *const queries[] = {
        "SELECT * FROM export WHERE id = ?",
        "SELECT * FROM export WHERE video_path IN ('/media/frigate/exports/' || ?1, "
        "'/media/frigate/exports/' || ?1 || '.mp4') LIMIT 1",
        "SELECT * FROM export WHERE name = ? LIMIT 1",
    };
    int result = -ENOENT;
    for (size_t i = 0; i < ARRAY_SIZE(queries) && result == -ENOENT; i++) {
        result = find_by(db, queries[i], key, found);
    }
    return result;
}

int db_export_list_json(struct db *db, struct str *out)
{
    static const struct row_field fields[] = {
        {"camera", ROW_TEXT},      {"date", ROW_NUMBER}, {"id", ROW_TEXT},
        {"in_progress", ROW_BOOL}, {"name", ROW_TEXT},   {"thumb_path", ROW_TEXT},
        {"video_path", ROW_TEXT},
    };
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT id, camera, name, date, video_path, thumb_path, in_progress "
                     "FROM export ORDER BY date DESC");
    return row_list(query, fields, ARRAY_SIZE(fields), out);
}
