/* One value of the document into one member of a struct, by its row. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/loader.h"
#include "config/presets.h"

/* A place, so that the functions below take one thing less. */
struct spot {
    struct cfg_loader *loader;
    const struct cfg_row *row;
    const struct cfg_node *node;
    const struct cfg_path *path;
};

static void describe(const struct spot *spot, struct str *out)
{
    const struct cfg_node *node = spot->node;
    bool secret = cfg_row_is_secret(spot->row) || (spot->row->flags & CFG_F_SUBST) != 0;
    const char *what = "";
    switch (node->kind) {
    case CFG_NULL:
        str_add(out, "nothing");
        return;
    case CFG_LIST:
        str_add(out, "a list");
        return;
    case CFG_MAP:
        str_add(out, "a map");
        return;
    case CFG_BOOL:
        what = "true/false value";
        break;
    case CFG_INT:
    case CFG_FLOAT:
        what = "number";
        break;
    case CFG_STRING:
        what = "text";
        break;
    }
    if (secret) {
        str_addf(out, "a %s", what);
        return;
    }
    str_addf(out, "the %s ", what);
    str_add(out, node->kind == CFG_STRING ? "\"" : "");
    cfg_add_quoted(node->text, out);
    str_add(out, node->kind == CFG_STRING ? "\"" : "");
}

/* Always false, for `return wrong(...)`. */
static bool wrong(const struct spot *spot, const char *expected, const char *advice)
{
    if (spot->loader->issues != NULL) {
        AUTO_STR struct str found = {0};
        describe(spot, &found);
        cfg_error(spot->loader->issues, spot->node->line, spot->path, "must be %s, not %s%s",
                  expected, str_text(&found), advice);
    }
    return false;
}

static bool in_range(const struct spot *spot, double value)
{
    const struct cfg_row *row = spot->row;
    bool fine = true;
    if ((row->limits & CFG_L_MIN) != 0) {
        fine = (row->limits & CFG_L_ABOVE) != 0 ? value > row->min : value >= row->min;
    }
    if (fine && (row->limits & CFG_L_MAX) != 0) {
        fine = (row->limits & CFG_L_BELOW) != 0 ? value < row->max : value <= row->max;
    }
    if (!fine && spot->loader->issues != NULL) {
        AUTO_STR struct str range = {0};
        char number[32];
        cfg_row_add_range(row, &range);
        snprintf(number, sizeof number, "%.10g", value);
        cfg_error(spot->loader->issues, spot->node->line, spot->path, "%s is out of range: %s",
                  number, str_text(&range));
    }
    return fine;
}

/* A number in any of the forms that may stand for one; text counts when it is all number. */
static bool number_of(const struct cfg_node *node, double *value)
{
    switch (node->kind) {
    case CFG_INT:
        *value = (double)node->integer;
        return true;
    case CFG_FLOAT:
        *value = node->number;
        return isfinite(node->number);
    case CFG_STRING: {
        AUTO_STR struct str trimmed = {0};
        const char *start = node->text + strspn(node->text, " \t");
        str_add_bytes(&trimmed, start, strcspn(start, " \t"));
        return strlen(start) <= 64 && str_to_double(str_text(&trimmed), value);
    }
    case CFG_NULL:
    case CFG_BOOL:
    case CFG_LIST:
    case CFG_MAP:
        return false;
    }
    return false;
}

static bool whole(const struct spot *spot, double low, double high, int64_t *out)
{
    double value;
    if (!number_of(spot->node, &value) || value != floor(value)) {
        return wrong(spot, "a whole number", "");
    }
    if (!in_range(spot, value)) {
        return false;
    }
    if (value < low || value > high) {
        return wrong(spot, "a smaller number", "");
    }
    *out = spot->node->kind == CFG_INT ? spot->node->integer : (int64_t)value;
    return true;
}

static bool to_int(const struct spot *spot, int *out)
{
    int64_t value;
    if (!whole(spot, INT32_MIN, INT32_MAX, &value)) {
        return false;
    }
    *out = (int)value;
    return true;
}

