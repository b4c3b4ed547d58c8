/* Unknown, missing and ill-formed keys. Everything wrong is told, not only the first. */
#include <string.h>

#include "base/cleanup.h"
#include "config/loader.h"

/* Rows of the level a map is on: the root has two blocks side by side. */
struct level {
    const struct cfg_row *first[2];
    unsigned scope;
};

static const struct cfg_row *level_find(const struct level *level, const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(level->first); i++) {
        const struct cfg_row *row = cfg_row_find(level->first[i], level->scope, key);
        if (row != NULL) {
            return row;
        }
    }
    return NULL;
}

/* Another row of the same block whose last part is this: a key put into the wrong section. */
static const struct cfg_row *elsewhere(const struct level *level, const char *key)
{
    const struct cfg_row *only = NULL;
    for (size_t i = 0; i < cfg_row_count; i++) {
        const struct cfg_row *row = &cfg_rows[i];
        bool same_block = (level->first[0] != NULL && row->in == level->first[0]->in) ||
                          (level->first[1] != NULL && row->in == level->first[1]->in);
        bool fits = same_block && (row->scope == 0 || (row->scope & level->scope) != 0) &&
                    (row->flags & CFG_F_DERIVED) == 0 && row->type != CFG_T_SECTION;
        if (!fits || strcmp(cfg_row_name(row), key) != 0) {
            continue;
        }
        if (only != NULL) {
            return NULL; /* several sections have such a key */
        }
        only = row;
    }
    return only;
}

static void list_known(const struct level *level, struct str *out)
{
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_SIZE(level->first); i++) {
        const struct cfg_row *row = level->first[i];
        for (; row != NULL; row = cfg_row_next(row, level->scope)) {
            if ((row->flags & CFG_F_DERIVED) == 0) {
                str_addf(out, "%s%s", count++ == 0 ? "" : ", ", cfg_row_name(row));
            }
        }
    }
    if (count > 16) {
        str_clear(out);
    }
}

static void unknown_key(struct cfg_loader *loader, const struct level *level, bool lenient,
                        const struct cfg_entry *entry, const struct cfg_path *path)
{
    struct cfg_nearest nearest = {.word = entry->key};
    for (size_t i = 0; i < ARRAY_SIZE(level->first); i++) {
        const struct cfg_row *row = level->first[i];
        for (; row != NULL; row = cfg_row_next(row, level->scope)) {
            if ((row->flags & CFG_F_DERIVED) == 0) {
                cfg_nearest_offer(&nearest, cfg_row_name(row));
            }
        }
    }
    AUTO_STR struct str advice = {0}, known = {0};
    const char *best = cfg_nearest_best(&nearest);
    const struct cfg_row *other = elsewhere(level, entry->key);
    if (best != NULL) {
        str_addf(&advice, "; did you mean %s?", best);
    } else if (other != NULL) {
        str_addf(&advice, "; it belongs into %.*s",
                 (int)(cfg_row_name(other) - other->path > 0 ? cfg_row_name(other) - other->path - 1
                                                             : 0),
                 other->path);
    } else if (level->scope == CFG_GLOBAL && level->first[1] != NULL &&
               cfg_row_find(level->first[1], CFG_CAMERA, entry->key) != NULL) {
        str_add(&advice, "; it belongs into a camera");
    } else {
        list_known(level, &known);
        str_addf(&advice, known.length > 0 ? "; known here: %s" : "", str_text(&known));
    }
    if (lenient) {
        cfg_warn(loader->issues, entry->line, path, "unknown key, ignored%s", str_text(&advice));
    } else {
        cfg_error(loader->issues, entry->line, path, "unknown key%s", str_text(&advice));
    }
}

static void check_level(struct cfg_loader *loader, const struct level *level,
                        const struct cfg_node *map, const struct cfg_path *path, int line,
                        bool lenient);

static void check_elements(struct cfg_loader *loader, const struct cfg_row *row,
                           const struct cfg_node *node, const struct cfg_path *path)
{
    const struct level level = {.first = {cfg_row_first(row->block, CFG_CAMERA)},
                                .scope = CFG_CAMERA};
    size_t limit = row->at_most > 0 ? row->at_most : CFG_MAX_ITEMS;
    bool is_map = row->type == CFG_T_MAP;
    if (node->kind != (is_map ? CFG_MAP : CFG_LIST)) {
        cfg_error(loader->issues, node->line, path, "%s a %s",
                  node->kind == CFG_NULL ? "is empty: it must be" : "must be",
                  cfg_row_type_text(row));
        return;
    }
    if (node->count > limit) {
        cfg_error(loader->issues, node->line, path, "%zu entries are too many; at most %zu",
                  node->count, limit);
        return;
    }
    bool lenient = (row->flags & CFG_F_LENIENT) != 0 || row->block == CFG_B_DETECTOR;
    for (size_t i = 0; i < node->count; i++) {
        struct cfg_path below = {.up = path, .index = i};
        const struct cfg_node *value = is_map ? node->entries[i].value : node->items[i];
        int line = value->line;
        if (is_map) {
            below.key = node->entries[i].key;
            line = node->entries[i].line;
        }
        check_level(loader, &level, value, &below, line, lenient);
    }
}

