#include "server/event_row.h"

#include <string.h>

#include "base/jout.h"

/* No zones required, or one of them entered. */
static bool zones_satisfied(const struct cfg_camera *camera, const struct msg_object *state,
                            const struct cfg_list *first, const struct cfg_list *second)
{
    size_t wanted = first->count + (second != NULL ? second->count : 0);
    for (size_t i = 0; i < state->entered_zones.count && wanted > 0; i++) {
        uint32_t zone = state->entered_zones.items[i].zone;
        if (zone < camera->zone_count &&
            (config_list_has(first, camera->zones[zone].name) ||
             (second != NULL && config_list_has(second, camera->zones[zone].name)))) {
            return true;
        }
    }
    return wanted == 0;
}

static bool moved_for_real(const struct msg_object *state)
{
    return !state->false_positive && state->position_changes > 0;
}

bool event_rule_clip(const struct cfg_camera *camera, const struct msg_object *state)
{
    return moved_for_real(state) && camera->record.enabled &&
           zones_satisfied(camera, state, &camera->review.alerts.required_zones,
                           &camera->review.detections.required_zones) &&
           (!camera->record.events.has_objects ||
            config_list_has(&camera->record.events.objects, state->label));
}

bool event_rule_snapshot(const struct cfg_camera *camera, const struct msg_object *state)
{
    return moved_for_real(state) && camera->snapshots.enabled &&
           zones_satisfied(camera, state, &camera->snapshots.required_zones, NULL);
}

void event_zones_json(const struct cfg_camera *camera, const struct msg_object *state,
                      struct str *out)
{
    struct jout json = {.out = out};
    jout_begin_array(&json);
    for (size_t i = 0; i < state->entered_zones.count; i++) {
        uint32_t zone = state->entered_zones.items[i].zone;
        if (zone < camera->zone_count) {
            jout_string(&json, camera->zones[zone].name);
        }
    }
    jout_end_array(&json);
}

void event_box_json(struct jout *json, const char *key, const int32_t box[4], double width,
                    double height)
{
    jout_key(json, key);
    jout_begin_array(json);
    jout_double(json, box[0] / width);
    jout_double(json, box[1] / height);
    jout_double(json, (box[2] - box[0]) / width);
    jout_double(json, (box[3] - box[1]) / height);
    jout_end_array(json);
}

void event_frame_size(const struct cfg_camera *camera, const struct live_object *object,
                      double *width, double *height)
{
    const struct live_picture *picture = object->best.picture;
    *width = picture != NULL ? picture->width : camera->detect.width;
    *height = picture != NULL ? picture->height : camera->detect.height;
    if (*width < 1 || *height < 1) { /* size not yet known: at least stay in 0..1 */
        const int32_t *region =
            object->state.best_revision > 0 ? object->state.best_region : object->state.region;
        *width = region[2] > 0 ? region[2] : 1;
        *height = region[3] > 0 ? region[3] : 1;
    }
}

struct frame_size {
    double width, height;
};

static void put_relative(struct jout *json, const char *key, const int32_t box[4],
                         struct frame_size frame)
{
    event_box_json(json, key, box, frame.width, frame.height);
}

/* A float's own digits: 0.7 is not written as 0.699999988079071. */
static void put_score(struct jout *json, const char *key, float score)
{
    jout_key(json, key);
    jout_fixed(json, (double)score, 6);
}

static void put_attributes(struct jout *json, const struct msg_attribute *items, size_t count,
                           struct frame_size frame)
{
    jout_key(json, "attributes");
    jout_begin_array(json);
    for (size_t i = 0; i < count; i++) {
        jout_begin_object(json);
        put_relative(json, "box", items[i].box, frame);
        jout_put_string(json, "label", items[i].label);
        put_score(json, "score", items[i].score);
        jout_end_object(json);
    }
    jout_end_array(json);
}

void event_data_json(const struct cfg_camera *camera, const struct live_object *object,
                     struct str *out)
{
    const struct msg_object *state = &object->state;
    const struct live_best *best = &object->best;
    struct frame_size frame;
    event_frame_size(camera, object, &frame.width, &frame.height);
    const int32_t *box = state->best_revision > 0 ? state->best_box : state->box;
    const int32_t *region = state->best_revision > 0 ? state->best_region : state->region;
    float score = state->best_revision > 0 ? state->best_score : state->score;
    const struct msg_attribute *attributes = state->best_attributes.items;
    size_t attribute_count = state->best_attributes.count;
    if (best->picture != NULL) { /* what is written fits the picture that is shown */
        box = best->box;
        region = best->region;
        score = best->score;
        attributes = best->attributes;
        attribute_count = best->attribute_count;
    }
    struct jout json = {.out = out};
    jout_begin_object(&json);
    put_relative(&json, "box", box, frame);
    put_relative(&json, "region", region, frame);
    put_score(&json, "score", score);
    put_score(&json, "top_score", state->top_score);
    put_attributes(&json, attributes, attribute_count, frame);
    jout_put_string(&json, "type", "object");
    if (state->sub_label[0] != '\0' && state->sub_label_score > 0) {
        put_score(&json, "sub_label_score", state->sub_label_score);
    }
    jout_end_object(&json);
}
