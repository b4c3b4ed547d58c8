#include "footage/exports_private.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jout.h"
#include "base/log.h"
#include "base/mem.h"
#include "footage/place.h"
#include "footage/space.h"
#include "footage/span.h"
#include "store/db_recording.h"

#define WRITE_MS 10000
#define FAILED_MAX 20 /* remembered */
/* A time lapse of key pictures never takes more of the recordings' size than one part in so many.
 */
#define TIMELAPSE_PART 8
#define IOPRIO_IDLE (3 << 13)

static void job_free(struct export_job *job)
{
    free(job->id);
    free(job->camera);
    free(job);
}

static struct export_job *find_job(struct exports *exports, const char *id)
{
    for (size_t i = 0; i < exports->count; i++) {
        if (strcmp(exports->jobs[i]->id, id) == 0) {
            return exports->jobs[i];
        }
    }
    return NULL;
}

void export_dequeue(struct exports *exports, const struct export_job *job)
{
    for (size_t i = 0; i < exports->count; i++) {
        if (exports->jobs[i] == job) {
            job_free(exports->jobs[i]);
            memmove(&exports->jobs[i], &exports->jobs[i + 1],
                    (exports->count - i - 1) * sizeof(struct export_job *));
            exports->count--;
            return;
        }
    }
}

void export_enqueue(void *context, const struct db_export_job *row)
{
    struct exports *exports = context;
    struct export_job *job = mem_alloc(sizeof *job);
    *job = (struct export_job){.id = mem_strdup(row->export_.id),
                               .camera = mem_strdup(row->export_.camera),
                               .start = row->start,
                               .end = row->end,
                               .timelapse = strcmp(row->playback, "timelapse_25x") == 0,
                               .state = EXPORT_WAITING,
                               .attempts = row->attempts};
    *MEM_PUSH(exports->jobs, exports->count, exports->capacity) = job;
}

/* ------------------------------------------------------------------ the threads */

static void write_row(struct exports *exports, const char *id, int attempts,
                      void (*change)(struct store_work *work, const char *id))
{
    struct store_work *work = store_begin(exports->store);
    if (change != NULL) {
        change(work, id);
    } else {
        db_export_attempt(work, id, attempts);
    }
    store_submit_wait(work, WRITE_MS);
}

/* What becomes of a job that ended with `result`. */
static void end_job(struct exports *exports, struct export_job *job, int result,
                    const struct err *err)
{
    if (result == 0) {
        log_info("export %s is finished", job->id);
        write_row(exports, job->id, 0, db_export_finish);
    } else if (result == -EPIPE && job->attempts < EXPORTS_ATTEMPTS) {
        log_warning("export %s: %s; trying again", job->id, err->text);
        pthread_mutex_lock(&exports->lock);
        job->state = EXPORT_WAITING;
        pthread_mutex_unlock(&exports->lock);
        return;
    } else {
        if (result != -ECANCELED) {
            log_error("export %s failed: %s", job->id, err->text);
        }
        write_row(exports, job->id, 0, db_export_delete);
        export_remove_files(exports, job->id);
    }
    pthread_mutex_lock(&exports->lock);
    if (result == 0 || result == -ECANCELED) {
        export_dequeue(exports, job);
    } else {
        job->state = EXPORT_FAILED;
        snprintf(job->error, sizeof job->error, "%.190s", err->text);
        size_t failed = 0;
        for (size_t i = exports->count; i-- > 0;) {
            failed += exports->jobs[i]->state == EXPORT_FAILED;
            if (failed > FAILED_MAX) {
                export_dequeue(exports, exports->jobs[i]);
                break;
            }
        }
    }
    pthread_mutex_unlock(&exports->lock);
}

static void run_job(struct exports *exports, struct export_job *job)
{
    struct err err = ERR_NONE;
    write_row(exports, job->id, job->attempts, NULL);
    int result = export_make(exports, job, &err);
    pthread_mutex_lock(&exports->lock);
    bool interrupted = exports->stop && !job->cancelled && result != 0;
    pthread_mutex_unlock(&exports->lock);
    if (!interrupted) { /* else its rows stay, and the next start makes it */
        end_job(exports, job, result, &err);
    }
}

