#include "footage/keeper.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "footage/expire.h"
#include "footage/space.h"
#include "footage/sync.h"
#include "store/db_retention.h"
#include "store/indexes.h"
#include "store/rollup.h"

#define FRESH_US 60000000      /* between two looks at what has just settled */
#define LOOK_US 5000000        /* at the disk, when nobody asks */
#define FULL_US 30000000       /* after a disk on which nothing could be freed */
#define AGAIN_US 10000000      /* after a volume that could not be used */
#define REPAIR_S (2 * 86400.0) /* how far back a crash is looked for at start */
#define SUMS_US 60000000       /* between two makings of sums for what another program wrote */
#define SYNC_US 86400000000ll  /* between two comparisons of rows and files */
#define SYNC_BACK_S 129600.0   /* as Frigate: 36 hours */
#define REFILL_S 300.0         /* of recording freed beyond the margin, so that it lasts a while */
#define RATE_WEIGHT 0.2        /* of a new segment in the mean rate */

struct known_camera {
    char *name;
    double judged; /* recordings before are settled */
};

struct keeper {
    const struct config *config;
    struct store *store;
    const char *data_dir;
    pthread_t thread;
    bool running;
    /* the thread's own */
    struct known_camera *cameras;
    size_t camera_count, camera_capacity;
    int64_t full_us; /* when nothing more could be freed, 0 = it could */

    pthread_mutex_t lock; /* all below */
    pthread_cond_t changed;
    bool stop, asked;
    uint64_t needed;
    double *rates; /* bytes per second and camera */
    bool identified;
    struct volume volume;
    struct keeper_sums {
        uint64_t expired, clips, snapshots, others, passes;
        uint64_t freed[SPACE_STAGES];
        uint64_t free_bytes, size, margin;
        double mib;
    } sums;
};

static bool stopping(void *context)
{
    struct keeper *keeper = context;
    pthread_mutex_lock(&keeper->lock);
    bool stop = keeper->stop;
    pthread_mutex_unlock(&keeper->lock);
    return stop;
}

/* ------------------------------------------------------------------ expiring */

static void add_camera(void *context, const char *name)
{
    struct keeper *keeper = context;
    for (size_t i = 0; i < keeper->camera_count; i++) {
        if (strcmp(keeper->cameras[i].name, name) == 0) {
            return;
        }
    }
    MEM_PUSH(keeper->cameras, keeper->camera_count, keeper->camera_capacity)->name =
        mem_strdup(name);
}

static void add_sums(struct keeper *keeper, const struct expire *expire)
{
    pthread_mutex_lock(&keeper->lock);
    keeper->sums.expired += expire->segments;
    keeper->sums.clips += expire->clips;
    keeper->sums.snapshots += expire->snapshots;
    keeper->sums.others += expire->others;
    keeper->sums.mib += expire->mib;
    pthread_mutex_unlock(&keeper->lock);
    if (expire->segments + expire->clips + expire->snapshots + expire->others > 0) {
        log_info("expired: %llu recordings (%.1f MiB), %llu clips and %llu snapshots of events, "
                 "%llu previews and review items",
                 (unsigned long long)expire->segments, expire->mib,
                 (unsigned long long)expire->clips, (unsigned long long)expire->snapshots,
                 (unsigned long long)expire->others);
    }
}

static struct expire expire_of(struct keeper *keeper)
{
    return (struct expire){.config = keeper->config,
                           .store = keeper->store,
                           .data_dir = keeper->data_dir,
                           .volume = &keeper->volume,
                           .stopping = stopping,
                           .context = keeper};
}

/* Events first: what protects recordings goes before them. */
static void expire_all(struct keeper *keeper)
{
    double now = wall_seconds(wall_now());
    {
        AUTO_READER struct db *db = store_reader(keeper->store);
        if (db == NULL || db_retention_cameras(db, add_camera, keeper) < 0) {
            return;
        }
    }
    struct expire expire = expire_of(keeper);
    struct log_limit progress = {0};
    for (size_t i = 0; i < keeper->camera_count && !stopping(keeper); i++) {
        struct known_camera *camera = &keeper->cameras[i];
        double judged = 0;
        expire_events(&expire, camera->name, now);
        if (expire_recordings(&expire, camera->name, 0, now, &judged)) {
            camera->judged = judged;
        }
        expire_bare(&expire, camera->name, now);
        unsigned swallowed;
        if (log_allowed(&progress, 10000000, &swallowed) && i > 0) {
            log_info("expiring: %zu of %zu cameras looked at, %llu recordings removed so far",
                     i + 1, keeper->camera_count, (unsigned long long)expire.segments);
        }
    }
    add_sums(keeper, &expire);
    pthread_mutex_lock(&keeper->lock);
    keeper->sums.passes++;
    pthread_mutex_unlock(&keeper->lock);
}

