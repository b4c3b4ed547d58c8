/* What only this folder may see of a store. */
#ifndef CORVETTE_STORE_STORE_PRIVATE_H
#define CORVETTE_STORE_STORE_PRIVATE_H

#include <stdint.h>

#include "store/store.h"

/* Of a reader; NULL for a connection that belongs to no pool. */
struct store *store_of(struct db *db);

/* Sums of rows (rollup.h) are right for the file as it was when that many commits of other programs
 * had been seen. */
void store_set_sums(struct store *store, uint64_t foreign);
bool store_sums_are_right(struct store *store);

#endif
