#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/str.h"
#include "config/color.h"
#include "config/detectors.h"
#include "config/loader.h"
#include "config/plus_key.h"

#define SECRETS_FOLDER "/run/secrets"
#define ADDON_OPTIONS "/data/options.json" /* of Home Assistant's add-on */

/* Fills one camera from its own map and what it inherits. The path must outlive the call only. */
static void load_camera(struct cfg_loader *loader, const struct cfg_node *root,
                        const struct cfg_entry *entry, struct cfg_camera *camera)
{
    struct cfg_loader quiet = *loader;
    quiet.issues = NULL;
    static struct cfg_node nothing = {.kind = CFG_MAP, .text = ""};
    const struct cfg_node *own = entry->value->kind == CFG_MAP ? entry->value : &nothing;
    struct cfg_node *map = cfg_inherit(loader, root, own);
    map->line = entry->line;
    cfg_fill(&quiet, cfg_row_first(CFG_B_CAMERA, CFG_CAMERA), CFG_CAMERA, map, camera);
    const struct cfg_path at_cameras = {.key = "cameras"};
    const struct cfg_path path = {.up = &at_cameras, .key = entry->key};
    cfg_resolve_camera(loader, camera, map, &path);
}

static void load_cameras(struct cfg_loader *loader, struct config *config,
                         const struct cfg_node *root)
{
    const struct cfg_node *cameras = cfg_get(root, "cameras");
    if (cameras == NULL || cameras->kind != CFG_MAP || cameras->count > CFG_MAX_ITEMS) {
        return;
    }
    config->cameras = cfg_array(loader->arena, cameras->count, sizeof *config->cameras);
    for (size_t i = 0; i < cameras->count; i++) {
        load_camera(loader, root, &cameras->entries[i], &config->cameras[i]);
        config->camera_count++;
    }
}

/* The whole of it into the arena; complaints on the way. */
static struct config *build(struct cfg_loader *loader, struct cfg_node *root)
{
    struct config *config = cfg_alloc(loader->arena, sizeof *config);
    struct cfg_loader quiet = *loader;
    quiet.issues = NULL;
    root = cfg_migrate(loader, root);
    cfg_check_shape(loader, root);
    root = cfg_attribute_filters(loader, root);
    cfg_fill(&quiet, cfg_row_first(CFG_B_ROOT, CFG_GLOBAL), CFG_GLOBAL, root, config);
    cfg_fill(&quiet, cfg_row_first(CFG_B_CAMERA, CFG_GLOBAL), CFG_GLOBAL, root, &config->global);
    config->plus_key = cfg_plus_key(loader->arena, loader->issues, SECRETS_FOLDER, ADDON_OPTIONS);
    config->plus_enabled = config->plus_key != NULL;
    const char *plus_host = getenv("PLUS_API_HOST");
    config->plus_host =
        plus_host != NULL && *plus_host != '\0' ? cfg_strdup(loader->arena, plus_host) : NULL;
    config->birdseye = config->global.birdseye;
    config->database.is_default = cfg_get(cfg_get(root, "database"), "path") == NULL;
    config->private_ = cfg_alloc(loader->arena, sizeof *config->private_);
    config->private_->root = root;
    load_cameras(loader, config, root);
    cfg_make_colormap(loader, config);
    cfg_resolve_detectors(loader, config, root);
    cfg_check(loader, config, root);
    return config;
}

struct config *config_load(const char *name, const char *text, size_t length,
                           struct cfg_issues *issues)
{
    struct cfg_arena arena = {0};
    struct cfg_vars vars = {0};
    struct cfg_loader loader = {.arena = &arena, .issues = issues, .vars = &vars};
    struct config *config = NULL;
    (void)name;
    struct cfg_node *root = cfg_yaml_parse(&arena, text, length, issues);
    if (root != NULL) {
        cfg_vars_load(&vars, SECRETS_FOLDER);
        config = build(&loader, root);
    }
    if (config != NULL && !cfg_has_errors(issues)) {
        config->api_json = cfg_to_json(config);
        cfg_resolve_global(&loader, config, root);
        cfg_use_demo_model(config);
    }
    cfg_vars_finish(&vars);
    if (config == NULL || cfg_has_errors(issues)) {
        cfg_arena_finish(&arena);
        return NULL;
    }
    config->private_->arena = arena;
    return config;
}

void config_free(struct config *config)
{
    if (config == NULL) {
        return;
    }
    free(config->api_json);
    struct cfg_arena arena = config->private_->arena; /* holds the config itself */
    cfg_arena_finish(&arena);
}

/* --- asking ---------------------------------------------------------------------------------- */

int config_camera_index(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->camera_count; i++) {
        if (strcmp(config->cameras[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

const struct cfg_camera *config_camera(const struct config *config, const char *name)
{
    int index = config_camera_index(config, name);
    return index >= 0 ? &config->cameras[index] : NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct cfg_camera *const *)a)->name,
                  (*(const struct cfg_camera *const *)b)->name);
}

const struct cfg_camera **config_cameras_by_name(const struct config *config)
{
    const struct cfg_camera **cameras = mem_array(config->camera_count, sizeof *cameras);
    for (size_t i = 0; i < config->camera_count; i++) {
        cameras[i] = &config->cameras[i];
    }
    qsort(cameras, config->camera_count, sizeof *cameras, by_name);
    return cameras;
}

const struct cfg_filter *config_filter(const struct cfg_filters *filters, const char *label)
{
    static char any[] = "";
    static const struct cfg_filter usual = {.name = any,
                                            .max_area = 24000000,
                                            .max_ratio = 24000000,
                                            .threshold = 0.7,
                                            .min_score = 0.5};
    for (size_t i = 0; i < filters->count; i++) {
        if (strcmp(filters->items[i].name, label) == 0) {
            return &filters->items[i];
        }
    }
    return &usual;
}

bool config_list_has(const struct cfg_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], text) == 0) {
            return true;
        }
    }
    return false;
}

double config_pairs_number(const struct cfg_pairs *pairs, const char *name, double otherwise)
{
    for (size_t i = 0; i < pairs->count; i++) {
        if (strcmp(pairs->items[i].name, name) == 0) {
            return pairs->items[i].number;
        }
    }
    return otherwise;
}

bool config_go2rtc_has(const struct config *config, const char *stream)
{
    return cfg_entry(cfg_get(config->go2rtc, "streams"), stream) != NULL;
}
