#include "track/object.h"

#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "vision/geometry.h"

#define TELL_AFTER_S 60.0 /* contract: significant when nothing was told for so long */
#define LONGEST_STEP_FRAMES 2.0f

struct zone_shape {
    const struct cfg_zone *zone;
    struct point *points;
    struct polygon polygon;
    float inertia_s, loitering_s;
};

struct objects {
    const struct cfg_camera *camera;
    struct tracker_settings settings;
    struct zone_shape zones[CFG_MAX_ZONES];
    unsigned zone_count;
    struct object **items;
    size_t count, capacity;
};

struct objects *objects_create(const struct cfg_camera *camera,
                               const struct tracker_settings *settings)
{
    struct objects *objects = mem_alloc(sizeof *objects);
    objects->camera = camera;
    objects->settings = *settings;
    for (size_t i = 0; i < camera->zone_count && i < CFG_MAX_ZONES; i++) {
        const struct cfg_zone *zone = &camera->zones[i];
        struct zone_shape *shape = &objects->zones[objects->zone_count++];
        shape->zone = zone;
        shape->inertia_s = (float)(zone->inertia / settings->fps);
        shape->loitering_s = (float)zone->loitering_time;
        if (zone->coordinates.count > 0) {
            const struct cfg_polygon *corners = &zone->coordinates.polygons[0];
            shape->points = mem_array(corners->count, sizeof *shape->points);
            polygon_from_relative(corners->xy, corners->count, (int)settings->width,
                                  (int)settings->height, shape->points);
            shape->polygon = (struct polygon){shape->points, corners->count};
        }
    }
    return objects;
}

void objects_destroy(struct objects *objects)
{
    if (objects == NULL) {
        return;
    }
    for (size_t i = 0; i < objects->count; i++) {
        free(objects->items[i]);
    }
    for (unsigned i = 0; i < objects->zone_count; i++) {
        free(objects->zones[i].points);
    }
    free(objects->items);
    free(objects);
}

struct object *objects_next(struct objects *objects, const struct object *after)
{
    size_t next = after == NULL ? 0 : after->index + 1;
    return next < objects->count ? objects->items[next] : NULL;
}

size_t objects_forget_ended(struct objects *objects, size_t keep)
{
    size_t ended = 0, kept = 0, gone = 0;
    for (size_t i = 0; i < objects->count; i++) {
        ended += objects->items[i]->end_time != 0;
    }
    for (size_t i = 0; i < objects->count; i++) {
        struct object *object = objects->items[i];
        if (object->end_time != 0 && ended > keep) {
            ended--;
            gone++;
            free(object);
            continue;
        }
        object->index = kept;
        objects->items[kept++] = object;
    }
    objects->count = kept;
    return gone;
}

size_t objects_count(const struct objects *objects)
{
    return objects->count;
}

static void end_object(struct object *object)
{
    object->end_time = object->frame_time;
    object->active = object->seen = object->wants_best = false;
    object->current_zones = 0;
    object->current_attributes.count = 0;
    object->significant = true;
}

void objects_end_all(struct objects *objects)
{
    for (size_t i = 0; i < objects->count; i++) {
        if (objects->items[i]->end_time == 0) {
            end_object(objects->items[i]);
        }
    }
}

static void add_score(struct object *object, float score)
{
    object->scores[object->score_next] = score;
    object->score_next = (object->score_next + 1) % OBJECT_SCORES;
    if (object->score_count < OBJECT_SCORES) {
        object->score_count++;
    }
}

