/* Polygons as text: corners x,y,x,y,... either relative (0 to 1) or, in old files, in pixels of the
 * detect picture. The peer takes a polygon for pixels when any token is greater than "1.0" as a
 * string; here any number above 1 means pixels, which is the same for all that the peer then reads
 * without failing. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/loader.h"

#define MAX_POINTS 1000
#define MAX_ALL_POINTS 500000

struct reader {
    struct cfg_loader *loader;
    const struct cfg_coords *coords;
    int line;
    const struct cfg_path *path;
};

static bool complain(const struct reader *r, const char *message)
{
    if (r->loader->issues != NULL) {
        cfg_error(r->loader->issues, r->line, r->path, "%s", message);
    }
    return false;
}

/* Appends the numbers of one text; the array doubles in the arena. */
static bool read_numbers(const struct reader *r, const char *text, double **numbers, size_t *count)
{
    while (true) {
        size_t length = strcspn(text, ",");
        const char *start = text + strspn(text, " \t\r\n");
        size_t used = (size_t)(start - text);
        size_t room = used < length ? length - used : 0;
        while (room > 0 && strchr(" \t\r\n", start[room - 1]) != NULL) {
            room--;
        }
        AUTO_STR struct str token = {0};
        str_add_bytes(&token, start, room);
        double value;
        if (!str_to_double(str_text(&token), &value)) {
            AUTO_STR struct str message = {0};
            str_add(&message, "\"");
            cfg_add_quoted(str_text(&token), &message);
            str_add(&message, "\" is not a number; coordinates are x1,y1,x2,y2,...");
            return complain(r, str_text(&message));
        }
        if (*count == MAX_POINTS * 2) {
            return complain(r, "a polygon has at most 1000 corners");
        }
        if (++r->loader->coordinates > MAX_ALL_POINTS * 2) {
            return complain(r, "all zones and masks together have more than 500000 corners");
        }
        *numbers = cfg_push(r->loader->arena, *numbers, *count, sizeof **numbers);
        (*numbers)[(*count)++] = value;
        if (text[length] == '\0') {
            return true;
        }
        text += length + 1;
    }
}

static bool are_pixels(const double *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (numbers[i] > 1.0) {
            return true;
        }
    }
    return false;
}

/* Three decimals, as the peer rounds them. */
static double round3(double value)
{
    char text[64];
    snprintf(text, sizeof text, "%.3f", value);
    return strtod(text, NULL);
}

static bool pixels_to_relative(const struct reader *r, double *numbers, size_t count)
{
    bool outside = false;
    for (size_t i = 0; i < count; i++) {
        if (numbers[i] != floor(numbers[i])) {
            return complain(r, "mixes pixels and parts; write every coordinate from 0 to 1, as "
                               "part of the picture's width or height");
        }
        double size = i % 2 == 0 ? r->coords->width : r->coords->height;
        outside = outside || numbers[i] > size;
        numbers[i] = round3(numbers[i] > size ? 1.0 : numbers[i] / size);
    }
    if (!r->coords->size_is_known && r->loader->issues != NULL) {
        cfg_warn(r->loader->issues, r->line, r->path,
                 "is in pixels while detect.width and detect.height are not given; taken as of "
                 "%dx%d: give the size, or write parts from 0 to 1",
                 r->coords->width, r->coords->height);
    }
    if (outside && r->loader->issues != NULL) {
        cfg_warn(r->loader->issues, r->line, r->path,
                 "a corner lies outside the %dx%d detect picture; moved to its edge",
                 r->coords->width, r->coords->height);
    }
    return true;
}

static void clamp_negative(const struct reader *r, double *numbers, size_t count)
{
    bool negative = false;
    for (size_t i = 0; i < count; i++) {
        negative = negative || numbers[i] < 0;
        numbers[i] = numbers[i] < 0 ? 0 : numbers[i];
    }
    if (negative && r->loader->issues != NULL) {
        cfg_warn(r->loader->issues, r->line, r->path,
                 "a corner lies outside the picture; moved to its edge");
    }
}

