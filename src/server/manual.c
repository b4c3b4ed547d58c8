#include "server/manual.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jout.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/manual_file.h"
#include "server/manual_picture.h"
#include "server/manual_running.h"
#include "server/picture.h"
#include "server/review.h"
#include "server/timeline.h"
#include "store/db_event.h"
#include "store/db_manual.h"

/* Of one that never got its picture. */
#define THUMBNAIL_WIDTH 311
#define THUMBNAIL_HEIGHT 175

/* One that is being made. Freed when its row is with the writer and its job is over. */
struct making {
    struct list link; /* in manual->making until the row is with the writer */
    struct manual *manual;
    int camera;
    char id[IPC_ID];
    char *label, *sub_label, *source_type;
    double score, made;
    struct db_opt_double end; /* of the row; under the lock */
    bool has_clip, is_api;
    bool clean_at_once;           /* with the other pictures: too many wait already */
    struct live_picture *picture; /* NULL: the camera has none */
    struct manual_box *boxes;
    size_t box_count;
    /* under the lock: */
    bool encoded;         /* the pictures are there, as far as they will ever be */
    bool has_snapshot;    /* the file is there */
    struct str thumbnail; /* base64 */
    bool row_given, job_over;
};

struct manual {
    struct manual_setup setup;
    struct manual_cleans cleans;

    pthread_mutex_t lock; /* all below */
    pthread_cond_t given; /* a row is with the writer */
    struct list making;
    unsigned making_count;
    struct manual_running running;
    struct manual_state state;
};

static const struct cfg_camera *camera_of(const struct manual *manual, int camera)
{
    return &manual->setup.config->cameras[camera];
}

static void making_free(struct making *making)
{
    free(making->label);
    free(making->sub_label);
    free(making->source_type);
    live_picture_unref(making->picture);
    free(making->boxes);
    str_finish(&making->thumbnail);
    free(making);
}

/* ---- rows ---- */

static void data_json(const struct making *making, struct str *out)
{
    struct jout json = {.out = out};
    jout_begin_object(&json);
    jout_put_string(&json, "type", making->source_type);
    jout_key(&json, "score");
    jout_number(&json, making->score);
    jout_key(&json, "top_score");
    jout_number(&json, making->score);
    jout_end_object(&json);
}

static double start_of(const struct making *making)
{
    return making->made - camera_of(making->manual, making->camera)->record.events.pre_capture;
}

/* Under the lock, which keeps an end from slipping between the row and itself. */
static bool give_row(struct making *making)
{
    struct manual *manual = making->manual;
    const char *camera = camera_of(manual, making->camera)->name;
    AUTO_STR struct str data = {0};
    data_json(making, &data);
    struct db_event row = {
        .id = making->id,
        .label = making->label,
        .camera = camera,
        .start_time = start_of(making),
        .end_time = making->end,
        .zones_json = "[]",
        .thumbnail = str_text(&making->thumbnail),
        .has_clip = making->has_clip,
        .has_snapshot = making->has_snapshot,
        .sub_label = making->sub_label,
        .data_json = str_text(&data),
    };
    struct store_work *work = store_begin(manual->setup.store);
    db_event_put(work, &row);
    if (making->has_clip && making->is_api) {
        db_manual_claim(work, camera, row.start_time, wall_seconds(wall_now()));
    }
    timeline_add_external(work, camera, making->id, making->source_type, making->label,
                          making->sub_label, making->made);
    if (store_submit(work) < 0) {
        return false;
    }
    list_remove(&making->link);
    manual->making_count--;
    making->row_given = true;
    pthread_cond_broadcast(&manual->given);
    return true;
}

/* ---- the jobs thread ---- */