static float median_score(const struct object *object)
{
    float sorted[OBJECT_SCORES];
    unsigned count = object->score_count;
    for (unsigned i = 0; i < count; i++) {
        unsigned at = i;
        for (; at > 0 && sorted[at - 1] > object->scores[i]; at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = object->scores[i];
    }
    if (count == 0) {
        return 0;
    }
    return count % 2 == 1 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

static struct object *new_object(struct objects *objects, const struct track *track)
{
    struct object *object = mem_alloc(sizeof *object);
    if (objects->count == objects->capacity) {
        objects->capacity = objects->capacity ? objects->capacity * 2 : 8;
        objects->items = mem_grow(objects->items, objects->capacity, sizeof *objects->items);
    }
    object->index = objects->count;
    objects->items[objects->count++] = object;
    object->serial = track->serial;
    memcpy(object->id, track->id, sizeof object->id);
    object->start_time = track->start_time;
    object->false_positive = true;
    for (unsigned i = 0; i < track->early_count; i++) {
        add_score(object, track->early_scores[i]);
    }
    return object;
}

static void update_scores(struct object *object, struct track *track)
{
    if (track->blind) {
        return; /* no look, no verdict */
    }
    add_score(object, track->seen ? track->score : 0);
    object->computed_score = median_score(object);
    object->top_score = fmaxf(object->top_score, object->computed_score);
    if (object->false_positive && object->computed_score >= (float)object->filter->threshold) {
        object->false_positive = false;
        track->label_fixed = true;
    }
}

static void copy_track(const struct objects *objects, struct object *object,
                       const struct track *track)
{
    if (object->label != track->label) {
        object->label = track->label;
        object->filter = config_filter(&objects->camera->objects.filters, track->label->name);
    }
    object->seen = track->seen;
    object->frame_time = track->seen_time;
    object->score = track->score;
    object->box = track->box;
    object->region = track->region;
    object->area = (int32_t)extent_area(&track->box);
    object->ratio = extent_width(&track->box) / fmaxf(1, extent_height(&track->box));
}

/* ---- attributes ---- */

static struct attribute *find_attribute(struct attributes *attributes, const char *label)
{
    for (size_t i = 0; i < attributes->count; i++) {
        if (strcmp(attributes->items[i].label, label) == 0) {
            return &attributes->items[i];
        }
    }
    return NULL;
}

/* True when the object never had such an attribute before. */
static bool remember_attribute(struct object *object, const struct attribute *fresh)
{
    struct attribute *known = find_attribute(&object->best_ever, fresh->label);
    if (known != NULL) {
        if (fresh->score > known->score) {
            *known = *fresh;
        }
        return false;
    }
    if (object->best_ever.count == ATTRIBUTES_MAX) {
        return false;
    }
    object->best_ever.items[object->best_ever.count++] = *fresh;
    return true;
}

static void name_courier(struct object *object)
{
    static const char *const logos[] = {"ups", "fedex", "amazon"};
    if (strcmp(object->label->name, "car") != 0) {
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(logos); i++) {
        const struct attribute *logo = find_attribute(&object->best_ever, logos[i]);
        if (logo != NULL && logo->score > object->sub_label_score) {
            object->sub_label = logo->label;
            object->sub_label_score = logo->score;
        }
    }
}

/* Of several objects around an attribute the smallest has it. */
static struct object *owner_of(struct objects *objects, const struct attribute *attribute)
{
    struct object *owner = NULL;
    for (size_t i = 0; i < objects->count; i++) {
        struct object *object = objects->items[i];
        if (object->end_time == 0 && object->seen && extent_inside(&attribute->box, &object->box) &&
            config_attribute_fits(attribute->label, object->label->name) &&
            (owner == NULL || object->area < owner->area)) {
            owner = object;
        }
    }
    return owner;
}

static void give_attributes(struct objects *objects, const struct attribute *attributes,
                            size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!extent_sane(&attributes[i].box, 0) || !isfinite(attributes[i].score)) {
            continue;
        }
        struct object *owner = owner_of(objects, &attributes[i]);
        if (owner == NULL) {
            continue;
        }
        if (owner->current_attributes.count < ATTRIBUTES_MAX) {
            owner->current_attributes.items[owner->current_attributes.count++] = attributes[i];
        }
        owner->attributes_changed |= remember_attribute(owner, &attributes[i]);
        name_courier(owner);
    }
}

/* ---- zones ---- */

static const struct cfg_filter *zone_filter(const struct cfg_zone *zone, const char *label)
{
    for (size_t i = 0; i < zone->filters.count; i++) {
        if (strcmp(zone->filters.items[i].name, label) == 0) {
            return &zone->filters.items[i];
        }
    }
    return NULL; /* zones do not inherit the camera's filters */
}

static bool zone_accepts(const struct cfg_zone *zone, const struct object *object)
{
    const struct cfg_filter *filter = zone_filter(zone, object->label->name);
    return filter == NULL ||
           (object->area >= filter->min_area && object->area <= filter->max_area &&
            (double)object->ratio >= filter->min_ratio &&
            (double)object->ratio <= filter->max_ratio &&
            (double)object->computed_score >= filter->threshold);
}

