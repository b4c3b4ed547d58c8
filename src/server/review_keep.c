/* What of the items gets into the database and onto the disk, and back. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "footage/place.h"
#include "server/review_private.h"
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
/* Rows in one transaction. */
#define FLUSH_MAX 64

/* --- thumbnails; under the lock --- */

static void thumb_done(void *context, int camera, const char *id, bool ok)
{
    struct review *review = context;
    pthread_mutex_lock(&review->lock);
    *(ok ? &review->state.thumbnails : &review->state.thumbnails_failed) += 1;
    struct review_entry *entry = review_find(review, camera, id);
    if (entry != NULL) {
        entry->in_job = false;
        entry->has_thumb = entry->has_thumb || ok;
        if (!ok) {
            entry->thumb_active = 0;
            entry->thumb_after_us = mono_now().us + THUMB_PAUSE_US;
        }
        if (entry->deleted) {
            review_thumb_remove(review->data_dir, review_camera(review, camera)->name, id);
        }
        review_settle(review, entry);
    }
    pthread_mutex_unlock(&review->lock);
    review_flush(review);
}

/* `active` objects, all within `around`; 0: the whole picture. */
static void take_thumb(struct review *review, struct review_entry *entry, uint64_t sequence,
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
        .camera_name = review_camera(review, entry->camera)->name,
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

static bool may_take_thumb(const struct review_entry *entry)
{
    return !entry->in_job && mono_now().us >= entry->thumb_after_us;
}

void review_refresh_thumb(struct review *review, struct review_entry *entry, uint64_t sequence,
                          const struct review_sight *sight)
{
    bool better = sight->active > 0 && (entry->wants_thumb || sight->active > entry->thumb_active);
    if (may_take_thumb(entry) && (better || !entry->has_thumb)) {
        take_thumb(review, entry, sequence, sight->active, sight->around);
    }
}

void review_missing_thumb(struct review *review, struct review_entry *entry, struct mono now)
{
    if (!entry->has_thumb && may_take_thumb(entry) && now.us - entry->begun_us > THUMB_MISSING_US) {
        take_thumb(review, entry, 0, 0, (struct box){0});
    }
}

/* --- rows --- */

/* Until when it is known to be active: what is to come is not known yet. */
static double known_activity(const struct review_item *item, double clock)
{
    return item->pin_count > 0 ? clock : fmin(clock, review_item_end(item));
}

static void put(const struct review *review, struct store_work *work, struct review_entry *entry,
                double clock)
{
    const struct review_item *item = &entry->item;
    const char *camera = review_camera(review, entry->camera)->name;
    AUTO_STR struct str path = {0}, data = {0};
    entry->kept_activity = known_activity(item, clock);
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
        .last_activity = entry->kept_activity,
    };
    db_review_put(work, &row);
}

static bool is_due(const struct review_entry *entry, int64_t now_us)
{
    bool waits_for_thumb =
        !entry->stored && entry->in_job && now_us - entry->begun_us < THUMB_WAIT_US;
    int64_t pause_us = REWRITE_US + (int64_t)entry->item.detection_count * REWRITE_OBJECT_US;
    return entry->dirty && !entry->deleted && !waits_for_thumb &&
           (entry->urgent || now_us - entry->put_us >= pause_us);
}

static void mark_put(struct review *review, struct review_entry *entry, int64_t now_us)
{
    entry->dirty = entry->urgent = false;
    entry->stored = true;
    entry->put_us = now_us;
    review_settle(review, entry);
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
    struct review_entry *due[FLUSH_MAX];
    size_t count = 0;
    int64_t now_us = mono_now().us;
    list_for_each(struct review_entry, entry, &review->entries, link)
    {
        if (count < FLUSH_MAX && is_due(entry, now_us)) {
            due[count++] = entry;
        }
    }
    if (count == 0) {
        return false;
    }
    struct store_work *work = store_begin(review->store);
    double clock = wall_seconds(wall_now());
    for (size_t i = 0; i < count; i++) {
        put(review, work, due[i], clock);
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

void review_keep_activity(struct review *review, struct mono now)
{
    if (now.us - review->kept_us < ACTIVE_EVERY_US) {
        return;
    }
    review->kept_us = now.us;
    double clock = wall_seconds(wall_now());
    struct store_work *work = store_begin(review->store);
    bool any = false;
    list_for_each(struct review_entry, entry, &review->entries, link)
    {
        double activity = known_activity(&entry->item, clock);
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

/* --- from an earlier run --- */

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
    struct review_entry *entry = review_add(review, camera);
    if (!review_item_restore(&entry->item, row->id, row->start_time, row->last_activity, severity,
                             row->data_json, mono_now())) {
        log_warning("review item %s: what it held cannot be read", row->id);
    }
    entry->stored = true;
    entry->kept_activity = row->last_activity;
    entry->has_thumb = review_thumb_exists(review->data_dir, row->camera, row->id);
    review->watches[camera].frame_time = row->last_activity;
}

void review_restore_all(struct review *review)
{
    struct restoring restoring = {review, store_begin(review->store), wall_seconds(wall_now())};
    AUTO_READER struct db *db = store_reader(review->store);
    if (db != NULL) {
        db_review_running(db, restoring.clock, restore, &restoring);
    }
    db_review_tidy(restoring.work);
    store_submit(restoring.work);
}