static struct export_job *next_job(struct exports *exports)
{
    for (size_t i = 0; i < exports->count; i++) {
        if (exports->jobs[i]->state == EXPORT_WAITING) {
            return exports->jobs[i];
        }
    }
    return NULL;
}

static void *run(void *context)
{
    struct exports *exports = context;
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 10);
    syscall(SYS_ioprio_set, 1, 0, IOPRIO_IDLE);
    pthread_mutex_lock(&exports->lock);
    while (!exports->stop) {
        struct export_job *job = next_job(exports);
        if (job == NULL) {
            pthread_cond_wait(&exports->changed, &exports->lock);
            continue;
        }
        job->state = EXPORT_RUNNING;
        job->attempts++;
        job->begun_us = mono_now().us;
        pthread_mutex_unlock(&exports->lock);
        run_job(exports, job);
        pthread_mutex_lock(&exports->lock);
    }
    pthread_mutex_unlock(&exports->lock);
    return NULL;
}

struct exports *exports_create(const struct config *config, struct store *store,
                               const char *data_dir)
{
    struct exports *exports = mem_alloc(sizeof *exports);
    exports->config = config;
    exports->store = store;
    exports->data_dir = data_dir;
    pthread_mutex_init(&exports->lock, NULL);
    pthread_cond_init(&exports->changed, NULL);
    export_take_up(exports);
    while (exports->thread_count < EXPORTS_AT_ONCE &&
           pthread_create(&exports->threads[exports->thread_count], NULL, run, exports) == 0) {
        exports->thread_count++;
    }
    return exports;
}

void exports_destroy(struct exports *exports)
{
    if (exports == NULL) {
        return;
    }
    pthread_mutex_lock(&exports->lock);
    exports->stop = true;
    pthread_cond_broadcast(&exports->changed);
    pthread_mutex_unlock(&exports->lock);
    for (size_t i = 0; i < exports->thread_count; i++) {
        pthread_join(exports->threads[i], NULL);
    }
    for (size_t i = 0; i < exports->count; i++) {
        job_free(exports->jobs[i]);
    }
    free(exports->jobs);
    pthread_cond_destroy(&exports->changed);
    pthread_mutex_destroy(&exports->lock);
    free(exports);
}

/* ------------------------------------------------------------------ wishes */

static void default_name(const struct export_wish *wish, struct str *name)
{
    for (const char *c = wish->camera; *c != '\0'; c++) {
        str_add_char(name, *c == '_' ? ' ' : *c);
    }
    const double times[] = {wish->start, wish->end};
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        time_t seconds = (time_t)times[i];
        struct tm tm;
        char text[32];
        localtime_r(&seconds, &tm);
        strftime(text, sizeof text, " %Y/%m/%d %H:%M", &tm);
        str_add(name, text);
    }
}

static bool add_mib(void *context, const struct db_recording *row)
{
    *(double *)context += row->segment_mib;
    return true;
}

/* Whether it fits: what it takes is known, give or take a segment. */
static int check_space(const struct exports *exports, struct db *db, const struct export_wish *wish,
                       struct err *err)
{
    double mib = 0;
    int result = db_recording_each(db, wish->camera, wish->start, wish->end, add_mib, &mib);
    if (result < 0) {
        return err_set(err, -result, "the database cannot be read");
    }
    uint64_t free_bytes, size;
    double wanted = mib * (1 << 20) / (wish->timelapse ? TIMELAPSE_PART : 1);
    if (space_look(exports->data_dir, "exports", &free_bytes, &size) == 0 &&
        wanted > (double)free_bytes) {
        return err_set(err, ENOSPC, "The export needs %.0f MiB, and the disk has %.0f left",
                       wanted / (1 << 20), (double)free_bytes / (1 << 20));
    }
    return 0;
}

