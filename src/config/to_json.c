/* The answer of /api/config: the structs written out by the rows, keys sorted, what is absent left
 * out, secrets masked, and a few things added that are no keys of the file. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "base/mem.h"
#include "config/color.h"
#include "config/loader.h"
#include "config/presets.h"
#include "config/secret.h"

/* Clients compare this number to know what the server can do, so it is not the file's. */
#define SHOWN_VERSION "0.14"

#define MASKED "*"
#define MAX_LEVEL 96 /* keys on one level, all rows and additions */

/* What a key that is no row shows. */
enum extra { EXTRA_NONE = 0, EXTRA_PLUS, EXTRA_COLORMAP, EXTRA_COMMANDS };

struct item {
    const char *name;
    const struct cfg_row *row; /* or NULL: `extra` or `node` */
    const char *base;          /* of the struct the row is in */
    enum extra extra;
    const struct cfg_node *node;
};

struct writer {
    struct jout json;
    const struct config *config;
};

/* Where a level is, for the few keys that depend on it. */
struct where {
    enum cfg_block block;
    unsigned scope;
    bool in_zone;
    const char *element; /* the struct the level belongs to */
};

static void write_level(struct writer *w, const struct where *where, struct item *items,
                        size_t count);

static int by_item_name(const void *a, const void *b)
{
    return strcmp(((const struct item *)a)->name, ((const struct item *)b)->name);
}

static void add_rows(struct item *items, size_t *count, const struct cfg_row *first, unsigned scope,
                     const void *base)
{
    for (const struct cfg_row *row = first; row != NULL; row = cfg_row_next(row, scope)) {
        if (*count < MAX_LEVEL) {
            items[(*count)++] = (struct item){.name = cfg_row_name(row), .row = row, .base = base};
        }
    }
}

static void add_extra(struct item *items, size_t *count, const char *name, enum extra extra,
                      const void *base)
{
    if (*count < MAX_LEVEL) {
        items[(*count)++] = (struct item){.name = name, .extra = extra, .base = base};
    }
}

static void write_masked_url(struct writer *w, const char *text)
{
    AUTO_STR struct str masked = {0};
    config_mask_url(text, &masked);
    jout_string(&w->json, str_text(&masked));
}

/* --- pieces of the document as they are ------------------------------------------------------ */

static int by_key(const void *a, const void *b)
{
    return strcmp((*(const struct cfg_entry *const *)a)->key,
                  (*(const struct cfg_entry *const *)b)->key);
}

static void write_node(struct writer *w, const char *key, const struct cfg_node *node)
{
    bool secret = key != NULL && cfg_looks_secret(key);
    switch (node->kind) {
    case CFG_NULL:
        jout_null(&w->json);
        return;
    case CFG_BOOL:
        jout_bool(&w->json, node->boolean);
        return;
    case CFG_INT:
        secret ? jout_string(&w->json, MASKED) : jout_int(&w->json, node->integer);
        return;
    case CFG_FLOAT:
        secret ? jout_string(&w->json, MASKED) : jout_double(&w->json, node->number);
        return;
    case CFG_STRING:
        if (secret) {
            jout_string(&w->json, MASKED);
        } else {
            write_masked_url(w, node->text);
        }
        return;
    case CFG_LIST:
        jout_begin_array(&w->json);
        for (size_t i = 0; i < node->count; i++) {
            write_node(w, key, node->items[i]);
        }
        jout_end_array(&w->json);
        return;
    case CFG_MAP: {
        const struct cfg_entry **sorted = mem_array(node->count + 1, sizeof *sorted);
        for (size_t i = 0; i < node->count; i++) {
            sorted[i] = &node->entries[i];
        }
        qsort(sorted, node->count, sizeof *sorted, by_key);
        jout_begin_object(&w->json);
        for (size_t i = 0; i < node->count; i++) {
            jout_key(&w->json, sorted[i]->key);
            write_node(w, sorted[i]->key, sorted[i]->value);
        }
        jout_end_object(&w->json);
        free(sorted);
        return;
    }
    }
}

/* --- additions -------------------------------------------------------------------------------- */