static void expire_fresh(struct keeper *keeper)
{
    double now = wall_seconds(wall_now());
    struct expire expire = expire_of(keeper);
    for (size_t i = 0; i < keeper->config->camera_count; i++) {
        add_camera(keeper, keeper->config->cameras[i].name);
    }
    for (size_t i = 0; i < keeper->camera_count && !stopping(keeper); i++) {
        struct known_camera *camera = &keeper->cameras[i];
        if (camera->judged > now) {
            camera->judged = 0; /* the clock was set back */
        }
        expire_recordings(&expire, camera->name, camera->judged, now, &camera->judged);
    }
    add_sums(keeper, &expire);
}

/* ------------------------------------------------------------------ space */

static void free_space(struct keeper *keeper, uint64_t wanted, uint64_t free_bytes)
{
    struct space space = {.config = keeper->config,
                          .store = keeper->store,
                          .data_dir = keeper->data_dir,
                          .volume = &keeper->volume,
                          .stopping = stopping,
                          .context = keeper};
    log_info("the disk has %llu MiB left for recordings and %llu are wanted: making room",
             (unsigned long long)free_bytes >> 20, (unsigned long long)wanted >> 20);
    expire_all(keeper);
    bool enough = space_free(&space, wanted);
    if (!enough && keeper->full_us == 0 && !stopping(keeper)) {
        log_error("the disk of the recordings is full, and there is nothing left that could go");
    }
    keeper->full_us = enough ? 0 : mono_now().us;
    pthread_mutex_lock(&keeper->lock);
    for (int stage = 1; stage < SPACE_STAGES; stage++) {
        keeper->sums.freed[stage] += space.segments[stage];
    }
    keeper->sums.mib += space.mib;
    pthread_mutex_unlock(&keeper->lock);
    log_info("made room: %llu recordings no event needs, %llu of events, %llu kept for ever; %.1f "
             "MiB",
             (unsigned long long)space.segments[SPACE_UNPROTECTED],
             (unsigned long long)space.segments[SPACE_EVENTS],
             (unsigned long long)space.segments[SPACE_FAVORITES], space.mib);
}

static void look_at_disk(struct keeper *keeper)
{
    uint64_t free_bytes, size;
    if (space_look(keeper->data_dir, "recordings", &free_bytes, &size) < 0) {
        return;
    }
    pthread_mutex_lock(&keeper->lock);
    double rate = 0;
    for (size_t i = 0; i < keeper->config->camera_count; i++) {
        rate += keeper->rates[i];
    }
    uint64_t margin = space_margin(rate, size);
    uint64_t needed = keeper->needed < size / 4 ? keeper->needed : size / 4;
    keeper->needed = 0;
    keeper->asked = false;
    keeper->sums.free_bytes = free_bytes;
    keeper->sums.size = size;
    keeper->sums.margin = margin;
    pthread_mutex_unlock(&keeper->lock);
    uint64_t least = margin > needed ? margin : needed;
    bool in_vain = keeper->full_us != 0 && mono_now().us - keeper->full_us < FULL_US;
    if (free_bytes < least && !in_vain) {
        double refill = rate * REFILL_S;
        uint64_t bound = size / 20;
        free_space(keeper, least + (refill < (double)bound ? (uint64_t)refill : bound), free_bytes);
    }
}

/* ------------------------------------------------------------------ the thread */

/* Until that instant of the monotonic clock, or until somebody asks; false: stop. */
static bool wait_until(struct keeper *keeper, int64_t mono_us)
{
    struct timespec until = {.tv_sec = mono_us / 1000000, .tv_nsec = mono_us % 1000000 * 1000};
    pthread_mutex_lock(&keeper->lock);
    while (!keeper->stop && !keeper->asked &&
           pthread_cond_timedwait(&keeper->changed, &keeper->lock, &until) == 0) {
    }
    bool go_on = !keeper->stop;
    pthread_mutex_unlock(&keeper->lock);
    return go_on;
}

static bool identify(struct keeper *keeper)
{
    struct volume volume;
    while (volume_identify(keeper->store, keeper->data_dir, &volume) < 0) {
        if (!wait_until(keeper, mono_now().us + AGAIN_US)) {
            return false;
        }
        pthread_mutex_lock(&keeper->lock);
        keeper->asked = false; /* nothing can be freed on it */
        pthread_mutex_unlock(&keeper->lock);
    }
    pthread_mutex_lock(&keeper->lock);
    keeper->volume = volume;
    keeper->identified = true;
    pthread_mutex_unlock(&keeper->lock);
    return true;
}

