#include "store/db_region.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "base/mem.h"

int db_region_get(struct db *db, const char *camera, struct str *grid_json, double *updated)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT grid, last_update FROM regions WHERE camera = ? AND grid IS NOT NULL");
    db_bind_text(query, camera);
    int result = db_step(query);
    if (result != 1) {
        return result < 0 ? result : -ENOENT;
    }
    str_add(grid_json, db_text(query, db_column(query, "grid"), NULL));
    *updated = db_double(query, db_column(query, "last_update"));
    return 0;
}

struct grid {
    char *camera, *json;
    double updated;
};

static void free_grid(void *data)
{
    struct grid *grid = data;
    free(grid->camera);
    free(grid->json);
    free(grid);
}

static int put(struct db *db, void *data)
{
    const struct grid *grid = data;
    AUTO_QUERY struct db_query *query =
        db_query(db, "INSERT INTO regions (camera, last_update, grid) VALUES (?, ?, json(?)) "
                     "ON CONFLICT (camera) DO UPDATE SET last_update = excluded.last_update, "
                     "grid = excluded.grid");
    db_bind_text(query, grid->camera);
    db_bind_double(query, grid->updated);
    db_bind_text(query, grid->json);
    return db_run(query);
}

void db_region_put(struct store_work *work, const char *camera, const char *grid_json,
                   double updated)
{
    struct grid *grid = mem_alloc(sizeof *grid);
    grid->camera = mem_strdup(camera);
    grid->json = mem_strdup(grid_json);
    grid->updated = updated;
    store_add(work, put, grid, free_grid);
}

static int keep_only(struct db *db, void *data)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "DELETE FROM regions WHERE camera NOT IN (SELECT value FROM json_each(?))");
    db_bind_text(query, data);
    return db_run(query);
}

void db_region_keep_only(struct store_work *work, const char *const *cameras, size_t count)
{
    struct str list = {0};
    struct jout json = {.out = &list};
    jout_begin_array(&json);
    for (size_t i = 0; i < count; i++) {
        jout_string(&json, cameras[i]);
    }
    jout_end_array(&json);
    store_add(work, keep_only, str_steal(&list), free);
}