static void write_color(struct writer *w, const uint8_t color[3])
{
    jout_begin_array(&w->json);
    for (int i = 0; i < 3; i++) {
        jout_int(&w->json, color[i]);
    }
    jout_end_array(&w->json);
}

static void write_colormap(struct writer *w)
{
    jout_begin_object(&w->json);
    for (size_t i = 0; i < w->config->colormap.count; i++) {
        uint8_t color[3];
        cfg_unpack_color(w->config->colormap.items[i].number, color);
        jout_key(&w->json, w->config->colormap.items[i].name);
        write_color(w, color);
    }
    jout_end_object(&w->json);
}

static void write_list(struct writer *w, const struct cfg_list *list)
{
    jout_begin_array(&w->json);
    for (size_t i = 0; i < list->count; i++) {
        jout_string(&w->json, list->items[i]);
    }
    jout_end_array(&w->json);
}

static void write_commands(struct writer *w, const struct cfg_camera *camera)
{
    jout_begin_array(&w->json);
    for (size_t i = 0; i < camera->ffmpeg.count; i++) {
        const struct cfg_input *input = &camera->ffmpeg.inputs[i];
        AUTO_STR struct str command = {0};
        if (!config_input_command(camera, input, &command)) {
            continue;
        }
        jout_begin_object(&w->json);
        jout_put_string(&w->json, "cmd", str_text(&command));
        jout_key(&w->json, "roles");
        write_list(w, &input->role_names);
        jout_end_object(&w->json);
    }
    jout_end_array(&w->json);
}

static void write_extra(struct writer *w, const struct item *item)
{
    jout_key(&w->json, item->name);
    switch (item->extra) {
    case EXTRA_PLUS:
        jout_begin_object(&w->json);
        jout_put_bool(&w->json, "enabled", w->config->plus_enabled);
        jout_end_object(&w->json);
        break;
    case EXTRA_COLORMAP:
        write_colormap(w);
        break;
    case EXTRA_COMMANDS:
        write_commands(w, (const void *)item->base);
        break;
    case EXTRA_NONE:
        write_node(w, item->name, item->node);
        break;
    }
}

/* --- values ------------------------------------------------------------------------------------
 */

static const char *choice_name(const struct cfg_row *row, int value)
{
    for (const struct cfg_choice *choice = row->choices; choice->name != NULL; choice++) {
        if (choice->value == value) {
            return choice->name;
        }
    }
    return NULL;
}

static void write_string(struct writer *w, const struct item *item, const char *text)
{
    unsigned flags = item->row->flags;
    if (text == NULL || (flags & CFG_F_HIDDEN) != 0) {
        return;
    }
    jout_key(&w->json, item->name);
    if ((flags & CFG_F_SECRET) != 0 && text[0] != '\0') {
        jout_string(&w->json, MASKED);
    } else if ((flags & CFG_F_URL) != 0) {
        write_masked_url(w, text);
    } else {
        jout_string(&w->json, text);
    }
}

static int by_pair_name(const void *a, const void *b)
{
    return strcmp((*(const struct cfg_pair *const *)a)->name,
                  (*(const struct cfg_pair *const *)b)->name);
}

static void write_pairs(struct writer *w, const struct item *item, const struct cfg_pairs *pairs)
{
    const struct cfg_pair **sorted = mem_array(pairs->count + 1, sizeof *sorted);
    for (size_t i = 0; i < pairs->count; i++) {
        sorted[i] = &pairs->items[i];
    }
    qsort(sorted, pairs->count, sizeof *sorted, by_pair_name);
    jout_key(&w->json, item->name);
    jout_begin_object(&w->json);
    for (size_t i = 0; i < pairs->count; i++) {
        jout_key(&w->json, sorted[i]->name);
        if (item->row->type == CFG_T_TEXTS) {
            bool secret = cfg_looks_secret(sorted[i]->name) && item->row->choices == NULL;
            jout_string(&w->json, secret ? MASKED : sorted[i]->text);
        } else if ((item->row->flags & CFG_F_INTEGER) != 0) {
            jout_int(&w->json, (int64_t)sorted[i]->number);
        } else {
            jout_double(&w->json, sorted[i]->number);
        }
    }
    jout_end_object(&w->json);
    free(sorted);
}

