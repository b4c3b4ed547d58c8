#include "config/edit_check.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/table.h"

#define PART_BYTES 200 /* libyaml takes keys of up to 1024 characters on a line */

/* ---- the change ---- */

static bool is_utf8(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0';) {
        size_t more = *at < 0x80 ? 0 : *at < 0xc2 ? 9 : *at < 0xe0 ? 1 : *at < 0xf0 ? 2 : 3;
        bool good = more < 9 && *at < 0xf5;
        unsigned char lowest = *at == 0xe0 ? 0xa0 : *at == 0xf0 ? 0x90 : 0x80;
        unsigned char highest = *at == 0xed ? 0x9f : *at == 0xf4 ? 0x8f : 0xbf;
        for (size_t i = 1; good && i <= more; i++) {
            good = at[i] >= (i == 1 ? lowest : 0x80) && at[i] <= (i == 1 ? highest : 0xbf);
        }
        if (!good) {
            return false;
        }
        at += 1 + more;
    }
    return true;
}

/* The row a path leads to; NULL where the table ends or has no such key. */
static const struct cfg_row *find_row(const struct edit_path *path)
{
    const struct cfg_row *level = cfg_row_first(CFG_B_ROOT, CFG_GLOBAL), *row = NULL;
    unsigned scope = CFG_GLOBAL;
    for (size_t i = 0; i < path->count; i++) {
        row = level != NULL ? cfg_row_find(level, scope, path->parts[i]) : NULL;
        if (row == NULL && i == 0) {
            row = cfg_row_find(cfg_row_first(CFG_B_CAMERA, scope), scope, path->parts[i]);
        }
        if (row == NULL) {
            return NULL;
        }
        if (row->type == CFG_T_MAP || row->type == CFG_T_LIST) {
            i++; /* the name or number of one */
            level = i < path->count ? cfg_row_first(row->block, scope = CFG_CAMERA) : NULL;
            row = i < path->count ? row : NULL;
        } else if (row->type == CFG_T_BLOCK) {
            level = cfg_row_first(row->block, scope = CFG_CAMERA);
        } else {
            level = row->type == CFG_T_SECTION ? cfg_row_child(row, scope) : NULL;
        }
    }
    return row;
}

/* Whether a text is written as the number or truth value it looks like. Digits are a number in the
 * peer whatever the key; a text is what a text key wants. */
static bool is_plain_value(const struct edit_path *path, const char *text)
{
    const struct cfg_row *row = find_row(path);
    if (edit_is_digits(text)) {
        return row == NULL || row->type != CFG_T_STRING || (row->flags & CFG_F_NUMBER_TOO) != 0;
    }
    struct cfg_node node = {.text = text};
    cfg_scalar_resolve(&node);
    switch (row != NULL ? row->type : CFG_T_STRING) {
    case CFG_T_BOOL:
    case CFG_T_OPT_BOOL:
        return node.kind == CFG_BOOL;
    case CFG_T_INT:
    case CFG_T_INT64:
    case CFG_T_OPT_INT:
    case CFG_T_FLOAT:
        return node.kind == CFG_INT || node.kind == CFG_FLOAT;
    default:
        return false;
    }
}

static const char *without_zeros(const char *digits)
{
    while (digits[0] == '0' && digits[1] != '\0') {
        digits++;
    }
    return digits;
}

static int split(struct cfg_arena *arena, struct edit_path *path, struct err *err)
{
    const char **parts = NULL;
    char *rest = cfg_strdup(arena, path->text), *part;
    while ((part = strsep(&rest, ".")) != NULL) {
        size_t length = strlen(part);
        if (length == 0 || length > PART_BYTES || path->count + 2 > CFG_MAX_DEPTH) {
            return err_set(err, EINVAL, "\"%.200s\" is no path of keys with dots between",
                           path->text);
        }
        parts = cfg_push(arena, parts, path->count, sizeof *parts);
        parts[path->count++] = part;
    }
    path->parts = parts;
    return 0;
}

int edit_understand(struct cfg_arena *arena, const struct cfg_change *change,
                    struct edit_path *path, struct edit_value *value, struct err *err)
{
    *path = (struct edit_path){.text = change->path};
    *value = (struct edit_value){0};
    if (!is_utf8(change->path)) {
        return err_set(err, EILSEQ, "a path is not UTF-8");
    }
    for (size_t i = 0; i < change->count; i++) {
        if (!is_utf8(change->values[i])) {
            return err_set(err, EILSEQ, "%.200s: the value is not UTF-8", change->path);
        }
    }
    int result = split(arena, path, err);
    if (result < 0 || change->count == 0 || (change->count == 1 && change->values[0][0] == '\0')) {
        return result;
    }
    value->texts = change->values;
    value->count = change->count;
    value->is_list = change->count > 1;
    value->plain = !value->is_list && is_plain_value(path, change->values[0]);
    if (value->plain && edit_is_digits(change->values[0])) {
        const char **texts = cfg_array(arena, 1, sizeof *texts);
        texts[0] = without_zeros(change->values[0]);
        value->texts = texts;
    }
    return 0;
}

/* ---- the texts ---- */

