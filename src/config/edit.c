/* Finds the place of a change and cuts and pastes there. What comes out is read back and compared
 * with the old values with the change made (edit_check.c): where YAML has a corner that is not
 * thought of here, the change is refused, never made wrongly. */
#include "config/edit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "config/edit_check.h"
#include "config/edit_text.h"
#include "config/edit_tree.h"

#define STEP_MAX 8

struct splice {
    size_t from, to; /* bytes of the old text that go */
    struct str text; /* what comes there */
};

#define SPLICES_MAX 2

struct editor {
    const char *text;
    size_t length;
    const char *newline;
    size_t step;
    struct splice splices[SPLICES_MAX];
    size_t splice_count;
    struct err *err;
};

/* Where a path ends in the text. */
struct spot {
    struct place *parent; /* map or list */
    size_t index;         /* in it; parent->count: not there */
    bool flow;            /* the parent stands between brackets, its own or others' */
    size_t used;          /* parts of the path up to and including parent's index */
};

/* ---- bytes and lines ---- */

static size_t line_start(const struct editor *e, size_t at)
{
    while (at > 0 && e->text[at - 1] != '\n') {
        at--;
    }
    return at;
}

/* Of the line's end, CR and LF or the end of the text. */
static size_t line_end(const struct editor *e, size_t at)
{
    const char *newline = memchr(e->text + at, '\n', e->length - at);
    if (newline == NULL) {
        return e->length;
    }
    size_t end = (size_t)(newline - e->text);
    return end > at && e->text[end - 1] == '\r' ? end - 1 : end;
}

static size_t next_line(const struct editor *e, size_t at)
{
    const char *newline = memchr(e->text + at, '\n', e->length - at);
    return newline != NULL ? (size_t)(newline - e->text) + 1 : e->length;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Nothing but blanks before it on its line. */
static bool begins_line(const struct editor *e, size_t at)
{
    while (at > 0 && is_blank(e->text[at - 1])) {
        at--;
    }
    return at == 0 || e->text[at - 1] == '\n' ||
           (at == 3 && memcmp(e->text, "\xef\xbb\xbf", 3) == 0);
}

static size_t without_blanks_before(const struct editor *e, size_t at)
{
    while (at > 0 && is_blank(e->text[at - 1])) {
        at--;
    }
    return at;
}

static struct str *splice(struct editor *e, size_t from, size_t to)
{
    if (e->splice_count == SPLICES_MAX) {
        abort();
    }
    struct splice *splice = &e->splices[e->splice_count++];
    *splice = (struct splice){.from = from, .to = to};
    return &splice->text;
}

static int refuse(struct editor *e, const char *path, const char *why)
{
    return err_set(e->err, ENOTSUP, "%s: %s; change it in the file by hand", path, why);
}

/* ---- finding ---- */

/* Behind the colon of a block map's key; 0 when it is not on the key's line ("? key"). */
static size_t after_colon(const struct editor *e, const struct place *key)
{
    size_t at = key->end;
    while (at < e->length && is_blank(e->text[at])) {
        at++;
    }
    return at < e->length && e->text[at] == ':' ? at + 1 : 0;
}

/* The dash of a block list's item: in the list's column, on the item's line or one before it. */
static bool find_dash(const struct editor *e, const struct place *list, size_t index, size_t *dash)
{
    size_t low = index > 0 ? list->values[index - 1]->end : 0;
    for (size_t line = line_start(e, list->values[index]->start);;) {
        size_t at = line;
        while (at < e->length && at - line < list->column && strchr(" -", e->text[at]) != NULL) {
            at++;
        }
        if (at - line == list->column && at < e->length && e->text[at] == '-' &&
            at < list->values[index]->start + 1) {
            *dash = at;
            return at >= low;
        }
        if (line <= low) {
            return false;
        }
        line = line_start(e, line - 1);
    }
}

/* Blanks per level as the file has them: what the first nested map shows. */
static size_t find_step(const struct place *place)
{
    size_t step = 0;
    for (size_t i = 0; i < place->count && step == 0; i++) {
        const struct place *value = place->values[i];
        if (place->kind == PLACE_MAP && value->kind == PLACE_MAP && !place->flow && !value->flow &&
            value->column > place->column) {
            step = value->column - place->column;
        } else {
            step = find_step(value);
        }
    }
    return step;
}

/* Follows the path as far as the text has it. */
static int find(struct editor *e, const struct edit_path *path, struct place *root,
                struct spot *spot)
{
    struct place *at = root;
    *spot = (struct spot){0};
    for (size_t i = 0; i < path->count; i++) {
        const char *part = path->parts[i];
        if (at->shared || at->kind == PLACE_ALIAS) {
            return refuse(e, path->text, "it belongs to an anchor and stands elsewhere too");
        }
        if (at->kind != PLACE_MAP && at->kind != PLACE_LIST) {
            return err_set(e->err, ENOTDIR, "%s: what stands before \"%s\" is a value, no section",
                           path->text, part);
        }
        spot->parent = at;
        spot->flow = spot->flow || at->flow;
        spot->used = i + 1;
        if (at->kind == PLACE_MAP) {
            long found = place_find(at, part);
            spot->index = found >= 0 ? (size_t)found : at->count;
        } else {
            long long number;
            if (!edit_is_digits(part) || !str_to_int(part, &number) ||
                number > (long long)at->count) {
                return err_set(e->err, ERANGE, "%s: \"%s\" is no place in a list of %zu",
                               path->text, part, at->count);
            }
            spot->index = (size_t)number;
        }
        if (spot->index == at->count || place_is_null(at->values[spot->index])) {
            return 0;
        }
        at = at->values[spot->index];
    }
    return 0;
}

/* ---- putting in ---- */

static enum place_quote quote_of_siblings(const struct place *map)
{
    return map->kind == PLACE_MAP && map->flow && map->count > 0 &&
                   map->keys[0]->quote == PLACE_DOUBLE
               ? PLACE_DOUBLE
               : (enum place_quote)0;
}

/* A key or item that is not there yet, behind the last one. */
static int append(struct editor *e, const struct spot *spot, struct edit_branch *branch)
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
        size_t at = line_end(e, parent->end);
        struct str *text = splice(e, at, at);
        str_add(text, e->newline);
        str_add_bytes(text, item.data, item.length);
    } else if (parent->count == 0) {
        str_addf(splice(e, parent->start, parent->end), list ? "[%s]" : "{%s}", str_text(&item));
    } else {
        size_t at = parent->values[parent->count - 1]->end;
        str_addf(splice(e, at, at), ", %s", str_text(&item));
    }
    str_finish(&item);
    return 0;
}

