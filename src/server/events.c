#include "server/events.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/event_row.h"
#include "server/jobs.h"
#include "server/live_object.h"
#include "server/picture.h"
#include "server/snapshot.h"
#include "server/timeline.h"
#include "store/db_event.h"

/* A better score or picture alone is written this often; anything else at once. */
#define REWRITE_US 5000000
/* After the writer refused: how long to leave it alone. */
#define REFUSED_PAUSE_US 250000
/* Rows in one transaction. */
#define FLUSH_MAX 64
/* A final row waits this long for a place in the queue of the jobs. */
#define FILE_WAIT_US 10000000

struct event {
    struct list link; /* in cameras[camera] */
    char id[IPC_ID];
    int camera;
    struct live_object object; /* as of the last change worth writing */
    bool has_object;
    bool has_clip, has_snapshot; /* never go back */
    bool stored;                 /* there is a row, as far as we know */
    bool dirty, urgent;          /* something to write; without delay */
    bool ended;
    bool wants_file;          /* ended: the snapshot's job has yet to be accepted */
    bool in_job;              /* ended: the row waits for the file */
    bool deleted;             /* by the user; under the lock */
    double end_time;          /* of the row, when ended */
    int64_t ended_us, put_us; /* monotonic */
    struct str thumbnail;     /* base64 */
    uint32_t thumbnail_revision;
};

struct events {
    const struct config *config;
    struct store *store;
    struct jobs *jobs;
    struct timeline *timeline; /* told what becomes of each event */
    const char *data_dir;
    double began; /* wall: objects older than this may have a row already */
    char *model_hash, *model_type, *detector_type;
    int64_t refused_until_us;
    struct log_limit full_limit, lost_limit;

    pthread_mutex_t lock; /* the lists against other threads, event.deleted, and `state` */
    struct list *cameras; /* of struct event, per camera */
    unsigned count;
    struct events_state state;
};

struct events *events_create(const struct config *config, struct store *store, struct jobs *jobs,
                             struct timeline *timeline, const char *data_dir)
{
    struct events *events = mem_alloc(sizeof *events);
    events->config = config;
    events->store = store;
    events->jobs = jobs;
    events->timeline = timeline;
    events->data_dir = data_dir;
    events->began = wall_seconds(wall_now());
    pthread_mutex_init(&events->lock, NULL);
    events->cameras = mem_array(config->camera_count, sizeof *events->cameras);
    for (size_t i = 0; i < config->camera_count; i++) {
        list_init(&events->cameras[i]);
    }
    return events;
}

static void event_free(struct events *events, struct event *event)
{
    pthread_mutex_lock(&events->lock);
    list_remove(&event->link);
    events->count--;
    pthread_mutex_unlock(&events->lock);
    timeline_over(events->timeline, event->camera, event->id);
    if (event->has_object) {
        live_object_finish(&event->object);
    }
    str_finish(&event->thumbnail);
    free(event);
}

void events_destroy(struct events *events)
{
    if (events == NULL) {
        return;
    }
    for (size_t i = 0; i < events->config->camera_count; i++) {
        list_for_each(struct event, event, &events->cameras[i], link)
        {
            event_free(events, event);
        }
    }
    free(events->cameras);
    free(events->model_hash);
    free(events->model_type);
    free(events->detector_type);
    pthread_mutex_destroy(&events->lock);
    free(events);
}

void events_set_model(struct events *events, const char *hash, const char *model_type,
                      const char *detector_type)
{
    free(events->model_hash);
    free(events->model_type);
    free(events->detector_type);
    events->model_hash = hash != NULL ? mem_strdup(hash) : NULL;
    events->model_type = model_type != NULL ? mem_strdup(model_type) : NULL;
    events->detector_type = detector_type != NULL ? mem_strdup(detector_type) : NULL;
}

/* The loop's thread is the only one that changes the lists, so it needs no lock to read them. */
static struct event *find(struct events *events, int camera, const char *id)
{
    list_for_each(struct event, event, &events->cameras[camera], link)
    {
        if (strcmp(event->id, id) == 0) {
            return event;
        }
    }
    return NULL;
}