static void *run(void *context)
{
    struct keeper *keeper = context;
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 10);
    if (!identify(keeper)) {
        return NULL;
    }
    indexes_build(keeper->store, stopping, keeper);
    rollup_check(keeper->store, stopping, keeper);
    struct expire repair = expire_of(keeper);
    expire_lost_snapshots(&repair, wall_seconds(wall_now()) - REPAIR_S);
    int64_t interval_us = (int64_t)keeper->config->global.record.expire_interval * 60000000;
    int64_t sums_at = mono_now().us;
    int64_t all_at = mono_now().us, fresh_at = all_at + FRESH_US;
    int64_t sync_at = keeper->config->global.record.sync_recordings ? mono_now().us : INT64_MAX;
    double sync_from = 0; /* all of it at start, the last days each day */
    do {
        if (mono_now().us >= sync_at) {
            sync_rows(keeper->store, keeper->data_dir, &keeper->volume, sync_from, stopping,
                      keeper);
            sync_at = mono_now().us + SYNC_US;
            sync_from = wall_seconds(wall_now()) - SYNC_BACK_S;
        }
        if (!volume_is_same(keeper->data_dir, &keeper->volume) && !identify(keeper)) {
            break;
        }
        look_at_disk(keeper);
        int64_t now = mono_now().us;
        if (rollup_is_doubtful(keeper->store) && now >= sums_at) {
            rollup_check(keeper->store, stopping, keeper);
            sums_at = mono_now().us + SUMS_US;
        }
        if (now >= all_at) {
            expire_all(keeper);
            all_at = now + (interval_us > 0 ? interval_us : FRESH_US);
            fresh_at = now + FRESH_US;
        } else if (now >= fresh_at) {
            expire_fresh(keeper);
            fresh_at = now + FRESH_US;
        }
    } while (wait_until(keeper, mono_now().us + LOOK_US));
    return NULL;
}

struct keeper *keeper_create(const struct config *config, struct store *store, const char *data_dir)
{
    struct keeper *keeper = mem_alloc(sizeof *keeper);
    keeper->config = config;
    keeper->store = store;
    keeper->data_dir = data_dir;
    keeper->rates = mem_array(config->camera_count, sizeof *keeper->rates);
    pthread_mutex_init(&keeper->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&keeper->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    keeper->running = pthread_create(&keeper->thread, NULL, run, keeper) == 0;
    if (!keeper->running) {
        log_error("the thread that expires footage does not start: nothing is deleted");
    }
    return keeper;
}

void keeper_destroy(struct keeper *keeper)
{
    if (keeper == NULL) {
        return;
    }
    pthread_mutex_lock(&keeper->lock);
    keeper->stop = true;
    pthread_cond_broadcast(&keeper->changed);
    pthread_mutex_unlock(&keeper->lock);
    if (keeper->running) {
        pthread_join(keeper->thread, NULL);
    }
    for (size_t i = 0; i < keeper->camera_count; i++) {
        free(keeper->cameras[i].name);
    }
    free(keeper->cameras);
    free(keeper->rates);
    pthread_cond_destroy(&keeper->changed);
    pthread_mutex_destroy(&keeper->lock);
    free(keeper);
}

static void ask(struct keeper *keeper)
{
    keeper->asked = true;
    pthread_cond_signal(&keeper->changed);
}

void keeper_recorded(struct keeper *keeper, int camera, uint64_t bytes, double seconds)
{
    double rate = seconds > 0 ? (double)bytes / seconds : 0;
    pthread_mutex_lock(&keeper->lock);
    double *mean = &keeper->rates[camera];
    *mean = *mean > 0 ? *mean + (rate - *mean) * RATE_WEIGHT : rate;
    ask(keeper);
    pthread_mutex_unlock(&keeper->lock);
}

void keeper_need(struct keeper *keeper, int camera, uint64_t bytes)
{
    pthread_mutex_lock(&keeper->lock);
    keeper->needed = bytes > keeper->needed ? bytes : keeper->needed;
    ask(keeper);
    pthread_mutex_unlock(&keeper->lock);
}

bool keeper_volume(struct keeper *keeper, struct volume *volume)
{
    pthread_mutex_lock(&keeper->lock);
    bool identified = keeper->identified;
    *volume = keeper->volume;
    pthread_mutex_unlock(&keeper->lock);
    return identified;
}

void keeper_report(struct keeper *keeper, struct jout *json)
{
    pthread_mutex_lock(&keeper->lock);
    struct keeper_sums sums = keeper->sums;
    enum volume_kind kind = keeper->identified ? keeper->volume.kind : VOLUME_BROKEN;
    pthread_mutex_unlock(&keeper->lock);
    const struct {
        const char *key;
        uint64_t value;
    } numbers[] = {
        {"expired_clips", sums.clips},
        {"expired_others", sums.others},
        {"expired_recordings", sums.expired},
        {"expired_snapshots", sums.snapshots},
        {"free_bytes", sums.free_bytes},
        {"freed_events", sums.freed[SPACE_EVENTS]},
        {"freed_favorites", sums.freed[SPACE_FAVORITES]},
        {"freed_unprotected", sums.freed[SPACE_UNPROTECTED]},
        {"margin_bytes", sums.margin},
        {"passes", sums.passes},
    };
    jout_begin_object(json);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        jout_put_int(json, numbers[i].key, (int64_t)numbers[i].value);
    }
    jout_put_double(json, "removed_mib", sums.mib);
    jout_put_string(json, "volume", volume_kind_name(kind));
    jout_end_object(json);
}
