/* What follows from other values. Runs on every camera after it is filled. */
#include <string.h>

#include "config/color.h"
#include "config/loader.h"

/* What a picture is taken to be when nobody knows yet (and what the peer falls back to). */
#define USUAL_WIDTH 1280
#define USUAL_HEIGHT 720

struct scene {
    struct cfg_loader *loader;
    struct cfg_camera *camera;
    const struct cfg_node *map;
    const struct cfg_path *path;
    struct cfg_coords coords;
};

int cfg_line_of(const struct cfg_node *map, const char *dotted, int otherwise)
{
    while (map != NULL && *dotted != '\0') {
        char key[128];
        size_t length = strcspn(dotted, ".");
        if (length >= sizeof key) {
            break;
        }
        memcpy(key, dotted, length);
        key[length] = '\0';
        if (map->kind == CFG_LIST) {
            long long index;
            if (!str_to_int(key, &index) || index < 0 || (size_t)index >= map->count) {
                break;
            }
            map = map->items[index];
            otherwise = map->line > 0 ? map->line : otherwise;
        } else {
            const struct cfg_entry *entry = cfg_entry(map, key);
            if (entry == NULL) {
                break;
            }
            otherwise = entry->line > 0 ? entry->line : otherwise;
            map = entry->value;
        }
        dotted += length + (dotted[length] == '.');
    }
    return otherwise;
}

static void resolve_detect(const struct scene *s)
{
    struct cfg_detect *detect = &s->camera->detect;
    if ((detect->width == 0) != (detect->height == 0)) {
        const struct cfg_path path = {.up = s->path, .key = "detect"};
        cfg_warn(s->loader->issues, cfg_line_of(s->map, "detect", s->map->line), &path,
                 "width and height count only together; the stream's size is used");
        detect->width = detect->height = 0;
    }
    if (detect->min_initialized < 0) {
        detect->min_initialized = detect->fps / 2;
    }
    if (detect->max_disappeared < 0) {
        detect->max_disappeared = detect->fps * 5;
    }
    if (detect->stationary.interval < 0) {
        detect->stationary.interval = detect->fps * 10;
    }
    if (detect->stationary.threshold < 0) {
        detect->stationary.threshold = detect->fps * 10;
    }
}

/* A single input does everything; with several, each says what it is for. */
static void resolve_roles(const struct scene *s, struct cfg_input *input)
{
    static char record[] = "record", detect[] = "detect", audio[] = "audio";
    for (size_t i = 0; i < input->role_names.count; i++) {
        const char *name = input->role_names.items[i];
        input->roles |= strcmp(name, record) == 0   ? CFG_ROLE_RECORD
                        : strcmp(name, detect) == 0 ? CFG_ROLE_DETECT
                                                    : CFG_ROLE_AUDIO;
    }
    if (s->camera->ffmpeg.count == 1) {
        input->roles |= CFG_ROLE_DETECT | CFG_ROLE_RECORD;
        char **names = cfg_array(s->loader->arena, 3, sizeof *names);
        names[0] = record;
        names[1] = detect;
        names[2] = audio;
        input->role_names.items = names;
        input->role_names.count = (input->roles & CFG_ROLE_AUDIO) != 0 ? 3 : 2;
    }
}

static void resolve_inputs(const struct scene *s)
{
    static char nowhere[] = ""; /* a missing path was told of */
    const struct cfg_ffmpeg *common = &s->camera->ffmpeg.common;
    for (size_t i = 0; i < s->camera->ffmpeg.count; i++) {
        struct cfg_input *input = &s->camera->ffmpeg.inputs[i];
        resolve_roles(s, input);
        input->path = input->path != NULL ? input->path : nowhere;
        input->own_global_args = input->global_args.count > 0;
        input->own_hwaccel_args = input->hwaccel_args.count > 0;
        input->own_input_args = input->input_args.count > 0;
        if (!input->own_global_args) {
            input->global_args = common->global_args;
        }
        if (!input->own_hwaccel_args) {
            input->hwaccel_args = common->hwaccel_args;
        }
        if (!input->own_input_args) {
            input->input_args = common->input_args;
        }
    }
}

/* Every tracked label has a filter, if only the usual one. */
static void add_default_filters(const struct scene *s)
{
    struct cfg_objects *objects = &s->camera->objects;
    size_t most = objects->filters.count + objects->track.count;
    struct cfg_filter *filters = cfg_array(s->loader->arena, most, sizeof *filters);
    size_t count = objects->filters.count;
    if (count > 0) {
        memcpy(filters, objects->filters.items, count * sizeof *filters);
    }
    const struct cfg_node *own = cfg_get(cfg_get(s->map, "objects"), "filters");
    size_t first_added = count;
    for (size_t i = 0; i < objects->track.count; i++) {
        bool there = cfg_entry(own, objects->track.items[i]) != NULL;
        for (size_t j = first_added; j < count && !there; j++) {
            there = strcmp(filters[j].name, objects->track.items[i]) == 0;
        }
        if (!there) {
            cfg_fill(s->loader, cfg_row_first(CFG_B_FILTER, CFG_CAMERA), CFG_CAMERA, NULL,
                     &filters[count]);
            filters[count++].name = objects->track.items[i];
        }
    }
    objects->filters.items = filters;
    objects->filters.count = count;
}

/* `dotted` is where the mask stands below the camera; `key` names it within `up`. */
static bool resolve_mask(const struct scene *s, struct cfg_mask *mask, const char *dotted,
                         const struct cfg_path *path)
{
    if (!mask->present) {
        return true;
    }
    return cfg_polygons(s->loader, &s->coords, mask, cfg_line_of(s->map, dotted, s->map->line),
                        path);
}