static bool is_deleted(struct events *events, const struct event *event)
{
    pthread_mutex_lock(&events->lock);
    bool deleted = event->deleted;
    pthread_mutex_unlock(&events->lock);
    return deleted;
}

/* What a row of an earlier run of ours already has. One look-up by key, and only for objects that
 * are older than this process: those that analyse still follows after we were replaced. */
static void take_stored(struct events *events, struct event *event, const struct msg_object *state)
{
    AUTO_READER struct db *db = store_reader(events->store);
    AUTO_EVENT_ROW struct db_event_row row = {0};
    if (db == NULL || db_event_get(db, event->id, &row) < 0) {
        return;
    }
    event->stored = true;
    event->has_clip = row.has_clip;
    event->has_snapshot = row.has_snapshot;
    str_add(&event->thumbnail, row.thumbnail != NULL ? row.thumbnail : "");
    timeline_resume(events->timeline, event->camera, state);
    log_info("event %s of camera %s goes on", event->id,
             events->config->cameras[event->camera].name);
}

static struct event *add(struct events *events, int camera, const struct msg_object *state)
{
    if (events->count >= EVENTS_MAX) {
        unsigned swallowed;
        pthread_mutex_lock(&events->lock);
        events->state.lost++;
        pthread_mutex_unlock(&events->lock);
        if (log_allowed(&events->lost_limit, 10000000, &swallowed)) {
            log_error("more than %d events wait for the database: new ones are lost (%u before)",
                      EVENTS_MAX, swallowed);
        }
        return NULL;
    }
    struct event *event = mem_alloc(sizeof *event);
    snprintf(event->id, sizeof event->id, "%s", state->id);
    event->camera = camera;
    if (state->start_time < events->began) {
        take_stored(events, event, state);
    }
    pthread_mutex_lock(&events->lock);
    list_append(&events->cameras[camera], &event->link);
    events->count++;
    pthread_mutex_unlock(&events->lock);
    return event;
}

/* Compares with what was last copied. */
static void note_changes(struct event *event, const struct live_object *object, bool flags_changed)
{
    const struct msg_object *old = &event->object.state;
    const struct msg_object *new = &object->state;
    bool first = !event->has_object;
    bool urgent = first || flags_changed || event->ended ||
                  (event->object.best.picture == NULL && object->best.picture != NULL) ||
                  old->entered_zones.count != new->entered_zones.count ||
                  strcmp(old->sub_label, new->sub_label) != 0;
    if (!urgent && old->top_score >= new->top_score &&
        event->object.best.revision == object->best.revision) {
        return;
    }
    if (!first) {
        live_object_finish(&event->object);
    }
    live_object_copy(&event->object, object);
    event->has_object = true;
    event->dirty = true;
    event->urgent = event->urgent || urgent;
}

static void file_written(void *context, int camera, const char *id, bool ok)
{
    struct events *events = context;
    struct event *event = find(events, camera, id);
    if (event == NULL) {
        return;
    }
    event->in_job = false;
    pthread_mutex_lock(&events->lock);
    *(ok ? &events->state.snapshots : &events->state.snapshots_failed) += 1;
    pthread_mutex_unlock(&events->lock);
    if (is_deleted(events, event)) {
        snapshot_remove(events->data_dir, events->config->cameras[camera].name, id);
    } else if (!ok) {
        event->has_snapshot = false;
    }
    events_flush(events);
}

/* Ended events whose snapshot has not been handed to the jobs thread yet. */
static void ask_for_file(struct events *events, struct event *event)
{
    if (snapshot_submit(events->jobs, events->config, events->data_dir, event->camera,
                        &event->object, file_written, events) == 0) {
        event->wants_file = false;
        event->in_job = true;
    } else if (mono_now().us - event->ended_us > FILE_WAIT_US) {
        event->wants_file = false;
        event->has_snapshot = false;
        pthread_mutex_lock(&events->lock);
        events->state.snapshots_failed++;
        pthread_mutex_unlock(&events->lock);
        log_error("event %s: too many pictures wait to be written, it gets no snapshot", event->id);
    }
}

static void end(struct events *events, struct event *event, double end_time)
{
    event->ended = true;
    event->end_time = end_time;
    event->ended_us = mono_now().us;
    event->dirty = true;
    event->urgent = true;
    event->wants_file = event->has_snapshot;
    if (event->wants_file) {
        ask_for_file(events, event);
    }
}

