#include "server/live.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/live_object.h"

/* Bounds per camera; what is over them is counted. */
#define OBJECTS_MAX 512
#define LABELS_MAX 64
#define ENDED_MAX 32
/* How long an ended object can still be asked for: its files are written by then. */
#define ENDED_KEEP_US 10000000
/* A best picture that came before its object's first message waits this long. */
#define STATELESS_KEEP_US 5000000
#define LOOK_TRIES 3 /* the wanted picture, then the newest */

struct tracked {
    struct live_object object;
    struct live_picture *next; /* picture of a revision whose particulars have not come yet */
    uint32_t next_revision;
    char *sub_label;        /* given by the user, NULL = none; under the camera's lock */
    float sub_label_score;  /* of that */
    bool has_state;         /* false: only a picture came so far */
    uint64_t mentioned;     /* number of the camera's message that last listed it */
    struct mono changed_at; /* when it was created, or ended */
};

struct tracked_list {
    struct tracked **items;
    size_t count, capacity;
};

struct live_camera {
    pthread_rwlock_t ring_lock; /* `ring`: written only when the supervisor gives a new one */
    struct frames *ring;

    uint64_t messages; /* loop's thread only */

    pthread_mutex_t lock;  /* all below: the loop's thread writes, and needs no lock to read */
    struct live_view view; /* objects stay in `running` */
    struct tracked_list running, ended;
    struct live_object *labels; /* best per label, LABELS_MAX at most */
    size_t label_count, label_capacity;
};

struct live {
    const struct config *config;
    struct live_camera *cameras; /* config->camera_count */
    atomic_uint_fast64_t messages, frames, bests, pictures_refused, objects_dropped;
};

struct live *live_create(const struct config *config)
{
    struct live *live = mem_alloc(sizeof *live);
    live->config = config;
    live->cameras = mem_array(config->camera_count, sizeof *live->cameras);
    for (size_t i = 0; i < config->camera_count; i++) {
        pthread_rwlock_init(&live->cameras[i].ring_lock, NULL);
        pthread_mutex_init(&live->cameras[i].lock, NULL);
    }
    return live;
}

static void tracked_free(struct tracked *tracked)
{
    live_object_finish(&tracked->object);
    live_picture_unref(tracked->next);
    free(tracked->sub_label);
    free(tracked);
}

static void tracked_list_finish(struct tracked_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        tracked_free(list->items[i]);
    }
    free(list->items);
}

void live_destroy(struct live *live)
{
    if (live == NULL) {
        return;
    }
    for (size_t i = 0; i < live->config->camera_count; i++) {
        struct live_camera *camera = &live->cameras[i];
        frames_close(camera->ring);
        live_view_finish(&camera->view);
        tracked_list_finish(&camera->running);
        tracked_list_finish(&camera->ended);
        for (size_t j = 0; j < camera->label_count; j++) {
            live_object_finish(&camera->labels[j]);
        }
        free(camera->labels);
        pthread_rwlock_destroy(&camera->ring_lock);
        pthread_mutex_destroy(&camera->lock);
    }
    free(live->cameras);
    free(live);
}

/* --- the loop's thread --- */

int live_set_ring(struct live *live, int camera, int memfd)
{
    struct frames *ring = frames_open(memfd, false);
    if (ring == NULL) {
        return -errno;
    }
    struct live_camera *state = &live->cameras[camera];
    pthread_rwlock_wrlock(&state->ring_lock);
    struct frames *old = state->ring;
    state->ring = ring;
    pthread_rwlock_unlock(&state->ring_lock);
    frames_close(old);
    return 0;
}

static struct tracked *find(const struct tracked_list *list, const char *id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i]->object.state.id, id) == 0) {
            return list->items[i];
        }
    }
    return NULL;
}

