#include "server/review.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "footage/place.h"
#include "server/review_item.h"
#include "server/review_thumb.h"
#include "store/db_review_run.h"

/* What does not change an item's standing (zones, further objects) is written this often, and the
 * more seldom the more objects it names; its beginning, rise and end at once. */
#define REWRITE_US 2000000
#define REWRITE_OBJECT_US 10000
/* How exactly the database knows until when a running item was active. */
#define ACTIVE_EVERY_US 5000000
/* The first row waits so long for the thumbnail it names. */
#define THUMB_WAIT_US 2000000
/* An item that has seen no picture by then takes the newest there is. */
#define THUMB_MISSING_US 1000000
/* After a thumbnail could not be written. */
#define THUMB_PAUSE_US 10000000
/* After the writer refused: how long to leave it alone. */
#define REFUSED_PAUSE_US 250000
/* The loop itself stood still: what waits in the channels goes first, silence is judged later. */
#define TICK_LATE_US 5000000
/* Rows in one transaction. */
#define FLUSH_MAX 64

struct entry {
    struct list link; /* in review->entries */
    int camera;
    struct review_item item;
    bool stored;        /* the writer has its row */
    bool dirty, urgent; /* something to write; without delay */
    bool ended, deleted;
    int64_t put_us, begun_us; /* monotonic */
    double kept_activity;     /* as the database has it */
    uint64_t left_out;        /* of the item, already counted */

    bool in_job, has_thumb, wants_thumb; /* wants: raised since the last one */
    unsigned thumb_active;               /* active objects on the thumbnail */
    int64_t thumb_after_us;
};

/* What a camera is about. */
struct watch {
    struct entry *current; /* NULL: quiet */
    double frame_time;     /* of the last picture, 0 = none */
};

struct review {
    const struct config *config;
    struct store *store;
    struct jobs *jobs;
    struct live *live;
    const char *data_dir;

    /* Everything below. Works are submitted under it too: after review_forget() none is to come. */
    pthread_mutex_t lock;
    struct list entries;
    unsigned count;
    struct watch *watches; /* per camera */
    int64_t refused_until_us, tick_us, kept_us;
    struct log_limit full_limit, lost_limit;
    struct review_state state;
};

/* --- entries; under the lock --- */

static const struct cfg_camera *camera_of(const struct review *review, int camera)
{
    return &review->config->cameras[camera];
}

static void entry_free(struct review *review, struct entry *entry)
{
    list_remove(&entry->link);
    review->count--;
    review_item_finish(&entry->item);
    free(entry);
}

/* Parts with it when nothing more is to come. */
static void settle(struct review *review, struct entry *entry)
{
    if (!entry->in_job && (entry->deleted || (entry->ended && !entry->dirty))) {
        entry_free(review, entry);
    }
}

static struct entry *find(struct review *review, int camera, const char *id)
{
    list_for_each(struct entry, entry, &review->entries, link)
    {
        if (entry->camera == camera && strcmp(entry->item.id, id) == 0) {
            return entry;
        }
    }
    return NULL;
}

static struct entry *add(struct review *review, int camera)
{
    struct entry *entry = mem_alloc(sizeof *entry);
    entry->camera = camera;
    entry->begun_us = mono_now().us;
    list_append(&review->entries, &entry->link);
    review->count++;
    review->watches[camera].current = entry;
    return entry;
}

/* NULL: too many wait for the database. */
static struct entry *begin(struct review *review, int camera, double time,
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
    struct entry *entry = add(review, camera);
    review_item_begin(&entry->item, time, severity, mono_now());
    entry->dirty = entry->urgent = true;
    return entry;
}

static void note(struct review *review, struct entry *entry, unsigned changes)
{
    entry->dirty = entry->dirty || changes != 0;
    if (changes & REVIEW_RAISED) {
        entry->urgent = true;
        entry->wants_thumb = true;
    }
    review->state.left_out += entry->item.left_out - entry->left_out;
    entry->left_out = entry->item.left_out;
}

static void end(struct review *review, struct entry *entry)
{
    review->watches[entry->camera].current = NULL;
    entry->ended = true;
    entry->dirty = entry->urgent = true;
}

