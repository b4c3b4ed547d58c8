/* Lists, maps and texts that stand for lists. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/presets.h"
#include "config/value.h"

static bool fits(const struct cfg_spot *spot, size_t count)
{
    size_t limit = spot->row->at_most > 0 ? spot->row->at_most : CFG_MAX_ITEMS;
    if (count > limit && spot->loader->issues != NULL) {
        cfg_error(spot->loader->issues, spot->node->line, spot->path,
                  "%zu entries are too many; at most %zu", count, limit);
    }
    return count <= limit;
}

static void list_add(struct cfg_arena *arena, struct cfg_list *list, const char *text)
{
    list->items = cfg_push(arena, list->items, list->count, sizeof *list->items);
    list->items[list->count++] = (char *)text;
}

/* "a, b" where one text stood for a list. */
void cfg_split_commas(struct cfg_arena *arena, const char *text, struct cfg_list *out)
{
    while (*text != '\0') {
        size_t length = strcspn(text, ",");
        size_t start = strspn(text, " \t");
        size_t stop = length;
        while (stop > start && (text[stop - 1] == ' ' || text[stop - 1] == '\t')) {
            stop--;
        }
        if (start < stop) {
            list_add(arena, out, cfg_strndup(arena, text + start, stop - start));
        }
        text += length + (text[length] == ',');
    }
}

/* Each item must be text; numbers count as text when the row says so. */
static bool to_items(const struct cfg_spot *spot, struct cfg_list *out, bool numbers_too)
{
    bool fine = true;
    if (!fits(spot, spot->node->count)) {
        return false;
    }
    for (size_t i = 0; i < spot->node->count; i++) {
        const struct cfg_path path = {.up = spot->path, .index = i};
        struct cfg_spot item = {spot->loader, spot->row, spot->node->items[i], &path};
        int ignored;
        bool number = item.node->kind == CFG_INT || item.node->kind == CFG_FLOAT;
        if (!(numbers_too && number) && !cfg_is_text(&item)) {
            fine = false;
        } else if (spot->row->choices != NULL && !cfg_choose(&item, item.node->text, &ignored)) {
            fine = false;
        } else {
            list_add(spot->loader->arena, out, item.node->text);
        }
    }
    return fine;
}

bool cfg_to_strings(const struct cfg_spot *spot, struct cfg_list *out)
{
    *out = (struct cfg_list){0};
    if (spot->node->kind == CFG_LIST) {
        return to_items(spot, out, false);
    }
    if (spot->node->kind == CFG_STRING && (spot->row->flags & CFG_F_ONE) != 0) {
        cfg_split_commas(spot->loader->arena, spot->node->text, out);
        return fits(spot, out->count);
    }
    return cfg_wrong(spot, "a list", spot->node->kind == CFG_STRING ? "; write it as [ ... ]" : "");
}

bool cfg_split_args(struct cfg_arena *arena, const char *text, struct cfg_list *out)
{
    AUTO_STR struct str word = {0};
    bool in_word = false;
    char quote = '\0';
    for (; *text != '\0'; text++) {
        if (quote == '\'' ? *text == '\'' : quote == '"' && *text == '"') {
            quote = '\0';
        } else if (quote == '\0' && (*text == '\'' || *text == '"')) {
            quote = *text;
            in_word = true;
        } else if (*text == '\\' && quote != '\'' && text[1] != '\0' &&
                   (quote == '\0' || text[1] == '"' || text[1] == '\\')) {
            str_add_char(&word, *++text);
            in_word = true;
        } else if (quote == '\0' && strchr(" \t\r\n", *text) != NULL) {
            if (in_word) {
                list_add(arena, out, cfg_strdup(arena, str_text(&word)));
            }
            str_clear(&word);
            in_word = false;
        } else {
            str_add_char(&word, *text);
            in_word = true;
        }
    }
    if (in_word) {
        list_add(arena, out, cfg_strdup(arena, str_text(&word)));
    }
    return quote == '\0';
}

/* Which table of presets a row's options may name. */
static enum cfg_preset preset_kind(const struct cfg_row *row)
{
    const char *name = cfg_row_name(row);
    return strcmp(name, "hwaccel_args") == 0 ? CFG_PRESET_HWACCEL
           : strcmp(name, "input_args") == 0 ? CFG_PRESET_INPUT
           : strcmp(name, "record") == 0     ? CFG_PRESET_RECORD
                                             : CFG_PRESET_NONE;
}