/* The JPEG and the row. */
static void make(void *data)
{
    struct making *making = data;
    struct manual *manual = making->manual;
    const struct cfg_camera *camera = camera_of(manual, making->camera);
    AUTO_STR struct str thumbnail = {0}, jpeg = {0}, base64 = {0};
    if (manual_picture_thumbnail(camera, making->picture, &thumbnail) == 0) {
        str_add_base64(&base64, thumbnail.data, thumbnail.length);
    }
    bool written = manual_picture_jpeg(camera, making->picture, making->label, making->boxes,
                                       making->box_count, &jpeg) == 0 &&
                   manual_file_write(manual->setup.data_dir, camera, making->id, ".jpg", &jpeg);
    pthread_mutex_lock(&manual->lock);
    manual->state.snapshots_failed += !written;
    bool late = making->encoded; /* the program ends, and did not wait */
    if (!late) {
        making->encoded = true;
        making->has_snapshot = written;
        making->thumbnail = base64;
        base64 = (struct str){0};
        give_row(making);
    }
    pthread_mutex_unlock(&manual->lock);
    if (late) {
        manual_file_remove(manual->setup.data_dir, camera, making->id, ".jpg");
    } else if (making->clean_at_once) {
        manual_file_write_clean(manual->setup.data_dir, camera, making->id, making->picture);
    }
}

/* The loop's thread. Its picture may be large: not kept for a row that waits. */
static void made(void *data)
{
    struct making *making = data;
    struct manual *manual = making->manual;
    pthread_mutex_lock(&manual->lock);
    making->job_over = true;
    making->encoded = true; /* dropped at the end of the program: the row comes without */
    live_picture_unref(making->picture);
    making->picture = NULL;
    bool over = making->row_given;
    pthread_mutex_unlock(&manual->lock);
    if (over) {
        making_free(making);
    }
}

/* ---- beginning ---- */

/* The newest picture, unless the camera has been silent for so long that it shows nothing of now.
 */
static struct live_picture *picture_of_now(struct manual *manual, int camera)
{
    int64_t age_us = 0;
    uint64_t sequence = 0;
    struct live_picture *picture =
        live_get_picture(manual->setup.live, camera, 0, &age_us, &sequence);
    if (picture != NULL &&
        (double)age_us / 1e6 > camera_of(manual, camera)->ffmpeg.common.retry_interval) {
        live_picture_unref(picture);
        picture = NULL;
    }
    return picture;
}

static struct making *new_making(struct manual *manual, int index, const struct manual_event *what)
{
    const struct cfg_camera *camera = camera_of(manual, index);
    struct making *making = mem_alloc(sizeof *making);
    char number[32], random[7];
    *making = (struct making){
        .manual = manual,
        .camera = index,
        .label = mem_strdup(what->label),
        .sub_label = what->sub_label != NULL ? mem_strdup(what->sub_label) : NULL,
        .source_type = mem_strdup(what->source_type),
        .score = what->score,
        .made = wall_seconds(wall_now()),
        .has_clip = camera->record.enabled && what->include_recording,
        .is_api = strcmp(what->source_type, MANUAL_SOURCE_API) == 0,
        .picture = picture_of_now(manual, index),
        .box_count = what->box_count,
    };
    list_init(&making->link);
    if (what->box_count > 0) {
        making->boxes = mem_dup(what->boxes, what->box_count * sizeof *what->boxes);
    }
    if (!what->open_ended) {
        making->end = (struct db_opt_double){true, making->made + what->duration +
                                                       camera->record.events.post_capture};
    }
    str_random6(random);
    snprintf(making->id, sizeof making->id, "%s-%s", str_double(number, making->made), random);
    return making;
}

/* Under the lock: into the lists, and to the jobs thread. 0 or -EAGAIN. */
static int enlist(struct manual *manual, struct making *making)
{
    if (manual->running.count >= MANUAL_MAX || manual->making_count >= MANUAL_MAX) {
        return -EAGAIN;
    }
    int result = jobs_submit(manual->setup.jobs, JOB_SOON, make, made, making);
    if (result < 0) {
        return result;
    }
    list_append(&manual->making, &making->link);
    manual->making_count++;
    manual_running_add(&manual->running, making->id, making->camera, start_of(making),
                       making->end.has ? making->end.value : INFINITY,
                       making->has_clip && making->is_api);
    manual->state.made++;
    return 0;
}

