#include "server/review.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "server/review_private.h"

/* The loop itself stood still: what waits in the channels goes first, silence is judged later. */
#define TICK_LATE_US 5000000

/* --- entries; under the lock --- */

void review_entry_free(struct review *review, struct review_entry *entry)
{
    list_remove(&entry->link);
    review->count--;
    review_item_finish(&entry->item);
    free(entry);
}

void review_settle(struct review *review, struct review_entry *entry)
{
    if (!entry->in_job && (entry->deleted || (entry->ended && !entry->dirty))) {
        review_entry_free(review, entry);
    }
}

struct review_entry *review_find(struct review *review, int camera, const char *id)
{
    list_for_each(struct review_entry, entry, &review->entries, link)
    {
        if (entry->camera == camera && strcmp(entry->item.id, id) == 0) {
            return entry;
        }
    }
    return NULL;
}

struct review_entry *review_add(struct review *review, int camera)
{
    struct review_entry *entry = mem_alloc(sizeof *entry);
    entry->camera = camera;
    entry->begun_us = mono_now().us;
    list_append(&review->entries, &entry->link);
    review->count++;
    review->watches[camera].current = entry;
    return entry;
}

/* NULL: too many wait for the database. */
static struct review_entry *begin(struct review *review, int camera, double time,
                                  enum review_severity severity)
{
    if (review->count >= REVIEW_MAX) {
        unsigned swallowed;
        review->state.lost++;
        if (log_allowed(&review->lost_limit, 10000000, &swallowed)) {
            log_error("more than %d review items wait for the database: new ones are lost (%u "
                      "before)",
                      REVIEW_MAX, swallowed);
        }
        return NULL;
    }
    struct review_entry *entry = review_add(review, camera);
    review_item_begin(&entry->item, time, severity, mono_now());
    entry->dirty = entry->urgent = true;
    return entry;
}

static void note(struct review *review, struct review_entry *entry, unsigned changes)
{
    entry->dirty = entry->dirty || changes != 0;
    if (changes & REVIEW_RAISED) {
        entry->urgent = true;
        entry->wants_thumb = true;
    }
    review->state.left_out += entry->item.left_out - entry->left_out;
    entry->left_out = entry->item.left_out;
}

static void end(struct review *review, struct review_entry *entry)
{
    review->watches[entry->camera].current = NULL;
    entry->ended = true;
    entry->dirty = entry->urgent = true;
}

/* --- what happens --- */

void review_frame(struct review *review, int index, const struct msg_frame *frame)
{
    const struct cfg_camera *camera = review_camera(review, index);
    struct review_sight sight = {0};
    if (!isfinite(frame->time) || frame->time <= 0) {
        return; /* ids and rows are made of it */
    }
    if (camera->record.enabled) {
        sight = review_look(camera, frame);
    }
    pthread_mutex_lock(&review->lock);
    struct review_watch *watch = &review->watches[index];
    if (watch->current != NULL &&
        review_item_is_over(&watch->current->item, frame->time, watch->frame_time)) {
        end(review, watch->current);
    }
    watch->frame_time = frame->time;
    if (watch->current == NULL && sight.severity != REVIEW_NONE) {
        begin(review, index, frame->time, sight.severity);
    }
    struct review_entry *entry = watch->current;
    if (entry != NULL) {
        if (sight.active > 0) {
            note(review, entry, review_item_take_frame(&entry->item, camera, frame, mono_now()));
        }
        review_refresh_thumb(review, entry, frame->sequence, &sight);
    }
    pthread_mutex_unlock(&review->lock);
}

void review_sound(struct review *review, int index, double time, const char *const *labels,
                  size_t count)
{
    const struct cfg_camera *camera = review_camera(review, index);
    enum review_severity severity = REVIEW_NONE;
    for (size_t i = 0; i < count; i++) {
        enum review_severity one = review_sound_severity(camera, labels[i]);
        severity = one > severity ? one : severity;
    }
    if (!camera->record.enabled || severity == REVIEW_NONE) {
        return;
    }
    pthread_mutex_lock(&review->lock);
    struct review_watch *watch = &review->watches[index];
    if (watch->current != NULL && review_item_is_over(&watch->current->item, time, 0)) {
        end(review, watch->current);
    }
    struct review_entry *entry =
        watch->current != NULL ? watch->current : begin(review, index, time, severity);
    if (entry != NULL) {
        note(review, entry,
             review_item_take_sounds(&entry->item, camera, time, labels, count, mono_now()));
    }
    pthread_mutex_unlock(&review->lock);
}