static bool preset_is_fine(const struct cfg_spot *spot, const struct cfg_list *args)
{
    if (args->count != 1 || !str_starts(args->items[0], "preset-")) {
        return true;
    }
    enum cfg_preset kind = preset_kind(spot->row);
    if (config_preset_exists(kind, args->items[0])) {
        return true;
    }
    const char *best = config_preset_nearest(kind, args->items[0]);
    if (spot->loader->issues != NULL) {
        AUTO_STR struct str found = {0};
        cfg_add_quoted(args->items[0], &found);
        cfg_error(spot->loader->issues, spot->node->line, spot->path,
                  "there is no preset \"%s\" for this%s%s%s", str_text(&found),
                  best != NULL ? "; did you mean " : "", best != NULL ? best : "",
                  best != NULL ? "?" : "");
    }
    return false;
}

bool cfg_to_args(const struct cfg_spot *spot, struct cfg_list *out)
{
    *out = (struct cfg_list){0};
    bool fine;
    if (spot->node->kind == CFG_LIST) {
        fine = to_items(spot, out, true);
    } else if (spot->node->kind == CFG_STRING) {
        out->text = (char *)spot->node->text;
        fine = cfg_split_args(spot->loader->arena, spot->node->text, out);
        if (!fine) {
            return cfg_wrong(spot, "text with every quote closed", "");
        }
        fine = fits(spot, out->count);
    } else {
        return cfg_wrong(spot, "text or a list of options", "");
    }
    return fine && preset_is_fine(spot, out);
}

bool cfg_to_weights(const struct cfg_spot *spot, struct cfg_list *out)
{
    *out = (struct cfg_list){0};
    if (spot->node->kind == CFG_STRING) {
        cfg_split_commas(spot->loader->arena, spot->node->text, out);
    } else if (spot->node->kind != CFG_LIST) {
        return cfg_wrong(spot, "five numbers", "");
    } else if (!to_items(spot, out, true)) {
        return false;
    }
    bool fine = out->count == 5;
    for (size_t i = 0; fine && i < out->count; i++) {
        double number;
        char text[32];
        fine = str_to_double(out->items[i], &number);
        out->items[i] = cfg_strdup(spot->loader->arena, fine ? str_double(text, number) : "");
    }
    if (out->count == 0) {
        return true; /* not calibrated yet */
    }
    return fine || cfg_wrong(spot,
                             "five numbers (least zoom, greatest zoom, intercept and two "
                             "coefficients), as the calibration writes them",
                             "");
}

static bool pair_of(const struct cfg_spot *spot, struct cfg_pair *pair)
{
    if (spot->row->type == CFG_T_NUMBERS) {
        int64_t number;
        if ((spot->row->flags & CFG_F_INTEGER) == 0) {
            return cfg_to_float(spot, &pair->number);
        }
        bool fine = cfg_to_int64(spot, &number);
        pair->number = fine ? (double)number : 0;
        return fine;
    }
    return cfg_to_string(spot, &pair->text);
}

static bool is_index(const char *text)
{
    long long value;
    return str_to_int(text, &value) && value >= 0 && value < CFG_MAX_LABELS;
}

bool cfg_to_pairs(const struct cfg_spot *spot, struct cfg_pairs *out)
{
    *out = (struct cfg_pairs){0};
    if (spot->node->kind != CFG_MAP) {
        return cfg_wrong(spot, "a map", "");
    }
    if (!fits(spot, spot->node->count)) {
        return false;
    }
    bool fine = true;
    bool indexed = spot->row->type == CFG_T_TEXTS && (spot->row->flags & CFG_F_INTEGER) != 0;
    out->items = cfg_array(spot->loader->arena, spot->node->count, sizeof *out->items);
    for (size_t i = 0; i < spot->node->count; i++) {
        const struct cfg_entry *entry = &spot->node->entries[i];
        const struct cfg_path path = {.up = spot->path, .key = entry->key};
        struct cfg_spot item = {spot->loader, spot->row, entry->value, &path};
        struct cfg_pair pair = {.name = (char *)entry->key};
        if (indexed && !is_index(entry->key)) {
            if (spot->loader->issues != NULL) {
                cfg_error(spot->loader->issues, entry->line, &path,
                          "the key must be the number of a label, 0 to %d", CFG_MAX_LABELS - 1);
            }
            fine = false;
        } else if (!pair_of(&item, &pair)) {
            fine = false;
        } else {
            out->items[out->count++] = pair;
        }
    }
    return fine;
}

bool cfg_to_mask(const struct cfg_spot *spot, struct cfg_mask *out)
{
    *out = (struct cfg_mask){0};
    bool fine = true;
    if (spot->node->kind == CFG_LIST) {
        out->is_list = true;
        fine = to_items(spot, &out->text, false);
    } else if (spot->node->kind == CFG_STRING) {
        list_add(spot->loader->arena, &out->text, spot->node->text);
    } else {
        return cfg_wrong(spot, "coordinates such as \"0.1,0.2,0.5,0.2,0.5,0.6\", or a list of them",
                         "");
    }
    out->present = true;
    return fine;
}