/* --- thumbnails; under the lock --- */

static void thumb_done(void *context, int camera, const char *id, bool ok)
{
    struct review *review = context;
    pthread_mutex_lock(&review->lock);
    *(ok ? &review->state.thumbnails : &review->state.thumbnails_failed) += 1;
    struct entry *entry = find(review, camera, id);
    if (entry != NULL) {
        entry->in_job = false;
        entry->has_thumb = entry->has_thumb || ok;
        if (!ok) {
            entry->thumb_active = 0;
            entry->thumb_after_us = mono_now().us + THUMB_PAUSE_US;
        }
        if (entry->deleted) {
            review_thumb_remove(review->data_dir, camera_of(review, camera)->name, id);
        }
        settle(review, entry);
    }
    pthread_mutex_unlock(&review->lock);
    review_flush(review);
}

/* `active` objects, all within `around`; 0: the whole picture. */
static void take_thumb(struct review *review, struct entry *entry, uint64_t sequence,
                       unsigned active, struct box around)
{
    int64_t age_us;
    uint64_t got;
    struct live_picture *picture =
        live_get_picture(review->live, entry->camera, sequence, &age_us, &got);
    if (picture == NULL) {
        return;
    }
    const struct box whole = {0, 0, picture->width, picture->height};
    struct review_thumb thumb = {
        .data_dir = review->data_dir,
        .camera_name = camera_of(review, entry->camera)->name,
        .camera = entry->camera,
        .id = entry->item.id,
        .picture = picture,
        .area = active > 0 ? review_crop(picture->width, picture->height, around) : whole,
        .done = thumb_done,
        .context = review,
    };
    if (review_thumb_submit(review->jobs, &thumb) == 0) {
        entry->in_job = true;
        entry->wants_thumb = false;
        entry->thumb_active = active;
    } else {
        review->state.thumbnails_dropped++;
    }
    live_picture_unref(picture);
}

static bool may_take_thumb(const struct entry *entry)
{
    return !entry->in_job && mono_now().us >= entry->thumb_after_us;
}

static void refresh_thumb(struct review *review, struct entry *entry, uint64_t sequence,
                          const struct review_sight *sight)
{
    bool better = sight->active > 0 && (entry->wants_thumb || sight->active > entry->thumb_active);
    if (may_take_thumb(entry) && (better || !entry->has_thumb)) {
        take_thumb(review, entry, sequence, sight->active, sight->around);
    }
}

/* --- what happens --- */

void review_frame(struct review *review, int index, const struct msg_frame *frame)
{
    const struct cfg_camera *camera = camera_of(review, index);
    struct review_sight sight = {0};
    if (camera->record.enabled) {
        sight = review_look(camera, frame);
    }
    pthread_mutex_lock(&review->lock);
    struct watch *watch = &review->watches[index];
    if (watch->current != NULL &&
        review_item_is_over(&watch->current->item, frame->time, watch->frame_time)) {
        end(review, watch->current);
    }
    watch->frame_time = frame->time;
    if (watch->current == NULL && sight.severity != REVIEW_NONE) {
        begin(review, index, frame->time, sight.severity);
    }
    struct entry *entry = watch->current;
    if (entry != NULL) {
        if (sight.active > 0) {
            note(review, entry, review_item_take_frame(&entry->item, camera, frame, mono_now()));
        }
        refresh_thumb(review, entry, frame->sequence, &sight);
    }
    pthread_mutex_unlock(&review->lock);
}

