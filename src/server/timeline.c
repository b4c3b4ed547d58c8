#include "server/timeline.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jout.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/event_row.h"
#include "server/manual.h"
#include "store/db_timeline.h"

/* After the writer refused: how long to leave it alone. */
#define REFUSED_PAUSE_US 250000
/* Rows in one transaction, give or take one object's. */
#define FLUSH_MAX 256

/* Where something was, as a share of the picture. */
struct place {
    int32_t box[4], region[4];
    double width, height; /* of the picture */
};

struct step {
    const char *class_type; /* static */
    double time;
    struct place place;
    char attribute[IPC_LABEL]; /* "" but for the class attribute */
    uint32_t *zones;           /* entered_zone: those it is in */
    size_t zone_count;
};

struct object {
    struct list link; /* in cameras[camera] */
    char id[IPC_ID], label[IPC_LABEL];
    char sub_label[IPC_SUB_LABEL];
    float sub_label_score;
    /* as last seen */
    struct place place;
    double seen;
    size_t zone_count;
    bool stationary, has_attribute;

    bool resumed; /* an earlier process has seen it: what it is now is no step */
    bool stored;  /* its event is: steps may be inserted */
    bool ended;
    bool over; /* nothing more is heard of its event */
    struct step *steps;
    size_t step_count, step_capacity;
};

struct timeline {
    const struct config *config;
    struct store *store;
    struct list *cameras; /* of struct object, per camera */
    int64_t refused_until_us;
    struct log_limit full_limit;

    pthread_mutex_t lock; /* state */
    struct timeline_state state;
};

struct timeline *timeline_create(const struct config *config, struct store *store)
{
    struct timeline *timeline = mem_alloc(sizeof *timeline);
    timeline->config = config;
    timeline->store = store;
    pthread_mutex_init(&timeline->lock, NULL);
    timeline->cameras = mem_array(config->camera_count, sizeof *timeline->cameras);
    for (size_t i = 0; i < config->camera_count; i++) {
        list_init(&timeline->cameras[i]);
    }
    return timeline;
}

static void clear_steps(struct timeline *timeline, struct object *object)
{
    for (size_t i = 0; i < object->step_count; i++) {
        free(object->steps[i].zones);
    }
    pthread_mutex_lock(&timeline->lock);
    timeline->state.waiting -= (unsigned)object->step_count;
    pthread_mutex_unlock(&timeline->lock);
    object->step_count = 0;
}

static void object_free(struct timeline *timeline, struct object *object)
{
    clear_steps(timeline, object);
    pthread_mutex_lock(&timeline->lock);
    timeline->state.objects--;
    pthread_mutex_unlock(&timeline->lock);
    list_remove(&object->link);
    free(object->steps);
    free(object);
}

void timeline_destroy(struct timeline *timeline)
{
    if (timeline == NULL) {
        return;
    }
    for (size_t i = 0; i < timeline->config->camera_count; i++) {
        list_for_each(struct object, object, &timeline->cameras[i], link)
        {
            object_free(timeline, object);
        }
    }
    free(timeline->cameras);
    pthread_mutex_destroy(&timeline->lock);
    free(timeline);
}

static struct object *find(struct timeline *timeline, int camera, const char *id)
{
    list_for_each(struct object, object, &timeline->cameras[camera], link)
    {
        if (strcmp(object->id, id) == 0) {
            return object;
        }
    }
    return NULL;
}

static void count_dropped(struct timeline *timeline)
{
    pthread_mutex_lock(&timeline->lock);
    timeline->state.dropped++;
    pthread_mutex_unlock(&timeline->lock);
}

static struct object *add(struct timeline *timeline, int camera, const struct msg_object *state)
{
    if (timeline->state.objects >= TIMELINE_OBJECTS_MAX) {
        count_dropped(timeline);
        return NULL;
    }
    struct object *object = mem_alloc(sizeof *object);
    snprintf(object->id, sizeof object->id, "%s", state->id);
    snprintf(object->label, sizeof object->label, "%s", state->label);
    list_append(&timeline->cameras[camera], &object->link);
    pthread_mutex_lock(&timeline->lock);
    timeline->state.objects++;
    pthread_mutex_unlock(&timeline->lock);
    return object;
}

/* ---- steps ---- */

