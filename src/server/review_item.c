#include "server/review_item.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "base/mem.h"

/* Pictures of a camera that are this much older than the one before: not out of order, but the
 * clock was set back. */
#define SET_BACK_S 1.0
/* A manual event that ends may say that it does so in a moment; not in a thousand years, as one who
 * mistakes milliseconds for seconds does. */
#define END_AHEAD_MAX_S 60.0

/* --- texts --- */

static bool names_have(const struct review_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether it is new. */
static bool names_add(struct review_item *item, struct review_names *names, const char *name)
{
    if (names_have(names, name)) {
        return false;
    }
    if (names->count >= REVIEW_NAMES_MAX) {
        item->left_out++;
        return false;
    }
    *MEM_PUSH(names->items, names->count, names->capacity) = mem_strdup(name);
    return true;
}

static void names_finish(struct review_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i]);
    }
    free(names->items);
    *names = (struct review_names){0};
}
#define AUTO_NAMES __attribute__((cleanup(names_finish)))

/* Whether that is another text; NULL and "" are none. */
static bool set_text(char **text, const char *to)
{
    to = to != NULL && *to != '\0' ? to : NULL;
    if (str_equal(*text, to)) {
        return false;
    }
    free(*text);
    *text = to != NULL ? mem_strdup(to) : NULL;
    return true;
}

/* --- life --- */

void review_item_begin(struct review_item *item, double time, enum review_severity severity,
                       struct mono now)
{
    char number[32];
    char random[7];
    str_random6(random);
    *item = (struct review_item){
        .start_time = time,
        .last_activity = time,
        .active_until = now,
        .severity = severity,
    };
    snprintf(item->id, sizeof item->id, "%s-%s", str_double(number, time), random);
}

void review_item_finish(struct review_item *item)
{
    for (size_t i = 0; i < item->detection_count; i++) {
        free(item->detections[i].name);
        free(item->detections[i].sub_label);
    }
    free(item->detections);
    names_finish(&item->objects);
    names_finish(&item->sub_labels);
    names_finish(&item->zones);
    names_finish(&item->audio);
    free(item->pins);
    *item = (struct review_item){0};
}

/* The newest first: that is where the running ones are. */
static struct review_detection *find(struct review_item *item, const char *id)
{
    for (size_t i = item->detection_count; i > 0; i--) {
        if (strcmp(item->detections[i - 1].id, id) == 0) {
            return &item->detections[i - 1];
        }
    }
    return NULL;
}

/* NULL: it is full. */
static struct review_detection *find_or_add(struct review_item *item, const char *id,
                                            unsigned *changes)
{
    struct review_detection *detection = find(item, id);
    if (detection != NULL) {
        return detection;
    }
    if (item->detection_count >= REVIEW_DETECTIONS_MAX) {
        item->left_out++;
        return NULL;
    }
    detection = MEM_PUSH(item->detections, item->detection_count, item->detection_capacity);
    snprintf(detection->id, sizeof detection->id, "%s", id);
    *changes |= REVIEW_CHANGED;
    return detection;
}

static unsigned raise(struct review_item *item, enum review_severity severity)
{
    if (severity <= item->severity) {
        return 0;
    }
    item->severity = severity;
    return REVIEW_CHANGED | REVIEW_RAISED;
}

static void be_active(struct review_item *item, double time, struct mono until)
{
    item->last_activity = fmax(item->last_activity, time);
    item->active_until.us = until.us > item->active_until.us ? until.us : item->active_until.us;
}

/* --- what happens --- */

static unsigned take_object(struct review_item *item, const struct cfg_camera *camera,
                            const struct msg_object *object)
{
    unsigned changes = raise(item, review_object_severity(camera, object));
    struct review_detection *detection = find_or_add(item, object->id, &changes);
    if (detection != NULL) {
        changes |= set_text(&detection->name, object->label) ? REVIEW_CHANGED : 0;
        if (!detection->named_by_user) {
            changes |= set_text(&detection->sub_label, object->sub_label) ? REVIEW_CHANGED : 0;
        }
    }
    for (size_t i = 0; i < object->current_zones.count; i++) {
        uint32_t zone = object->current_zones.items[i].zone;
        if (zone < camera->zone_count && names_add(item, &item->zones, camera->zones[zone].name)) {
            changes |= REVIEW_CHANGED;
        }
    }
    return changes;
}

