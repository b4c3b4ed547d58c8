/* One connection to the database and its prepared statements. This folder is the only one that
 * knows of SQLite: others hold a `struct db` and call the db_<table>_* functions.
 *
 * A connection belongs to one thread at a time. Statements are prepared once per connection and
 * kept by their SQL text (least recently used out first), so a query costs its rows, not its
 * parsing. Columns are read by name through db_column(), resolved once per prepared statement. */
#ifndef CORVETTE_STORE_DB_H
#define CORVETTE_STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct db;
struct db_query;

/* An integer column that may be NULL. */
struct db_opt_int {
    bool has;
    int64_t value;
};

/* A number column that may be NULL. */
struct db_opt_double {
    bool has;
    double value;
};

/* A bounded list of text values of a filter; texts belong to the caller. */
#define DB_LIST_MAX 64
struct db_texts {
    bool has; /* false: no filter; true with count 0: nothing matches */
    size_t count;
    const char *items[DB_LIST_MAX];
};

/* Result codes: 0 or -errno: -EBUSY (locked), -ENOSPC (disk full), -EIO (everything else; logged).
 */
struct db *db_open(const char *path, bool read_only, struct err *err);
void db_close(struct db *db); /* NULL is fine */

/* Statements without results, several allowed; for schema work. */
int db_execute(struct db *db, const char *sql, struct err *err);

/* Takes the prepared statement for this text out of the cache, reset and with nothing bound.
 * Never NULL: a statement that cannot be prepared is logged and answers its error at db_step().
 * Every query goes back with db_done(). */
struct db_query *db_query(struct db *db, const char *sql);
void db_done(struct db_query **query);
#define AUTO_QUERY __attribute__((cleanup(db_done)))

/* Binding takes the next parameter each time. Texts must live until db_done(). */
void db_bind_text(struct db_query *query, const char *text); /* NULL binds NULL */
void db_bind_bytes_text(struct db_query *query, const char *text, size_t length);
void db_bind_int(struct db_query *query, int64_t value);
void db_bind_double(struct db_query *query, double value);
void db_bind_null(struct db_query *query);
void db_bind_opt_int(struct db_query *query, struct db_opt_int value);
void db_bind_opt_double(struct db_query *query, struct db_opt_double value);

/* Tables as bits, so that what was read can be held against what was changed. Tables without a bit
 * of their own share one. */
#define DB_TABLES_MAX 32
/* What the queries of this connection read since db_tables_forget(). */
uint32_t db_tables_read(struct db *db);
/* What they changed, triggers included. */
uint32_t db_tables_written(struct db *db);
void db_tables_forget(struct db *db);

/* 1: there is a row; 0: no more; else -errno. */
int db_step(struct db_query *query);
/* Runs a statement that yields no rows: number of changed rows or -errno. */
int db_run(struct db_query *query);

/* Index of a result column; aborts when there is no such column (a mistake in the program). */
int db_column(struct db_query *query, const char *name);
bool db_is_null(struct db_query *query, int column);
int64_t db_int(struct db_query *query, int column);
double db_double(struct db_query *query, int column);
const char *db_text(struct db_query *query, int column,
                    size_t *length); /* "" for NULL; length may be NULL */

#endif