/* Something in place of a value that takes part of a line: or of one that takes nothing at all. */
static void put_inline(struct editor *e, size_t from, size_t to, const char *text, bool in_map)
{
    size_t before = without_blanks_before(e, from);
    char last = before > 0 ? e->text[before - 1] : '\n';
    bool colon = in_map && from == to && last != ':'; /* "{key}" */
    bool blank = from == to && (colon || before == from);
    str_addf(splice(e, from, to), "%s%s%s", colon ? ":" : "", blank ? " " : "", text);
}

/* Something in place of a value that takes whole lines, behind the key's colon or in its item. */
static int put_for_block(struct editor *e, const struct spot *spot, const char *text,
                         const char *path)
{
    const struct place *old = spot->parent->values[spot->index];
    if (!begins_line(e, old->start) || spot->parent->kind != PLACE_MAP) {
        str_add(splice(e, old->start, old->end), text);
        return 0;
    }
    size_t colon = after_colon(e, spot->parent->keys[spot->index]);
    if (colon == 0) {
        return refuse(e, path, "its key is written in a way that is not understood");
    }
    str_addf(splice(e, colon, colon), " %s", text);
    splice(e, line_start(e, old->start), next_line(e, old->end));
    return 0;
}

/* Lines below a key whose value, if any, is short and goes. */
static void put_below(struct editor *e, const struct place *old, const struct str *lines)
{
    if (old->end > old->start) {
        splice(e, without_blanks_before(e, old->start), old->end);
    }
    size_t at = line_end(e, old->end);
    str_add_bytes(splice(e, at, at), lines->data, lines->length);
}

/* The first of what is missing below a key that is there and holds nothing. */
static int fill(struct editor *e, const struct spot *spot, struct edit_branch *branch)
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

static bool is_block(const struct place *place)
{
    return (place->kind == PLACE_MAP || place->kind == PLACE_LIST) && !place->flow;
}