void review_manual(struct review *review, int index, const char *id, const char *name, double start,
                   double end_time)
{
    if (!review_camera(review, index)->record.enabled) {
        return;
    }
    pthread_mutex_lock(&review->lock);
    struct review_watch *watch = &review->watches[index];
    if (watch->current != NULL && review_item_is_over(&watch->current->item, start, 0)) {
        end(review, watch->current);
    }
    struct review_entry *entry =
        watch->current != NULL ? watch->current : begin(review, index, start, REVIEW_ALERT);
    if (entry != NULL) {
        note(review, entry,
             review_item_take_manual(&entry->item, id, name, end_time, mono_now(),
                                     wall_seconds(wall_now())));
    }
    pthread_mutex_unlock(&review->lock);
}

void review_manual_end(struct review *review, const char *id, double end_time)
{
    pthread_mutex_lock(&review->lock);
    for (size_t i = 0; i < review->config->camera_count; i++) {
        struct review_entry *entry = review->watches[i].current;
        if (entry != NULL &&
            review_item_unpin(&entry->item, id, end_time, mono_now(), wall_seconds(wall_now()))) {
            break;
        }
    }
    pthread_mutex_unlock(&review->lock);
}

void review_sub_label(struct review *review, const char *event_id, const char *sub_label)
{
    pthread_mutex_lock(&review->lock);
    for (size_t i = 0; i < review->config->camera_count; i++) {
        struct review_entry *entry = review->watches[i].current;
        if (entry != NULL) {
            note(review, entry, review_item_name(&entry->item, event_id, sub_label));
        }
    }
    pthread_mutex_unlock(&review->lock);
}

void review_forget(struct review *review, const char *id)
{
    pthread_mutex_lock(&review->lock);
    list_for_each(struct review_entry, entry, &review->entries, link)
    {
        if (strcmp(entry->item.id, id) == 0) {
            struct review_watch *watch = &review->watches[entry->camera];
            watch->current = watch->current == entry ? NULL : watch->current;
            entry->deleted = true;
            review_settle(review, entry);
            break;
        }
    }
    pthread_mutex_unlock(&review->lock);
}

/* --- time --- */

static void tick_entry(struct review *review, struct review_entry *entry, struct mono now,
                       bool late)
{
    if (!late && review_item_is_silent(&entry->item, now)) {
        end(review, entry);
    } else {
        review_missing_thumb(review, entry, now);
    }
}

void review_tick(struct review *review)
{
    struct mono now = mono_now();
    pthread_mutex_lock(&review->lock);
    bool late = review->tick_us != 0 && now.us - review->tick_us > TICK_LATE_US;
    review->tick_us = now.us;
    unsigned running = 0;
    for (size_t i = 0; i < review->config->camera_count; i++) {
        if (review->watches[i].current != NULL) {
            tick_entry(review, review->watches[i].current, now, late);
            running += review->watches[i].current != NULL;
        }
    }
    review_keep_activity(review, now);
    pthread_mutex_unlock(&review->lock);
    review_flush(review);
    pthread_mutex_lock(&review->lock);
    unsigned waiting = 0;
    list_for_each(struct review_entry, entry, &review->entries, link)
    {
        waiting += entry->dirty && !entry->deleted;
    }
    review->state.running = running;
    review->state.waiting = waiting;
    pthread_mutex_unlock(&review->lock);
}

void review_get_state(struct review *review, struct review_state *state)
{
    pthread_mutex_lock(&review->lock);
    *state = review->state;
    pthread_mutex_unlock(&review->lock);
}

/* --- life --- */

struct review *review_create(const struct config *config, struct store *store, struct jobs *jobs,
                             struct live *live, const char *data_dir)
{
    struct review *review = mem_alloc(sizeof *review);
    review->config = config;
    review->store = store;
    review->jobs = jobs;
    review->live = live;
    review->data_dir = data_dir;
    pthread_mutex_init(&review->lock, NULL);
    list_init(&review->entries);
    review->watches = mem_array(config->camera_count, sizeof *review->watches);
    review_restore_all(review);
    return review;
}

void review_destroy(struct review *review)
{
    if (review == NULL) {
        return;
    }
    list_for_each(struct review_entry, entry, &review->entries, link)
    {
        review_entry_free(review, entry);
    }
    free(review->watches);
    pthread_mutex_destroy(&review->lock);
    free(review);
}

void review_end_all(struct review *review, double now)
{
    pthread_mutex_lock(&review->lock);
    for (size_t i = 0; i < review->config->camera_count; i++) {
        struct review_entry *entry = review->watches[i].current;
        if (entry != NULL) {
            review_item_cut(&entry->item, now);
            end(review, entry);
        }
    }
    pthread_mutex_unlock(&review->lock);
}

void review_finish(struct review *review)
{
    pthread_mutex_lock(&review->lock);
    list_for_each(struct review_entry, entry, &review->entries, link)
    {
        entry->begun_us = 0; /* no longer waits for its thumbnail */
    }
    review->refused_until_us = 0;
    pthread_mutex_unlock(&review->lock);
    review_flush(review);
}
