#include "store/where.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void where_finish(struct where *where)
{
    for (size_t i = 0; i < where->count; i++) {
        free(where->values[i].owned);
    }
    free(where->values);
    str_finish(&where->sql);
    *where = (struct where){0};
}

static struct where_value *add_value(struct where *where)
{
    return MEM_PUSH(where->values, where->count, where->capacity);
}

void where_add(struct where *where, const char *condition)
{
    str_add(&where->sql, where->sql.length == 0 ? " WHERE (" : " AND (");
    str_add(&where->sql, condition);
    str_add_char(&where->sql, ')');
}

void where_text(struct where *where, const char *condition, const char *value)
{
    where_add(where, condition);
    add_value(where)->text = value;
}

void where_int(struct where *where, const char *condition, int64_t value)
{
    where_add(where, condition);
    *add_value(where) = (struct where_value){.is_integer = true, .integer = value};
}

void where_double(struct where *where, const char *condition, double value)
{
    where_add(where, condition);
    add_value(where)->number = value;
}

void where_opt_double(struct where *where, const char *condition, struct db_opt_double value)
{
    if (value.has) {
        where_double(where, condition, value.value);
    }
}

void where_in(struct where *where, const char *column, const struct db_texts *texts)
{
    if (!texts->has) {
        return;
    }
    AUTO_STR struct str condition = {0};
    if (texts->count == 1) {
        str_addf(&condition, "%s = ?", column);
    } else {
        str_addf(&condition, "+%s IN (", column); /* the plus keeps indexes of the column out */
        for (size_t i = 0; i < texts->count; i++) {
            str_add(&condition, i == 0 ? "?" : ", ?");
        }
        str_add_char(&condition, ')');
    }
    where_add(where, str_text(&condition));
    for (size_t i = 0; i < texts->count; i++) {
        add_value(where)->text = texts->items[i];
    }
}

void where_begin_any(struct where *where)
{
    str_add(&where->sql, where->sql.length == 0 ? " WHERE (0" : " AND (0");
}

void where_any(struct where *where, const char *term)
{
    str_addf(&where->sql, " OR %s", term);
}

void where_any_text(struct where *where, const char *term, const char *value)
{
    where_any(where, term);
    add_value(where)->text = value;
}

void where_any_pattern(struct where *where, const char *term, const char *prefix, const char *text,
                       const char *suffix)
{
    where_any(where, term);
    struct where_value *value = add_value(where);
    value->owned = mem_printf("%s%s%s", prefix, text, suffix);
    value->text = value->owned;
}

void where_end_any(struct where *where)
{
    str_add_char(&where->sql, ')');
}

struct db_query *where_query(struct db *db, const struct where *where, const char *head,
                             const char *tail)
{
    AUTO_STR struct str sql = {0};
    str_add(&sql, head);
    str_add(&sql, str_text(&where->sql));
    str_add(&sql, tail);
    struct db_query *query = db_query(db, str_text(&sql));
    for (size_t i = 0; i < where->count; i++) {
        const struct where_value *value = &where->values[i];
        if (value->text != NULL) {
            db_bind_text(query, value->text);
        } else if (value->is_integer) {
            db_bind_int(query, value->integer);
        } else {
            db_bind_double(query, value->number);
        }
    }
    return query;
}