static bool to_int64(const struct spot *spot, int64_t *out)
{
    return whole(spot, -9e15, 9e15, out);
}

static bool to_float(const struct spot *spot, double *out)
{
    double value;
    if (!number_of(spot->node, &value)) {
        return wrong(spot, "a number", "");
    }
    *out = value;
    return in_range(spot, value);
}

static bool to_bool(const struct spot *spot, bool *out)
{
    const struct cfg_node *node = spot->node;
    int truth = -1;
    if (node->kind == CFG_BOOL) {
        truth = node->boolean;
    } else if (node->kind == CFG_INT && (node->integer == 0 || node->integer == 1)) {
        truth = (int)node->integer;
    } else if (node->kind == CFG_STRING) {
        truth = cfg_scalar_truth(node->text);
    }
    if (truth < 0) {
        return wrong(spot, "true or false", "");
    }
    *out = truth != 0;
    return true;
}

/* Choices as "a, b or c", and the one that was probably meant. */
static bool choose(const struct spot *spot, const char *word, int *value)
{
    struct cfg_nearest nearest = {.word = word};
    for (const struct cfg_choice *choice = spot->row->choices; choice->name != NULL; choice++) {
        if (strcmp(choice->name, word) == 0) {
            *value = choice->value;
            return true;
        }
        cfg_nearest_offer(&nearest, choice->name);
    }
    if (spot->loader->issues == NULL) {
        return false;
    }
    AUTO_STR struct str known = {0}, found = {0};
    for (const struct cfg_choice *choice = spot->row->choices; choice->name != NULL; choice++) {
        const char *between = choice == spot->row->choices ? "" : choice[1].name ? ", " : " or ";
        str_addf(&known, "%s%s", between, choice->name);
    }
    cfg_add_quoted(word, &found);
    const char *best = cfg_nearest_best(&nearest);
    cfg_error(spot->loader->issues, spot->node->line, spot->path,
              "\"%s\" is none of %s%s%s%s", str_text(&found), str_text(&known),
              best != NULL ? "; did you mean " : "", best != NULL ? best : "",
              best != NULL ? "?" : "");
    return false;
}

static bool is_text(const struct spot *spot)
{
    enum cfg_kind kind = spot->node->kind;
    if (kind == CFG_STRING) {
        return true;
    }
    bool scalar = kind == CFG_BOOL || kind == CFG_INT || kind == CFG_FLOAT;
    if (scalar && (spot->row->flags & CFG_F_NUMBER_TOO) != 0) {
        return true;
    }
    return wrong(spot, "text", scalar ? "; put it in quotes" : "");
}

static bool to_string(const struct spot *spot, char **out)
{
    int ignored;
    if (!is_text(spot) ||
        (spot->row->choices != NULL && !choose(spot, spot->node->text, &ignored))) {
        return false;
    }
    if ((spot->row->flags & CFG_F_SUBST) == 0 || strpbrk(spot->node->text, "{}") == NULL) {
        *out = (char *)spot->node->text;
        return true;
    }
    AUTO_STR struct str replaced = {0};
    struct err err = ERR_NONE;
    if (!cfg_substitute(spot->loader->vars, spot->node->text, &replaced, &err)) {
        if (spot->loader->issues != NULL) {
            cfg_error(spot->loader->issues, spot->node->line, spot->path, "%s", err.text);
        }
        return false;
    }
    *out = cfg_strdup(spot->loader->arena, str_text(&replaced));
    return true;
}

static bool to_enum(const struct spot *spot, int *out)
{
    if (spot->node->kind != CFG_STRING) {
        /* `off` and `no` are truth values in YAML; no choice of ours is called so. */
        return wrong(spot, "one of the known words", "");
    }
    return choose(spot, spot->node->text, out);
}

