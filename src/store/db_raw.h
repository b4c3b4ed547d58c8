/* What only this folder may see of a connection and of a row. */
#ifndef CORVETTE_STORE_DB_RAW_H
#define CORVETTE_STORE_DB_RAW_H

#include "store/db.h"

enum db_value { DB_NULL = 1, DB_INTEGER, DB_REAL, DB_TEXT };

/* How the value of this row's column is stored: a whole number in a DATETIME column is an integer.
 */
enum db_value db_value(struct db_query *query, int column);
/* As db_text without the NUL at the end, which saves a copy of long texts. */
const char *db_bytes(struct db_query *query, int column, size_t *length);

/* The pool of readers threads connections through these. */
struct db **db_next(struct db *db);
void **db_owner(struct db *db);

#endif
