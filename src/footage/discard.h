/* What a person throws away: review items together with all the recordings that overlap them. In
 * the order of removal.h, files before rows, so that a crash in between leaves an item that can be
 * thrown away again. Waits for disk and database: not for the loop's thread. */
#ifndef CORVETTE_FOOTAGE_DISCARD_H
#define CORVETTE_FOOTAGE_DISCARD_H

#include <stdbool.h>
#include <stddef.h>

#include "footage/volume.h"
#include "store/store.h"

struct discard {
    struct store *store;
    const char *data_dir;
    const struct volume *volume;
    /* Asked between pieces of the work; what is done by then stays done. */
    bool (*stopping)(void *context);
    void *context;
};

/* An item that still runs reaches until `now`. Unknown ids are passed over. 0, or -errno: the disk
 * or the database is not to be used now (-ECANCELED: it was to stop); some may be gone already. */
int discard_reviews(const struct discard *discard, const char *const *ids, size_t count,
                    double now);

#endif