/* Not under the lock: the review has one of its own. */
static void tell_review(struct manual *manual, int camera, const char *id, const char *label,
                        const char *sub_label, double start, double end)
{
    AUTO_STR struct str name = {0};
    str_add(&name, label);
    if (sub_label != NULL && *sub_label != '\0') {
        str_addf(&name, ": %s", sub_label);
    }
    review_manual(manual->setup.review, camera, id, str_text(&name), start, end);
}

int manual_begin(struct manual *manual, int camera, const struct manual_event *what,
                 char id[IPC_ID], struct err *err)
{
    int result = manual_check(what, err);
    if (result < 0) {
        return result;
    }
    struct making *making = new_making(manual, camera, what);
    struct live_picture *picture = live_picture_ref(making->picture);
    double began = making->made;
    bool is_api = making->is_api;
    bool wants_clean = camera_of(manual, camera)->snapshots.clean_copy;
    bool clean_later = wants_clean && atomic_load(&manual->cleans.waiting) < MANUAL_CLEANS_MAX;
    making->clean_at_once = wants_clean && !clean_later;
    snprintf(id, IPC_ID, "%s", making->id);
    pthread_mutex_lock(&manual->lock);
    result = enlist(manual, making); /* from here on the jobs thread may have it */
    manual->state.refused += result < 0;
    pthread_mutex_unlock(&manual->lock);
    if (result < 0) {
        making_free(making);
        err_set(err, EAGAIN, "Too many events at once");
    } else {
        if (clean_later) {
            manual_file_clean(&manual->cleans, camera_of(manual, camera), id, picture);
        }
        if (is_api) {
            tell_review(manual, camera, id, what->label, what->sub_label, began,
                        what->open_ended ? NAN : began + what->duration);
        }
        log_info("event %s of camera %s made by hand or ear", id, camera_of(manual, camera)->name);
    }
    live_picture_unref(picture);
    return result;
}

static struct making *find_making(struct manual *manual, const char *id)
{
    list_for_each(struct making, making, &manual->making, link)
    {
        if (strcmp(making->id, id) == 0) {
            return making;
        }
    }
    return NULL;
}

bool manual_wait(struct manual *manual, const char *id, int timeout_ms)
{
    struct mono end = {mono_now().us + (int64_t)timeout_ms * 1000};
    struct timespec until = {.tv_sec = end.us / 1000000, .tv_nsec = end.us % 1000000 * 1000};
    int result = 0;
    pthread_mutex_lock(&manual->lock);
    while (find_making(manual, id) != NULL && result == 0) {
        result = pthread_cond_timedwait(&manual->given, &manual->lock, &until);
    }
    bool given = find_making(manual, id) == NULL;
    pthread_mutex_unlock(&manual->lock);
    return given;
}

/* ---- ending ---- */

/* Under the lock. */
static int end_row(struct manual *manual, const char *id, double end_time)
{
    struct making *making = find_making(manual, id);
    if (making != NULL) {
        making->end = (struct db_opt_double){true, end_time};
        return 0;
    }
    struct store_work *work = store_begin(manual->setup.store);
    db_manual_end(work, id, end_time);
    return store_submit(work);
}

int manual_end(struct manual *manual, const char *id, double end_time)
{
    pthread_mutex_lock(&manual->lock);
    int result = end_row(manual, id, end_time);
    if (result == 0) {
        manual_running_end(&manual->running, id, end_time);
    }
    pthread_mutex_unlock(&manual->lock);
    if (result == 0) {
        review_manual_end(manual->setup.review, id, end_time);
    }
    return result;
}

void manual_forget(struct manual *manual, const char *id)
{
    pthread_mutex_lock(&manual->lock);
    manual_running_remove(&manual->running, id);
    pthread_mutex_unlock(&manual->lock);
    review_manual_end(manual->setup.review, id, wall_seconds(wall_now()));
}

bool manual_claims(struct manual *manual, int camera, double start, double end)
{
    pthread_mutex_lock(&manual->lock);
    bool claims = manual_running_claims(&manual->running, camera, start, end);
    pthread_mutex_unlock(&manual->lock);
    return claims;
}

/* ---- the loop's thread ---- */

