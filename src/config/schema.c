/* JSON Schema (draft 7) for editors. It is a little stricter than the program, which also takes
 * the spellings YAML files are full of ("yes" in quotes, numbers in quotes). */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "config/reference.h"
#include "config/table.h"

static const char *const block_names[CFG_B_COUNT] = {
    [CFG_B_CAMERA] = "camera",
    [CFG_B_INPUT] = "input",
    [CFG_B_ZONE] = "zone",
    [CFG_B_FILTER] = "filter",
    [CFG_B_AUDIO_FILTER] = "audio_filter",
    [CFG_B_MODEL] = "model",
    [CFG_B_DETECTOR] = "detector",
    [CFG_B_GROUP] = "camera_group",
};

static void add_rows(struct jout *out, const struct cfg_row *first, const struct cfg_row *second,
                     unsigned scope, bool open);

/* "type": one name, or with null beside it. */
static void add_type(struct jout *out, const struct cfg_row *row, const char *type,
                     const char *other)
{
    bool null = (row->flags & CFG_F_NULL) != 0;
    jout_key(out, "type");
    if (other == NULL && !null) {
        jout_string(out, type);
        return;
    }
    jout_begin_array(out);
    jout_string(out, type);
    if (other != NULL) {
        jout_string(out, other);
    }
    if (null) {
        jout_string(out, "null");
    }
    jout_end_array(out);
}

static void add_limits(struct jout *out, const struct cfg_row *row)
{
    if ((row->limits & CFG_L_MIN) != 0) {
        jout_key(out, (row->limits & CFG_L_ABOVE) != 0 ? "exclusiveMinimum" : "minimum");
        jout_number(out, row->min);
    }
    if ((row->limits & CFG_L_MAX) != 0) {
        jout_key(out, (row->limits & CFG_L_BELOW) != 0 ? "exclusiveMaximum" : "maximum");
        jout_number(out, row->max);
    }
}

static void add_choices(struct jout *out, const struct cfg_row *row)
{
    if (row->choices == NULL) {
        return;
    }
    jout_key(out, "enum");
    jout_begin_array(out);
    for (const struct cfg_choice *choice = row->choices; choice->name != NULL; choice++) {
        jout_string(out, choice->name);
    }
    if ((row->flags & CFG_F_NULL) != 0) {
        jout_null(out);
    }
    jout_end_array(out);
}

/* A text, or a list of texts; only the list when `list_only`. */
static void add_texts(struct jout *out, const struct cfg_row *row, bool list_only)
{
    add_type(out, row, "array", list_only ? NULL : "string");
    jout_key(out, "items");
    jout_begin_object(out);
    jout_put_string(out, "type", "string");
    add_choices(out, row);
    jout_end_object(out);
}

static void add_map(struct jout *out, const struct cfg_row *row, const char *type)
{
    add_type(out, row, "object", NULL);
    jout_key(out, "additionalProperties");
    jout_begin_object(out);
    jout_put_string(out, "type", type);
    add_limits(out, row);
    add_choices(out, row);
    jout_end_object(out);
}

static void add_reference(struct jout *out, enum cfg_block block)
{
    AUTO_STR struct str target = {0};
    str_addf(&target, "#/definitions/%s", block_names[block]);
    jout_put_string(out, "$ref", str_text(&target));
}

static void add_elements(struct jout *out, const struct cfg_row *row)
{
    bool is_map = row->type == CFG_T_MAP;
    add_type(out, row, is_map ? "object" : "array", NULL);
    jout_key(out, is_map ? "additionalProperties" : "items");
    jout_begin_object(out);
    add_reference(out, row->block);
    jout_end_object(out);
}

static void add_default(struct jout *out, const struct cfg_row *row)
{
    if (row->def == NULL) {
        return;
    }
    jout_key(out, "default");
    switch (row->type) {
    case CFG_T_BOOL:
        jout_bool(out, strcmp(row->def, "true") == 0);
        return;
    case CFG_T_INT:
    case CFG_T_INT64:
    case CFG_T_FLOAT:
        jout_number(out, strtod(row->def, NULL));
        return;
    case CFG_T_STRINGS:
    case CFG_T_WEIGHTS:
        jout_begin_array(out);
        for (const char *p = row->def; *p != '\0';) {
            size_t length = strcspn(p, ",");
            jout_string_n(out, p, length);
            p += length;
            p += strspn(p, ", ");
        }
        jout_end_array(out);
        return;
    default:
        jout_string(out, row->def);
        return;
    }
}

