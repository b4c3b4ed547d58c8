#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/edit_private.h"

size_t edit_line_start(const struct editor *e, size_t at)
{
    while (at > 0 && e->text[at - 1] != '\n') {
        at--;
    }
    return at;
}

size_t edit_line_end(const struct editor *e, size_t at)
{
    const char *newline = memchr(e->text + at, '\n', e->length - at);
    if (newline == NULL) {
        return e->length;
    }
    size_t end = (size_t)(newline - e->text);
    return end > at && e->text[end - 1] == '\r' ? end - 1 : end;
}

size_t edit_next_line(const struct editor *e, size_t at)
{
    const char *newline = memchr(e->text + at, '\n', e->length - at);
    return newline != NULL ? (size_t)(newline - e->text) + 1 : e->length;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool edit_begins_line(const struct editor *e, size_t at)
{
    while (at > 0 && is_blank(e->text[at - 1])) {
        at--;
    }
    return at == 0 || e->text[at - 1] == '\n' ||
           (at == 3 && memcmp(e->text, "\xef\xbb\xbf", 3) == 0);
}

size_t edit_before_blanks(const struct editor *e, size_t at)
{
    while (at > 0 && is_blank(e->text[at - 1])) {
        at--;
    }
    return at;
}

struct str *edit_splice(struct editor *e, size_t from, size_t to)
{
    if (e->splice_count == EDIT_SPLICES_MAX) {
        abort();
    }
    struct splice *splice = &e->splices[e->splice_count++];
    *splice = (struct splice){.from = from, .to = to};
    return &splice->text;
}

int edit_refuse(struct editor *e, const char *path, const char *why)
{
    return err_set(e->err, ENOTSUP, "%s: %s; change it in the file by hand", path, why);
}

size_t edit_after_colon(const struct editor *e, const struct place *key)
{
    size_t at = key->end;
    while (at < e->length && is_blank(e->text[at])) {
        at++;
    }
    return at < e->length && e->text[at] == ':' ? at + 1 : 0;
}

bool edit_find_dash(const struct editor *e, const struct place *list, size_t index, size_t *dash)
{
    size_t low = index > 0 ? list->values[index - 1]->end : 0;
    for (size_t line = edit_line_start(e, list->values[index]->start);;) {
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
        line = edit_line_start(e, line - 1);
    }
}

size_t edit_find_step(const struct place *place)
{
    size_t step = 0;
    for (size_t i = 0; i < place->count && step == 0; i++) {
        const struct place *value = place->values[i];
        if (place->kind == PLACE_MAP && value->kind == PLACE_MAP && !place->flow && !value->flow &&
            value->column > place->column) {
            step = value->column - place->column;
        } else {
            step = edit_find_step(value);
        }
    }
    return step;
}

int edit_find(struct editor *e, const struct edit_path *path, struct place *root, struct spot *spot)
{
    struct place *at = root;
    *spot = (struct spot){0};
    for (size_t i = 0; i < path->count; i++) {
        const char *part = path->parts[i];
        if (at->shared || at->kind == PLACE_ALIAS) {
            return edit_refuse(e, path->text, "it belongs to an anchor and stands elsewhere too");
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

bool edit_is_block(const struct place *place)
{
    return (place->kind == PLACE_MAP || place->kind == PLACE_LIST) && !place->flow;
}