static bool update_zones(const struct objects *objects, struct object *object, double step_s)
{
    uint64_t before = object->current_zones, now = 0;
    int x = (int)((object->box.x1 + object->box.x2) / 2), y = (int)object->box.y2;
    for (unsigned i = 0; i < objects->zone_count; i++) {
        const struct zone_shape *shape = &objects->zones[i];
        const struct cfg_zone *zone = shape->zone;
        if (zone->objects.count > 0 && !config_list_has(&zone->objects, object->label->name)) {
            continue;
        }
        uint64_t bit = UINT64_C(1) << i;
        bool inside = polygon_contains(&shape->polygon, x, y) &&
                      ((before & bit) != 0 || zone_accepts(zone, object));
        if (!zone_update(&object->zones[i], inside, (float)step_s, shape->inertia_s,
                         shape->loitering_s)) {
            continue;
        }
        now |= bit;
        if ((object->entered_zones & bit) == 0) {
            object->entered_zones |= bit;
            object->entered_order[object->entered_count++] = (uint8_t)i;
        }
    }
    object->current_zones = now;
    return now != before;
}

/* ---- best picture ---- */

static bool picture_is_better(const struct objects *objects, const struct object *object)
{
    if (object->false_positive || !object->seen) {
        return false;
    }
    if (object->best.revision == 0 || object->best_lost) {
        return true;
    }
    struct candidate fresh = {object->label->name, object->score, object->box,
                              &object->current_attributes};
    struct candidate kept = {object->label->name, object->best.score, object->best.box,
                             &object->best.attributes};
    return best_is_better(&fresh, &kept, objects->settings.width, objects->settings.height);
}

void object_take_best(struct object *object, double time)
{
    object->best.revision++;
    object->best.time = time;
    object->best.score = object->score;
    object->best.box = object->box;
    object->best.region = object->region;
    object->best.attributes = object->current_attributes;
    object->wants_best = false;
    object->best_lost = false;
}

void object_lose_best(struct object *object)
{
    object->best_lost = true;
}

void object_told(struct object *object, double time)
{
    object->significant = false;
    object->told_time = time;
}

/* ---- all together ---- */

static struct object *object_of(struct objects *objects, const struct track *track)
{
    for (size_t i = 0; i < objects->count; i++) {
        if (objects->items[i]->serial == track->serial) {
            return objects->items[i];
        }
    }
    return NULL;
}

static void update_object(struct objects *objects, struct track *track)
{
    struct object *object = object_of(objects, track);
    bool is_new = object == NULL;
    if (is_new) {
        object = new_object(objects, track);
    }
    copy_track(objects, object, track);
    if (!is_new) {
        update_scores(object, track);
    }
    uint32_t threshold = (uint32_t)objects->settings.stationary_threshold;
    bool was_resting = object->resting;
    object->resting = track->motionless_count >= threshold;
    object->stationary = track->motionless_count > threshold;
    object->motionless_count = track->motionless_count;
    object->motion_changed =
        object->position_changes != track->position_changes || (object->resting && !was_resting);
    object->position_changes = track->position_changes;
    /* Nobody looked: what was active stays so, and footage is kept rather than lost. */
    object->active =
        object->position_changes > 0 && !object->resting && (track->seen || track->blind);
    object->current_attributes.count = 0;
    object->attributes_changed = false;
    object->updated = true;
}

static void finish_object(struct objects *objects, struct object *object, double time)
{
    double frame_s = 1 / objects->settings.fps;
    double step = object->updated_time == 0 ? frame_s : time - object->updated_time;
    step = fmin(fmax(step, 0), (double)LONGEST_STEP_FRAMES * frame_s);
    object->updated_time = time;
    bool zones_changed = update_zones(objects, object, step);
    if (!object->false_positive &&
        (zones_changed || object->motion_changed || object->attributes_changed ||
         time - object->told_time > TELL_AFTER_S)) {
        object->significant = true;
    }
    object->wants_best = picture_is_better(objects, object);
}

void objects_update(struct objects *objects, struct tracker *tracker, double time,
                    const struct attribute *attributes, size_t attribute_count)
{
    for (size_t i = 0; i < objects->count; i++) {
        objects->items[i]->updated = false;
    }
    for (struct track *t = tracker_next(tracker, NULL); t != NULL; t = tracker_next(tracker, t)) {
        if (t->stage == TRACK_LIVE) {
            update_object(objects, t);
        }
    }
    for (size_t i = 0; i < objects->count; i++) {
        struct object *object = objects->items[i];
        if (!object->updated && object->end_time == 0) {
            end_object(object);
        }
    }
    give_attributes(objects, attributes, attribute_count);
    for (size_t i = 0; i < objects->count; i++) {
        if (objects->items[i]->end_time == 0) {
            finish_object(objects, objects->items[i], time);
        }
    }
}