int exports_begin(struct exports *exports, const struct export_wish *wish, char id[64],
                  struct err *err)
{
    {
        AUTO_READER struct db *db = store_reader(exports->store);
        AUTO_SPAN struct span span = {0};
        if (db == NULL || span_load(db, exports->data_dir, wish->camera, wish->start, wish->end,
                                    true, &span) < 0) {
            return err_set(err, EIO, "the database cannot be read");
        }
        if (span.count == 0) {
            return err_set(err, ENOENT, "No recordings found for time range");
        }
        int result = check_space(exports, db, wish, err);
        if (result < 0) {
            return result;
        }
    }
    char random[7];
    str_random6(random);
    snprintf(id, 64, "%.50s_%s", wish->camera, random);
    AUTO_STR struct str name = {0};
    if (wish->name != NULL && *wish->name != '\0') {
        str_add(&name, wish->name);
    } else {
        default_name(wish, &name);
    }
    AUTO_FREE char *video = mem_printf(PLACE_CANONICAL "exports/%s.mp4", id);
    AUTO_FREE char *thumb = mem_printf(PLACE_CANONICAL "clips/export/%s.webp", id);
    struct db_export_job row = {
        .export_ = {.id = id,
                    .camera = wish->camera,
                    .name = str_text(&name),
                    .date = wish->start,
                    .video_path = video,
                    .thumb_path = thumb},
        .start = wish->start,
        .end = wish->end,
        .playback = wish->timelapse ? "timelapse_25x" : "realtime",
    };
    struct store_work *work = store_begin(exports->store);
    db_export_begin(work, &row);
    int result = store_submit_wait(work, WRITE_MS);
    if (result < 0) {
        return err_set(err, -result, "the database is busy: %s", err_name(result));
    }
    pthread_mutex_lock(&exports->lock);
    export_enqueue(exports, &row);
    pthread_cond_signal(&exports->changed);
    pthread_mutex_unlock(&exports->lock);
    return 0;
}

bool exports_cancel(struct exports *exports, const char *id)
{
    pthread_mutex_lock(&exports->lock);
    struct export_job *job = find_job(exports, id);
    bool busy = job != NULL && job->state != EXPORT_FAILED;
    bool waiting = busy && job->state == EXPORT_WAITING;
    if (waiting) {
        export_dequeue(exports, job);
    } else if (busy) {
        job->cancelled = true;
    }
    pthread_mutex_unlock(&exports->lock);
    if (waiting) {
        write_row(exports, id, 0, db_export_delete);
        export_remove_files(exports, id);
    }
    return busy;
}

bool exports_is_busy(struct exports *exports, const char *id)
{
    pthread_mutex_lock(&exports->lock);
    struct export_job *job = find_job(exports, id);
    bool busy = job != NULL && job->state != EXPORT_FAILED;
    pthread_mutex_unlock(&exports->lock);
    return busy;
}

/* ------------------------------------------------------------------ telling */

static void put_job(struct jout *json, const struct export_job *job, size_t ahead)
{
    static const char *const states[] = {
        [EXPORT_WAITING] = "waiting", [EXPORT_RUNNING] = "running", [EXPORT_FAILED] = "failed"};
    jout_begin_object(json);
    jout_put_int(json, "ahead", (int64_t)ahead);
    jout_put_string(json, "error", job->error[0] != '\0' ? job->error : NULL);
    jout_put_string(json, "id", job->id);
    jout_put_double(json, "percent", job->permille / 10.0);
    double taken = job->state == EXPORT_RUNNING ? (double)(mono_now().us - job->begun_us) / 1e6 : 0;
    jout_key(json, "seconds_left");
    if (job->permille > 0 && job->state == EXPORT_RUNNING) {
        jout_double(json, round(taken * (1000 - job->permille) / job->permille));
    } else {
        jout_null(json);
    }
    jout_put_string(json, "state", states[job->state]);
    jout_end_object(json);
}

static size_t put_jobs(struct exports *exports, const char *id, struct jout *json)
{
    size_t ahead = 0, found = 0;
    pthread_mutex_lock(&exports->lock);
    for (size_t i = 0; i < exports->count; i++) {
        const struct export_job *job = exports->jobs[i];
        if (id == NULL || strcmp(job->id, id) == 0) {
            put_job(json, job, job->state == EXPORT_WAITING ? ahead : 0);
            found++;
        }
        ahead += job->state != EXPORT_FAILED;
    }
    pthread_mutex_unlock(&exports->lock);
    return found;
}

void exports_progress_json(struct exports *exports, struct str *out)
{
    struct jout json = {.out = out};
    jout_begin_array(&json);
    put_jobs(exports, NULL, &json);
    jout_end_array(&json);
}

bool exports_progress_one_json(struct exports *exports, const char *id, struct str *out)
{
    struct jout json = {.out = out};
    return put_jobs(exports, id, &json) > 0;
}