unsigned review_item_take_frame(struct review_item *item, const struct cfg_camera *camera,
                                const struct msg_frame *frame, struct mono now)
{
    unsigned changes = 0;
    for (size_t i = 0; i < frame->objects.count; i++) {
        const struct msg_object *object = &frame->objects.items[i];
        if (review_is_active(camera, object)) {
            be_active(item, frame->time, now);
            changes |= take_object(item, camera, object);
        }
    }
    return changes;
}

unsigned review_item_take_sounds(struct review_item *item, const struct cfg_camera *camera,
                                 double time, const char *const *labels, size_t count,
                                 struct mono now)
{
    unsigned changes = 0;
    for (size_t i = 0; i < count; i++) {
        enum review_severity severity = review_sound_severity(camera, labels[i]);
        if (severity != REVIEW_NONE) {
            be_active(item, time, now);
            changes |= raise(item, severity);
            changes |= names_add(item, &item->audio, labels[i]) ? REVIEW_CHANGED : 0;
        }
    }
    return changes;
}

/* An end in the future keeps the item busy until then. */
static void be_active_until(struct review_item *item, double end, struct mono now, double clock)
{
    double ahead_s = end - clock;
    be_active(item, end,
              (struct mono){now.us + (ahead_s > 0 ? (int64_t)(fmin(ahead_s, 1e9) * 1e6) : 0)});
}

static struct review_pin *find_pin(const struct review_item *item, const char *id)
{
    for (size_t i = 0; i < item->pin_count; i++) {
        if (strcmp(item->pins[i].id, id) == 0) {
            return &item->pins[i];
        }
    }
    return NULL;
}

unsigned review_item_take_manual(struct review_item *item, const char *event_id, const char *name,
                                 double end, struct mono now, double clock)
{
    unsigned changes = raise(item, REVIEW_ALERT);
    struct review_detection *detection = find_or_add(item, event_id, &changes);
    if (detection != NULL) {
        changes |= set_text(&detection->name, name) ? REVIEW_CHANGED : 0;
    }
    be_active_until(item, isfinite(end) ? end : clock, now, clock);
    if (!isfinite(end) && find_pin(item, event_id) == NULL) {
        if (item->pin_count >= REVIEW_PINS_MAX) {
            item->left_out++;
            return changes;
        }
        struct review_pin *pin = MEM_PUSH(item->pins, item->pin_count, item->pin_capacity);
        snprintf(pin->id, sizeof pin->id, "%s", event_id);
    }
    return changes;
}

bool review_item_unpin(struct review_item *item, const char *event_id, double end, struct mono now,
                       double clock)
{
    struct review_pin *pin = find_pin(item, event_id);
    if (pin == NULL) {
        return false;
    }
    *pin = item->pins[--item->pin_count];
    double latest = clock + END_AHEAD_MAX_S;
    be_active_until(item, isfinite(end) ? fmin(end, latest) : clock, now, clock);
    return true;
}

unsigned review_item_name(struct review_item *item, const char *event_id, const char *sub_label)
{
    struct review_detection *detection = find(item, event_id);
    if (detection == NULL || detection->name == NULL) {
        return 0;
    }
    detection->named_by_user = *sub_label != '\0';
    return set_text(&detection->sub_label, sub_label) ? REVIEW_CHANGED : 0;
}

/* --- ends --- */

bool review_item_is_over(const struct review_item *item, double time, double previous)
{
    return item->pin_count == 0 &&
           (time - item->last_activity > review_idle_max_s(item->severity) ||
            (previous > 0 && time < previous - SET_BACK_S));
}

bool review_item_is_silent(const struct review_item *item, struct mono now)
{
    double idle_s = (double)(now.us - item->active_until.us) / 1e6;
    return item->pin_count == 0 &&
           idle_s > review_idle_max_s(item->severity) + REVIEW_SILENCE_EXTRA_S;
}

