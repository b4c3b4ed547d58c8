/* Rows of a query straight into JSON text, in the form Frigate's answers have: keys sorted,
 * compact, non-ASCII escaped, whole numbers of DATETIME columns without ".0", JSON columns as
 * nested JSON. No document is built in memory: a list of events is mostly thumbnails, and copying
 * them is the whole cost. */
#ifndef CORVETTE_STORE_ROW_JSON_H
#define CORVETTE_STORE_ROW_JSON_H

#include "base/str.h"
#include "store/db.h"

enum row_kind {
    ROW_TEXT = 1,
    ROW_NUMBER, /* as stored: 1700000000 or 1700000000.5 */
    ROW_REAL,   /* always with a point */
    ROW_BOOL,   /* 0, 1, NULL -> false, true, null */
    ROW_JSON,   /* text that is JSON */
};

struct row_field {
    const char *name; /* column, and key of the answer */
    enum row_kind kind;
};

#define ROW_FIELDS_MAX 32

/* One column's value. */
void row_value(struct db_query *query, int column, enum row_kind kind, struct str *out);
/* The current row as an object; `fields` sorted by name. Columns are found once per query:
 * `columns` is the caller's memory, filled by row_columns(). */
void row_columns(struct db_query *query, const struct row_field *fields, size_t count,
                 int *columns);
void row_object(struct db_query *query, const struct row_field *fields, size_t count,
                const int *columns, struct str *out);
/* All rows that are left, as a list. 0 or -errno (then `out` holds nonsense). */
int row_list(struct db_query *query, const struct row_field *fields, size_t count, struct str *out);

/* JSON text re-written with sorted keys, without blanks, non-ASCII escaped. Text that is not JSON
 * becomes a JSON string. */
void row_json_canonical(const char *text, size_t length, struct str *out);
/* A quoted string; long plain texts cost a copy. */
void row_json_string(const char *text, size_t length, struct str *out);

#endif