/* The raw mask is a bitmap the peer never shows, but whose key it does. */
static bool shows_raw_mask(const struct where *where, const struct cfg_mask *mask)
{
    return where->block == CFG_B_CAMERA || where->scope == CFG_GLOBAL || where->in_zone ||
           mask->present;
}

static void write_mask(struct writer *w, const struct where *where, const struct item *item,
                       const struct cfg_mask *mask)
{
    if ((item->row->flags & CFG_F_DERIVED) != 0) {
        if (shows_raw_mask(where, mask)) {
            jout_key(&w->json, item->name);
            jout_null(&w->json);
        }
        return;
    }
    /* A global motion mask is shown where it takes effect, in the cameras. */
    bool hidden = where->scope == CFG_GLOBAL && strcmp(item->row->path, "motion.mask") == 0;
    if (!mask->present || hidden) {
        if (item->row->def != NULL) {
            jout_put_string(&w->json, item->name, item->row->def);
        }
        return;
    }
    jout_key(&w->json, item->name);
    if (mask->is_list) {
        write_list(w, &mask->text);
    } else {
        jout_string(&w->json, mask->text.count > 0 ? mask->text.items[0] : "");
    }
}

/* An input shows only what stands at the input itself. */
static bool own_args(const struct item *item)
{
    if (item->row->in != CFG_B_INPUT) {
        return true;
    }
    const struct cfg_input *input = (const void *)item->base;
    switch (item->row->offset) {
    case offsetof(struct cfg_input, global_args):
        return input->own_global_args;
    case offsetof(struct cfg_input, hwaccel_args):
        return input->own_hwaccel_args;
    default:
        return input->own_input_args;
    }
}

static void write_args(struct writer *w, const struct item *item, const struct cfg_list *args)
{
    jout_key(&w->json, item->name);
    if (!own_args(item)) {
        jout_begin_array(&w->json);
        jout_end_array(&w->json);
    } else if (args->text != NULL) {
        jout_string(&w->json, args->text);
    } else {
        write_list(w, args);
    }
}

struct element {
    const char *name;
    const char *base;
};

static int by_element_name(const void *a, const void *b)
{
    return strcmp(((const struct element *)a)->name, ((const struct element *)b)->name);
}

static void write_struct(struct writer *w, const struct where *where, const struct cfg_row *row,
                         const char *base);

static void write_elements(struct writer *w, const struct where *where, const struct item *item,
                           const char *member)
{
    const struct {
        const char *items;
        size_t count;
    } *array = (const void *)member;
    bool is_map = item->row->type == CFG_T_MAP;
    struct element *elements = mem_array(array->count + 1, sizeof *elements);
    for (size_t i = 0; i < array->count; i++) {
        elements[i].base = array->items + i * item->row->size;
        elements[i].name = is_map ? *(char *const *)(const void *)elements[i].base : "";
    }
    if (is_map) {
        qsort(elements, array->count, sizeof *elements, by_element_name);
    }
    jout_key(&w->json, item->name);
    is_map ? jout_begin_object(&w->json) : jout_begin_array(&w->json);
    for (size_t i = 0; i < array->count; i++) {
        if (is_map) {
            jout_key(&w->json, elements[i].name);
        }
        write_struct(w, where, item->row, elements[i].base);
    }
    is_map ? jout_end_object(&w->json) : jout_end_array(&w->json);
    free(elements);
}

static void write_number(struct writer *w, const struct item *item, double value)
{
    if (item->row->in == CFG_B_ROOT && strcmp(item->name, "version") == 0) {
        jout_put_raw(&w->json, item->name, SHOWN_VERSION);
    } else if (!isnan(value)) {
        jout_put_double(&w->json, item->name, value);
    }
}

static void write_free(struct writer *w, const struct item *item, const char *member)
{
    jout_key(&w->json, item->name);
    if (item->row->in == CFG_B_ZONE) {
        write_color(w, (const uint8_t *)member);
        return;
    }
    const struct cfg_node *node = *(const struct cfg_node *const *)(const void *)member;
    if (node == NULL || node->kind == CFG_NULL) {
        jout_begin_object(&w->json);
        jout_end_object(&w->json);
    } else {
        write_node(w, NULL, node);
    }
}