static unsigned flags_of(struct events *events, const struct event *event)
{
    if (is_deleted(events, event)) {
        return 0;
    }
    return (event->has_clip ? LIVE_HAS_CLIP : 0) | (event->has_snapshot ? LIVE_HAS_SNAPSHOT : 0);
}

unsigned events_update(struct events *events, int index, const struct live_object *object,
                       bool ended)
{
    const struct cfg_camera *camera = &events->config->cameras[index];
    const struct msg_object *state = &object->state;
    struct event *event = find(events, index, state->id);
    if (event == NULL) {
        event = state->false_positive ? NULL : add(events, index, state);
    }
    if (event == NULL) {
        return 0;
    }
    if (event->ended) {
        return flags_of(events, event);
    }
    unsigned before = flags_of(events, event);
    event->has_clip = event->has_clip || event_rule_clip(camera, state);
    event->has_snapshot = event->has_snapshot || event_rule_snapshot(camera, state);
    unsigned flags = flags_of(events, event);
    if (!event->has_clip && !event->has_snapshot) {
        if (ended) {
            event_free(events, event);
        }
        return flags;
    }
    if (ended && is_deleted(events, event)) {
        event_free(events, event);
        return 0;
    }
    event->ended = ended;
    note_changes(event, object, flags != before);
    if (ended) {
        end(events, event, state->end_time + camera->record.events.post_capture);
    }
    return flags;
}

void events_end_all(struct events *events, double now)
{
    for (size_t i = 0; i < events->config->camera_count; i++) {
        list_for_each(struct event, event, &events->cameras[i], link)
        {
            if (!event->has_object) {
                event_free(events, event);
            } else if (!event->ended) {
                end(events, event, now);
            }
        }
    }
}

static void black_thumbnail(struct str *base64)
{
    AUTO_STR struct str jpeg = {0};
    if (picture_black(175, 175, PICTURE_JPEG, 70, &jpeg) == 0) {
        str_add_base64(base64, jpeg.data, jpeg.length);
    }
}

static void refresh_thumbnail(struct event *event)
{
    const struct live_best *best = &event->object.best;
    bool fresh = event->thumbnail.length > 0 &&
                 (best->picture == NULL || best->revision == event->thumbnail_revision);
    if (fresh) {
        return;
    }
    AUTO_STR struct str jpeg = {0};
    if (picture_thumbnail(&event->object, &jpeg) == 0) {
        str_clear(&event->thumbnail);
        str_add_base64(&event->thumbnail, jpeg.data, jpeg.length);
        event->thumbnail_revision = best->revision;
    } else if (event->thumbnail.length == 0) {
        black_thumbnail(&event->thumbnail);
    }
}

static void put(struct events *events, struct store_work *work, struct event *event)
{
    const struct cfg_camera *camera = &events->config->cameras[event->camera];
    const struct msg_object *state = &event->object.state;
    AUTO_STR struct str zones = {0};
    AUTO_STR struct str data = {0};
    event_zones_json(camera, state, &zones);
    event_data_json(camera, &event->object, &data);
    refresh_thumbnail(event);
    struct db_event row = {
        .id = event->id,
        .label = state->label,
        .camera = camera->name,
        .start_time = state->start_time - camera->record.events.pre_capture,
        .end_time = {.has = event->ended, .value = event->end_time},
        .zones_json = str_text(&zones),
        .thumbnail = str_text(&event->thumbnail),
        .has_clip = event->has_clip,
        .has_snapshot = event->has_snapshot,
        .sub_label = state->sub_label[0] != '\0' ? state->sub_label : NULL,
        .model_hash = events->model_hash,
        .detector_type = events->detector_type,
        .model_type = events->model_type,
        .data_json = str_text(&data),
    };
    db_event_put(work, &row);
}

static bool is_due(const struct event *event, int64_t now_us)
{
    return event->dirty && !event->wants_file && !event->in_job &&
           (event->urgent || now_us - event->put_us >= REWRITE_US);
}