void review_sound(struct review *review, int index, double time, const char *const *labels,
                  size_t count)
{
    const struct cfg_camera *camera = camera_of(review, index);
    enum review_severity severity = REVIEW_NONE;
    for (size_t i = 0; i < count; i++) {
        enum review_severity one = review_sound_severity(camera, labels[i]);
        severity = one > severity ? one : severity;
    }
    if (!camera->record.enabled || severity == REVIEW_NONE) {
        return;
    }
    pthread_mutex_lock(&review->lock);
    struct watch *watch = &review->watches[index];
    if (watch->current != NULL && review_item_is_over(&watch->current->item, time, 0)) {
        end(review, watch->current);
    }
    struct entry *entry =
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
    if (!camera_of(review, index)->record.enabled) {
        return;
    }
    pthread_mutex_lock(&review->lock);
    struct watch *watch = &review->watches[index];
    if (watch->current != NULL && review_item_is_over(&watch->current->item, start, 0)) {
        end(review, watch->current);
    }
    struct entry *entry =
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
        struct entry *entry = review->watches[i].current;
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
        struct entry *entry = review->watches[i].current;
        if (entry != NULL) {
            note(review, entry, review_item_name(&entry->item, event_id, sub_label));
        }
    }
    pthread_mutex_unlock(&review->lock);
}

void review_forget(struct review *review, const char *id)
{
    pthread_mutex_lock(&review->lock);
    list_for_each(struct entry, entry, &review->entries, link)
    {
        if (strcmp(entry->item.id, id) == 0) {
            struct watch *watch = &review->watches[entry->camera];
            watch->current = watch->current == entry ? NULL : watch->current;
            entry->deleted = true;
            settle(review, entry);
            break;
        }
    }
    pthread_mutex_unlock(&review->lock);
}

/* --- rows --- */

static void put(const struct review *review, struct store_work *work, const struct entry *entry)
{
    const struct review_item *item = &entry->item;
    const char *camera = camera_of(review, entry->camera)->name;
    AUTO_STR struct str path = {0}, data = {0};
    str_add(&path, PLACE_CANONICAL);
    review_thumb_path(camera, item->id, &path);
    review_item_json(item, &data);
    struct db_review row = {
        .id = item->id,
        .camera = camera,
        .start_time = item->start_time,
        .end_time = {.has = entry->ended, .value = review_item_end(item)},
        .severity = review_severity_name(item->severity),
        .thumb_path = str_text(&path),
        .data_json = str_text(&data),
        .last_activity = fmin(review_item_end(item), wall_seconds(wall_now())),
    };
    db_review_put(work, &row);
}

static bool is_due(const struct entry *entry, int64_t now_us)
{
    bool waits_for_thumb =
        !entry->stored && entry->in_job && now_us - entry->begun_us < THUMB_WAIT_US;
    int64_t pause_us = REWRITE_US + (int64_t)entry->item.detection_count * REWRITE_OBJECT_US;
    return entry->dirty && !entry->deleted && !waits_for_thumb &&
           (entry->urgent || now_us - entry->put_us >= pause_us);
}

static void mark_put(struct review *review, struct entry *entry, int64_t now_us)
{
    entry->dirty = entry->urgent = false;
    entry->stored = true;
    entry->put_us = now_us;
    entry->kept_activity = review_item_end(&entry->item);
    settle(review, entry);
}

/* Under the lock. */
static void refused(struct review *review)
{
    unsigned swallowed;
    review->state.delayed++;
    review->refused_until_us = mono_now().us + REFUSED_PAUSE_US;
    if (log_allowed(&review->full_limit, 10000000, &swallowed)) {
        log_warning("the database is behind: rows of review items wait");
    }
}

/* One transaction. Returns whether more may be due. Under the lock. */
static bool flush_some(struct review *review)
{
    struct entry *due[FLUSH_MAX];
    size_t count = 0;
    int64_t now_us = mono_now().us;
    list_for_each(struct entry, entry, &review->entries, link)
    {
        if (count < FLUSH_MAX && is_due(entry, now_us)) {
            due[count++] = entry;
        }
    }
    if (count == 0) {
        return false;
    }
    struct store_work *work = store_begin(review->store);
    for (size_t i = 0; i < count; i++) {
        put(review, work, due[i]);
    }
    if (store_submit(work) < 0) {
        refused(review);
        return false;
    }
    review->state.rows += count;
    for (size_t i = 0; i < count; i++) {
        mark_put(review, due[i], now_us);
    }
    return count == FLUSH_MAX;
}

void review_flush(struct review *review)
{
    pthread_mutex_lock(&review->lock);
    bool more = mono_now().us >= review->refused_until_us;
    while (more) {
        more = flush_some(review);
    }
    pthread_mutex_unlock(&review->lock);
}

