/* Indexes of ours on Frigate's tables that lists and counts are walked by. Frigate ignores indexes
 * it does not know, and SQLite keeps them right whoever writes. Building them takes seconds on a
 * long history, so that is done while everything goes on; until then the same queries are answered
 * by other ways, only slower. */
#ifndef CORVETTE_STORE_INDEXES_H
#define CORVETTE_STORE_INDEXES_H

#include <stdbool.h>

#include "store/store.h"

/* An event's score as this index has it: queries must say the same. */
#define INDEXES_SCORE "CASE WHEN json_valid(data) THEN json_extract(data, '$.score') END"

/* Whether this database has an index. */
bool indexes_have(struct db *db, const char *name);

/* Builds those that are missing, one after the other; says in the log how far it is. `stopping` is
 * asked between two of them. For a thread of its own. */
void indexes_build(struct store *store, bool (*stopping)(void *context), void *context);

#endif