/* NULL when too many wait already. */
static struct step *add_step(struct timeline *timeline, struct object *object,
                             const char *class_type, double time)
{
    if (object->step_count >= TIMELINE_STEPS_MAX) {
        count_dropped(timeline);
        return NULL;
    }
    struct step *step = MEM_PUSH(object->steps, object->step_count, object->step_capacity);
    *step = (struct step){.class_type = class_type, .time = time, .place = object->place};
    pthread_mutex_lock(&timeline->lock);
    timeline->state.waiting++;
    pthread_mutex_unlock(&timeline->lock);
    return step;
}

static void entered_zone(struct timeline *timeline, struct object *object,
                         const struct msg_object *state)
{
    struct step *step = add_step(timeline, object, "entered_zone", state->frame_time);
    if (step == NULL) {
        return;
    }
    step->zone_count = state->current_zones.count;
    step->zones = mem_array(step->zone_count, sizeof *step->zones);
    for (size_t i = 0; i < step->zone_count; i++) {
        step->zones[i] = state->current_zones.items[i].zone;
    }
}

/* What differs from how it was last seen. */
static void compare(struct timeline *timeline, struct object *object,
                    const struct msg_object *state)
{
    if (state->current_zones.count > object->zone_count && !state->stationary) {
        entered_zone(timeline, object, state);
    }
    if (state->stationary != object->stationary) {
        add_step(timeline, object, state->stationary ? "stationary" : "active", state->frame_time);
    }
    if (state->attributes.count > 0 && !object->has_attribute) {
        struct step *step = add_step(timeline, object, "attribute", state->frame_time);
        if (step != NULL) {
            snprintf(step->attribute, sizeof step->attribute, "%s",
                     state->attributes.items[0].label);
        }
    }
}

static void remember(struct timeline *timeline, int camera, struct object *object,
                     const struct live_object *live)
{
    const struct msg_object *state = &live->state;
    memcpy(object->place.box, state->box, sizeof state->box);
    memcpy(object->place.region, state->region, sizeof state->region);
    event_frame_size(&timeline->config->cameras[camera], live, &object->place.width,
                     &object->place.height);
    object->seen = state->frame_time;
    snprintf(object->sub_label, sizeof object->sub_label, "%s", state->sub_label);
    object->sub_label_score = state->sub_label_score;
}

void timeline_update(struct timeline *timeline, int camera, const struct live_object *live,
                     bool ended, unsigned flags)
{
    const struct msg_object *state = &live->state;
    struct object *object = find(timeline, camera, state->id);
    if (ended && flags == 0) { /* nothing to show, or deleted: it leaves nothing */
        if (object != NULL) {
            object_free(timeline, object);
        }
        return;
    }
    if (object == NULL) {
        object = add(timeline, camera, state);
    }
    if (object == NULL || object->ended) {
        return;
    }
    bool first = object->seen == 0;
    remember(timeline, camera, object, live);
    if (first && !object->resumed) {
        add_step(timeline, object, "visible", state->start_time);
    }
    if (!first || !object->resumed) {
        compare(timeline, object, state);
    }
    object->zone_count = state->current_zones.count;
    object->stationary = state->stationary;
    object->has_attribute = state->attributes.count > 0;
    if (ended) {
        object->ended = true;
        add_step(timeline, object, "gone", state->frame_time);
    }
}

void timeline_resume(struct timeline *timeline, int camera, const struct msg_object *state)
{
    struct object *object = add(timeline, camera, state);
    if (object != NULL) {
        object->resumed = true;
        object->stored = true;
    }
}

void timeline_stored(struct timeline *timeline, int camera, const char *id)
{
    struct object *object = find(timeline, camera, id);
    if (object != NULL) {
        object->stored = true;
    }
}

void timeline_over(struct timeline *timeline, int camera, const char *id)
{
    struct object *object = find(timeline, camera, id);
    if (object != NULL && object->stored) {
        object->over = true; /* freed once its last steps are with the writer */
    } else if (object != NULL) {
        object_free(timeline, object);
    }
}

void timeline_end_all(struct timeline *timeline, double now)
{
    for (size_t i = 0; i < timeline->config->camera_count; i++) {
        list_for_each(struct object, object, &timeline->cameras[i], link)
        {
            if (!object->ended) {
                object->ended = true;
                add_step(timeline, object, "gone", now);
            }
        }
    }
}

/* ---- rows ---- */

static void put_box(struct jout *json, const char *key, const int32_t box[4],
                    const struct place *place)
{
    event_box_json(json, key, box, place->width, place->height);
}