/* A list where a block list or a single value stood, its items on lines of their own. */
static int replace_with_items(struct editor *e, const struct spot *spot,
                              const struct edit_value *value)
{
    const struct place *old = spot->parent->values[spot->index];
    AUTO_STR struct str items = {0};
    if (!is_block(old)) {
        edit_add_items(&items, value, e->newline, spot->parent->column + e->step);
        put_below(e, old, &items);
        return 0;
    }
    size_t column = old->kind == PLACE_LIST ? old->column : spot->parent->column + e->step;
    edit_add_items(&items, value, e->newline, column);
    size_t skip = strlen(e->newline);
    str_add_bytes(splice(e, line_start(e, old->start), line_end(e, old->end)), items.data + skip,
                  items.length - skip);
    return 0;
}

static int replace(struct editor *e, const struct spot *spot, struct edit_value value,
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
                 (!is_block(old) || begins_line(e, old->start));
    if (lines) {
        return replace_with_items(e, spot, &value);
    }
    AUTO_STR struct str text = {0};
    edit_add_value(&text, &value, spot->flow);
    if (is_block(old)) {
        return put_for_block(e, spot, str_text(&text), path);
    }
    put_inline(e, old->start, old->end, str_text(&text), in_map);
    return 0;
}

/* ---- taking out ---- */

/* The only key or item: the map or list stays, empty. */
static int empty(struct editor *e, const struct spot *spot, const struct spot *above,
                 const char *path)
{
    const struct place *parent = spot->parent;
    const char *text = parent->kind == PLACE_MAP ? "{}" : "[]";
    if (parent->flow || above->parent == NULL) {
        str_add(splice(e, parent->start, parent->end), text);
        return 0;
    }
    return put_for_block(e, above, text, path);
}

/* One of several between brackets, with one comma. */
static void cut_flow(struct editor *e, const struct place *parent, size_t index)
{
    struct place *const *begins = parent->kind == PLACE_MAP ? parent->keys : parent->values;
    if (index + 1 < parent->count) {
        splice(e, begins[index]->start, begins[index + 1]->start);
    } else {
        splice(e, parent->values[index - 1]->end, parent->values[index]->end);
    }
}

/* Of the key, or of the item's dash. */
static bool entry_start(const struct editor *e, const struct place *parent, size_t index,
                        size_t *start)
{
    if (parent->kind == PLACE_MAP) {
        *start = parent->keys[index]->start;
        return after_colon(e, parent->keys[index]) != 0;
    }
    return find_dash(e, parent, index, start);
}

static int cut(struct editor *e, const struct spot *spot, const struct spot *above,
               const char *path)
{
    const struct place *parent = spot->parent;
    size_t start, next;
    if (place_holds_shared(parent->values[spot->index])) {
        return refuse(e, path, "it holds an anchor that is used elsewhere");
    }
    if (parent->count == 1) {
        return empty(e, spot, above, path);
    }
    if (parent->flow) {
        cut_flow(e, parent, spot->index);
        return 0;
    }
    if (!entry_start(e, parent, spot->index, &start)) {
        return refuse(e, path, "it is written in a way that is not understood");
    }
    if (begins_line(e, start)) {
        splice(e, line_start(e, start), next_line(e, parent->values[spot->index]->end));
        return 0;
    }
    /* Behind the dash of an item that the map or list is: the next one moves up. */
    if (spot->index + 1 < parent->count && entry_start(e, parent, spot->index + 1, &next)) {
        splice(e, start, next);
        return 0;
    }
    return refuse(e, path, "it is written in a way that is not understood");
}

/* ---- a whole change ---- */

/* The spot that holds the spot's parent. */
static int find_above(struct editor *e, const struct edit_path *path, struct place *root,
                      const struct spot *spot, struct spot *above)
{
    *above = (struct spot){0};
    if (spot->used < 2) {
        return 0;
    }
    struct edit_path shorter = *path;
    shorter.count = spot->used - 1;
    return find(e, &shorter, root, above);
}

