/* Finds the place of a change and cuts and pastes there. What comes out is read back and compared
 * with the old values with the change made (edit_check.c): where YAML has a corner that is not
 * thought of here, the change is refused, never made wrongly. */
#include "config/edit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "config/edit_private.h"

#define STEP_MAX 8

/* ---- taking out ---- */

/* The only key or item: the map or list stays, empty. */
static int empty(struct editor *e, const struct spot *spot, const struct spot *above,
                 const char *path)
{
    const struct place *parent = spot->parent;
    const char *text = parent->kind == PLACE_MAP ? "{}" : "[]";
    if (parent->flow || above->parent == NULL) {
        str_add(edit_splice(e, parent->start, parent->end), text);
        return 0;
    }
    return edit_put_for_block(e, above, text, path);
}

/* One of several between brackets, with one comma. */
static void cut_flow(struct editor *e, const struct place *parent, size_t index)
{
    struct place *const *begins = parent->kind == PLACE_MAP ? parent->keys : parent->values;
    if (index + 1 < parent->count) {
        edit_splice(e, begins[index]->start, begins[index + 1]->start);
    } else {
        edit_splice(e, parent->values[index - 1]->end, parent->values[index]->end);
    }
}

/* Of the key, or of the item's dash. */
static bool entry_start(const struct editor *e, const struct place *parent, size_t index,
                        size_t *start)
{
    if (parent->kind == PLACE_MAP) {
        *start = parent->keys[index]->start;
        return edit_after_colon(e, parent->keys[index]) != 0;
    }
    return edit_find_dash(e, parent, index, start);
}

static int cut(struct editor *e, const struct spot *spot, const struct spot *above,
               const char *path)
{
    const struct place *parent = spot->parent;
    size_t start, next;
    if (place_holds_shared(parent->values[spot->index])) {
        return edit_refuse(e, path, "it holds an anchor that is used elsewhere");
    }
    if (parent->count == 1) {
        return empty(e, spot, above, path);
    }
    if (parent->flow) {
        cut_flow(e, parent, spot->index);
        return 0;
    }
    if (!entry_start(e, parent, spot->index, &start)) {
        return edit_refuse(e, path, "it is written in a way that is not understood");
    }
    if (edit_begins_line(e, start)) {
        edit_splice(e, edit_line_start(e, start),
                    edit_next_line(e, parent->values[spot->index]->end));
        return 0;
    }
    /* Behind the dash of an item that the map or list is: the next one moves up. */
    if (spot->index + 1 < parent->count && entry_start(e, parent, spot->index + 1, &next)) {
        edit_splice(e, start, next);
        return 0;
    }
    return edit_refuse(e, path, "it is written in a way that is not understood");
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
    return edit_find(e, &shorter, root, above);
}

static int edit(struct editor *e, const struct edit_path *path, const struct edit_value *value,
                struct place *root)
{
    struct spot spot, above;
    int result = edit_find(e, path, root, &spot);
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
        return edit_refuse(e, path->text, "it holds an anchor that is used elsewhere");
    }
    bool tagged = (parent->tagged && parent->kind == PLACE_LIST && edit_is_block(parent)) ||
                  (old != NULL && old->tagged);
    if (tagged) {
        return edit_refuse(e, path->text, "it has a tag or an anchor");
    }
    if (old != NULL) {
        return whole ? edit_replace(e, &spot, *value, path->text) : edit_fill(e, &spot, &branch);
    }
    /* "key: {}" on a line of its own opens up. */
    result = find_above(e, path, root, &spot, &above);
    if (result == 0 && parent->count == 0 && above.parent != NULL &&
        above.parent->kind == PLACE_MAP && !above.flow) {
        branch.parts--;
        branch.count++;
        return edit_fill(e, &above, &branch);
    }
    return result < 0 ? result : edit_append(e, &spot, &branch);
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
    size_t step = edit_find_step(root);
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
