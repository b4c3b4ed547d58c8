#include "footage/adopt.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "footage/place.h"
#include "footage/tree.h"
#include "store/db_recording.h"

#define CANONICAL_RECORDINGS PLACE_CANONICAL "recordings"
/* Its message may still be on the way. */
#define YOUNG_S 30
#define AGAIN_S 60
/* How far back a camera without rows is looked at in the first pass. */
#define RECENT_S 7200
/* Between two directories of the long walk. */
#define WALK_PAUSE_MS 20
#define IOPRIO_IDLE (3 << 13)

struct adopt {
    const struct config *config;
    struct store *store;
    char *root; /* DATA/media/recordings */
    pthread_t thread;
    struct log_limit unreadable_limit;

    pthread_mutex_t lock; /* all below */
    pthread_cond_t changed;
    bool stop;
    int64_t again_at_us; /* monotonic; 0 = no further scan asked for */
    struct adopt_state state;
};

static bool stopping(struct adopt *adopt)
{
    pthread_mutex_lock(&adopt->lock);
    bool stop = adopt->stop;
    pthread_mutex_unlock(&adopt->lock);
    return stop;
}

static void count(struct adopt *adopt, uint64_t *counter, uint64_t by)
{
    pthread_mutex_lock(&adopt->lock);
    *counter += by;
    pthread_mutex_unlock(&adopt->lock);
}

/* Sleeps until that instant of the monotonic clock, or until told to stop; false = stop. */
static bool wait_until(struct adopt *adopt, int64_t mono_us)
{
    struct timespec until = {.tv_sec = mono_us / 1000000, .tv_nsec = mono_us % 1000000 * 1000};
    pthread_mutex_lock(&adopt->lock);
    while (!adopt->stop && pthread_cond_timedwait(&adopt->changed, &adopt->lock, &until) == 0) {
    }
    bool go_on = !adopt->stop;
    pthread_mutex_unlock(&adopt->lock);
    return go_on;
}

/* --- one directory: the segments of a camera in one hour --- */

static bool is_young(const char *path)
{
    struct stat status;
    return stat(path, &status) < 0 || time(NULL) - status.st_mtime < YOUNG_S;
}

/* Adds the file's row to the work; whether it did. */
static bool adopt_file(struct adopt *adopt, struct store_work *work, const struct tree_hour *hour,
                       const char *camera, const char *name, double offset_s)
{
    AUTO_FREE char *path =
        mem_printf("%s/%s/%s/%s/%s", adopt->root, hour->day, hour->hour, camera, name);
    AUTO_FREE char *canonical =
        mem_printf(CANONICAL_RECORDINGS "/%s/%s/%s/%s", hour->day, hour->hour, camera, name);
    double start = hour->start + offset_s;
    double duration = 0;
    uint64_t bytes = 0;
    int result = adopt_read(path, &start, &duration, &bytes);
    if (result < 0) {
        unsigned swallowed;
        count(adopt, &adopt->state.unreadable, 1);
        if (log_allowed(&adopt->unreadable_limit, 60000000, &swallowed)) {
            log_warning("%s is no recording of known length and stays without a row", path);
        }
        return false;
    }
    char number[32];
    char random[7];
    str_random6(random);
    AUTO_FREE char *id = mem_printf("%s-%s", str_double(number, start), random);
    struct db_recording row = {
        .id = id,
        .camera = camera,
        .path = canonical,
        .start_time = start,
        .end_time = start + duration,
        .duration = duration,
        .segment_mib = place_mib(bytes),
    };
    db_recording_put(work, &row);
    return true;
}

/* Whether the file is one that should have a row, and has none. */
static bool is_orphan(struct adopt *adopt, struct db *db, const struct tree_hour *hour,
                      const char *camera, const char *name)
{
    AUTO_FREE char *canonical =
        mem_printf(CANONICAL_RECORDINGS "/%s/%s/%s/%s", hour->day, hour->hour, camera, name);
    if (db_recording_has_path(db, canonical)) {
        return false;
    }
    AUTO_FREE char *path =
        mem_printf("%s/%s/%s/%s/%s", adopt->root, hour->day, hour->hour, camera, name);
    if (!is_young(path)) {
        return true;
    }
    adopt_again(adopt);
    return false;
}

