/* record.sync_recordings: rows whose file is gone go too. (Files without a row are taken in anyway,
 * adopt.h.) Never when more than half of them seem to be gone, nor for rows that may lie on another
 * disk. */
#ifndef CORVETTE_FOOTAGE_SYNC_H
#define CORVETTE_FOOTAGE_SYNC_H

#include <stdbool.h>

#include "footage/volume.h"
#include "store/store.h"

/* All recordings that begin from `from` on. */
void sync_rows(struct store *store, const char *data_dir, const struct volume *volume, double from,
               bool (*stopping)(void *context), void *context);

#endif
