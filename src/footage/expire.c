#include "footage/expire.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "footage/clip_events.h"
#include "footage/place.h"
#include "footage/removal.h"
#include "footage/retention.h"
#include "store/db_check.h"
#include "store/db_retention.h"

#define PIECE 1000 /* rows looked at with one reader */
#define EVENTS 200 /* changed in one work */
#define WRITE_MS 30000
#define DAY_S 86400.0

/* ------------------------------------------------------------------ recordings */

struct judging {
    const struct cfg_camera *camera; /* whose rules count */
    struct clip_events *events;
    double now, adopted_at;
    struct removal *removal;
    double last_start;
    char *last_id; /* the next piece begins with it */
    int seen;
    bool stopped;
};

static bool judge(void *context, const struct db_recording *row)
{
    struct judging *judging = context;
    if (judging->last_id != NULL && strcmp(judging->last_id, row->id) == 0) {
        return true;
    }
    judging->seen++;
    judging->last_start = row->start_time;
    free(judging->last_id);
    judging->last_id = mem_strdup(row->id);
    const struct retention_segment segment = {
        .start = row->start_time,
        .end = row->end_time,
        .motion = row->motion,
        .objects = row->objects,
        .dbfs = retention_loudness(judging->camera, row->dbfs),
    };
    clip_events_find(judging->events, row->start_time, row->end_time);
    struct retention_verdict verdict =
        retention_judge(&judging->camera->record, &segment, judging->events->found,
                        judging->events->found_count, judging->now, judging->adopted_at);
    if (verdict.reasons == 0) {
        judging->stopped = !removal_add(judging->removal, row);
    }
    return !judging->stopped;
}

/* Up to when recordings are worth a look: those inside record.retain.days are, too, unless all of
 * them are kept anyway. */
static double judged_until(const struct cfg_record *rules, double now)
{
    double settled = now - RETENTION_SETTLE_S;
    double days = now - rules->retain.days * DAY_S;
    return rules->retain.mode == CFG_RETAIN_ALL ? fmin(settled, days) : settled;
}

bool expire_recordings(struct expire *expire, const char *camera, double from, double now,
                       double *judged)
{
    const struct cfg_camera *rules = retention_camera(expire->config, camera);
    double until = judged_until(&rules->record, now);
    struct removal removal;
    removal_begin(&removal, expire->store, expire->data_dir, expire->volume);
    AUTO_CLIP_EVENTS struct clip_events events = {0};
    struct judging judging = {.camera = rules,
                              .events = &events,
                              .now = now,
                              .adopted_at = expire->volume->adopted_at,
                              .removal = &removal,
                              .last_start = from};
    bool loaded = false, more = true;
    while (more && !judging.stopped && !expire->stopping(expire->context)) {
        AUTO_READER struct db *db = store_reader(expire->store);
        if (db == NULL || (!loaded && clip_events_load(&events, db, camera, from, until) < 0)) {
            judging.stopped = true;
            break;
        }
        loaded = true;
        judging.seen = 0;
        more = db_retention_segments(db, camera, judging.last_start, until, PIECE, judge,
                                     &judging) == 0 &&
               judging.seen > 0;
    }
    bool good = removal_end(&removal) && !judging.stopped;
    free(judging.last_id);
    expire->segments += removal.segments;
    expire->mib += removal.mib;
    *judged = good ? fmax(until, from) : from;
    return good && !expire->stopping(expire->context);
}

/* ------------------------------------------------------------------ events */

struct names {
    char **items;
    size_t count, capacity;
};

static void add_name(void *context, const char *name)
{
    struct names *names = context;
    *MEM_PUSH(names->items, names->count, names->capacity) = mem_strdup(name);
}

static void names_clear(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i]);
    }
    names->count = 0;
}

static void names_finish(struct names *names)
{
    names_clear(names);
    free(names->items);
}
#define AUTO_NAMES __attribute__((cleanup(names_finish)))

static void unlink_of_event(const struct expire *expire, const char *camera, const char *id,
                            const char *suffix)
{
    AUTO_FREE char *path = mem_printf("clips/%s-%s%s", camera, id, suffix);
    int result = removal_unlink(expire->data_dir, path);
    if (result < 0) {
        log_warning("%s cannot be removed: %s", path, err_name(result));
    }
}

/* The events of one label whose flag is past its days. */
static bool expire_flag(struct expire *expire, const char *camera, const char *label,
                        enum db_retention_flag flag, double before)
{
    for (;;) {
        AUTO_NAMES struct names ids = {0};
        AUTO_READER struct db *db = store_reader(expire->store);
        if (db == NULL ||
            db_retention_flagged(db, camera, label, flag, before, EVENTS, add_name, &ids) < 0) {
            return false;
        }
        if (ids.count == 0) {
            return true;
        }
        struct store_work *work = store_begin(expire->store);
        for (size_t i = 0; i < ids.count; i++) {
            if (flag == DB_RETENTION_CLIP) {
                unlink_of_event(expire, camera, ids.items[i], ".mp4");
            } else {
                unlink_of_event(expire, camera, ids.items[i], ".jpg");
                unlink_of_event(expire, camera, ids.items[i], "-clean.png");
            }
            db_retention_clear(work, ids.items[i], flag);
        }
        *(flag == DB_RETENTION_CLIP ? &expire->clips : &expire->snapshots) += ids.count;
        store_reader_done(&db);
        if (store_submit_wait(work, WRITE_MS) < 0 || expire->stopping(expire->context)) {
            return false;
        }
    }
}