static void take_up(void *context, const struct db_manual_row *row)
{
    struct manual *manual = context;
    int camera = config_camera_index(manual->setup.config, row->camera);
    if (manual->running.count >= MANUAL_MAX || strlen(row->id) >= IPC_ID) {
        return;
    }
    manual_running_add(&manual->running, row->id, camera, row->start_time,
                       row->end_time.has ? row->end_time.value : INFINITY, row->has_clip);
    if (camera < 0) {
        return;
    }
    double now = wall_seconds(wall_now());
    double end = row->end_time.value - camera_of(manual, camera)->record.events.post_capture;
    if (!row->end_time.has) {
        log_info("event %s of camera %s is still to be ended", row->id, row->camera);
    }
    if (!row->end_time.has || end > now) {
        tell_review(manual, camera, row->id, row->label, row->sub_label, now,
                    row->end_time.has ? end : NAN);
    }
}

struct manual *manual_create(const struct manual_setup *setup)
{
    struct manual *manual = mem_alloc(sizeof *manual);
    manual->setup = *setup;
    manual->cleans.jobs = setup->jobs;
    manual->cleans.data_dir = setup->data_dir;
    pthread_mutex_init(&manual->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&manual->given, &monotonic);
    pthread_condattr_destroy(&monotonic);
    list_init(&manual->making);
    AUTO_READER struct db *db = store_reader(setup->store);
    if (db != NULL) {
        db_manual_running(db, wall_seconds(wall_now()), take_up, manual);
    }
    return manual;
}

void manual_destroy(struct manual *manual)
{
    if (manual == NULL) {
        return;
    }
    list_for_each(struct making, making, &manual->making, link)
    {
        making_free(making);
    }
    manual_running_finish(&manual->running);
    pthread_cond_destroy(&manual->given);
    pthread_mutex_destroy(&manual->lock);
    free(manual);
}

/* Rows that the writer had no room for. */
static void give_waiting(struct manual *manual)
{
    pthread_mutex_lock(&manual->lock);
    list_for_each(struct making, making, &manual->making, link)
    {
        if (making->encoded && give_row(making) && making->job_over) {
            making_free(making);
        }
    }
    pthread_mutex_unlock(&manual->lock);
}

/* False: there is none, or the database is behind. */
static bool end_overdue(struct manual *manual, double now)
{
    char id[IPC_ID];
    double end;
    pthread_mutex_lock(&manual->lock);
    bool found = manual_running_overdue(&manual->running, now, id, &end);
    pthread_mutex_unlock(&manual->lock);
    if (found) {
        log_warning("event %s: nobody has ended it within %g hours, it ends now", id,
                    MANUAL_LONGEST_S / 3600);
    }
    return found && manual_end(manual, id, end) == 0;
}

void manual_tick(struct manual *manual)
{
    double now = wall_seconds(wall_now());
    give_waiting(manual);
    while (end_overdue(manual, now)) {
    }
    pthread_mutex_lock(&manual->lock);
    manual_running_drop(&manual->running, now);
    pthread_mutex_unlock(&manual->lock);
}

/* There was no time for the pictures of some: their thumbnails are black. */
void manual_finish(struct manual *manual)
{
    AUTO_STR struct str jpeg = {0}, black = {0};
    if (picture_black(THUMBNAIL_WIDTH, THUMBNAIL_HEIGHT, PICTURE_JPEG, 70, &jpeg) == 0) {
        str_add_base64(&black, jpeg.data, jpeg.length);
    }
    pthread_mutex_lock(&manual->lock);
    list_for_each(struct making, making, &manual->making, link)
    {
        if (!making->encoded) {
            making->encoded = true;
            str_add(&making->thumbnail, str_text(&black));
        }
    }
    pthread_mutex_unlock(&manual->lock);
    give_waiting(manual);
}

void manual_get_state(struct manual *manual, struct manual_state *state)
{
    double now = wall_seconds(wall_now());
    pthread_mutex_lock(&manual->lock);
    *state = manual->state;
    state->running = manual_running_count(&manual->running, now);
    state->waiting = manual->making_count;
    pthread_mutex_unlock(&manual->lock);
}
