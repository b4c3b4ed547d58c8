/* One value of the document into one member of a struct, by its row. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/value.h"

static void describe(const struct cfg_spot *spot, struct str *out)
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

bool cfg_wrong(const struct cfg_spot *spot, const char *expected, const char *advice)
{
    if (spot->loader->issues != NULL) {
        AUTO_STR struct str found = {0};
        describe(spot, &found);
        cfg_error(spot->loader->issues, spot->node->line, spot->path, "must be %s, not %s%s",
                  expected, str_text(&found), advice);
    }
    return false;
}

static bool in_range(const struct cfg_spot *spot, double value)
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

static bool whole(const struct cfg_spot *spot, double low, double high, int64_t *out)
{
    double value;
    if (!number_of(spot->node, &value) || value != floor(value)) {
        return cfg_wrong(spot, "a whole number", "");
    }
    if (!in_range(spot, value)) {
        return false;
    }
    if (value < low || value > high) {
        return cfg_wrong(spot, "a smaller number", "");
    }
    *out = spot->node->kind == CFG_INT ? spot->node->integer : (int64_t)value;
    return true;
}

static bool to_int(const struct cfg_spot *spot, int *out)
{
    int64_t value = 0; /* gcc does not see that whole() sets it */
    if (!whole(spot, INT32_MIN, INT32_MAX, &value)) {
        return false;
    }
    *out = (int)value;
    return true;
}

bool cfg_to_int64(const struct cfg_spot *spot, int64_t *out)
{
    return whole(spot, -9e15, 9e15, out);
}

bool cfg_to_float(const struct cfg_spot *spot, double *out)
{
    double value;
    if (!number_of(spot->node, &value)) {
        return cfg_wrong(spot, "a number", "");
    }
    *out = value;
    return in_range(spot, value);
}

static bool to_bool(const struct cfg_spot *spot, bool *out)
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
        return cfg_wrong(spot, "true or false", "");
    }
    *out = truth != 0;
    return true;
}

/* Choices as "a, b or c", and the one that was probably meant. */
bool cfg_choose(const struct cfg_spot *spot, const char *word, int *value)
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
    cfg_error(spot->loader->issues, spot->node->line, spot->path, "\"%s\" is none of %s%s%s%s",
              str_text(&found), str_text(&known), best != NULL ? "; did you mean " : "",
              best != NULL ? best : "", best != NULL ? "?" : "");
    return false;
}

bool cfg_is_text(const struct cfg_spot *spot)
{
    enum cfg_kind kind = spot->node->kind;
    if (kind == CFG_STRING) {
        return true;
    }
    bool scalar = kind == CFG_BOOL || kind == CFG_INT || kind == CFG_FLOAT;
    if (scalar && (spot->row->flags & CFG_F_NUMBER_TOO) != 0) {
        return true;
    }
    return cfg_wrong(spot, "text", scalar ? "; put it in quotes" : "");
}

bool cfg_to_string(const struct cfg_spot *spot, char **out)
{
    int ignored;
    if (!cfg_is_text(spot) ||
        (spot->row->choices != NULL && !cfg_choose(spot, spot->node->text, &ignored))) {
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

static bool to_enum(const struct cfg_spot *spot, int *out)
{
    if (spot->node->kind != CFG_STRING) {
        /* `off` and `no` are truth values in YAML; no choice of ours is called so. */
        return cfg_wrong(spot, "one of the known words", "");
    }
    return cfg_choose(spot, spot->node->text, out);
}

bool cfg_value(struct cfg_loader *loader, const struct cfg_row *row, const struct cfg_node *node,
               const struct cfg_path *path, void *member)
{
    const struct cfg_spot spot = {loader, row, node, path};
    switch (row->type) {
    case CFG_T_BOOL:
        return to_bool(&spot, member);
    case CFG_T_INT:
        return to_int(&spot, member);
    case CFG_T_INT64:
        return cfg_to_int64(&spot, member);
    case CFG_T_OPT_INT: {
        struct cfg_opt_int *optional = member;
        optional->has = cfg_to_int64(&spot, &optional->value);
        return optional->has;
    }
    case CFG_T_OPT_BOOL: {
        struct cfg_opt_bool *optional = member;
        optional->has = to_bool(&spot, &optional->value);
        return optional->has;
    }
    case CFG_T_FLOAT:
        return cfg_to_float(&spot, member);
    case CFG_T_STRING:
        return cfg_to_string(&spot, member);
    case CFG_T_ENUM:
        return to_enum(&spot, member);
    case CFG_T_STRINGS:
        return cfg_to_strings(&spot, member);
    case CFG_T_ARGS:
        return cfg_to_args(&spot, member);
    case CFG_T_WEIGHTS:
        return cfg_to_weights(&spot, member);
    case CFG_T_NUMBERS:
    case CFG_T_TEXTS:
        return cfg_to_pairs(&spot, member);
    case CFG_T_MASK:
        return cfg_to_mask(&spot, member);
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
