/* Which disk is this? The recordings' tree carries a hidden file with an identity,
 * DATA/media/recordings/.corvette-volume; the database knows the identities it has worked with.
 * Footage and rows are only ever removed for good when both agree: a disk that is missing, empty,
 * swapped or put back, or a new database beside an old disk, must never look like "everything was
 * deleted" or "everything may go". */
#ifndef CORVETTE_FOOTAGE_VOLUME_H
#define CORVETTE_FOOTAGE_VOLUME_H

#include <stdbool.h>

#include "store/store.h"

enum volume_kind {
    VOLUME_KNOWN = 1, /* the marker is the one this database works with */
    VOLUME_FRESH,     /* nothing on it and nothing in the database: a marker was written */
    VOLUME_ADOPTED,   /* footage this database did not know: its marker was taken over (or written).
                         Old footage is kept for the grace time from then on. */
    VOLUME_EMPTY,     /* the database has footage, the volume has none: missing or swapped. Rows
                         whose files are not here stay. */
    VOLUME_BROKEN,    /* cannot be read or written */
};

struct volume {
    enum volume_kind kind;
    char id[40]; /* UUID text; "" when BROKEN */
    double
        adopted_at;   /* wall seconds; footage older than this came with the volume. 0 = none did */
    bool rows_may_go; /* a row without a file may be removed */
};

/* Looks at the tree and the database, writes the marker where there is none and it is safe to.
 * 0 or -errno (kind is BROKEN). Any thread but the loop's; waits for the disk. */
int volume_identify(struct store *store, const char *data_dir, struct volume *volume);
/* Cheap: whether the volume identified before is still the one mounted there. */
bool volume_is_same(const char *data_dir, const struct volume *volume);
const char *volume_kind_name(enum volume_kind kind); /* "known", ... */

#endif
