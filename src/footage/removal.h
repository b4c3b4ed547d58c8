/* Takes recordings away: the file first, then its row, in bounded batches. A crash in between
 * leaves a row without a file, which the same rule that removed the file finds again; the other way
 * round an orphaned file would be taken in as new footage. Folders that became empty go with them.
 *
 * Nothing is touched once the disk is no longer the one that was identified. */
#ifndef CORVETTE_FOOTAGE_REMOVAL_H
#define CORVETTE_FOOTAGE_REMOVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "footage/volume.h"
#include "store/db_recording.h"
#include "store/store.h"

struct removal {
    struct store *store;
    const char *data_dir;
    const struct volume *volume;
    /* A person asks: rows of files that are not here go, too. Set after removal_begin(). */
    bool forgets;
    /* what was done */
    uint64_t segments;
    double mib;
    /* private */
    struct store_work *work;
    unsigned waiting;
    char *folder; /* of the last file */
};

void removal_begin(struct removal *removal, struct store *store, const char *data_dir,
                   const struct volume *volume);
/* One recording. False: stop, the disk or the database is not to be used now. */
bool removal_add(struct removal *removal, const struct db_recording *recording);
/* Writes what is waiting; the removal can be used on. */
bool removal_end(struct removal *removal);

/* A file of the media folder; one that is gone counts as removed. 0 or -errno. */
int removal_unlink(const char *data_dir, const char *relative);

#endif
