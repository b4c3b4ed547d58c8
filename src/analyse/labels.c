#include "analyse/labels.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static unsigned entry_of(struct labels *labels, const char *name)
{
    for (size_t i = 0; i < labels->entry_count; i++) {
        if (strcmp(labels->entries[i].label.name, name) == 0) {
            return (unsigned)i;
        }
    }
    labels->entries[labels->entry_count].label.name = name;
    return (unsigned)labels->entry_count++;
}

static double max_still_s(const struct cfg_camera *camera, const char *name)
{
    const struct cfg_opt_int *otherwise = &camera->detect.stationary.max_frames.default_frames;
    double frames = config_pairs_number(&camera->detect.stationary.max_frames.objects, name,
                                        otherwise->has ? (double)otherwise->value : 0);
    return camera->detect.fps > 0 ? frames / camera->detect.fps : 0;
}

static enum label_use use_of(const struct cfg_camera *camera, const char *name)
{
    if (!config_list_has(&camera->objects.track, name)) {
        return LABEL_IGNORED;
    }
    return config_is_attribute(name) ? LABEL_ATTRIBUTE : LABEL_TRACKED;
}

static void fill_entry(struct label_entry *entry, const struct cfg_camera *camera)
{
    const char *name = entry->label.name;
    entry->use = use_of(camera, name);
    entry->label.family = label_family(name);
    entry->label.max_still_s = max_still_s(camera, name);
    const struct cfg_filter *filter = config_filter(&camera->objects.filters, name);
    entry->filter = (struct detection_filter){
        .min_area = filter->min_area,
        .max_area = filter->max_area,
        .min_score = (float)filter->min_score,
        .min_ratio = (float)filter->min_ratio,
        .max_ratio = (float)filter->max_ratio,
        .mask_count = filter->mask.count,
    };
}

/* The polygons of every filter's mask, in pixels. */
static void place_masks(struct labels *labels, const struct cfg_camera *camera, int width,
                        int height)
{
    size_t polygons = 0, points = 0;
    for (size_t i = 0; i < labels->entry_count; i++) {
        const char *name = labels->entries[i].label.name;
        const struct cfg_mask *mask = &config_filter(&camera->objects.filters, name)->mask;
        polygons += mask->count;
        for (size_t j = 0; j < mask->count; j++) {
            points += mask->polygons[j].count;
        }
    }
    labels->polygons = mem_array(polygons + 1, sizeof *labels->polygons);
    labels->points = mem_array(points + 1, sizeof *labels->points);
    struct polygon *polygon = labels->polygons;
    struct point *point = labels->points;
    for (size_t i = 0; i < labels->entry_count; i++) {
        struct label_entry *entry = &labels->entries[i];
        const struct cfg_mask *mask =
            &config_filter(&camera->objects.filters, entry->label.name)->mask;
        entry->filter.masks = polygon;
        for (size_t j = 0; j < mask->count; j++) {
            const struct cfg_polygon *given = &mask->polygons[j];
            polygon_from_relative(given->xy, given->count, width, height, point);
            *polygon++ = (struct polygon){point, given->count};
            point += given->count;
        }
    }
}

struct labels *labels_create(const struct cfg_labels *names, const struct cfg_camera *camera,
                             int width, int height)
{
    struct labels *labels = mem_alloc(sizeof *labels);
    labels->entries = mem_array(names->count + 1, sizeof *labels->entries);
    labels->of_model = mem_array(names->count + 1, sizeof *labels->of_model);
    labels->model_count = names->count;
    for (size_t i = 0; i < names->count; i++) {
        labels->of_model[i] = entry_of(labels, names->items[i]);
    }
    labels->rules = mem_array(labels->entry_count + 1, sizeof *labels->rules);
    for (size_t i = 0; i < labels->entry_count; i++) {
        fill_entry(&labels->entries[i], camera);
        labels->rules[i] = merge_rule_for(labels->entries[i].label.name);
    }
    place_masks(labels, camera, width, height);
    return labels;
}

void labels_destroy(struct labels *labels)
{
    if (labels != NULL) {
        free(labels->entries);
        free(labels->rules);
        free(labels->of_model);
        free(labels->polygons);
        free(labels->points);
        free(labels);
    }
}

const struct label_entry *labels_of_model(const struct labels *labels, uint32_t number)
{
    if (number >= labels->model_count) {
        return NULL;
    }
    const struct label_entry *entry = &labels->entries[labels->of_model[number]];
    return entry->use == LABEL_IGNORED ? NULL : entry;
}
