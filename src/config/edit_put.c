/* Keys, items and values put into the text. */
#include <string.h>

#include "base/cleanup.h"
#include "config/edit_private.h"

static enum place_quote quote_of_siblings(const struct place *map)
{
    return map->kind == PLACE_MAP && map->flow && map->count > 0 &&
                   map->keys[0]->quote == PLACE_DOUBLE
               ? PLACE_DOUBLE
               : (enum place_quote)0;
}

/* A key or item that is not there yet, behind the last one. */
int edit_append(struct editor *e, const struct spot *spot, struct edit_branch *branch)
{
    struct place *parent = spot->parent;
    struct edit_value value = *branch->value;
    if (value.quote == 0) {
        value.quote = quote_of_siblings(parent);
    }
    branch->value = &value;
    branch->whole = parent->kind == PLACE_LIST;
    if (parent->kind == PLACE_LIST) { /* the item itself: what is below it, or the value */
        branch->parts++;
        branch->count--;
    }
    struct str item = {0};
    bool list = parent->kind == PLACE_LIST;
    if (spot->flow && branch->count == 0) {
        edit_add_value(&item, &value, true);
    } else if (spot->flow) {
        edit_add_flow(&item, branch);
    } else if (list) {
        struct edit_branch whole = *branch;
        const char *parts[CFG_MAX_DEPTH] = {"0"};
        memcpy(parts + 1, branch->parts, branch->count * sizeof *parts);
        whole.parts = parts;
        whole.count++;
        edit_add_block(&item, &whole, parent->column);
    } else {
        edit_add_block(&item, branch, parent->column);
    }
    if (!spot->flow) {
        size_t at = edit_line_end(e, parent->end);
        struct str *text = edit_splice(e, at, at);
        str_add(text, e->newline);
        str_add_bytes(text, item.data, item.length);
    } else if (parent->count == 0) {
        str_addf(edit_splice(e, parent->start, parent->end), list ? "[%s]" : "{%s}",
                 str_text(&item));
    } else {
        size_t at = parent->values[parent->count - 1]->end;
        str_addf(edit_splice(e, at, at), ", %s", str_text(&item));
    }
    str_finish(&item);
    return 0;
}

/* Something in place of a value that takes part of a line: or of one that takes nothing at all. */
static void put_inline(struct editor *e, size_t from, size_t to, const char *text, bool in_map)
{
    size_t before = edit_before_blanks(e, from);
    char last = before > 0 ? e->text[before - 1] : '\n';
    bool colon = in_map && from == to && last != ':'; /* "{key}" */
    bool blank = from == to && (colon || before == from);
    str_addf(edit_splice(e, from, to), "%s%s%s", colon ? ":" : "", blank ? " " : "", text);
}

int edit_put_for_block(struct editor *e, const struct spot *spot, const char *text,
                       const char *path)
{
    const struct place *old = spot->parent->values[spot->index];
    if (!edit_begins_line(e, old->start) || spot->parent->kind != PLACE_MAP) {
        str_add(edit_splice(e, old->start, old->end), text);
        return 0;
    }
    size_t colon = edit_after_colon(e, spot->parent->keys[spot->index]);
    if (colon == 0) {
        return edit_refuse(e, path, "its key is written in a way that is not understood");
    }
    str_addf(edit_splice(e, colon, colon), " %s", text);
    edit_splice(e, edit_line_start(e, old->start), edit_next_line(e, old->end));
    return 0;
}

/* Lines below a key whose value, if any, is short and goes. */
static void put_below(struct editor *e, const struct place *old, const struct str *lines)
{
    if (old->end > old->start) {
        edit_splice(e, edit_before_blanks(e, old->start), old->end);
    }
    size_t at = edit_line_end(e, old->end);
    str_add_bytes(edit_splice(e, at, at), lines->data, lines->length);
}

int edit_fill(struct editor *e, const struct spot *spot, struct edit_branch *branch)
{
    const struct place *old = spot->parent->values[spot->index];
    AUTO_STR struct str text = {0};
    branch->whole = true;
    branch->parts++;
    branch->count--;
    if (spot->flow || spot->parent->kind == PLACE_LIST) {
        edit_add_flow(&text, branch);
        put_inline(e, old->start, old->end, str_text(&text), spot->parent->kind == PLACE_MAP);
        return 0;
    }
    str_add(&text, e->newline);
    edit_add_block(&text, branch, spot->parent->column + e->step);
    put_below(e, old, &text);
    return 0;
}

/* A list where a block list or a single value stood, its items on lines of their own. */
static int replace_with_items(struct editor *e, const struct spot *spot,
                              const struct edit_value *value)
{
    const struct place *old = spot->parent->values[spot->index];
    AUTO_STR struct str items = {0};
    if (!edit_is_block(old)) {
        edit_add_items(&items, value, e->newline, spot->parent->column + e->step);
        put_below(e, old, &items);
        return 0;
    }
    size_t column = old->kind == PLACE_LIST ? old->column : spot->parent->column + e->step;
    edit_add_items(&items, value, e->newline, column);
    size_t skip = strlen(e->newline);
    str_add_bytes(edit_splice(e, edit_line_start(e, old->start), edit_line_end(e, old->end)),
                  items.data + skip, items.length - skip);
    return 0;
}

int edit_replace(struct editor *e, const struct spot *spot, struct edit_value value,
                 const char *path)
{
    const struct place *old = spot->parent->values[spot->index];
    bool in_map = spot->parent->kind == PLACE_MAP;
    if (old->kind == PLACE_SCALAR && !value.plain && !value.is_list &&
        (old->quote == PLACE_SINGLE || old->quote == PLACE_DOUBLE)) {
        value.quote = old->quote;
    } else if (value.quote == 0) {
        value.quote = quote_of_siblings(spot->parent);
    }
    bool lines = value.is_list && !spot->flow && in_map &&
                 !(old->kind == PLACE_LIST && old->flow) &&
                 (!edit_is_block(old) || edit_begins_line(e, old->start));
    if (lines) {
        return replace_with_items(e, spot, &value);
    }
    AUTO_STR struct str text = {0};
    edit_add_value(&text, &value, spot->flow);
    if (edit_is_block(old)) {
        return edit_put_for_block(e, spot, str_text(&text), path);
    }
    put_inline(e, old->start, old->end, str_text(&text), in_map);
    return 0;
}