static int edit(struct editor *e, const struct edit_path *path, const struct edit_value *value,
                struct place *root)
{
    struct spot spot, above;
    int result = find(e, path, root, &spot);
    if (result < 0) {
        return result;
    }
    struct place *parent = spot.parent;
    struct place *old = spot.index < parent->count ? parent->values[spot.index] : NULL;
    bool whole = spot.used == path->count;
    if (value->count == 0) {
        result = old != NULL && whole ? find_above(e, path, root, &spot, &above) : 0;
        return result == 0 && old != NULL && whole ? cut(e, &spot, &above, path->text) : result;
    }
    for (size_t i = spot.used; i < path->count; i++) {
        const char *part = path->parts[i];
        if (edit_is_digits(part) && part[strspn(part, "0")] != '\0') {
            return err_set(e->err, ERANGE, "%s: \"%s\" is no place in a list of 0", path->text,
                           part);
        }
    }
    struct edit_branch branch = {
        .parts = path->parts + spot.used - 1,
        .count = path->count - spot.used + 1,
        .value = value,
        .newline = e->newline,
        .step = e->step,
    };
    if (old != NULL && whole && place_holds_shared(old)) {
        return refuse(e, path->text, "it holds an anchor that is used elsewhere");
    }
    bool tagged = (parent->tagged && parent->kind == PLACE_LIST && is_block(parent)) ||
                  (old != NULL && old->tagged);
    if (tagged) {
        return refuse(e, path->text, "it has a tag or an anchor");
    }
    if (old != NULL) {
        return whole ? replace(e, &spot, *value, path->text) : fill(e, &spot, &branch);
    }
    /* "key: {}" on a line of its own opens up. */
    result = find_above(e, path, root, &spot, &above);
    if (result == 0 && parent->count == 0 && above.parent != NULL &&
        above.parent->kind == PLACE_MAP && !above.flow) {
        branch.parts--;
        branch.count++;
        return fill(e, &above, &branch);
    }
    return result < 0 ? result : append(e, &spot, &branch);
}

static int by_place(const void *a, const void *b)
{
    const struct splice *x = a, *y = b;
    return x->from < y->from ? -1 : x->from > y->from;
}

static void apply(struct editor *e, struct str *out)
{
    size_t at = 0;
    qsort(e->splices, e->splice_count, sizeof *e->splices, by_place);
    for (size_t i = 0; i < e->splice_count; i++) {
        const struct splice *splice = &e->splices[i];
        str_add_bytes(out, e->text + at, splice->from - at);
        str_add_bytes(out, splice->text.data, splice->text.length);
        at = splice->to;
    }
    str_add_bytes(out, e->text + at, e->length - at);
}

static int change_in(struct editor *e, struct cfg_arena *arena, const struct edit_path *path,
                     const struct edit_value *value, struct str *out)
{
    struct place *root = place_read(arena, e->text, e->length);
    if (root == NULL) {
        return err_set(e->err, EINVAL, "not valid YAML");
    }
    size_t step = find_step(root);
    e->step = step > 0 && step <= STEP_MAX ? step : 2;
    int result = edit(e, path, value, root);
    if (result == 0) {
        apply(e, out);
    }
    for (size_t i = 0; i < e->splice_count; i++) {
        str_finish(&e->splices[i].text);
    }
    return result;
}

static int change_once(const struct str *text, const struct cfg_change *change, struct str *out,
                       struct err *err)
{
    struct cfg_arena arena = {0};
    struct edit_path path;
    struct edit_value value;
    int result = edit_understand(&arena, change, &path, &value, err);
    result = result == 0 ? edit_check_before(&arena, text, err) : result;
    if (result == 0) {
        const char *newline = memchr(text->data, '\n', text->length);
        bool crlf = newline != NULL && newline > text->data && newline[-1] == '\r';
        struct editor e = {.text = text->data,
                           .length = text->length,
                           .newline = crlf ? "\r\n" : "\n",
                           .err = err};
        result = change_in(&e, &arena, &path, &value, out);
    }
    if (result == 0) {
        result = edit_check_after(&arena, text, out, &path, &value, err);
    }
    cfg_arena_finish(&arena);
    return result;
}

int config_edit(const char *text, size_t length, const struct cfg_change *changes, size_t count,
                struct str *out, struct err *err)
{
    AUTO_STR struct str now = {0};
    str_add_bytes(&now, text, length);
    for (size_t i = 0; i < count; i++) {
        AUTO_STR struct str next = {0};
        int result = change_once(&now, &changes[i], &next, err);
        if (result < 0) {
            return result;
        }
        str_finish(&now);
        now = next;
        next = (struct str){0};
    }
    str_add_bytes(out, now.data, now.length);
    return 0;
}
