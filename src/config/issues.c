#include "config/issues.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define MAX_ERRORS 500
#define MAX_WARNINGS 500

#define MAX_QUOTE 80

void cfg_add_quoted(const char *value, struct str *out)
{
    AUTO_STR struct str masked = {0}; /* an address may have come to the wrong place */
    config_mask_url(value, &masked);
    const char *text = str_text(&masked);
    size_t length = 0;
    for (; text[length] != '\0' && length < MAX_QUOTE; length++) {
        unsigned char c = (unsigned char)text[length];
        str_add_char(out, c < ' ' || c == 127 ? '?' : (char)c);
    }
    if (text[length] == '\0') {
        return;
    }
    /* Do not cut a UTF-8 character in two. */
    while (((unsigned char)text[length] & 0xc0) == 0x80 && out->length > 0) {
        out->data[--out->length] = '\0';
        length--;
    }
    str_add(out, "...");
}

void cfg_path_add(const struct cfg_path *path, struct str *out)
{
    if (path == NULL) {
        return;
    }
    cfg_path_add(path->up, out);
    if (out->length > 0) {
        str_add_char(out, '.');
    }
    if (path->key != NULL) {
        cfg_add_quoted(path->key, out);
    } else {
        str_addf(out, "%zu", path->index);
    }
}

static size_t count_of(const struct cfg_issues *issues, bool is_warning)
{
    size_t count = 0;
    for (size_t i = 0; i < issues->count; i++) {
        count += issues->items[i].is_warning == is_warning;
    }
    return count;
}

static void add(struct cfg_issues *issues, bool is_warning, int line, const struct cfg_path *path,
                const char *format, va_list args)
{
    size_t limit = is_warning ? MAX_WARNINGS : MAX_ERRORS;
    size_t already = count_of(issues, is_warning);
    if (already > limit) {
        return;
    }
    AUTO_STR struct str message = {0}, where = {0};
    if (already == limit) {
        line = 0;
        str_addf(&message, "more %s are not shown", is_warning ? "warnings" : "errors");
    } else {
        str_addv(&message, format, args);
        cfg_path_add(path, &where);
    }
    struct cfg_issue *issue = MEM_PUSH(issues->items, issues->count, issues->capacity);
    issue->is_warning = is_warning;
    issue->line = line;
    issue->path = str_steal(&where);
    issue->message = str_steal(&message);
}

void cfg_error(struct cfg_issues *issues, int line, const struct cfg_path *path, const char *format,
               ...)
{
    va_list args;
    va_start(args, format);
    add(issues, false, line, path, format, args);
    va_end(args);
}

void cfg_warn(struct cfg_issues *issues, int line, const struct cfg_path *path, const char *format,
              ...)
{
    va_list args;
    va_start(args, format);
    add(issues, true, line, path, format, args);
    va_end(args);
}

#define MAX_WORD 64 /* longer words are no typing mistake, and distance costs their product */

/* Two neighbouring letters changed places: one slip, though two changes. */
static bool is_swapped(const char *a, const char *b)
{
    if (strlen(a) != strlen(b)) {
        return false;
    }
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return a[0] != '\0' && a[0] == b[1] && a[1] == b[0] && strcmp(a + 2, b + 2) == 0;
}

void cfg_nearest_offer(struct cfg_nearest *nearest, const char *candidate)
{
    if (strlen(nearest->word) > MAX_WORD || strlen(candidate) > MAX_WORD) {
        return;
    }
    unsigned distance =
        is_swapped(nearest->word, candidate) ? 1 : str_distance(nearest->word, candidate);
    if (nearest->best == NULL || distance < nearest->distance) {
        nearest->best = candidate;
        nearest->distance = distance;
    }
}

const char *cfg_nearest_best(const struct cfg_nearest *nearest)
{
    /* One slip in three letters; in a short word any letter more would fit everything. */
    size_t allowed = strlen(nearest->word) / 3;
    return nearest->best != NULL && nearest->distance <= (allowed > 1 ? allowed : 1) ? nearest->best
                                                                                     : NULL;
}

bool cfg_has_errors(const struct cfg_issues *issues)
{
    return count_of(issues, false) > 0;
}

void config_issues_finish(struct cfg_issues *issues)
{
    for (size_t i = 0; i < issues->count; i++) {
        free(issues->items[i].path);
        free(issues->items[i].message);
    }
    free(issues->items);
    *issues = (struct cfg_issues){0};
}

/* In the order of the file, errors before warnings on the same line; those without a line last. */
static int by_line(const void *a, const void *b)
{
    const struct cfg_issue *x = *(const struct cfg_issue *const *)a;
    const struct cfg_issue *y = *(const struct cfg_issue *const *)b;
    int x_line = x->line > 0 ? x->line : INT32_MAX, y_line = y->line > 0 ? y->line : INT32_MAX;
    if (x_line != y_line) {
        return x_line < y_line ? -1 : 1;
    }
    if (x->is_warning != y->is_warning) {
        return x->is_warning ? 1 : -1;
    }
    return x < y ? -1 : x > y;
}

void config_issues_format(const struct cfg_issues *issues, const char *file, struct str *out)
{
    if (issues->count == 0) {
        return;
    }
    const struct cfg_issue **sorted = mem_array(issues->count, sizeof *sorted);
    for (size_t i = 0; i < issues->count; i++) {
        sorted[i] = &issues->items[i];
    }
    qsort(sorted, issues->count, sizeof *sorted, by_line);
    for (size_t i = 0; i < issues->count; i++) {
        str_add(out, file);
        if (sorted[i]->line > 0) {
            str_addf(out, ":%d", sorted[i]->line);
        }
        str_addf(out, ": %s", sorted[i]->is_warning ? "warning: " : "");
        if (sorted[i]->path[0] != '\0') {
            str_addf(out, "%s: ", sorted[i]->path);
        }
        str_addf(out, "%s\n", sorted[i]->message);
    }
    free(sorted);
}
