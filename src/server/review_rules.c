#include "server/review_rules.h"

#include <string.h>

#define IDLE_ALERT_S 120.0
#define IDLE_DETECTION_S 30.0

#define CROP_MIN 200
#define CROP_MULTIPLIER 1.25
/* Flatter than this, in a picture flatter than 16:9, is shown whole. */
#define CROP_FLATTEST 4.0
/* Sizes are multiples of four, so a 16:9 crop may be a little off. */
#define CROP_RATIO_MAX 1.8

static const char *const names[] = {
    [REVIEW_NONE] = "",
    [REVIEW_DETECTION] = "detection",
    [REVIEW_ALERT] = "alert",
};

const char *review_severity_name(enum review_severity severity)
{
    return names[severity];
}

enum review_severity review_severity_from(const char *name)
{
    return strcmp(name, names[REVIEW_ALERT]) == 0       ? REVIEW_ALERT
           : strcmp(name, names[REVIEW_DETECTION]) == 0 ? REVIEW_DETECTION
                                                        : REVIEW_NONE;
}

double review_idle_max_s(enum review_severity severity)
{
    return severity == REVIEW_ALERT ? IDLE_ALERT_S : IDLE_DETECTION_S;
}

/* --- who counts --- */

static bool is_alert_label(const struct cfg_camera *camera, const char *label)
{
    return config_list_has(&camera->review.alerts.labels, label);
}

static bool is_detection_label(const struct cfg_camera *camera, const char *label)
{
    return !camera->review.detections.has_labels ||
           config_list_has(&camera->review.detections.labels, label);
}

/* None required, or in one of them now. */
static bool zones_satisfied(const struct cfg_camera *camera, const struct msg_object *object,
                            const struct cfg_list *required)
{
    for (size_t i = 0; i < object->current_zones.count && required->count > 0; i++) {
        uint32_t zone = object->current_zones.items[i].zone;
        if (zone < camera->zone_count && config_list_has(required, camera->zones[zone].name)) {
            return true;
        }
    }
    return required->count == 0;
}

bool review_is_active(const struct cfg_camera *camera, const struct msg_object *object)
{
    return object->active && !object->false_positive && object->end_time <= 0 &&
           (is_alert_label(camera, object->label) || is_detection_label(camera, object->label));
}

enum review_severity review_object_severity(const struct cfg_camera *camera,
                                            const struct msg_object *object)
{
    const struct cfg_review *rules = &camera->review;
    if (is_alert_label(camera, object->label) &&
        zones_satisfied(camera, object, &rules->alerts.required_zones)) {
        return REVIEW_ALERT;
    }
    if (is_detection_label(camera, object->label) &&
        zones_satisfied(camera, object, &rules->detections.required_zones)) {
        return REVIEW_DETECTION;
    }
    return REVIEW_NONE;
}

enum review_severity review_sound_severity(const struct cfg_camera *camera, const char *label)
{
    return is_alert_label(camera, label)       ? REVIEW_ALERT
           : is_detection_label(camera, label) ? REVIEW_DETECTION
                                               : REVIEW_NONE;
}

static struct box join(struct box a, const int32_t b[4])
{
    return (struct box){
        .x1 = a.x1 < b[0] ? a.x1 : b[0],
        .y1 = a.y1 < b[1] ? a.y1 : b[1],
        .x2 = a.x2 > b[2] ? a.x2 : b[2],
        .y2 = a.y2 > b[3] ? a.y2 : b[3],
    };
}

struct review_sight review_look(const struct cfg_camera *camera, const struct msg_frame *frame)
{
    struct review_sight sight = {0};
    for (size_t i = 0; i < frame->objects.count; i++) {
        const struct msg_object *object = &frame->objects.items[i];
        if (!review_is_active(camera, object)) {
            continue;
        }
        const int32_t *box = object->box;
        sight.around = sight.active == 0 ? (struct box){box[0], box[1], box[2], box[3]}
                                         : join(sight.around, box);
        sight.active++;
        enum review_severity severity = review_object_severity(camera, object);
        sight.severity = severity > sight.severity ? severity : sight.severity;
    }
    return sight;
}

/* --- what is shown --- */

static int enlarged(int length)
{
    int size = (int)(length * CROP_MULTIPLIER);
    return size > CROP_MIN ? size : CROP_MIN;
}

static int floor_to_4(int length)
{
    return length / 4 * 4;
}

/* Begins so that `size` is centred on from..to, but inside `whole` as far as it fits. */
static int placed(int from, int to, int size, int whole)
{
    int start = (int)((to - from) / 2.0 + from - size / 2.0);
    int last = whole > size ? whole - size : 0;
    return start < 0 ? 0 : start > last ? last : start;
}

static int within(int value, int most)
{
    return value < 0 ? 0 : value > most ? most : value;
}

struct box review_crop(int width, int height, struct box around)
{
    const struct box all = {0, 0, width, height};
    around = (struct box){within(around.x1, width), within(around.y1, height),
                          within(around.x2, width), within(around.y2, height)};
    int x = enlarged(box_width(around));
    int y = enlarged(box_height(around));
    if ((double)width / height > 16.0 / 9.0 && (double)x / y > CROP_FLATTEST) {
        return all;
    }
    int wanted = (int)(9.0 / 16.0 * x);
    if (wanted < y || wanted > height) {
        x = floor_to_4((int)(16.0 / 9.0 * y));
        if ((double)x / y > CROP_RATIO_MAX) {
            return all;
        }
    } else {
        y = floor_to_4(wanted);
    }
    struct box crop = {.x1 = placed(around.x1, around.x2, x, width),
                       .y1 = placed(around.y1, around.y2, y, height)};
    crop.x2 = crop.x1 + x < width ? crop.x1 + x : width;
    crop.y2 = crop.y1 + y < height ? crop.y1 + y : height;
    return crop;
}