/* Warnings are no matter here. */
static struct cfg_node *parse(struct cfg_arena *arena, const struct str *text, struct err *err)
{
    struct cfg_issues issues = {0};
    struct cfg_node *root = cfg_yaml_parse(arena, str_text(text), text->length, &issues);
    for (size_t i = 0; i < issues.count && err->code == 0; i++) {
        const struct cfg_issue *issue = &issues.items[i];
        if (!issue->is_warning) {
            err_set(err, EINVAL, "line %d: %s", issue->line, issue->message);
        }
    }
    config_issues_finish(&issues);
    return err->code == 0 ? root : NULL;
}

int edit_check_before(struct cfg_arena *arena, const struct str *text, struct err *err)
{
    return parse(arena, text, err) != NULL ? 0 : -err->code;
}

static struct cfg_node *value_node(struct cfg_arena *arena, const struct edit_value *value)
{
    struct cfg_node *node = cfg_new(arena, value->is_list ? CFG_LIST : CFG_STRING, 0);
    if (!value->is_list) {
        node->text = value->texts[0];
        if (value->plain) {
            cfg_scalar_resolve(node);
        }
        return node;
    }
    node->count = value->count;
    node->items = cfg_array(arena, value->count, sizeof *node->items);
    for (size_t i = 0; i < value->count; i++) {
        node->items[i] = cfg_new(arena, CFG_STRING, 0);
        node->items[i]->text = value->texts[i];
    }
    return node;
}

static struct cfg_node *changed(struct cfg_arena *arena, struct cfg_node *node,
                                const struct edit_path *path, size_t depth,
                                const struct edit_value *value);

static struct cfg_node *changed_map(struct cfg_arena *arena, struct cfg_node *map,
                                    const struct edit_path *path, size_t depth,
                                    const struct edit_value *value)
{
    const char *part = path->parts[depth];
    struct cfg_node *child = cfg_get(map, part), *next = NULL;
    if (value->count == 0 && child == NULL) {
        return map;
    }
    if (value->count > 0 || depth + 1 < path->count) {
        next = changed(arena, child, path, depth + 1, value);
    }
    return cfg_with(arena, map, part, next);
}

static struct cfg_node *changed_list(struct cfg_arena *arena, struct cfg_node *old,
                                     const struct edit_path *path, size_t depth,
                                     const struct edit_value *value)
{
    long long index = 0;
    size_t count = old != NULL ? old->count : 0;
    str_to_int(path->parts[depth], &index); /* a place, as was checked when the text was changed */
    struct cfg_node *list = cfg_new(arena, CFG_LIST, 0);
    list->items = cfg_array(arena, count + 1, sizeof *list->items);
    for (size_t i = 0; i < count || i == (size_t)index; i++) {
        struct cfg_node *item = i < count ? old->items[i] : NULL;
        if (i == (size_t)index && (value->count > 0 || depth + 1 < path->count)) {
            item = changed(arena, item, path, depth + 1, value);
        } else if (i == (size_t)index) {
            item = NULL;
        }
        if (item != NULL) {
            list->items[list->count++] = item;
        }
    }
    return list;
}

/* The tree with the change made: NULL and null are filled, when there is something to put in. */
static struct cfg_node *changed(struct cfg_arena *arena, struct cfg_node *node,
                                const struct edit_path *path, size_t depth,
                                const struct edit_value *value)
{
    if (depth == path->count) {
        return value_node(arena, value);
    }
    bool nothing = node == NULL || node->kind == CFG_NULL;
    if (nothing && value->count == 0) {
        return node;
    }
    bool list = nothing ? depth > 0 && edit_is_digits(path->parts[depth]) : node->kind == CFG_LIST;
    struct cfg_node *old = nothing ? NULL : node;
    return list ? changed_list(arena, old, path, depth, value)
                : changed_map(arena, old, path, depth, value);
}

static bool same(const struct cfg_node *a, const struct cfg_node *b)
{
    if (a == NULL || b == NULL || a->kind != b->kind || a->count != b->count) {
        return a == b;
    }
    switch (a->kind) {
    case CFG_NULL:
        return true;
    case CFG_BOOL:
        return a->boolean == b->boolean;
    case CFG_INT:
        return a->integer == b->integer;
    case CFG_FLOAT:
        return memcmp(&a->number, &b->number, sizeof a->number) == 0;
    case CFG_STRING:
        return strcmp(a->text, b->text) == 0;
    case CFG_LIST:
        for (size_t i = 0; i < a->count; i++) {
            if (!same(a->items[i], b->items[i])) {
                return false;
            }
        }
        return true;
    case CFG_MAP:
        for (size_t i = 0; i < a->count; i++) {
            if (!same(a->entries[i].value, cfg_get(b, a->entries[i].key))) {
                return false;
            }
        }
        return true;
    }
    return false;
}

int edit_check_after(struct cfg_arena *arena, const struct str *before, const struct str *after,
                     const struct edit_path *path, const struct edit_value *value, struct err *err)
{
    struct err ignored = ERR_NONE;
    struct cfg_node *old = parse(arena, before, &ignored);
    const struct cfg_node *now = parse(arena, after, &ignored);
    if (!same(changed(arena, old, path, 0, value), now)) {
        return err_set(err, ENOTSUP,
                       "%.200s: this cannot be changed by itself as the file is written; change it "
                       "in the file by hand",
                       path->text);
    }
    return 0;
}