/* NULL when the camera has too many. */
static struct tracked *find_or_add(struct live *live, struct live_camera *camera, const char *id)
{
    struct tracked *tracked = find(&camera->running, id);
    if (tracked != NULL) {
        return tracked;
    }
    if (camera->running.count >= OBJECTS_MAX) {
        atomic_fetch_add(&live->objects_dropped, 1);
        return NULL;
    }
    tracked = mem_alloc(sizeof *tracked);
    snprintf(tracked->object.state.id, sizeof tracked->object.state.id, "%s", id);
    tracked->changed_at = mono_now();
    *MEM_PUSH(camera->running.items, camera->running.count, camera->running.capacity) = tracked;
    return tracked;
}

/* Ids name files, so a worker's word is not enough. */
static bool id_ok(const char *id)
{
    size_t length = strspn(id, "0123456789abcdefghijklmnopqrstuvwxyz.-");
    return length > 0 && id[length] == '\0' && id[0] != '.';
}

/* Under the lock: the best per label, if this is it. */
static void offer_for_label(struct live *live, struct live_camera *camera,
                            const struct live_object *object)
{
    const struct msg_object *state = &object->state;
    if (state->false_positive || object->best.picture == NULL) {
        return;
    }
    struct live_object *current = NULL;
    for (size_t i = 0; i < camera->label_count && current == NULL; i++) {
        if (strcmp(camera->labels[i].state.label, state->label) == 0) {
            current = &camera->labels[i];
        }
    }
    if (current == NULL) {
        if (camera->label_count < LABELS_MAX) {
            live_object_copy(MEM_PUSH(camera->labels, camera->label_count, camera->label_capacity),
                             object);
        }
        return;
    }
    double too_old_s = live->config->cameras[camera - live->cameras].best_image_timeout;
    if (strcmp(current->state.id, state->id) == 0 || live_object_better(object, current) ||
        object->best.time - current->best.time > too_old_s) {
        live_object_finish(current);
        live_object_copy(current, object);
    }
}

/* Under the lock: joins a picture with what the object's state says of it, whichever came first. A
 * picture whose particulars have been overtaken is of use only when there is none at all. */
static void settle_best(struct live *live, struct live_camera *camera, struct tracked *tracked)
{
    const struct msg_object *state = &tracked->object.state;
    struct live_best *best = &tracked->object.best;
    if (tracked->next == NULL || !tracked->has_state ||
        state->best_revision < tracked->next_revision ||
        (state->best_revision > tracked->next_revision && best->picture != NULL)) {
        return;
    }
    live_best_finish(best);
    *best = (struct live_best){
        .picture = steal_ptr(&tracked->next),
        .revision = tracked->next_revision,
        .time = state->best_time,
        .score = state->best_score,
        .area = state->best_area,
        .attribute_count = state->best_attributes.count,
    };
    memcpy(best->box, state->best_box, sizeof best->box);
    memcpy(best->region, state->best_region, sizeof best->region);
    if (best->attribute_count > 0) {
        best->attributes =
            mem_dup(state->best_attributes.items, best->attribute_count * sizeof *best->attributes);
    }
    offer_for_label(live, camera, &tracked->object);
}

/* Under the lock. */
static void put_given_name(struct tracked *tracked)
{
    struct msg_object *state = &tracked->object.state;
    if (tracked->sub_label != NULL) {
        snprintf(state->sub_label, sizeof state->sub_label, "%s", tracked->sub_label);
        state->sub_label_score = tracked->sub_label_score;
    }
}

static void take_objects(struct live *live, struct live_camera *camera, struct msg_frame *frame)
{
    for (size_t i = 0; i < frame->objects.count; i++) {
        struct msg_object *state = &frame->objects.items[i];
        struct tracked *tracked = id_ok(state->id) ? find_or_add(live, camera, state->id) : NULL;
        if (tracked != NULL) {
            object_state_finish(&tracked->object.state);
            tracked->object.state = *state;
            memset(state, 0, sizeof *state); /* the arrays are ours now */
            put_given_name(tracked);
            tracked->has_state = true;
            tracked->mentioned = camera->messages;
            settle_best(live, camera, tracked);
        }
    }
}

