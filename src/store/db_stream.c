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
