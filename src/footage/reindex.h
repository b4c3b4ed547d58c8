/* Makes the rows of recordings anew from the files, which are the truth. Rows that still fit their
 * file stay as they are, with what is known of motion and objects; missing ones are added, wrong
 * ones mended. */
#ifndef CORVETTE_FOOTAGE_REINDEX_H
#define CORVETTE_FOOTAGE_REINDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct reindex_result {
    uint64_t files, kept, added, mended, removed, orphaned, unreadable;
};

/* The database is made when there is none. `prune`: rows without a file go even where it cannot be
 * told that they belonged on this disk; without it they are counted as `orphaned`. Nobody else may
 * work on the data folder meanwhile. 0 or -errno with a sentence. */
int reindex_run(const char *database, const char *data_dir, bool prune,
                struct reindex_result *result, struct err *err);

#endif
