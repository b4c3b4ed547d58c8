/* Which disk is this? The recordings' tree carries a hidden file with an identity,
 * DATA/media/recordings/.corvette-volume; the database knows the identities it has worked with.
 * What rows and files say of each other only counts when both belong together: a disk that is
 * missing, empty, swapped or put back, or a new database beside an old disk, must never look like
 * "everything was deleted" or "everything may go". */
#ifndef CORVETTE_FOOTAGE_VOLUME_H
#define CORVETTE_FOOTAGE_VOLUME_H

#include <stdbool.h>

#include "store/store.h"

enum volume_kind {
    VOLUME_KNOWN = 1, /* the database has worked with it, or holds rows of its files */
    VOLUME_FRESH,     /* nothing on it and nothing in the database */
    VOLUME_ADOPTED,   /* footage that this database did not know */
    VOLUME_EMPTY,     /* the database has footage, the volume has none: another disk, or none */
    VOLUME_BROKEN,    /* cannot be read or written */
};

struct volume {
    enum volume_kind kind;
    char id[40]; /* UUID text; "" when BROKEN */
    /* Rows of segments that begin before this may lie on another disk: they are not removed because
     * their file is not here. */
    double rows_since;
    double adopted_at; /* footage from before came with the volume (retention_judge()); 0 = none */
};

/* Looks at tree and database, writes the marker where there is none, and remembers what it decided.
 * 0 or -errno (kind is BROKEN). Waits for the disk: not for the loop's thread. */
int volume_identify(struct store *store, const char *data_dir, struct volume *volume);
/* Cheap: whether the volume identified before is still the one mounted there. */
bool volume_is_same(const char *data_dir, const struct volume *volume);
const char *volume_kind_name(enum volume_kind kind); /* "known", ... */

#endif