/* False: stop. */
static bool submit(struct adopt *adopt, struct store_work *work, size_t rows)
{
    if (rows == 0) {
        store_abandon(work);
    } else if (store_submit(work) < 0) {
        /* The rows are found again: nothing is lost, the disk keeps them. */
        adopt_again(adopt);
        return wait_until(adopt, mono_now().us + 1000000);
    } else {
        count(adopt, &adopt->state.adopted, rows);
    }
    return true;
}

static bool adopt_directory(struct adopt *adopt, const struct tree_hour *hour, const char *camera)
{
    AUTO_FREE char *path = mem_printf("%s/%s/%s/%s", adopt->root, hour->day, hour->hour, camera);
    struct tree_names names = tree_list(path);
    struct store_work *work = store_begin(adopt->store);
    size_t rows = 0;
    /* Borrowed for one directory only: a reader held for long would keep the WAL from shrinking. */
    AUTO_READER struct db *db = store_reader(adopt->store);
    for (size_t i = 0; i < names.count && db != NULL && !stopping(adopt); i++) {
        double offset_s;
        if (tree_name_time(names.items[i], &offset_s)) {
            count(adopt, &adopt->state.seen, 1);
            rows += is_orphan(adopt, db, hour, camera, names.items[i]) &&
                    adopt_file(adopt, work, hour, camera, names.items[i], offset_s);
        }
    }
    if (rows > 0) {
        log_info("camera %s: %zu recordings of %s %s:00 UTC had no row and were adopted", camera,
                 rows, hour->day, hour->hour);
    }
    tree_names_finish(&names);
    return submit(adopt, work, rows) && !stopping(adopt);
}

/* --- the walk --- */

/* Where the first pass begins for a camera. */
static double recent_start(struct adopt *adopt, const char *camera)
{
    AUTO_READER struct db *db = store_reader(adopt->store);
    double now = wall_seconds(wall_now());
    if (db == NULL) {
        return now - RECENT_S;
    }
    struct db_opt_double newest = db_recording_newest(db, camera);
    /* The clock may have been set back since: rows of the future say nothing about now. */
    return newest.has && newest.value < now ? newest.value : now - RECENT_S;
}

static bool walk_hour(struct adopt *adopt, const struct tree_hour *hour, bool recent)
{
    AUTO_FREE char *path = mem_printf("%s/%s/%s", adopt->root, hour->day, hour->hour);
    struct tree_names cameras = tree_list(path);
    bool go_on = true;
    for (size_t i = 0; i < cameras.count && go_on; i++) {
        const char *camera = cameras.items[i];
        if (recent && hour->start + 3600 <= recent_start(adopt, camera)) {
            continue;
        }
        go_on = adopt_directory(adopt, hour, camera) &&
                (recent || wait_until(adopt, mono_now().us + WALK_PAUSE_MS * 1000));
    }
    tree_names_finish(&cameras);
    return go_on;
}

/* Hours before this are of no interest to the first pass: the oldest of the cameras' starts. */
static double recent_floor(struct adopt *adopt)
{
    double oldest = wall_seconds(wall_now()) - RECENT_S;
    for (size_t i = 0; i < adopt->config->camera_count; i++) {
        double start = recent_start(adopt, adopt->config->cameras[i].name);
        oldest = start < oldest ? start : oldest;
    }
    return oldest;
}