static const char *numbers_text(struct cfg_arena *arena, const double *numbers, size_t count)
{
    AUTO_STR struct str text = {0};
    for (size_t i = 0; i < count; i++) {
        char number[32];
        str_addf(&text, "%s%s", i == 0 ? "" : ",", str_double(number, numbers[i]));
    }
    return cfg_strdup(arena, str_text(&text));
}

/* Checks and converts the numbers of one polygon; `converted` tells that its text must follow. */
static bool to_polygon(const struct reader *r, double *numbers, size_t count, bool *converted,
                       struct cfg_polygon *polygon)
{
    if (count % 2 != 0) {
        return complain(r, "has an odd number of coordinates; every corner needs x and y");
    }
    *converted = are_pixels(numbers, count);
    if (*converted && !pixels_to_relative(r, numbers, count)) {
        return false;
    }
    clamp_negative(r, numbers, count);
    polygon->count = count / 2;
    polygon->xy = cfg_array(r->loader->arena, count, sizeof *polygon->xy);
    for (size_t i = 0; i < count; i++) {
        polygon->xy[i] = (float)numbers[i];
    }
    return true;
}

/* A zone written as a list has one corner per text. */
static bool read_corners(const struct reader *r, struct cfg_mask *mask)
{
    double *numbers = NULL;
    size_t count = 0;
    for (size_t i = 0; i < mask->text.count; i++) {
        size_t before = count;
        if (!read_numbers(r, mask->text.items[i], &numbers, &count)) {
            return false;
        }
        if (count != before + 2) {
            return complain(r, "as a list, each item is one corner \"x,y\"");
        }
    }
    bool converted;
    struct cfg_polygon *polygon = cfg_alloc(r->loader->arena, sizeof *polygon);
    if (!to_polygon(r, numbers, count, &converted, polygon)) {
        return false;
    }
    if (converted) {
        char **items = cfg_array(r->loader->arena, mask->text.count, sizeof *items);
        for (size_t i = 0; i < mask->text.count; i++) {
            items[i] = (char *)numbers_text(r->loader->arena, numbers + i * 2, 2);
        }
        mask->text.items = items;
    }
    mask->polygons = polygon;
    mask->count = 1;
    return true;
}

static bool read_polygons(const struct reader *r, struct cfg_mask *mask)
{
    if (mask->text.count > CFG_MAX_MASKS) {
        return complain(r, "has more than 100 polygons");
    }
    char **items = cfg_array(r->loader->arena, mask->text.count, sizeof *items);
    mask->polygons = cfg_array(r->loader->arena, mask->text.count, sizeof *mask->polygons);
    for (size_t i = 0; i < mask->text.count; i++) {
        items[i] = mask->text.items[i];
        if (items[i][strspn(items[i], " \t\r\n")] == '\0') {
            continue; /* no polygon at all: as good as absent */
        }
        double *numbers = NULL;
        size_t count = 0;
        bool converted;
        struct cfg_polygon polygon;
        if (!read_numbers(r, items[i], &numbers, &count) ||
            !to_polygon(r, numbers, count, &converted, &polygon)) {
            return false;
        }
        if (converted && !r->coords->keep_text) {
            items[i] = (char *)numbers_text(r->loader->arena, numbers, count);
        }
        if (polygon.count >= 3) {
            mask->polygons[mask->count++] = polygon;
        } else if (r->loader->issues != NULL && !r->coords->is_zone) {
            cfg_warn(r->loader->issues, r->line, r->path,
                     "a polygon of fewer than three corners covers nothing");
        }
    }
    mask->text.items = items;
    return true;
}

bool cfg_polygons(struct cfg_loader *loader, const struct cfg_coords *coords, struct cfg_mask *mask,
                  int line, const struct cfg_path *path)
{
    const struct reader r = {loader, coords, line, path};
    mask->polygons = NULL;
    mask->count = 0;
    bool fine = mask->is_list && coords->is_zone ? read_corners(&r, mask) : read_polygons(&r, mask);
    if (!fine) {
        mask->count = 0;
        return false;
    }
    if (coords->is_zone && (mask->count != 1 || mask->polygons[0].count < 3)) {
        mask->count = 0;
        return complain(&r, "a zone needs at least three corners");
    }
    return true;
}
