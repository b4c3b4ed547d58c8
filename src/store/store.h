/* The database as the rest of the server sees it: one file in Frigate 0.14's schema (plus our own
 * corvette_* tables), one writer thread, any number of readers.
 *
 * Writing: collect changes in a `struct store_work`, submit it; the writer runs works in the order
 * they were submitted, each wholly or not at all, several to one commit. The queue is bounded. A
 * locked or full database delays the writer, who tries again until it works; meanwhile works wait
 * in the queue, and when that is full new ones are refused (-EAGAIN) and counted.
 *
 * Reading: borrow a read-only connection, query, give it back. Readers never wait for the writer
 * and the writer never for them (WAL). */
#ifndef CORVETTE_STORE_STORE_H
#define CORVETTE_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/db.h"

struct store;
struct store_work;

#define STORE_QUEUE_MAX 4096 /* works waiting for the writer */

/* Opens or creates the database, brings the schema up to date, starts the writer. NULL with a
 * sentence in `err` when the file cannot be used. */
struct store *store_open(const char *path, struct err *err);
/* Writes what is queued (gives up on a database that stays locked after a second), joins the
 * writer, closes. All readers must have been given back. NULL is fine. */
void store_close(struct store *store);

/* What start-up finds after an unclean end: events left open end 30 s after they began. */
void store_repair(struct store *store);

/* A new, empty work. Never NULL. */
struct store_work *store_begin(struct store *store);

/* One change: runs on the writer thread inside the transaction. Returns the number of rows changed
 * or -errno, which undoes the whole work. */
typedef int (*store_change_fn)(struct db *db, void *data);
typedef void (*store_free_fn)(void *data);
/* Adds a change; `data` belongs to the work and goes to `free_fn` (may be NULL) at the end. The
 * db_<table>_* functions that take a work are built on this. */
void store_add(struct store_work *work, store_change_fn fn, void *data, store_free_fn free_fn);

/* Called on the writer thread once the work is committed (`changed` rows) or was given up (-errno).
 * For what must come after the row: unlinking a file, telling others. */
typedef void (*store_then_fn)(void *context, int changed);
void store_then(struct store_work *work, store_then_fn fn, void *context);

/* Hands the work over; it is gone afterwards, whatever the result. 0, or -EAGAIN: queue full (the
 * then-function is called with -EAGAIN on the caller's thread). Never blocks. */
int store_submit(struct store_work *work);
/* The same, and waits for the commit: rows changed or -errno (-ETIMEDOUT after `timeout_ms`: the
 * work may still be done later). Not from the writer thread. */
int store_submit_wait(struct store_work *work, int timeout_ms);
/* Throws a work away that was not submitted. */
void store_abandon(struct store_work *work);

/* Waits until everything submitted before is written; 0 or -ETIMEDOUT. For tests and shutdown. */
int store_flush(struct store *store, int timeout_ms);

/* A read-only connection for this request; a pool keeps them open. Never NULL after store_open()
 * succeeded unless the file has become unreadable: then NULL, logged. */
struct db *store_reader(struct store *store);
void store_reader_done(struct db **db);
#define AUTO_READER __attribute__((cleanup(store_reader_done)))

/* For keeping answers: the present moment (0 = there is none just now), and whether none of the
 * tables an answer was made of (db_tables_read() of the reader it was made with) changed after the
 * moment that was taken before it was begun. Changes by other programs are seen too. */
uint64_t store_moment(struct store *store);
bool store_unchanged(struct store *store, uint32_t tables, uint64_t since);
/* Whether another program wrote to the file since it was opened or the sums (rollup.h) were made.
 */
uint64_t store_foreign(struct store *store);

struct store_state {
    uint64_t works_done;    /* committed */
    uint64_t works_refused; /* queue full */
    uint64_t works_failed;  /* given up: constraint or damaged file */
    uint64_t delays;        /* times the writer had to try again */
    unsigned queued;        /* now */
    char trouble[160];      /* "" = fine, else why the writer is waiting */
};
void store_get_state(struct store *store, struct store_state *state);

#endif
