/* Table regions: the learned region grid of each camera, as Frigate's JSON text. */
#ifndef CORVETTE_STORE_DB_REGION_H
#define CORVETTE_STORE_DB_REGION_H

#include "store/store.h"

/* Appends the grid's JSON and its time; 0 or -ENOENT, -errno. */
int db_region_get(struct db *db, const char *camera, struct str *grid_json, double *updated);
void db_region_put(struct store_work *work, const char *camera, const char *grid_json,
                   double updated);
/* Rows of cameras that are not in the list go. */
void db_region_keep_only(struct store_work *work, const char *const *cameras, size_t count);

#endif