static void join_masks(struct cfg_arena *arena, struct cfg_mask *own, const struct cfg_mask *more)
{
    struct cfg_mask joined = {.is_list = true, .present = true};
    size_t texts = own->text.count + more->text.count, polygons = own->count + more->count;
    joined.text.items = cfg_array(arena, texts, sizeof *joined.text.items);
    joined.polygons = cfg_array(arena, polygons, sizeof *joined.polygons);
    const struct cfg_mask *both[] = {own, more};
    for (size_t m = 0; m < 2; m++) {
        for (size_t i = 0; i < both[m]->text.count; i++) {
            joined.text.items[joined.text.count++] = both[m]->text.items[i];
        }
        for (size_t i = 0; i < both[m]->count; i++) {
            joined.polygons[joined.count++] = both[m]->polygons[i];
        }
    }
    *own = joined;
}

static bool says_something(const struct cfg_mask *mask)
{
    for (size_t i = 0; mask->present && i < mask->text.count; i++) {
        if (mask->text.items[i][0] != '\0') {
            return true;
        }
    }
    return false;
}

static void resolve_object_masks(struct scene *s)
{
    struct cfg_objects *objects = &s->camera->objects;
    const struct cfg_path at_objects = {.up = s->path, .key = "objects"};
    const struct cfg_path at_mask = {.up = &at_objects, .key = "mask"};
    const struct cfg_path at_filters = {.up = &at_objects, .key = "filters"};
    /* The section shows its mask as written; the filters show it converted. */
    struct cfg_mask shared = objects->mask;
    if (!resolve_mask(s, &shared, "objects.mask", &at_mask)) {
        shared = (struct cfg_mask){0};
    }
    objects->mask.polygons = shared.polygons;
    objects->mask.count = shared.count;
    const struct cfg_node *written = cfg_get(cfg_get(s->map, "objects"), "filters");
    for (size_t i = 0; i < objects->filters.count; i++) {
        struct cfg_filter *filter = &objects->filters.items[i];
        const struct cfg_path at_filter = {.up = &at_filters, .key = filter->name};
        const struct cfg_path path = {.up = &at_filter, .key = "mask"};
        const struct cfg_entry *entry = cfg_entry(written, filter->name);
        if (filter->mask.present && entry != NULL) {
            cfg_polygons(s->loader, &s->coords, &filter->mask,
                         cfg_line_of(entry->value, "mask", entry->line), &path);
        }
        if (says_something(&shared)) {
            join_masks(s->loader->arena, &filter->mask, &shared);
        }
    }
}

static void resolve_zones(struct scene *s)
{
    const struct cfg_path at_zones = {.up = s->path, .key = "zones"};
    const struct cfg_node *written = cfg_get(s->map, "zones");
    for (size_t i = 0; i < s->camera->zone_count; i++) {
        struct cfg_zone *zone = &s->camera->zones[i];
        const struct cfg_entry *entry = cfg_entry(written, zone->name);
        const struct cfg_path at_zone = {.up = &at_zones, .key = zone->name};
        const struct cfg_path path = {.up = &at_zone, .key = "coordinates"};
        int line = entry != NULL ? entry->line : s->map->line;
        cfg_palette(s->camera->zone_count, i, zone->color);
        s->coords.is_zone = true;
        if (zone->coordinates.present && entry != NULL) {
            cfg_polygons(s->loader, &s->coords, &zone->coordinates,
                         cfg_line_of(entry->value, "coordinates", line), &path);
        }
        s->coords.is_zone = false;
    }
}

void cfg_resolve_camera(struct cfg_loader *loader, struct cfg_camera *camera,
                        const struct cfg_node *map, const struct cfg_path *path)
{
    struct scene s = {.loader = loader, .camera = camera, .map = map, .path = path};
    if (camera->name == NULL) {
        camera->name = (char *)path->key;
    }
    if (camera->live.stream_name[0] == '\0') {
        camera->live.stream_name = camera->name;
    }
    camera->record.enabled_in_config = camera->record.enabled;
    camera->audio.enabled_in_config = camera->audio.enabled;
    camera->motion.enabled_in_config = camera->motion.enabled;
    camera->onvif.autotracking.enabled_in_config = camera->onvif.autotracking.enabled;
    resolve_detect(&s);
    s.coords.size_is_known = camera->detect.width > 0;
    s.coords.width = s.coords.size_is_known ? camera->detect.width : USUAL_WIDTH;
    s.coords.height = s.coords.size_is_known ? camera->detect.height : USUAL_HEIGHT;
    resolve_inputs(&s);
    add_default_filters(&s);
    const struct cfg_path at_motion = {.up = path, .key = "motion"};
    const struct cfg_path at_mask = {.up = &at_motion, .key = "mask"};
    resolve_mask(&s, &camera->motion.mask, "motion.mask", &at_mask);
    resolve_object_masks(&s);
    resolve_zones(&s);
}

/* The detect values of the global section are not shown resolved, but readers want numbers. */
void cfg_resolve_global(struct cfg_loader *loader, struct config *config,
                        const struct cfg_node *root)
{
    struct scene s = {.loader = &(struct cfg_loader){.arena = loader->arena, .vars = loader->vars},
                      .camera = &config->global,
                      .map = root};
    struct cfg_detect *detect = &config->global.detect;
    if (detect->width == 0 || detect->height == 0) {
        detect->width = detect->height = 0;
    }
    resolve_detect(&s);
}