static bool fits(const struct spot *spot, size_t count)
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
static void split_commas(struct cfg_arena *arena, const char *text, struct cfg_list *out)
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
static bool to_items(const struct spot *spot, struct cfg_list *out, bool numbers_too)
{
    bool fine = true;
    if (!fits(spot, spot->node->count)) {
        return false;
    }
    for (size_t i = 0; i < spot->node->count; i++) {
        const struct cfg_path path = {.up = spot->path, .index = i};
        struct spot item = {spot->loader, spot->row, spot->node->items[i], &path};
        int ignored;
        bool number = item.node->kind == CFG_INT || item.node->kind == CFG_FLOAT;
        if (!(numbers_too && number) && !is_text(&item)) {
            fine = false;
        } else if (spot->row->choices != NULL && !choose(&item, item.node->text, &ignored)) {
            fine = false;
        } else {
            list_add(spot->loader->arena, out, item.node->text);
        }
    }
    return fine;
}

static bool to_strings(const struct spot *spot, struct cfg_list *out)
{
    *out = (struct cfg_list){0};
    if (spot->node->kind == CFG_LIST) {
        return to_items(spot, out, false);
    }
    if (spot->node->kind == CFG_STRING && (spot->row->flags & CFG_F_ONE) != 0) {
        split_commas(spot->loader->arena, spot->node->text, out);
        return fits(spot, out->count);
    }
    return wrong(spot, "a list", spot->node->kind == CFG_STRING ? "; write it as [ ... ]" : "");
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

static bool preset_is_fine(const struct spot *spot, const struct cfg_list *args)
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

static bool to_args(const struct spot *spot, struct cfg_list *out)
{
    *out = (struct cfg_list){0};
    bool fine;
    if (spot->node->kind == CFG_LIST) {
        fine = to_items(spot, out, true);
    } else if (spot->node->kind == CFG_STRING) {
        out->text = (char *)spot->node->text;
        fine = cfg_split_args(spot->loader->arena, spot->node->text, out);
        if (!fine) {
            return wrong(spot, "text with every quote closed", "");
        }
        fine = fits(spot, out->count);
    } else {
        return wrong(spot, "text or a list of options", "");
    }
    return fine && preset_is_fine(spot, out);
}

static bool to_weights(const struct spot *spot, struct cfg_list *out)
{
    *out = (struct cfg_list){0};
    if (spot->node->kind == CFG_STRING) {
        split_commas(spot->loader->arena, spot->node->text, out);
    } else if (spot->node->kind != CFG_LIST) {
        return wrong(spot, "five numbers", "");
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
    return fine || wrong(spot, "five numbers (least zoom, greatest zoom, intercept and two "
                               "coefficients), as the calibration writes them",
                         "");
}

static bool pair_of(const struct spot *spot, struct cfg_pair *pair)
{
    if (spot->row->type == CFG_T_NUMBERS) {
        int64_t number;
        if ((spot->row->flags & CFG_F_INTEGER) == 0) {
            return to_float(spot, &pair->number);
        }
        bool fine = to_int64(spot, &number);
        pair->number = fine ? (double)number : 0;
        return fine;
    }
    return to_string(spot, &pair->text);
}

static bool is_index(const char *text)
{
    long long value;
    return str_to_int(text, &value) && value >= 0 && value < CFG_MAX_LABELS;
}

static bool to_pairs(const struct spot *spot, struct cfg_pairs *out)
{
    *out = (struct cfg_pairs){0};
    if (spot->node->kind != CFG_MAP) {
        return wrong(spot, "a map", "");
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
        struct spot item = {spot->loader, spot->row, entry->value, &path};
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

static bool to_mask(const struct spot *spot, struct cfg_mask *out)
{
    *out = (struct cfg_mask){0};
    bool fine = true;
    if (spot->node->kind == CFG_LIST) {
        out->is_list = true;
        fine = to_items(spot, &out->text, false);
    } else if (spot->node->kind == CFG_STRING) {
        list_add(spot->loader->arena, &out->text, spot->node->text);
    } else {
        return wrong(spot, "coordinates such as \"0.1,0.2,0.5,0.2,0.5,0.6\", or a list of them",
                     "");
    }
    out->present = true;
    return fine;
}

bool cfg_value(struct cfg_loader *loader, const struct cfg_row *row, const struct cfg_node *node,
               const struct cfg_path *path, void *member)
{
    const struct spot spot = {loader, row, node, path};
    switch (row->type) {
    case CFG_T_BOOL:
        return to_bool(&spot, member);
    case CFG_T_INT:
        return to_int(&spot, member);
    case CFG_T_INT64:
        return to_int64(&spot, member);
    case CFG_T_OPT_INT: {
        struct cfg_opt_int *optional = member;
        optional->has = to_int64(&spot, &optional->value);
        return optional->has;
    }
    case CFG_T_OPT_BOOL: {
        struct cfg_opt_bool *optional = member;
        optional->has = to_bool(&spot, &optional->value);
        return optional->has;
    }
    case CFG_T_FLOAT:
        return to_float(&spot, member);
    case CFG_T_STRING:
        return to_string(&spot, member);
    case CFG_T_ENUM:
        return to_enum(&spot, member);
    case CFG_T_STRINGS:
        return to_strings(&spot, member);
    case CFG_T_ARGS:
        return to_args(&spot, member);
    case CFG_T_WEIGHTS:
        return to_weights(&spot, member);
    case CFG_T_NUMBERS:
    case CFG_T_TEXTS:
        return to_pairs(&spot, member);
    case CFG_T_MASK:
        return to_mask(&spot, member);
    case CFG_T_FREE:
        *(const struct cfg_node **)member = node;
        return true;
    case CFG_T_SECTION:
    case CFG_T_BLOCK:
    case CFG_T_MAP:
    case CFG_T_LIST:
        break;
    }
    abort(); /* these hold rows, not a value */
}

static void default_enum(const struct cfg_row *row, int *out)
{
    *out = row->unset;
    for (const struct cfg_choice *choice = row->choices; choice->name != NULL; choice++) {
        if (row->def != NULL && strcmp(choice->name, row->def) == 0) {
            *out = choice->value;
        }
    }
}

/* Lists of options are shown as lists, presets and "auto" as the texts they are. */
static void default_args(struct cfg_arena *arena, const char *text, struct cfg_list *out)
{
    *out = (struct cfg_list){0};
    cfg_split_args(arena, text, out);
    if (out->count == 1) {
        out->text = out->items[0];
    }
}

void cfg_default(struct cfg_loader *loader, const struct cfg_row *row, void *member)
{
    const char *def = row->def;
    switch (row->type) {
    case CFG_T_BOOL:
        *(bool *)member = def != NULL && strcmp(def, "true") == 0;
        return;
    case CFG_T_INT:
        *(int *)member = def != NULL ? (int)strtol(def, NULL, 10) : row->unset;
        return;
    case CFG_T_INT64:
        *(int64_t *)member = def != NULL ? strtoll(def, NULL, 10) : 0;
        return;
    case CFG_T_OPT_INT:
        *(struct cfg_opt_int *)member = (struct cfg_opt_int){0};
        return;
    case CFG_T_OPT_BOOL:
        *(struct cfg_opt_bool *)member = (struct cfg_opt_bool){0};
        return;
    case CFG_T_FLOAT:
        *(double *)member = def != NULL ? strtod(def, NULL) : NAN;
        return;
    case CFG_T_STRING:
        *(char **)member = (char *)def;
        return;
    case CFG_T_ENUM:
        default_enum(row, member);
        return;
    case CFG_T_STRINGS:
    case CFG_T_WEIGHTS:
        *(struct cfg_list *)member = (struct cfg_list){0};
        split_commas(loader->arena, def != NULL ? def : "", member);
        return;
    case CFG_T_ARGS:
        default_args(loader->arena, def != NULL ? def : "", member);
        return;
    case CFG_T_NUMBERS:
    case CFG_T_TEXTS:
        *(struct cfg_pairs *)member = (struct cfg_pairs){0};
        return;
    case CFG_T_MASK:
        *(struct cfg_mask *)member = (struct cfg_mask){0};
        return;
    case CFG_T_FREE:
        *(const struct cfg_node **)member = NULL;
        return;
    case CFG_T_SECTION:
    case CFG_T_BLOCK:
    case CFG_T_MAP:
    case CFG_T_LIST:
        return;
    }
}
