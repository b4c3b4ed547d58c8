/* Sums of recordings and events by camera and quarter of an hour, so that summaries cost what they
 * answer and not what there is (table corvette_quarter; a quarter, because time zones are off by
 * whole quarters).
 *
 * The sums are kept by temporary triggers of the writer's connection: whatever statement of ours
 * changes rows, they follow in the same transaction, and nothing is left in the file that another
 * program would trip over. What another program changed while we were away is seen by counting rows
 * at start, what it changes while we run by its commits (changes.h); then the sums are made anew,
 * piece by piece, while everything goes on, and until that is done answers are computed from the
 * rows themselves. */
#ifndef CORVETTE_STORE_ROLLUP_H
#define CORVETTE_STORE_ROLLUP_H

#include <stdbool.h>

#include "store/store.h"

#define ROLLUP_S 900

/* Creates the triggers; on the connection that writes, before it writes. 0 or -errno. */
int rollup_attach(struct db *writer, struct err *err);

/* Whether the sums can be used. */
bool rollup_is_ready(struct db *db);

/* Whether another program wrote to the file since they were made: time for a rollup_check(). */
bool rollup_is_doubtful(struct store *store);

/* Compares counts and makes the sums anew where they differ; may take a while on a long history,
 * shows progress in the log. `stopping` is asked between pieces. For a thread of its own. */
void rollup_check(struct store *store, bool (*stopping)(void *context), void *context);

#endif
