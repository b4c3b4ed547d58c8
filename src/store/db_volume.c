#include "store/db_volume.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

struct put {
    struct db_volume volume;
    double now;
};

static int put(struct db *db, void *data)
{
    const struct put *change = data;
    AUTO_QUERY struct db_query *query =
        db_query(db, "INSERT INTO corvette_volume (id, first_seen, last_seen, adopted_at) "
                     "VALUES (?, ?, ?, ?) "
                     "ON CONFLICT (id) DO UPDATE SET last_seen = excluded.last_seen");
    db_bind_text(query, change->volume.id);
    db_bind_double(query, change->volume.first_seen);
    db_bind_double(query, change->now);
    db_bind_double(query, change->volume.adopted_at);
    return db_run(query);
}

void db_volume_put(struct store_work *work, const struct db_volume *volume, double now)
{
    struct put *change = mem_alloc(sizeof *change);
    *change = (struct put){*volume, now};
    store_add(work, put, change, free);
}

int db_volume_get(struct db *db, const char *id, struct db_volume *volume)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT first_seen, adopted_at FROM corvette_volume WHERE id = ?");
    db_bind_text(query, id);
    int result = db_step(query);
    if (result == 1) {
        *volume = (struct db_volume){.first_seen = db_double(query, 0),
                                     .adopted_at = db_double(query, 1)};
        snprintf(volume->id, sizeof volume->id, "%s", id);
    }
    return result < 0 ? result : result == 1 ? 0 : -ENOENT;
}

int db_volume_newest(struct db *db, int limit, db_volume_path_fn fn, void *context)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT path FROM recordings ORDER BY start_time DESC LIMIT ?");
    db_bind_int(query, limit);
    int count = 0, result;
    while ((result = db_step(query)) == 1) {
        count++;
        if (!fn(context, db_text(query, 0, NULL))) {
            break;
        }
    }
    return result < 0 ? result : count;
}
