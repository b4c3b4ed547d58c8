/* Table corvette_volume: the disks recordings were kept on, by their identity. */
#ifndef CORVETTE_STORE_DB_VOLUME_H
#define CORVETTE_STORE_DB_VOLUME_H

#include "store/store.h"

struct db_volume {
    char id[40];
    double first_seen; /* rows of segments from then on are of this disk */
    double adopted_at; /* footage from before came with it; 0 = none did */
};

/* Inserts, or updates last_seen. */
void db_volume_put(struct store_work *work, const struct db_volume *volume, double now);
/* 0, -ENOENT or -errno. */
int db_volume_get(struct db *db, const char *id, struct db_volume *volume);

/* Paths of the newest `limit` rows of recordings. False ends. Number of rows or -errno. */
typedef bool (*db_volume_path_fn)(void *context, const char *path);
int db_volume_newest(struct db *db, int limit, db_volume_path_fn fn, void *context);

#endif
