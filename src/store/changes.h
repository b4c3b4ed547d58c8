/* What has changed since an answer was made. Each table has the moment of its last change; the
 * clock of moments goes on with every commit.
 *
 * Our own commits say which tables they touched. Another program's commits are seen by SQLite's
 * data_version, on a connection that does nothing else, and count as changes of everything: whoever
 * asks learns of a commit that ended before. Any thread. */
#ifndef CORVETTE_STORE_CHANGES_H
#define CORVETTE_STORE_CHANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "store/db.h"

struct changes;

/* `writer` is the connection all our writing goes through; outlives the changes. NULL with a
 * sentence in `err` when the file cannot be opened once more. */
struct changes *changes_create(const char *path, struct db *writer, struct err *err);
void changes_destroy(struct changes *changes); /* NULL is fine */

/* The writer's thread, around each COMMIT of a transaction that was begun IMMEDIATE; `tables` as
 * db_tables_written() says. Between the two, what readers see is between two moments. */
void changes_begin(struct changes *changes);
void changes_end(struct changes *changes, bool committed, uint32_t tables);

/* The present moment, at least 1; 0 = a commit is under way, there is none. */
uint64_t changes_moment(struct changes *changes);
/* Whether none of these tables changed after that moment; false when that is not known. */
bool changes_none(struct changes *changes, uint32_t tables, uint64_t since);
/* Commits of other programs seen so far. */
uint64_t changes_foreign(struct changes *changes);

#endif