void review_item_cut(struct review_item *item, double clock)
{
    if (item->pin_count > 0 || item->last_activity > clock) {
        item->last_activity = clock;
    }
    item->pin_count = 0;
}

double review_item_end(const struct review_item *item)
{
    return fmax(item->start_time, item->last_activity);
}

/* --- the row's text --- */

/* The attribute itself instead of what bears it ("ups"); "person-verified" for any other name. */
static void object_text(const struct review_detection *detection, struct str *out)
{
    const char *sub_label = detection->sub_label;
    if (sub_label == NULL) {
        str_add(out, detection->name);
    } else if (config_is_attribute(sub_label)) {
        str_add(out, sub_label);
    } else {
        str_addf(out, "%s-verified", detection->name);
    }
}

static void put_names(struct jout *json, const char *key, const struct review_names *names)
{
    jout_key(json, key);
    jout_begin_array(json);
    for (size_t i = 0; i < names->count; i++) {
        jout_string(json, names->items[i]);
    }
    jout_end_array(json);
}

/* Those of an earlier run, and those of now. */
static void collect(const struct review_item *item, struct review_names *objects,
                    struct review_names *sub_labels)
{
    struct review_item bound = {0}; /* counts what is over the bound */
    for (size_t i = 0; i < item->objects.count; i++) {
        names_add(&bound, objects, item->objects.items[i]);
    }
    for (size_t i = 0; i < item->sub_labels.count; i++) {
        names_add(&bound, sub_labels, item->sub_labels.items[i]);
    }
    for (size_t i = 0; i < item->detection_count; i++) {
        const struct review_detection *detection = &item->detections[i];
        if (detection->name == NULL) {
            continue;
        }
        AUTO_STR struct str text = {0};
        object_text(detection, &text);
        names_add(&bound, objects, str_text(&text));
        if (detection->sub_label != NULL && !config_is_attribute(detection->sub_label)) {
            names_add(&bound, sub_labels, detection->sub_label);
        }
    }
}

void review_item_json(const struct review_item *item, struct str *out)
{
    AUTO_NAMES struct review_names objects = {0}, sub_labels = {0};
    collect(item, &objects, &sub_labels);
    struct jout json = {.out = out};
    jout_begin_object(&json);
    put_names(&json, "audio", &item->audio);
    jout_key(&json, "detections");
    jout_begin_array(&json);
    for (size_t i = 0; i < item->detection_count; i++) {
        jout_string(&json, item->detections[i].id);
    }
    jout_end_array(&json);
    put_names(&json, "objects", &objects);
    put_names(&json, "sub_labels", &sub_labels);
    put_names(&json, "zones", &item->zones);
    jout_end_object(&json);
}

/* --- from an earlier run --- */

static void restore_names(struct review_item *item, struct review_names *names, const json_t *list)
{
    size_t i;
    const json_t *entry;
    json_array_foreach(list, i, entry)
    {
        if (json_is_string(entry)) {
            names_add(item, names, json_string_value(entry));
        }
    }
}

bool review_item_restore(struct review_item *item, const char *id, double start_time,
                         double last_activity, enum review_severity severity, const char *data_json,
                         struct mono now)
{
    *item = (struct review_item){
        .start_time = start_time,
        .last_activity = last_activity,
        .active_until = now,
        .severity = severity,
    };
    snprintf(item->id, sizeof item->id, "%s", id);
    json_t *data = json_loads(data_json, 0, NULL);
    if (!json_is_object(data)) {
        json_decref(data);
        return false;
    }
    restore_names(item, &item->objects, json_object_get(data, "objects"));
    restore_names(item, &item->sub_labels, json_object_get(data, "sub_labels"));
    restore_names(item, &item->zones, json_object_get(data, "zones"));
    restore_names(item, &item->audio, json_object_get(data, "audio"));
    unsigned changes = 0;
    size_t i;
    const json_t *event;
    json_array_foreach(json_object_get(data, "detections"), i, event)
    {
        if (json_is_string(event)) {
            find_or_add(item, json_string_value(event), &changes);
        }
    }
    json_decref(data);
    return true;
}