static size_t collect_due(struct events *events, struct event *due[FLUSH_MAX])
{
    int64_t now_us = mono_now().us;
    size_t count = 0;
    for (size_t i = 0; i < events->config->camera_count; i++) {
        list_for_each(struct event, event, &events->cameras[i], link)
        {
            if (count < FLUSH_MAX && is_due(event, now_us)) {
                due[count++] = event;
            }
        }
    }
    return count;
}

/* The writer has it: an ended event has nothing more to say. */
static void mark_put(struct events *events, struct event *event)
{
    event->dirty = false;
    event->urgent = false;
    event->stored = true;
    event->put_us = mono_now().us;
    timeline_stored(events->timeline, event->camera, event->id);
    if (event->ended) {
        event_free(events, event);
    }
}

/* One transaction. Returns whether more may be due. */
static bool flush_some(struct events *events)
{
    struct event *due[FLUSH_MAX];
    size_t count = collect_due(events, due);
    if (count == 0) {
        return false;
    }
    struct store_work *work = store_begin(events->store);
    for (size_t i = 0; i < count; i++) {
        put(events, work, due[i]);
    }
    /* The deletion of one of them is submitted after events_forget(), which waits for the lock: so
     * a row is either written before it is deleted, or not at all. */
    pthread_mutex_lock(&events->lock);
    bool stale = false;
    for (size_t i = 0; i < count; i++) {
        stale = stale || due[i]->deleted;
    }
    int result = 0;
    if (stale) {
        store_abandon(work);
        for (size_t i = 0; i < count; i++) {
            due[i]->dirty = due[i]->dirty && !due[i]->deleted;
        }
    } else {
        result = store_submit(work);
        events->state.rows += result == 0 ? count : 0;
        events->state.delayed += result == 0 ? 0 : 1;
    }
    pthread_mutex_unlock(&events->lock);
    if (result < 0) {
        unsigned swallowed;
        events->refused_until_us = mono_now().us + REFUSED_PAUSE_US;
        if (log_allowed(&events->full_limit, 10000000, &swallowed)) {
            log_warning("the database is behind: event rows wait");
        }
        return false;
    }
    for (size_t i = 0; i < count && !stale; i++) {
        mark_put(events, due[i]);
    }
    return stale || count == FLUSH_MAX;
}

void events_flush(struct events *events)
{
    if (mono_now().us < events->refused_until_us) {
        return;
    }
    while (flush_some(events)) {
    }
}

void events_tick(struct events *events)
{
    for (size_t i = 0; i < events->config->camera_count; i++) {
        list_for_each(struct event, event, &events->cameras[i], link)
        {
            if (event->ended && is_deleted(events, event) && !event->in_job) {
                event_free(events, event);
            } else if (event->wants_file) {
                ask_for_file(events, event);
            }
        }
    }
    events_flush(events);
    unsigned running = 0;
    unsigned waiting = 0;
    for (size_t i = 0; i < events->config->camera_count; i++) {
        list_for_each(struct event, event, &events->cameras[i], link)
        {
            running += event->stored && !event->ended;
            waiting += event->dirty && event->urgent;
        }
    }
    pthread_mutex_lock(&events->lock);
    events->state.running = running;
    events->state.waiting = waiting;
    pthread_mutex_unlock(&events->lock);
}

void events_finish(struct events *events)
{
    for (size_t i = 0; i < events->config->camera_count; i++) {
        list_for_each(struct event, event, &events->cameras[i], link)
        {
            if (event->wants_file || event->in_job) {
                event->wants_file = false;
                event->in_job = false;
                event->has_snapshot = false;
            }
        }
    }
    events->refused_until_us = 0;
    events_tick(events);
}

void events_forget(struct events *events, const char *id)
{
    pthread_mutex_lock(&events->lock);
    for (size_t i = 0; i < events->config->camera_count; i++) {
        list_for_each(struct event, event, &events->cameras[i], link)
        {
            if (strcmp(event->id, id) == 0) {
                event->deleted = true;
            }
        }
    }
    pthread_mutex_unlock(&events->lock);
}

void events_get_state(struct events *events, struct events_state *state)
{
    pthread_mutex_lock(&events->lock);
    *state = events->state;
    pthread_mutex_unlock(&events->lock);
}