static void take_view(struct live_camera *camera, struct msg_frame *frame)
{
    free(camera->view.motion);
    free(camera->view.regions);
    camera->view = (struct live_view){
        .time = frame->time,
        .sequence = frame->sequence,
        .calibrating = frame->calibrating,
        .motion = frame->motion.items,
        .motion_count = frame->motion.count,
        .regions = frame->regions.items,
        .region_count = frame->regions.count,
    };
    frame->motion.items = NULL;
    frame->motion.count = 0;
    frame->regions.items = NULL;
    frame->regions.count = 0;
}

static bool has_ended(const struct live_camera *camera, const struct tracked *tracked, bool all)
{
    return all || tracked->object.state.end_time > 0 || tracked->mentioned != camera->messages;
}

/* Remembers an ended object for a while; the oldest go first. */
static void keep_ended(struct live_camera *camera, struct tracked *tracked)
{
    struct mono now = mono_now();
    size_t old = 0;
    while (old < camera->ended.count &&
           (camera->ended.count - old >= ENDED_MAX ||
            now.us - camera->ended.items[old]->changed_at.us > ENDED_KEEP_US)) {
        tracked_free(camera->ended.items[old++]);
    }
    if (old > 0) {
        camera->ended.count -= old;
        memmove(camera->ended.items, camera->ended.items + old,
                camera->ended.count * sizeof *camera->ended.items);
    }
    if (tracked != NULL) {
        tracked->changed_at = now;
        *MEM_PUSH(camera->ended.items, camera->ended.count, camera->ended.capacity) = tracked;
    }
}

/* Tells of every object, then parts with the ended ones. */
static void report_objects(struct live_camera *camera, int index, bool end_all, live_object_fn fn,
                           void *context)
{
    for (size_t i = 0; i < camera->running.count; i++) {
        struct tracked *tracked = camera->running.items[i];
        if (!tracked->has_state) {
            continue;
        }
        bool ended = has_ended(camera, tracked, end_all);
        if (ended && tracked->object.state.end_time <= 0) {
            pthread_mutex_lock(&camera->lock);
            tracked->object.state.end_time = tracked->object.state.frame_time;
            pthread_mutex_unlock(&camera->lock);
        }
        unsigned has = fn(context, index, &tracked->object, ended);
        pthread_mutex_lock(&camera->lock);
        tracked->object.has_clip = (has & LIVE_HAS_CLIP) != 0;
        tracked->object.has_snapshot = (has & LIVE_HAS_SNAPSHOT) != 0;
        pthread_mutex_unlock(&camera->lock);
    }
    pthread_mutex_lock(&camera->lock);
    size_t kept = 0;
    for (size_t i = 0; i < camera->running.count; i++) {
        struct tracked *tracked = camera->running.items[i];
        if (!tracked->has_state) {
            if (!end_all && mono_since_us(tracked->changed_at) < STATELESS_KEEP_US) {
                camera->running.items[kept++] = tracked;
            } else {
                tracked_free(tracked);
            }
        } else if (!has_ended(camera, tracked, end_all)) {
            camera->running.items[kept++] = tracked;
        } else if (tracked->object.state.false_positive) {
            tracked_free(tracked);
        } else {
            keep_ended(camera, tracked);
        }
    }
    camera->running.count = kept;
    keep_ended(camera, NULL);
    pthread_mutex_unlock(&camera->lock);
}

void live_take_frame(struct live *live, int index, struct msg_frame *frame, live_object_fn fn,
                     void *context)
{
    struct live_camera *camera = &live->cameras[index];
    atomic_fetch_add(&live->messages, 1);
    atomic_fetch_add(&live->frames, 1);
    camera->messages++;
    pthread_mutex_lock(&camera->lock);
    take_view(camera, frame);
    take_objects(live, camera, frame);
    pthread_mutex_unlock(&camera->lock);
    report_objects(camera, index, false, fn, context);
}