static void write_section(struct writer *w, const struct where *where, const struct item *item)
{
    struct item items[MAX_LEVEL];
    size_t count = 0;
    add_rows(items, &count, cfg_row_child(item->row, where->scope), where->scope, item->base);
    jout_key(&w->json, item->name);
    write_level(w, where, items, count);
}

static void write_row(struct writer *w, const struct where *where, const struct item *item)
{
    const struct cfg_row *row = item->row;
    const char *member = item->base + row->offset;
    const void *value = member;
    if (row->present != 0 && !*((const bool *)item->base + row->present)) {
        return;
    }
    switch (row->type) {
    case CFG_T_SECTION:
        write_section(w, where, item);
        return;
    case CFG_T_BOOL:
        jout_put_bool(&w->json, item->name, *(const bool *)value);
        return;
    case CFG_T_INT:
        if (row->def != NULL || *(const int *)value != row->unset) {
            jout_put_int(&w->json, item->name, *(const int *)value);
        }
        return;
    case CFG_T_INT64:
        jout_put_int(&w->json, item->name, *(const int64_t *)value);
        return;
    case CFG_T_OPT_INT:
        if (((const struct cfg_opt_int *)value)->has) {
            jout_put_int(&w->json, item->name, ((const struct cfg_opt_int *)value)->value);
        }
        return;
    case CFG_T_OPT_BOOL:
        if (((const struct cfg_opt_bool *)value)->has) {
            jout_put_bool(&w->json, item->name, ((const struct cfg_opt_bool *)value)->value);
        }
        return;
    case CFG_T_FLOAT:
        write_number(w, item, *(const double *)value);
        return;
    case CFG_T_STRING:
        write_string(w, item, *(char *const *)value);
        return;
    case CFG_T_ENUM: {
        const char *name = choice_name(row, *(const int *)value);
        if (name != NULL) {
            jout_put_string(&w->json, item->name, name);
        }
        return;
    }
    case CFG_T_STRINGS:
    case CFG_T_WEIGHTS:
        jout_key(&w->json, item->name);
        write_list(w, value);
        return;
    case CFG_T_ARGS:
        write_args(w, item, value);
        return;
    case CFG_T_NUMBERS:
    case CFG_T_TEXTS:
        write_pairs(w, item, value);
        return;
    case CFG_T_MASK:
        write_mask(w, where, item, value);
        return;
    case CFG_T_BLOCK:
        jout_key(&w->json, item->name);
        write_struct(w, where, row, member);
        return;
    case CFG_T_MAP:
    case CFG_T_LIST:
        write_elements(w, where, item, member);
        return;
    case CFG_T_FREE:
        write_free(w, item, member);
        return;
    }
}

static void write_level(struct writer *w, const struct where *where, struct item *items,
                        size_t count)
{
    qsort(items, count, sizeof *items, by_item_name);
    jout_begin_object(&w->json);
    for (size_t i = 0; i < count; i++) {
        if (items[i].row != NULL) {
            write_row(w, where, &items[i]);
        } else {
            write_extra(w, &items[i]);
        }
    }
    jout_end_object(&w->json);
}

/* --- structs, with what is particular to each ---------------------------------------------------
 */

static bool is_deepstack_only(const struct cfg_row *row)
{
    return row->in == CFG_B_DETECTOR && str_starts(row->path, "api_");
}

/* Known keys that apply, and the unknown ones as they were written. */
static void detector_items(struct writer *w, const struct cfg_detector *detector,
                           struct item *items, size_t *count)
{
    const struct cfg_row *row = cfg_row_first(CFG_B_DETECTOR, CFG_GLOBAL);
    for (; row != NULL; row = cfg_row_next(row, CFG_GLOBAL)) {
        if (!is_deepstack_only(row) || str_equal(detector->type, "deepstack")) {
            items[(*count)++] = (struct item){
                .name = cfg_row_name(row), .row = row, .base = (const char *)detector};
        }
    }
    const struct cfg_node *written =
        cfg_get(cfg_get(w->config->private_->root, "detectors"), detector->name);
    for (size_t i = 0; written != NULL && written->kind == CFG_MAP && i < written->count; i++) {
        const struct cfg_entry *entry = &written->entries[i];
        bool known =
            cfg_row_find(cfg_row_first(CFG_B_DETECTOR, CFG_GLOBAL), CFG_GLOBAL, entry->key) != NULL;
        if (!known && *count < MAX_LEVEL) {
            items[(*count)++] = (struct item){.name = entry->key, .node = entry->value};
        }
    }
}