static void add_shape(struct jout *out, const struct cfg_row *row, unsigned scope)
{
    switch (row->type) {
    case CFG_T_SECTION:
        add_type(out, row, "object", NULL);
        add_rows(out, cfg_row_child(row, scope), NULL, scope,
                 (row->flags & CFG_F_LENIENT) != 0 && scope == CFG_CAMERA);
        return;
    case CFG_T_BLOCK:
        add_reference(out, row->block);
        return;
    case CFG_T_BOOL:
    case CFG_T_OPT_BOOL:
        add_type(out, row, "boolean", NULL);
        return;
    case CFG_T_INT:
    case CFG_T_INT64:
    case CFG_T_OPT_INT:
        add_type(out, row, "integer", NULL);
        add_limits(out, row);
        return;
    case CFG_T_FLOAT:
        add_type(out, row, "number", NULL);
        add_limits(out, row);
        return;
    case CFG_T_STRING:
    case CFG_T_ENUM:
        add_type(out, row, "string", (row->flags & CFG_F_NUMBER_TOO) != 0 ? "number" : NULL);
        add_choices(out, row);
        return;
    case CFG_T_STRINGS:
        add_texts(out, row, (row->flags & CFG_F_ONE) == 0);
        return;
    case CFG_T_ARGS:
    case CFG_T_WEIGHTS:
    case CFG_T_MASK:
        add_texts(out, row, false);
        return;
    case CFG_T_NUMBERS:
        add_map(out, row, (row->flags & CFG_F_INTEGER) != 0 ? "integer" : "number");
        return;
    case CFG_T_TEXTS:
        add_map(out, row, "string");
        return;
    case CFG_T_MAP:
    case CFG_T_LIST:
        add_elements(out, row);
        return;
    case CFG_T_FREE:
        add_type(out, row, "object", NULL);
        return;
    }
}

static void add_row(struct jout *out, const struct cfg_row *row, unsigned scope)
{
    jout_key(out, cfg_row_name(row));
    jout_begin_object(out);
    AUTO_STR struct str help = {0};
    str_add(&help, row->help);
    if (row->unit != NULL) {
        str_addf(&help, " (%s)", row->unit);
    }
    jout_put_string(out, "description", str_text(&help));
    add_shape(out, row, scope);
    add_default(out, row);
    jout_end_object(out);
}

static void add_required(struct jout *out, const struct cfg_row *first, unsigned scope, bool *any)
{
    for (const struct cfg_row *row = first; row != NULL; row = cfg_row_next(row, scope)) {
        bool required = (row->flags & CFG_F_REQUIRED) != 0;
        /* A section with a required key is required itself. */
        if (row->type == CFG_T_SECTION) {
            const struct cfg_row *child = cfg_row_child(row, scope);
            for (; child != NULL; child = cfg_row_next(child, scope)) {
                required = required || (child->flags & CFG_F_REQUIRED) != 0;
            }
        }
        if (!required) {
            continue;
        }
        if (!*any) {
            jout_key(out, "required");
            jout_begin_array(out);
            *any = true;
        }
        jout_string(out, cfg_row_name(row));
    }
}

/* The keys of one level; the root has two blocks side by side. `open`: others are let pass. */
static void add_rows(struct jout *out, const struct cfg_row *first, const struct cfg_row *second,
                     unsigned scope, bool open)
{
    const struct cfg_row *const starts[] = {first, second};
    jout_key(out, "properties");
    jout_begin_object(out);
    for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
        for (const struct cfg_row *row = starts[i]; row != NULL; row = cfg_row_next(row, scope)) {
            if ((row->flags & CFG_F_DERIVED) == 0) {
                add_row(out, row, scope);
            }
        }
    }
    jout_end_object(out);
    bool any = false;
    add_required(out, first, scope, &any);
    add_required(out, second, scope, &any);
    if (any) {
        jout_end_array(out);
    }
    jout_put_bool(out, "additionalProperties", open);
}

void config_reference_schema(struct str *text)
{
    struct jout out = {.out = text};
    jout_begin_object(&out);
    jout_put_string(&out, "$schema", "http://json-schema.org/draft-07/schema#");
    jout_put_string(&out, "title", "Corvette configuration");
    jout_put_string(&out, "type", "object");
    add_rows(&out, cfg_row_first(CFG_B_ROOT, CFG_GLOBAL), cfg_row_first(CFG_B_CAMERA, CFG_GLOBAL),
             CFG_GLOBAL, false);
    jout_key(&out, "definitions");
    jout_begin_object(&out);
    for (int block = CFG_B_CAMERA; block < CFG_B_COUNT; block++) {
        jout_key(&out, block_names[block]);
        jout_begin_object(&out);
        jout_put_string(&out, "type", "object");
        add_rows(&out, cfg_row_first((enum cfg_block)block, CFG_CAMERA), NULL, CFG_CAMERA,
                 block == CFG_B_ZONE || block == CFG_B_DETECTOR);
        jout_end_object(&out);
    }
    jout_end_object(&out);
    jout_end_object(&out);
    str_add_char(text, '\n');
}