void live_end_all(struct live *live, int index, live_object_fn fn, void *context)
{
    struct live_camera *camera = &live->cameras[index];
    report_objects(camera, index, true, fn, context);
    pthread_mutex_lock(&camera->lock);
    live_view_finish(&camera->view);
    pthread_mutex_unlock(&camera->lock);
}

int live_take_best(struct live *live, int index, const struct msg_best *best, int *fd)
{
    struct live_camera *camera = &live->cameras[index];
    atomic_fetch_add(&live->messages, 1);
    struct live_picture *picture =
        live_picture_map(*fd, (int)best->width, (int)best->height, best->time);
    int error = errno;
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
    if (picture == NULL) {
        atomic_fetch_add(&live->pictures_refused, 1);
        return -error;
    }
    atomic_fetch_add(&live->bests, 1);
    pthread_mutex_lock(&camera->lock);
    struct tracked *tracked = id_ok(best->id) ? find_or_add(live, camera, best->id) : NULL;
    if (tracked != NULL) {
        live_picture_unref(tracked->next);
        tracked->next = steal_ptr(&picture);
        tracked->next_revision = best->revision;
        settle_best(live, camera, tracked);
    }
    pthread_mutex_unlock(&camera->lock);
    live_picture_unref(picture);
    return 0;
}

/* --- any thread --- */

bool live_get_view(struct live *live, int index, struct live_view *view)
{
    struct live_camera *camera = &live->cameras[index];
    memset(view, 0, sizeof *view);
    pthread_mutex_lock(&camera->lock);
    const struct live_view *from = &camera->view;
    *view = *from;
    view->motion = from->motion_count > 0
                       ? mem_dup(from->motion, from->motion_count * sizeof *from->motion)
                       : NULL;
    view->regions = from->region_count > 0
                        ? mem_dup(from->regions, from->region_count * sizeof *from->regions)
                        : NULL;
    view->objects = mem_array(camera->running.count, sizeof *view->objects);
    view->object_count = 0;
    for (size_t i = 0; i < camera->running.count; i++) {
        if (camera->running.items[i]->has_state) {
            live_object_copy(&view->objects[view->object_count++],
                             &camera->running.items[i]->object);
        }
    }
    pthread_mutex_unlock(&camera->lock);
    return view->time > 0;
}

struct live_picture *live_get_picture(struct live *live, int index, uint64_t sequence,
                                      int64_t *age_us, uint64_t *got_sequence)
{
    struct live_camera *camera = &live->cameras[index];
    struct live_picture *picture = NULL;
    pthread_rwlock_rdlock(&camera->ring_lock);
    if (camera->ring != NULL) {
        int width = frames_width(camera->ring);
        int height = frames_height(camera->ring);
        uint8_t *pixels = malloc(frames_picture_bytes(width, height));
        if (pixels == NULL) {
            abort();
        }
        struct frame_info info;
        int error = frames_copy(camera->ring, sequence, pixels, &info);
        if (error < 0 && sequence != 0) {
            error = frames_copy(camera->ring, 0, pixels, &info);
        }
        if (error == 0) {
            picture = live_picture_new(pixels, width, height, info.time);
            *age_us = mono_now().us - info.mono_us;
            *got_sequence = info.sequence;
        } else {
            free(pixels);
        }
    }
    pthread_rwlock_unlock(&camera->ring_lock);
    return picture;
}

static int look_at(const struct frames *ring, uint64_t sequence, live_look_fn fn, void *context)
{
    struct frame_info info;
    const uint8_t *picture = frames_peek(ring, sequence, &info);
    if (picture == NULL) {
        return -ENOENT;
    }
    fn(context, picture, &info);
    return frames_still_valid(ring, &info) ? 0 : -ESTALE;
}