bool expire_events(struct expire *expire, const char *camera, double now)
{
    const struct cfg_camera *rules = retention_camera(expire->config, camera);
    AUTO_NAMES struct names labels = {0};
    {
        AUTO_READER struct db *db = store_reader(expire->store);
        if (db == NULL || db_retention_labels(db, camera, add_name, &labels) < 0) {
            return false;
        }
    }
    for (size_t i = 0; i < labels.count; i++) {
        const char *label = labels.items[i];
        double clips = now - retention_days(&rules->record.events.retain, label) * DAY_S;
        double snapshots = now - retention_days(&rules->snapshots.retain, label) * DAY_S;
        if (!expire_flag(expire, camera, label, DB_RETENTION_CLIP, clips) ||
            !expire_flag(expire, camera, label, DB_RETENTION_SNAPSHOT, snapshots)) {
            return false;
        }
    }
    return true;
}

struct lost {
    struct expire *expire;
    struct store_work *work;
    uint64_t count, here;
};

static void clear_if_lost(void *context, const char *camera, const char *id)
{
    struct lost *lost = context;
    AUTO_FREE char *path = mem_printf("clips/%s-%s.jpg", camera, id);
    AUTO_CLOSE int fd = place_open(lost->expire->data_dir, path);
    if (fd == -ENOENT) {
        db_retention_clear(lost->work, id, DB_RETENTION_SNAPSHOT);
        lost->count++;
    } else {
        lost->here++;
    }
}

bool expire_lost_snapshots(struct expire *expire, double since)
{
    struct lost lost = {.expire = expire, .work = store_begin(expire->store)};
    int result = -EIO;
    {
        AUTO_READER struct db *db = store_reader(expire->store);
        if (db != NULL) {
            result = db_check_pictures(db, since, clear_if_lost, &lost);
        }
    }
    /* None at all: not lost in a crash, but the folder is another one. */
    if (result < 0 || lost.count == 0 || lost.here == 0) {
        store_abandon(lost.work);
        return result == 0;
    }
    log_warning("the pictures of %llu events were lost when the program ended without warning",
                (unsigned long long)lost.count);
    return store_submit_wait(lost.work, WRITE_MS) >= 0;
}

/* ------------------------------------------------------------------ what shows recordings */

struct bare {
    struct names ids, paths;
};

static void bare_finish(struct bare *bare)
{
    names_finish(&bare->ids);
    names_finish(&bare->paths);
}
#define AUTO_BARE __attribute__((cleanup(bare_finish)))

static void add_bare(void *context, const char *id, const char *path)
{
    struct bare *bare = context;
    add_name(&bare->ids, id);
    add_name(&bare->paths, path);
}

/* One work's worth of a table; `*more` may be due after it. */
static bool expire_some(struct expire *expire, enum db_retention_table table, const char *camera,
                        double before, bool *more)
{
    AUTO_BARE struct bare bare = {0};
    {
        AUTO_READER struct db *db = store_reader(expire->store);
        if (db == NULL ||
            db_retention_bare(db, table, camera, before, EVENTS, add_bare, &bare) < 0) {
            return false;
        }
    }
    *more = bare.ids.count == EVENTS;
    if (bare.ids.count == 0) {
        return true;
    }
    struct store_work *work = store_begin(expire->store);
    for (size_t i = 0; i < bare.ids.count; i++) {
        /* Whatever a row says, only what lies among the clips is removed. */
        const char *relative = place_relative(bare.paths.items[i]);
        if (relative != NULL && str_starts(relative, "clips/")) {
            removal_unlink(expire->data_dir, relative);
        }
        db_retention_remove(work, table, bare.ids.items[i]);
    }
    expire->others += bare.ids.count;
    return store_submit_wait(work, WRITE_MS) >= 0 && !expire->stopping(expire->context);
}

static bool expire_table(struct expire *expire, enum db_retention_table table, const char *camera,
                         double before)
{
    bool more = true;
    while (more) {
        if (!expire_some(expire, table, camera, before, &more)) {
            return false;
        }
    }
    return true;
}

bool expire_bare(struct expire *expire, const char *camera, double now)
{
    const struct cfg_record *rules = &retention_camera(expire->config, camera)->record;
    /* As their recordings: not before the continuous days are over, and when those are settled. On
     * a disk that did not hold the footage nothing can be said of what is gone. */
    double before = now - fmax(rules->retain.days * DAY_S, RETENTION_SETTLE_S);
    if (expire->volume->adopted_at > 0 &&
        now < expire->volume->adopted_at + retention_longest(rules) * DAY_S) {
        return true;
    }
    return expire_table(expire, DB_RETENTION_REVIEW, camera, before) &&
           expire_table(expire, DB_RETENTION_PREVIEW, camera, before);
}