/* Newest first; false: stop. */
static bool walk(struct adopt *adopt, bool recent)
{
    double floor = recent ? recent_floor(adopt) : 0;
    struct tree_names days = tree_list(adopt->root);
    bool go_on = true;
    for (size_t i = days.count; i-- > 0 && go_on;) {
        AUTO_FREE char *path = mem_printf("%s/%s", adopt->root, days.items[i]);
        struct tree_hour hour;
        if (!tree_hour_parse(&hour, days.items[i], "23") || hour.start + 3600 <= floor) {
            continue;
        }
        struct tree_names hours = tree_list(path);
        for (size_t j = hours.count; j-- > 0 && go_on;) {
            if (tree_hour_parse(&hour, days.items[i], hours.items[j]) &&
                hour.start + 3600 > floor) {
                go_on = walk_hour(adopt, &hour, recent);
            }
        }
        tree_names_finish(&hours);
    }
    tree_names_finish(&days);
    return go_on;
}

static void set_scanning(struct adopt *adopt, bool scanning, bool complete)
{
    pthread_mutex_lock(&adopt->lock);
    adopt->state.scanning = scanning;
    adopt->state.complete = adopt->state.complete || complete;
    pthread_mutex_unlock(&adopt->lock);
}

/* Waits for adopt_again(); false: stop. */
static bool wait_for_more(struct adopt *adopt)
{
    pthread_mutex_lock(&adopt->lock);
    while (!adopt->stop && adopt->again_at_us == 0) {
        pthread_cond_wait(&adopt->changed, &adopt->lock);
    }
    int64_t at_us = adopt->again_at_us;
    pthread_mutex_unlock(&adopt->lock);
    if (!wait_until(adopt, at_us)) {
        return false;
    }
    pthread_mutex_lock(&adopt->lock);
    adopt->again_at_us = 0;
    pthread_mutex_unlock(&adopt->lock);
    return true;
}

static void *adopt_thread(void *context)
{
    struct adopt *adopt = context;
    pthread_setname_np(pthread_self(), "adopt");
    /* For this thread only; refusal changes nothing that matters. */
    setpriority(PRIO_PROCESS, (id_t)gettid(), 19);
    syscall(SYS_ioprio_set, 1, 0, IOPRIO_IDLE);
    set_scanning(adopt, true, false);
    if (walk(adopt, true) && walk(adopt, false)) {
        set_scanning(adopt, false, true);
        while (wait_for_more(adopt)) {
            set_scanning(adopt, true, true);
            walk(adopt, true);
            set_scanning(adopt, false, true);
        }
    }
    return NULL;
}

struct adopt *adopt_create(const struct config *config, struct store *store, const char *data_dir)
{
    struct adopt *adopt = mem_alloc(sizeof *adopt);
    adopt->config = config;
    adopt->store = store;
    adopt->root = mem_printf("%s/media/recordings", data_dir);
    pthread_mutex_init(&adopt->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&adopt->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&adopt->thread, NULL, adopt_thread, adopt) != 0) {
        abort(); /* as without memory: the supervisor starts us again */
    }
    return adopt;
}

void adopt_destroy(struct adopt *adopt)
{
    if (adopt == NULL) {
        return;
    }
    pthread_mutex_lock(&adopt->lock);
    adopt->stop = true;
    pthread_cond_broadcast(&adopt->changed);
    pthread_mutex_unlock(&adopt->lock);
    pthread_join(adopt->thread, NULL);
    pthread_cond_destroy(&adopt->changed);
    pthread_mutex_destroy(&adopt->lock);
    free(adopt->root);
    free(adopt);
}

void adopt_again(struct adopt *adopt)
{
    pthread_mutex_lock(&adopt->lock);
    if (adopt->again_at_us == 0) {
        adopt->again_at_us = mono_now().us + (int64_t)AGAIN_S * 1000000;
        pthread_cond_broadcast(&adopt->changed);
    }
    pthread_mutex_unlock(&adopt->lock);
}

void adopt_get_state(struct adopt *adopt, struct adopt_state *state)
{
    pthread_mutex_lock(&adopt->lock);
    *state = adopt->state;
    pthread_mutex_unlock(&adopt->lock);
}