/* What Python calls nothing, and YAML a text. */
static bool is_none(const struct cfg_node *value)
{
    return value->kind == CFG_STRING && strcmp(value->text, "None") == 0;
}

static void check_value(struct cfg_loader *loader, const struct cfg_row *row, unsigned scope,
                        const struct cfg_entry *entry, const struct cfg_path *path)
{
    union {
        char bytes[CFG_MEMBER_BYTES];
        max_align_t align;
    } scratch = {.bytes = {0}};
    const struct cfg_node *value = entry->value;
    if ((row->flags & CFG_F_DERIVED) != 0) {
        cfg_warn(loader->issues, entry->line, path, "is worked out from other keys; ignored");
        return;
    }
    if (value->kind == CFG_NULL && (row->flags & CFG_F_NULL) != 0) {
        return;
    }
    struct level level = {.scope = scope};
    /* Inside a camera birdseye knows few keys and ignores others, as in the peer. */
    bool lenient = (row->flags & CFG_F_LENIENT) != 0 && scope == CFG_CAMERA;
    if (is_none(value) && (row->flags & CFG_F_NULL) != 0) {
        cfg_warn(loader->issues, entry->line, path,
                 row->type == CFG_T_STRING
                     ? "is the text \"None\"; for nothing, leave the value empty"
                     : "\"None\" is taken for nothing; better leave the value empty");
        if (row->type != CFG_T_STRING) {
            return;
        }
    }
    switch (row->type) {
    case CFG_T_SECTION:
        level.first[0] = cfg_row_child(row, scope);
        check_level(loader, &level, value, path, entry->line, lenient);
        return;
    case CFG_T_BLOCK:
        level.first[0] = cfg_row_first(row->block, scope);
        check_level(loader, &level, value, path, entry->line, false);
        return;
    case CFG_T_MAP:
    case CFG_T_LIST:
        check_elements(loader, row, value, path);
        return;
    default:
        if (value->kind == CFG_NULL) {
            cfg_error(loader->issues, entry->line, path,
                      "is empty: give a value (%s) or remove the line", cfg_row_type_text(row));
            return;
        }
        cfg_value(loader, row, value, path, &scratch);
        return;
    }
}

/* Keys that must be there and are not, sections that are missing as a whole included. */
static void check_required(struct cfg_loader *loader, const struct cfg_row *first, unsigned scope,
                           const struct cfg_node *map, const struct cfg_path *up, int line)
{
    for (const struct cfg_row *row = first; row != NULL; row = cfg_row_next(row, scope)) {
        const struct cfg_path path = {.up = up, .key = cfg_row_name(row)};
        if (cfg_entry(map, cfg_row_name(row)) != NULL) {
            continue; /* what it lacks inside was told when it was looked at */
        }
        if ((row->flags & CFG_F_REQUIRED) != 0) {
            cfg_error(loader->issues, line, &path, "is missing: %.*s", (int)(strlen(row->help) - 1),
                      row->help); /* without the full stop */
        } else if (row->type == CFG_T_SECTION) {
            check_required(loader, cfg_row_child(row, scope), scope, NULL, &path, line);
        }
    }
}

static void check_level(struct cfg_loader *loader, const struct level *level,
                        const struct cfg_node *map, const struct cfg_path *path, int line,
                        bool lenient)
{
    if (map->kind != CFG_MAP) {
        cfg_error(loader->issues, line, path,
                  map->kind == CFG_NULL ? "is empty: give it keys or remove the line"
                                        : "must be a section with keys of its own");
        return;
    }
    for (size_t i = 0; i < map->count; i++) {
        const struct cfg_entry *entry = &map->entries[i];
        const struct cfg_path below = {.up = path, .key = entry->key};
        const struct cfg_row *row = level_find(level, entry->key);
        if (row != NULL) {
            check_value(loader, row, level->scope, entry, &below);
        } else {
            unknown_key(loader, level, lenient, entry, &below);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(level->first); i++) {
        check_required(loader, level->first[i], level->scope, map, path, line);
    }
}

void cfg_check_shape(struct cfg_loader *loader, const struct cfg_node *root)
{
    const struct level level = {
        .first = {cfg_row_first(CFG_B_ROOT, CFG_GLOBAL), cfg_row_first(CFG_B_CAMERA, CFG_GLOBAL)},
        .scope = CFG_GLOBAL};
    check_level(loader, &level, root, NULL, 0, false);
}