static void data_json(const struct cfg_camera *camera, const struct object *object,
                      const struct step *step, struct str *out)
{
    struct jout json = {.out = out};
    jout_begin_object(&json);
    put_box(&json, "box", step->place.box, &step->place);
    jout_put_string(&json, "label", object->label);
    jout_key(&json, "sub_label");
    if (object->sub_label[0] != '\0') {
        jout_begin_array(&json);
        jout_string(&json, object->sub_label);
        if (object->sub_label_score > 0) {
            jout_fixed(&json, (double)object->sub_label_score, 6);
        } else {
            jout_null(&json);
        }
        jout_end_array(&json);
    } else {
        jout_null(&json);
    }
    put_box(&json, "region", step->place.region, &step->place);
    jout_put_string(&json, "attribute", step->attribute);
    if (step->zones != NULL) {
        jout_key(&json, "zones");
        jout_begin_array(&json);
        for (size_t i = 0; i < step->zone_count; i++) {
            if (step->zones[i] < camera->zone_count) {
                jout_string(&json, camera->zones[step->zones[i]].name);
            }
        }
        jout_end_array(&json);
    }
    jout_end_object(&json);
}

static void put_steps(const struct cfg_camera *camera, const struct object *object,
                      struct store_work *work)
{
    for (size_t i = 0; i < object->step_count; i++) {
        const struct step *step = &object->steps[i];
        AUTO_STR struct str data = {0};
        data_json(camera, object, step, &data);
        db_timeline_add_of_event(work, &(struct db_timeline){
                                           .timestamp = step->time,
                                           .camera = camera->name,
                                           .source = "tracked_object",
                                           .source_id = object->id,
                                           .class_type = step->class_type,
                                           .data_json = str_text(&data),
                                       });
    }
}

static bool is_due(const struct object *object)
{
    return object->stored && (object->step_count > 0 || object->over);
}

/* What was put is with the writer. */
static void forget_put(struct timeline *timeline, struct object **put, size_t count, size_t rows)
{
    for (size_t i = 0; i < count; i++) {
        if (put[i]->over) {
            object_free(timeline, put[i]);
        } else {
            clear_steps(timeline, put[i]);
        }
    }
    pthread_mutex_lock(&timeline->lock);
    timeline->state.rows += rows;
    pthread_mutex_unlock(&timeline->lock);
}

/* One transaction. Whether more may be due. */
static bool flush_some(struct timeline *timeline)
{
    struct object *due[FLUSH_MAX];
    size_t count = 0, rows = 0;
    struct store_work *work = NULL;
    for (size_t i = 0; i < timeline->config->camera_count; i++) {
        list_for_each(struct object, object, &timeline->cameras[i], link)
        {
            if (is_due(object) && count < FLUSH_MAX && rows < FLUSH_MAX) {
                work = work != NULL ? work : store_begin(timeline->store);
                put_steps(&timeline->config->cameras[i], object, work);
                rows += object->step_count;
                due[count++] = object;
            }
        }
    }
    if (count == 0) {
        return false;
    }
    if (rows == 0) {
        store_abandon(work);
    } else if (store_submit(work) < 0) {
        unsigned swallowed;
        timeline->refused_until_us = mono_now().us + REFUSED_PAUSE_US;
        if (log_allowed(&timeline->full_limit, 10000000, &swallowed)) {
            log_warning("the database is behind: timeline rows wait");
        }
        return false;
    }
    forget_put(timeline, due, count, rows);
    return true;
}

void timeline_flush(struct timeline *timeline)
{
    if (mono_now().us < timeline->refused_until_us) {
        return;
    }
    while (flush_some(timeline)) {
    }
}

void timeline_get_state(struct timeline *timeline, struct timeline_state *state)
{
    pthread_mutex_lock(&timeline->lock);
    *state = timeline->state;
    pthread_mutex_unlock(&timeline->lock);
}

/* ---- what no tracker made ---- */

void timeline_add_external(struct store_work *work, const char *camera, const char *id,
                           const char *source_type, const char *label, const char *sub_label,
                           double time)
{
    bool heard = strcmp(source_type, MANUAL_SOURCE_AUDIO) == 0;
    AUTO_STR struct str data = {0};
    struct jout json = {.out = &data};
    jout_begin_object(&json);
    jout_put_string(&json, "label", label);
    jout_put_string(&json, "sub_label", sub_label);
    jout_end_object(&json);
    db_timeline_add(work, &(struct db_timeline){
                              .timestamp = time,
                              .camera = camera,
                              .source = heard ? MANUAL_SOURCE_AUDIO : MANUAL_SOURCE_API,
                              .source_id = id,
                              .class_type = heard ? "heard" : "external",
                              .data_json = str_text(&data),
                          });
}
