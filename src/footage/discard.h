/* What a person throws away: review items together with all the recordings that overlap them. In
 * the order of removal.h, files before rows, so that a crash in between leaves an item that can be
 * thrown away again. Waits for disk and database: not for the loop's thread. */
#ifndef CORVETTE_FOOTAGE_DISCARD_H
#define CORVETTE_FOOTAGE_DISCARD_H

#include <stddef.h>

#include "footage/volume.h"
#include "store/store.h"

/* An item that still runs reaches until `now`. Unknown ids are passed over. 0, or -errno: the disk
 * or the database is not to be used now, some of it may be gone already. */
int discard_reviews(struct store *store, const char *data_dir, const struct volume *volume,
                    const char *const *ids, size_t count, double now);

#endif
