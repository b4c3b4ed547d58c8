#include "store/db_manual.h"

#include <stdlib.h>

#include "base/mem.h"

struct change {
    char *name; /* event or camera */
    double start, end;
};

static void free_change(void *data)
{
    struct change *change = data;
    free(change->name);
    free(change);
}

static void add(struct store_work *work, store_change_fn fn, const char *name, double start,
                double end)
{
    struct change *change = mem_alloc(sizeof *change);
    *change = (struct change){mem_strdup(name), start, end};
    store_add(work, fn, change, free_change);
}

static int end_event(struct db *db, void *data)
{
    const struct change *change = data;
    AUTO_QUERY struct db_query *query = db_query(db, "UPDATE event SET end_time = ? WHERE id = ?");
    db_bind_double(query, change->end);
    db_bind_text(query, change->name);
    return db_run(query);
}

void db_manual_end(struct store_work *work, const char *id, double end_time)
{
    add(work, end_event, id, 0, end_time);
}

/* A segment is at most 600 s long: that bounds the walk over the index. */
static int claim(struct db *db, void *data)
{
    const struct change *change = data;
    AUTO_QUERY struct db_query *query =
        db_query(db, "UPDATE recordings SET objects = coalesce(objects, 0) + 1 WHERE camera = ? "
                     "AND start_time >= ? AND start_time <= ? AND end_time >= ?");
    db_bind_text(query, change->name);
    db_bind_double(query, change->start - 600);
    db_bind_double(query, change->end);
    db_bind_double(query, change->start);
    return db_run(query);
}

void db_manual_claim(struct store_work *work, const char *camera, double start, double end)
{
    add(work, claim, camera, start, end);
}

/* None lasts longer than a day, which bounds the walk over the index of times. */
int db_manual_running(struct db *db, double now, db_manual_fn fn, void *context)
{
    AUTO_QUERY struct db_query *query = db_query(
        db, "SELECT id, camera, label, sub_label, start_time, end_time, has_clip FROM event "
            "WHERE start_time >= ? AND (end_time IS NULL OR end_time > ?) "
            "AND " DB_MANUAL_OVER_API);
    db_bind_double(query, now - 2 * DB_MANUAL_LONGEST_S);
    db_bind_double(query, now);
    int result;
    while ((result = db_step(query)) == 1) {
        struct db_manual_row row = {
            .id = db_text(query, 0, NULL),
            .camera = db_text(query, 1, NULL),
            .label = db_text(query, 2, NULL),
            .sub_label = db_is_null(query, 3) ? NULL : db_text(query, 3, NULL),
            .start_time = db_double(query, 4),
            .end_time = {!db_is_null(query, 5), db_double(query, 5)},
            .has_clip = db_int(query, 6) != 0,
        };
        fn(context, &row);
    }
    return result;
}