/* A detector's model shows its whole label map. */
static void write_detector_model(struct writer *w, const struct where *where, const char *base)
{
    struct cfg_model model = *(const struct cfg_model *)(const void *)base;
    struct cfg_labels labels;
    struct err err = ERR_NONE;
    AUTO_FREE struct cfg_pair *pairs = NULL;
    bool loaded = config_labels_load(&model, &labels, &err);
    if (loaded) {
        pairs = mem_array(labels.count + 1, sizeof *pairs);
        for (size_t i = 0; i < labels.count; i++) {
            pairs[i].name = mem_printf("%zu", i);
            pairs[i].text = labels.items[i];
        }
        model.labelmap = (struct cfg_pairs){.items = pairs, .count = labels.count};
    }
    struct item items[MAX_LEVEL];
    size_t count = 0;
    add_rows(items, &count, cfg_row_first(CFG_B_MODEL, where->scope), where->scope, &model);
    write_level(w, where, items, count);
    for (size_t i = 0; loaded && i < labels.count; i++) {
        free(pairs[i].name);
    }
    config_labels_free(&labels);
}

/* Until the stream is known its size is shown as the peer's fall-back. */
static void write_camera(struct writer *w, const struct where *where,
                         const struct cfg_camera *camera)
{
    struct cfg_camera shown = *camera;
    if (shown.detect.width == 0) {
        shown.detect.width = 1280;
        shown.detect.height = 720;
    }
    struct item items[MAX_LEVEL];
    size_t count = 0;
    add_rows(items, &count, cfg_row_first(CFG_B_CAMERA, CFG_CAMERA), CFG_CAMERA, &shown);
    add_extra(items, &count, "ffmpeg_cmds", EXTRA_COMMANDS, &shown);
    write_level(w, where, items, count);
}

static void write_struct(struct writer *w, const struct where *where, const struct cfg_row *row,
                         const char *base)
{
    struct where inside = {.block = row->block,
                           .scope = where->scope,
                           .in_zone = where->in_zone || row->block == CFG_B_ZONE,
                           .element = base};
    struct item items[MAX_LEVEL];
    size_t count = 0;
    if (row->block == CFG_B_CAMERA) {
        inside.scope = CFG_CAMERA;
        write_camera(w, &inside, (const void *)base);
        return;
    }
    if (row->block == CFG_B_MODEL && row->in == CFG_B_DETECTOR) {
        write_detector_model(w, &inside, base);
        return;
    }
    if (row->block == CFG_B_DETECTOR) {
        detector_items(w, (const void *)base, items, &count);
    } else {
        add_rows(items, &count, cfg_row_first(row->block, inside.scope), inside.scope, base);
    }
    if (row->block == CFG_B_MODEL) {
        add_extra(items, &count, "colormap", EXTRA_COLORMAP, NULL);
    }
    write_level(w, &inside, items, count);
}

char *cfg_to_json(const struct config *config)
{
    struct str text = {0};
    struct writer w = {.json = {.out = &text}, .config = config};
    const struct where where = {.block = CFG_B_ROOT, .scope = CFG_GLOBAL};
    struct item items[MAX_LEVEL];
    size_t count = 0, kept = 0;
    add_rows(items, &count, cfg_row_first(CFG_B_ROOT, CFG_GLOBAL), CFG_GLOBAL, config);
    add_rows(items, &count, cfg_row_first(CFG_B_CAMERA, CFG_GLOBAL), CFG_GLOBAL, &config->global);
    add_extra(items, &count, "plus", EXTRA_PLUS, NULL);
    bool has_motion = cfg_entry(config->private_->root, "motion") != NULL;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(items[i].name, "motion") != 0 || has_motion) {
            items[kept++] = items[i];
        }
    }
    write_level(&w, &where, items, kept);
    return str_steal(&text);
}