/* Tells the database how long the running items have been active. Under the lock. */
static void keep_activity(struct review *review, double clock)
{
    struct store_work *work = store_begin(review->store);
    bool any = false;
    list_for_each(struct entry, entry, &review->entries, link)
    {
        double activity =
            entry->item.pin_count > 0 ? clock : fmin(clock, review_item_end(&entry->item));
        if (entry->stored && !entry->ended && !entry->deleted && activity > entry->kept_activity) {
            db_review_active(work, entry->item.id, activity);
            entry->kept_activity = activity;
            any = true;
        }
    }
    if (!any) {
        store_abandon(work);
    } else if (store_submit(work) < 0) {
        refused(review); /* the next one says more */
    }
}

/* --- time --- */

static void tick_entry(struct review *review, struct entry *entry, struct mono now, bool late)
{
    if (!late && review_item_is_silent(&entry->item, now)) {
        end(review, entry);
    } else if (!entry->has_thumb && may_take_thumb(entry) &&
               now.us - entry->begun_us > THUMB_MISSING_US) {
        take_thumb(review, entry, 0, 0, (struct box){0});
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
    if (now.us - review->kept_us >= ACTIVE_EVERY_US) {
        review->kept_us = now.us;
        keep_activity(review, wall_seconds(wall_now()));
    }
    pthread_mutex_unlock(&review->lock);
    review_flush(review);
    pthread_mutex_lock(&review->lock);
    unsigned waiting = 0;
    list_for_each(struct entry, entry, &review->entries, link)
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

struct restoring {
    struct review *review;
    struct store_work *work; /* those that do not go on */
    double clock;
};

/* One running item of an earlier run; the newest of a camera comes first. */
static void restore(void *context, const struct db_review *row)
{
    struct restoring *restoring = context;
    struct review *review = restoring->review;
    int camera = config_camera_index(review->config, row->camera);
    enum review_severity severity = review_severity_from(row->severity);
    bool goes_on = camera >= 0 && severity != REVIEW_NONE &&
                   review->watches[camera].current == NULL && review->count < REVIEW_MAX &&
                   restoring->clock - row->last_activity <= review_idle_max_s(severity);
    if (!goes_on) {
        log_info("review item %s of camera %s was left open: it ends with its last activity",
                 row->id, row->camera);
        db_review_end(restoring->work, row->id, row->last_activity);
        return;
    }
    struct entry *entry = add(review, camera);
    if (!review_item_restore(&entry->item, row->id, row->start_time, row->last_activity, severity,
                             row->data_json, mono_now())) {
        log_warning("review item %s: what it held cannot be read", row->id);
    }
    entry->stored = true;
    entry->kept_activity = row->last_activity;
    entry->has_thumb = review_thumb_exists(review->data_dir, row->camera, row->id);
    review->watches[camera].frame_time = row->last_activity;
}

static void restore_all(struct review *review)
{
    struct restoring restoring = {review, store_begin(review->store), wall_seconds(wall_now())};
    AUTO_READER struct db *db = store_reader(review->store);
    if (db != NULL) {
        db_review_running(db, restoring.clock, restore, &restoring);
    }
    db_review_tidy(restoring.work);
    store_submit(restoring.work);
}

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
    restore_all(review);
    return review;
}

void review_destroy(struct review *review)
{
    if (review == NULL) {
        return;
    }
    list_for_each(struct entry, entry, &review->entries, link)
    {
        entry_free(review, entry);
    }
    free(review->watches);
    pthread_mutex_destroy(&review->lock);
    free(review);
}

void review_end_all(struct review *review, double now)
{
    pthread_mutex_lock(&review->lock);
    for (size_t i = 0; i < review->config->camera_count; i++) {
        struct entry *entry = review->watches[i].current;
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
    list_for_each(struct entry, entry, &review->entries, link)
    {
        entry->begun_us = 0; /* no longer waits for its thumbnail */
    }
    review->refused_until_us = 0;
    pthread_mutex_unlock(&review->lock);
    review_flush(review);
}
