/* The WHERE of a list: conditions joined by AND, with their values, put together from whatever
 * filters a request has. Only the shape of a request ends up in the SQL text, never a value, so the
 * statement cache works and nothing can be injected. */
#ifndef CORVETTE_STORE_WHERE_H
#define CORVETTE_STORE_WHERE_H

#include "base/str.h"
#include "store/db.h"

struct where_value {
    const char *text; /* NULL: the number counts */
    double number;
    int64_t integer;
    bool is_integer;
    char *owned; /* freed with the where */
};

struct where {
    struct str sql;
    struct where_value *values;
    size_t count, capacity;
};

void where_finish(struct where *where);
#define AUTO_WHERE __attribute__((cleanup(where_finish)))

/* A condition without or with one value for its "?". */
void where_add(struct where *where, const char *condition);
void where_text(struct where *where, const char *condition, const char *value);
void where_int(struct where *where, const char *condition, int64_t value);
void where_double(struct where *where, const char *condition, double value);
/* Absent: no condition. */
void where_opt_double(struct where *where, const char *condition, struct db_opt_double value);
/* "column IN (...)", nothing when the list has no filter. One value: "column = ?", which may use an
 * index in the wanted order; several: the list is walked in that order instead of sorted. */
void where_in(struct where *where, const char *column, const struct db_texts *texts);

/* For alternatives: begin, any number of terms joined by OR, end. Without terms nothing matches. */
void where_begin_any(struct where *where);
void where_any(struct where *where, const char *term);
void where_any_text(struct where *where, const char *term, const char *value);
/* The value is PREFIX + text + SUFFIX. */
void where_any_pattern(struct where *where, const char *term, const char *prefix, const char *text,
                       const char *suffix);
void where_end_any(struct where *where);

/* "HEAD WHERE conditions TAIL" prepared with everything bound. The where must outlive the query. */
struct db_query *where_query(struct db *db, const struct where *where, const char *head,
                             const char *tail);

#endif
