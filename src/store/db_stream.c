#include "store/db_stream.h"

#include <stdlib.h>

#include "base/mem.h"

struct mark {
    char *camera;
    double start_time;
    bool changed;
};

static void free_mark(void *data)
{
    struct mark *mark = data;
    free(mark->camera);
    free(mark);
}

static int put(struct db *db, void *data)
{
    const struct mark *mark = data;
    AUTO_QUERY struct db_query *query =
        db_query(db, mark->changed ? "INSERT OR IGNORE INTO corvette_stream_change "
                                     "(camera, start_time) VALUES (?, ?)"
                                   : "DELETE FROM corvette_stream_change "
                                     "WHERE camera = ? AND start_time = ?");
    db_bind_text(query, mark->camera);
    db_bind_double(query, mark->start_time);
    return db_run(query);
}

void db_stream_mark(struct store_work *work, const char *camera, double start_time, bool changed)
{
    struct mark *mark = mem_alloc(sizeof *mark);
    *mark = (struct mark){mem_strdup(camera), start_time, changed};
    store_add(work, put, mark, free_mark);
}

/* 1: those of the newest recording, 0: not known, or -errno. */
static int last_parameters(struct db *db, const char *camera, uint64_t *parameters)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT parameters FROM corvette_stream WHERE camera = ?");
    db_bind_text(query, camera);
    int result = db_step(query);
    *parameters = result == 1 ? (uint64_t)db_int(query, 0) : 0;
    return result;
}

static bool has_before(struct db *db, const char *camera, double start_time)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT 1 FROM recordings WHERE camera = ? AND start_time < ? LIMIT 1");
    db_bind_text(query, camera);
    db_bind_double(query, start_time);
    return db_step(query) == 1;
}

int db_stream_recorded(struct db *db, const char *camera, double start_time, uint64_t parameters)
{
    uint64_t last;
    int result = last_parameters(db, camera, &last);
    if (result < 0 || last == parameters) {
        return result < 0 ? result : 0;
    }
    /* Not known: what is there was recorded by somebody else, and will differ. */
    if (result == 1 || has_before(db, camera, start_time)) {
        struct mark mark = {(char *)(uintptr_t)camera, start_time, true};
        result = put(db, &mark);
        if (result < 0) {
            return result;
        }
    }
    AUTO_QUERY struct db_query *query =
        db_query(db, "INSERT OR REPLACE INTO corvette_stream (camera, parameters) VALUES (?, ?)");
    db_bind_text(query, camera);
    db_bind_int(query, (int64_t)parameters);
    result = db_run(query);
    return result < 0 ? result : 0;
}

int db_stream_changes(struct db *db, const char *camera, double after, double before,
                      double **times, size_t *count)
{
    AUTO_QUERY struct db_query *query = db_query(
        db, "SELECT start_time FROM corvette_stream_change "
            "WHERE camera = ? AND start_time >= ? AND start_time <= ? ORDER BY start_time");
    db_bind_text(query, camera);
    db_bind_double(query, after);
    db_bind_double(query, before);
    size_t capacity = 0;
    *times = NULL;
    *count = 0;
    int result;
    while ((result = db_step(query)) == 1) {
        *MEM_PUSH(*times, *count, capacity) = db_double(query, 0);
    }
    return result;
}
