#include "server/overlay.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const uint8_t blue[3] = {255, 0, 0}; /* b, g, r, all of them */
static const uint8_t green[3] = {0, 255, 0};
static const uint8_t red[3] = {0, 0, 255};
static const uint8_t black[3] = {0, 0, 0};
static const uint8_t grey[3] = {220, 220, 220};

static int percent(float score)
{
    return (int)lrintf(score * 100);
}

static void object_caption(char *text, size_t size, const struct msg_object *state)
{
    snprintf(text, size, "%s: %d%% %d",
             state->sub_label[0] != '\0' ? state->sub_label : state->label, percent(state->score),
             state->area);
}

void overlay_objects(struct canvas *canvas, const struct config *config,
                     const struct live_view *view)
{
    for (size_t i = 0; i < view->object_count; i++) {
        const struct msg_object *state = &view->objects[i].state;
        uint8_t color[3];
        double thickness = 1;
        if (state->frame_time < view->time) {
            memcpy(color, blue, sizeof color);
        } else if (state->stationary) {
            memcpy(color, grey, sizeof color);
        } else {
            config_color(config, state->label, color);
            thickness = 2;
        }
        char text[IPC_SUB_LABEL + IPC_LABEL];
        object_caption(text, sizeof text, state);
        canvas_box(canvas, state->box, color, thickness);
        canvas_caption(canvas, state->box, text, color, thickness);
    }
}

static bool occupied(const struct live_view *view, size_t zone)
{
    for (size_t i = 0; i < view->object_count; i++) {
        const struct msg_object *state = &view->objects[i].state;
        for (size_t j = 0; j < state->current_zones.count; j++) {
            if (state->current_zones.items[j].zone == zone) {
                return true;
            }
        }
    }
    return false;
}

void overlay_zones(struct canvas *canvas, const struct cfg_camera *camera,
                   const struct live_view *view)
{
    for (size_t i = 0; i < camera->zone_count; i++) {
        const struct cfg_zone *zone = &camera->zones[i];
        for (size_t j = 0; j < zone->coordinates.count; j++) {
            canvas_polygon(canvas, zone->coordinates.polygons[j].xy,
                           zone->coordinates.polygons[j].count, zone->color,
                           occupied(view, i) ? 8 : 2);
        }
    }
}

void overlay_mask(struct canvas *canvas, const struct cfg_camera *camera)
{
    const struct cfg_mask *mask = &camera->motion.mask;
    for (size_t i = 0; i < mask->count; i++) {
        canvas_polygon(canvas, mask->polygons[i].xy, mask->polygons[i].count, black, 0);
    }
}

void overlay_motion(struct canvas *canvas, const struct live_view *view)
{
    for (size_t i = 0; i < view->motion_count; i++) {
        canvas_box(canvas, view->motion[i].box, red, 2);
    }
}

void overlay_regions(struct canvas *canvas, const struct live_view *view)
{
    for (size_t i = 0; i < view->region_count; i++) {
        canvas_box(canvas, view->regions[i].box, green, 2);
    }
}

void overlay_best(struct canvas *canvas, const struct config *config,
                  const struct live_object *object)
{
    const struct live_best *best = &object->best;
    uint8_t color[3];
    char text[IPC_LABEL + 40];
    config_color(config, object->state.label, color);
    snprintf(text, sizeof text, "%s: %d%% %d", object->state.label, percent(best->score),
             best->area);
    canvas_box(canvas, best->box, color, 2);
    canvas_caption(canvas, best->box, text, color, 2);
    for (size_t i = 0; i < best->attribute_count; i++) {
        const struct msg_attribute *attribute = &best->attributes[i];
        snprintf(text, sizeof text, "%s: %d%%", attribute->label, percent(attribute->score));
        canvas_box(canvas, attribute->box, color, 2);
        canvas_caption(canvas, attribute->box, text, color, 2);
    }
}

void overlay_timestamp(struct canvas *canvas, const struct cfg_timestamp_style *style, double time)
{
    time_t whole = (time_t)floor(time);
    struct tm local;
    char text[128];
    if (localtime_r(&whole, &local) == NULL ||
        strftime(text, sizeof text, style->format, &local) == 0) {
        return; /* a format that makes nothing, or far too much */
    }
    struct canvas_text how = {
        .corner = style->position != 0 ? style->position : CFG_TOP_LEFT,
        .effect = style->effect,
        .bgr = {(uint8_t)style->color.blue, (uint8_t)style->color.green, (uint8_t)style->color.red},
        .thickness = style->thickness < 1 ? 1 : style->thickness,
        /* Frigate: a third of the picture, at least 150 pixels of a full-size one. */
        .width = fmax(150 * fmin(1, canvas->scale_y), 0.33 * canvas->width),
    };
    canvas_write(canvas, &how, text);
}