int live_look(struct live *live, int index, uint64_t sequence, live_look_fn fn, void *context)
{
    struct live_camera *camera = &live->cameras[index];
    int result = -ENOENT;
    pthread_rwlock_rdlock(&camera->ring_lock);
    for (int i = 0; i < LOOK_TRIES && camera->ring != NULL && result != 0; i++) {
        result = look_at(camera->ring, i == 0 ? sequence : 0, fn, context);
    }
    pthread_rwlock_unlock(&camera->ring_lock);
    return result;
}

bool live_find_object(struct live *live, const char *id, struct live_object *object, int *camera)
{
    bool found = false;
    for (size_t i = 0; i < live->config->camera_count && !found; i++) {
        struct live_camera *state = &live->cameras[i];
        pthread_mutex_lock(&state->lock);
        const struct tracked *tracked = find(&state->running, id);
        if (tracked == NULL) {
            tracked = find(&state->ended, id);
        }
        if (tracked != NULL && tracked->has_state) {
            live_object_copy(object, &tracked->object);
            if (camera != NULL) {
                *camera = (int)i;
            }
            found = true;
        }
        pthread_mutex_unlock(&state->lock);
    }
    return found;
}

bool live_best_of_label(struct live *live, int index, const char *label, struct live_object *object)
{
    struct live_camera *camera = &live->cameras[index];
    bool found = false;
    pthread_mutex_lock(&camera->lock);
    for (size_t i = 0; i < camera->label_count && !found; i++) {
        if (strcmp(camera->labels[i].state.label, label) == 0) {
            live_object_copy(object, &camera->labels[i]);
            found = true;
        }
    }
    pthread_mutex_unlock(&camera->lock);
    return found;
}

bool live_set_sub_label(struct live *live, const char *id, const char *sub_label, float score)
{
    bool found = false;
    for (size_t i = 0; i < live->config->camera_count && !found; i++) {
        struct live_camera *camera = &live->cameras[i];
        pthread_mutex_lock(&camera->lock);
        struct tracked *tracked = find(&camera->running, id);
        if (tracked != NULL) {
            free(tracked->sub_label);
            tracked->sub_label = mem_strdup(sub_label);
            tracked->sub_label_score = score;
            found = true;
        }
        pthread_mutex_unlock(&camera->lock);
    }
    return found;
}

static bool in_zone(const struct cfg_camera *camera, const struct msg_object *state,
                    const char *zone)
{
    for (size_t i = 0; i < state->current_zones.count; i++) {
        uint32_t number = state->current_zones.items[i].zone;
        if (number < camera->zone_count && strcmp(camera->zones[number].name, zone) == 0) {
            return true;
        }
    }
    return false;
}

unsigned live_count(struct live *live, int index, const char *label, const char *zone)
{
    struct live_camera *camera = &live->cameras[index];
    unsigned count = 0;
    pthread_mutex_lock(&camera->lock);
    for (size_t i = 0; i < camera->running.count; i++) {
        const struct tracked *tracked = camera->running.items[i];
        const struct msg_object *state = &tracked->object.state;
        if (tracked->has_state && !state->false_positive &&
            (label == NULL || strcmp(state->label, label) == 0) &&
            (zone == NULL || in_zone(&live->config->cameras[index], state, zone))) {
            count++;
        }
    }
    pthread_mutex_unlock(&camera->lock);
    return count;
}

void live_get_state(struct live *live, struct live_state *state)
{
    *state = (struct live_state){
        .messages = atomic_load(&live->messages),
        .frames = atomic_load(&live->frames),
        .bests = atomic_load(&live->bests),
        .pictures_refused = atomic_load(&live->pictures_refused),
        .objects_dropped = atomic_load(&live->objects_dropped),
    };
    for (size_t i = 0; i < live->config->camera_count; i++) {
        pthread_mutex_lock(&live->cameras[i].lock);
        state->objects += (unsigned)live->cameras[i].running.count;
        pthread_mutex_unlock(&live->cameras[i].lock);
    }
}
