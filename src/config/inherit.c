/* Changes of the tree before it is filled into structs. Nodes may be shared (anchors), so maps are
 * copied where they change and never touched in place. */
#include <string.h>

#include "base/cleanup.h"
#include "config/loader.h"

static const char *const attributes[] = {"face", "amazon", "ups", "fedex", "license_plate"};

bool config_is_attribute(const char *label)
{
    for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
        if (strcmp(label, attributes[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool config_attribute_fits(const char *attribute, const char *label)
{
    static const struct {
        const char *label, *attribute;
    } pairs[] = {
        {"person", "face"}, {"person", "amazon"}, {"car", "ups"},
        {"car", "fedex"},   {"car", "amazon"},    {"car", "license_plate"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        if (strcmp(pairs[i].label, label) == 0 && strcmp(pairs[i].attribute, attribute) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_map(const struct cfg_node *node)
{
    return node != NULL && node->kind == CFG_MAP;
}

static bool is_default_score(const struct cfg_node *node)
{
    return node == NULL || (node->kind == CFG_FLOAT && node->number == 0.5) ||
           (node->kind == CFG_STRING && strcmp(node->text, "0.5") == 0);
}

struct cfg_node *cfg_attribute_filters(struct cfg_loader *loader, struct cfg_node *root)
{
    struct cfg_node *objects = cfg_get(root, "objects");
    struct cfg_node *filters = cfg_get(objects, "filters");
    if ((objects != NULL && !is_map(objects)) || (filters != NULL && !is_map(filters))) {
        return root; /* refused already */
    }
    for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
        struct cfg_node *filter = cfg_get(filters, attributes[i]);
        if (filter != NULL && !is_map(filter)) {
            continue;
        }
        if (is_default_score(cfg_get(filter, "min_score"))) {
            struct cfg_node *score = cfg_new(loader->arena, CFG_FLOAT, 0);
            score->number = 0.7;
            score->text = "0.7";
            filter = cfg_with(loader->arena, filter, "min_score", score);
            filters = cfg_with(loader->arena, filters, attributes[i], filter);
        }
    }
    objects = cfg_with(loader->arena, objects, "filters", filters);
    return cfg_with(loader->arena, root, "objects", objects);
}

static struct cfg_node *merge(struct cfg_arena *arena, struct cfg_node *own,
                              struct cfg_node *inherited)
{
    if (own == NULL) {
        return inherited;
    }
    if (!is_map(own) || !is_map(inherited)) {
        return own;
    }
    struct cfg_node *merged = cfg_new(arena, CFG_MAP, own->line);
    for (size_t i = 0; i < own->count; i++) {
        const struct cfg_entry *entry = &own->entries[i];
        cfg_add(arena, merged, entry->key, entry->line,
                merge(arena, entry->value, cfg_get(inherited, entry->key)));
    }
    for (size_t i = 0; i < inherited->count; i++) {
        const struct cfg_entry *entry = &inherited->entries[i];
        if (cfg_entry(own, entry->key) == NULL) {
            cfg_add(arena, merged, entry->key, entry->line, entry->value);
        }
    }
    cfg_index(arena, merged);
    return merged;
}

/* Global keys of a section that cameras know too; the rest of the section stays behind. */
static struct cfg_node *inheritable(struct cfg_loader *loader, const struct cfg_row *section,
                                    struct cfg_node *global)
{
    if (!is_map(global)) {
        return global;
    }
    struct cfg_node *kept = cfg_new(loader->arena, CFG_MAP, global->line);
    for (size_t i = 0; i < global->count; i++) {
        const struct cfg_entry *entry = &global->entries[i];
        if (cfg_row_find(cfg_row_child(section, CFG_CAMERA), CFG_CAMERA, entry->key) != NULL) {
            cfg_add(loader->arena, kept, entry->key, entry->line, entry->value);
        }
    }
    return kept;
}

struct cfg_node *cfg_inherit(struct cfg_loader *loader, const struct cfg_node *root,
                             const struct cfg_node *camera)
{
    struct cfg_node *merged = cfg_new(loader->arena, CFG_MAP, camera->line);
    for (size_t i = 0; i < camera->count; i++) {
        const struct cfg_entry *entry = &camera->entries[i];
        cfg_add(loader->arena, merged, entry->key, entry->line, entry->value);
    }
    const struct cfg_row *row = cfg_row_first(CFG_B_CAMERA, CFG_GLOBAL);
    for (; row != NULL; row = cfg_row_next(row, CFG_GLOBAL)) {
        struct cfg_node *global = cfg_get(root, cfg_row_name(row));
        if (global == NULL) {
            continue;
        }
        global = inheritable(loader, row, global);
        const struct cfg_entry *own = cfg_entry(camera, cfg_row_name(row));
        if (own == NULL) {
            cfg_add(loader->arena, merged, cfg_row_name(row), global->line, global);
        } else {
            merged->entries[own - camera->entries].value = merge(loader->arena, own->value, global);
        }
    }
    return merged;
}

/* --- the 0.13 form ------------------------------------------------------------------------- */

static struct cfg_node *drop(struct cfg_loader *loader, struct cfg_node *map, const char *key,
                             const struct cfg_path *up, const char *why)
{
    const struct cfg_entry *entry = cfg_entry(map, key);
    if (entry == NULL) {
        return map;
    }
    const struct cfg_path path = {.up = up, .key = key};
    cfg_warn(loader->issues, entry->line, &path, "%s", why);
    return cfg_with(loader->arena, map, key, NULL);
}

/* Removes `key` of `outer` when its map has become empty. */
static struct cfg_node *put_back(struct cfg_loader *loader, struct cfg_node *outer, const char *key,
                                 struct cfg_node *inner)
{
    bool empty = is_map(inner) && inner->count == 0;
    return cfg_with(loader->arena, outer, key, empty ? NULL : inner);
}

static bool is_empty(const struct cfg_node *node)
{
    return node == NULL || node->kind == CFG_NULL ||
           ((node->kind == CFG_LIST || node->kind == CFG_MAP) && node->count == 0);
}

/* record.events.required_zones became review.alerts.required_zones. */
static struct cfg_node *move_zones(struct cfg_loader *loader, struct cfg_node *map,
                                   const struct cfg_path *up)
{
    struct cfg_node *record = cfg_get(map, "record"), *events = cfg_get(record, "events");
    struct cfg_node *zones = cfg_get(events, "required_zones");
    if (zones == NULL) {
        return map;
    }
    const struct cfg_path at_record = {.up = up, .key = "record"};
    const struct cfg_path at_events = {.up = &at_record, .key = "events"};
    events = drop(loader, events, "required_zones", &at_events,
                  "is review.alerts.required_zones since 0.14; read as that");
    map = put_back(loader, map, "record", put_back(loader, record, "events", events));
    struct cfg_node *review = cfg_get(map, "review"), *alerts = cfg_get(review, "alerts");
    bool fine = (is_empty(review) || is_map(review)) && (is_empty(alerts) || is_map(alerts));
    if (fine && is_empty(cfg_get(alerts, "required_zones")) && !is_empty(zones)) {
        alerts = cfg_with(loader->arena, is_map(alerts) ? alerts : NULL, "required_zones", zones);
        review = cfg_with(loader->arena, is_map(review) ? review : NULL, "alerts", alerts);
        map = cfg_with(loader->arena, map, "review", review);
    }
    return map;
}

static struct cfg_node *drop_rtmp(struct cfg_loader *loader, struct cfg_node *map,
                                  const struct cfg_path *up)
{
    static const char why[] = "was removed in 0.14; ignored";
    const struct cfg_path at_ffmpeg = {.up = up, .key = "ffmpeg"};
    const struct cfg_path at_output = {.up = &at_ffmpeg, .key = "output_args"};
    struct cfg_node *ffmpeg = cfg_get(map, "ffmpeg"), *output = cfg_get(ffmpeg, "output_args");
    if (cfg_get(output, "rtmp") != NULL) {
        output = drop(loader, output, "rtmp", &at_output, why);
        ffmpeg = put_back(loader, ffmpeg, "output_args", output);
        map = cfg_with(loader->arena, map, "ffmpeg", ffmpeg);
    }
    return drop(loader, map, "rtmp", up, why);
}

/* The role rtmp went with the rest of it. */
static struct cfg_node *drop_rtmp_role(struct cfg_loader *loader, struct cfg_node *input,
                                       const struct cfg_path *up)
{
    const struct cfg_path path = {.up = up, .key = "roles"};
    struct cfg_node *roles = cfg_get(input, "roles");
    struct cfg_node *kept = cfg_new(loader->arena, CFG_LIST, roles != NULL ? roles->line : 0);
    for (size_t i = 0; roles != NULL && roles->kind == CFG_LIST && i < roles->count; i++) {
        struct cfg_node *role = roles->items[i];
        if (role->kind == CFG_STRING && strcmp(role->text, "rtmp") == 0) {
            cfg_warn(loader->issues, role->line, &path,
                     "the role rtmp was removed in 0.14; ignored");
            continue;
        }
        kept->items = cfg_push(loader->arena, kept->items, kept->count, sizeof *kept->items);
        kept->items[kept->count++] = role;
    }
    bool changed = roles != NULL && roles->kind == CFG_LIST && kept->count < roles->count;
    return changed ? cfg_with(loader->arena, input, "roles", kept) : input;
}

static struct cfg_node *drop_rtmp_roles(struct cfg_loader *loader, struct cfg_node *camera,
                                        const struct cfg_path *up)
{
    const struct cfg_path at_ffmpeg = {.up = up, .key = "ffmpeg"};
    const struct cfg_path at_inputs = {.up = &at_ffmpeg, .key = "inputs"};
    struct cfg_node *ffmpeg = cfg_get(camera, "ffmpeg"), *inputs = cfg_get(ffmpeg, "inputs");
    if (inputs == NULL || inputs->kind != CFG_LIST) {
        return camera;
    }
    struct cfg_node *changed = cfg_new(loader->arena, CFG_LIST, inputs->line);
    changed->items = cfg_array(loader->arena, inputs->count, sizeof *changed->items);
    bool any = false;
    for (size_t i = 0; i < inputs->count; i++) {
        const struct cfg_path at_input = {.up = &at_inputs, .index = i};
        struct cfg_node *input = inputs->items[i];
        changed->items[i] = is_map(input) ? drop_rtmp_role(loader, input, &at_input) : input;
        any = any || changed->items[i] != input;
    }
    changed->count = inputs->count;
    if (!any) {
        return camera;
    }
    ffmpeg = cfg_with(loader->arena, ffmpeg, "inputs", changed);
    return cfg_with(loader->arena, camera, "ffmpeg", ffmpeg);
}

static struct cfg_node *migrate_cameras(struct cfg_loader *loader, struct cfg_node *root)
{
    const struct cfg_path at_cameras = {.key = "cameras"};
    struct cfg_node *cameras = cfg_get(root, "cameras");
    if (!is_map(cameras)) {
        return root;
    }
    struct cfg_node *changed = cfg_new(loader->arena, CFG_MAP, cameras->line);
    for (size_t i = 0; i < cameras->count; i++) {
        const struct cfg_entry *entry = &cameras->entries[i];
        const struct cfg_path path = {.up = &at_cameras, .key = entry->key};
        struct cfg_node *camera = entry->value;
        if (is_map(camera)) {
            camera = drop_rtmp(loader, move_zones(loader, camera, &path), &path);
            camera = drop_rtmp_roles(loader, camera, &path);
        }
        cfg_add(loader->arena, changed, entry->key, entry->line, camera);
    }
    cfg_index(loader->arena, changed);
    return cfg_with(loader->arena, root, "cameras", changed);
}

struct cfg_node *cfg_migrate(struct cfg_loader *loader, struct cfg_node *root)
{
    const struct cfg_node *version = cfg_get(root, "version");
    if (version != NULL && ((version->kind == CFG_FLOAT && version->number >= 0.14) ||
                            (version->kind == CFG_INT && version->integer >= 1))) {
        return root;
    }
    static const char why[] = "was removed in 0.14; ignored";
    const struct cfg_path at_ui = {.key = "ui"};
    struct cfg_node *ui = cfg_get(root, "ui");
    if (is_map(ui)) {
        struct cfg_node *kept = drop(loader, ui, "use_experimental", &at_ui, why);
        kept = drop(loader, kept, "live_mode", &at_ui, why);
        root = kept == ui ? root : put_back(loader, root, "ui", kept);
    }
    root = drop_rtmp(loader, move_zones(loader, root, NULL), NULL);
    return migrate_cameras(loader, root);
}
