#include "config/color.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"

/* The well-known ten of tableau/matplotlib, which the peer takes. */
static const uint8_t base[10][3] = {
    {31, 119, 180}, {255, 127, 14},  {44, 160, 44},   {214, 39, 40},  {148, 103, 189},
    {140, 86, 75},  {227, 119, 194}, {127, 127, 127}, {188, 189, 34}, {23, 190, 207},
};

/* Beyond ten, steps between neighbours of the ten. */
void cfg_palette(size_t count, size_t index, uint8_t color[3])
{
    if (index < ARRAY_SIZE(base)) {
        memcpy(color, base[index], 3);
        return;
    }
    size_t extra = index - ARRAY_SIZE(base);
    const uint8_t *from = base[extra % 9], *to = base[extra % 9 + 1];
    double factor = (double)(extra + 1) / (double)(count - 9);
    for (int i = 0; i < 3; i++) {
        color[i] = (uint8_t)(from[i] + (to[i] - from[i]) * factor);
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void cfg_make_colormap(struct cfg_loader *loader, struct config *config)
{
    size_t most = config->global.objects.track.count;
    for (size_t i = 0; i < config->camera_count; i++) {
        most += config->cameras[i].objects.track.count;
    }
    const char **labels = mem_array(most > 0 ? most : 1, sizeof *labels);
    size_t count = 0;
    for (size_t c = 0; c <= config->camera_count; c++) {
        const struct cfg_list *track =
            c == 0 ? &config->global.objects.track : &config->cameras[c - 1].objects.track;
        for (size_t i = 0; i < track->count; i++) {
            labels[count++] = track->items[i];
        }
    }
    qsort(labels, count, sizeof *labels, by_text);
    size_t unique = 0;
    for (size_t i = 0; i < count; i++) {
        if (unique == 0 || strcmp(labels[unique - 1], labels[i]) != 0) {
            labels[unique++] = labels[i];
        }
    }
    struct cfg_pair *pairs = cfg_array(loader->arena, unique, sizeof *pairs);
    for (size_t i = 0; i < unique; i++) {
        uint8_t color[3];
        cfg_palette(unique, i, color);
        pairs[i].name = (char *)labels[i];
        pairs[i].number = (double)(color[0] << 16 | color[1] << 8 | color[2]);
    }
    free(labels);
    config->colormap = (struct cfg_pairs){.items = pairs, .count = unique};
}

void cfg_unpack_color(double packed, uint8_t color[3])
{
    unsigned value = (unsigned)packed;
    color[0] = (uint8_t)(value >> 16);
    color[1] = (uint8_t)(value >> 8);
    color[2] = (uint8_t)value;
}

static int by_name(const void *label, const void *pair)
{
    return strcmp(label, ((const struct cfg_pair *)pair)->name);
}

void config_color(const struct config *config, const char *label, uint8_t bgr[3])
{
    const struct cfg_pair *found =
        config->colormap.count == 0 ? NULL
                                    : bsearch(label, config->colormap.items, config->colormap.count,
                                              sizeof *config->colormap.items, by_name);
    if (found != NULL) {
        cfg_unpack_color(found->number, bgr);
    } else {
        memset(bgr, 230, 3);
    }
}
