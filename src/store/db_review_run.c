#include "store/db_review_run.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/mem.h"

/* --- whole rows --- */

static void free_review(void *data)
{
    struct db_review *review = data;
    const char *const texts[] = {review->id, review->camera, review->severity, review->thumb_path,
                                 review->data_json};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        free((void *)(uintptr_t)texts[i]);
    }
    free(review);
}

static int set_active(struct db *db, const char *id, double last_activity)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "INSERT INTO corvette_review (id, last_activity) VALUES (?, ?) "
                     "ON CONFLICT (id) DO UPDATE SET last_activity = excluded.last_activity");
    db_bind_text(query, id);
    db_bind_double(query, last_activity);
    return db_run(query);
}

static int forget_active(struct db *db, const char *id)
{
    AUTO_QUERY struct db_query *query = db_query(db, "DELETE FROM corvette_review WHERE id = ?");
    db_bind_text(query, id);
    return db_run(query);
}

static int put(struct db *db, void *data)
{
    const struct db_review *review = data;
    AUTO_QUERY struct db_query *query = db_query(
        db, "INSERT INTO reviewsegment (id, camera, start_time, end_time, severity, thumb_path, "
            "data, has_been_reviewed) VALUES (?, ?, ?, ?, ?, ?, json(?), 0) "
            "ON CONFLICT (id) DO UPDATE SET camera = excluded.camera, "
            "start_time = excluded.start_time, end_time = excluded.end_time, "
            "severity = excluded.severity, thumb_path = excluded.thumb_path, data = excluded.data");
    db_bind_text(query, review->id);
    db_bind_text(query, review->camera);
    db_bind_double(query, review->start_time);
    db_bind_opt_double(query, review->end_time);
    db_bind_text(query, review->severity);
    db_bind_text(query, review->thumb_path);
    db_bind_text(query, review->data_json);
    int changed = db_run(query);
    if (changed < 0) {
        return changed;
    }
    int result = review->end_time.has ? forget_active(db, review->id)
                                      : set_active(db, review->id, review->last_activity);
    return result < 0 ? result : changed;
}

void db_review_put(struct store_work *work, const struct db_review *review)
{
    struct db_review *copy = mem_dup(review, sizeof *review);
    copy->id = mem_strdup(review->id);
    copy->camera = mem_strdup(review->camera);
    copy->severity = mem_strdup(review->severity);
    copy->thumb_path = mem_strdup(review->thumb_path);
    copy->data_json = mem_strdup(review->data_json);
    store_add(work, put, copy, free_review);
}

/* --- running items --- */

struct instant {
    char *id;
    double time;
};

static struct instant *new_instant(const char *id, double time)
{
    struct instant *instant = mem_alloc(sizeof *instant);
    *instant = (struct instant){mem_strdup(id), time};
    return instant;
}

static void free_instant(void *data)
{
    struct instant *instant = data;
    free(instant->id);
    free(instant);
}

static int stay_active(struct db *db, void *data)
{
    const struct instant *instant = data;
    AUTO_QUERY struct db_query *query =
        db_query(db, "UPDATE corvette_review SET last_activity = ? WHERE id = ?");
    db_bind_double(query, instant->time);
    db_bind_text(query, instant->id);
    return db_run(query);
}

void db_review_active(struct store_work *work, const char *id, double last_activity)
{
    store_add(work, stay_active, new_instant(id, last_activity), free_instant);
}

static int end(struct db *db, void *data)
{
    const struct instant *instant = data;
    AUTO_QUERY struct db_query *query =
        db_query(db, "UPDATE reviewsegment SET end_time = ? WHERE id = ? AND end_time IS NULL");
    db_bind_double(query, instant->time);
    db_bind_text(query, instant->id);
    int changed = db_run(query);
    int result = changed < 0 ? changed : forget_active(db, instant->id);
    return result < 0 ? result : changed;
}

void db_review_end(struct store_work *work, const char *id, double end_time)
{
    store_add(work, end, new_instant(id, end_time), free_instant);
}

static int tidy(struct db *db, void *data)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "DELETE FROM corvette_review WHERE id NOT IN (SELECT id FROM reviewsegment "
                     "WHERE end_time IS NULL)");
    return db_run(query);
}

void db_review_tidy(struct store_work *work)
{
    store_add(work, tidy, NULL, NULL);
}

int db_review_running(struct db *db, double now, db_review_fn fn, void *context)
{
    AUTO_QUERY struct db_query *query = db_query(
        db, "SELECT r.id, r.camera, r.start_time, r.severity, r.thumb_path, r.data, "
            "max(r.start_time, coalesce(a.last_activity, min(?, (SELECT max(coalesce(e.end_time, "
            "e.start_time)) FROM event e WHERE e.id IN (SELECT value FROM json_each(CASE WHEN "
            "json_valid(r.data) THEN r.data ELSE '{}' END, '$.detections')))), r.start_time)) "
            "FROM reviewsegment r "
            "LEFT JOIN corvette_review a ON a.id = r.id WHERE r.end_time IS NULL "
            "ORDER BY r.start_time DESC");
    db_bind_double(query, now);
    int result;
    while ((result = db_step(query)) == 1) {
        fn(context, &(struct db_review){
                        .id = db_text(query, 0, NULL),
                        .camera = db_text(query, 1, NULL),
                        .start_time = db_double(query, 2),
                        .severity = db_text(query, 3, NULL),
                        .thumb_path = db_text(query, 4, NULL),
                        .data_json = db_text(query, 5, NULL),
                        .last_activity = db_double(query, 6),
                    });
    }
    return result;
}
