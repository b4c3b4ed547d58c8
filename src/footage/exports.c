#include "footage/exports.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
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
#include "base/file.h"
#include "base/jout.h"
#include "base/log.h"
#include "base/mem.h"
#include "footage/place.h"
#include "footage/removal.h"
#include "footage/retention.h"
#include "footage/space.h"
#include "footage/span.h"
#include "footage/tree.h"
#include "media/mp4.h"
#include "render/job.h"
#include "store/db_export.h"

#define WRITE_MS 10000
#define BLOCK (1u << 20)
#define FAILED_MAX 20 /* remembered */
#define THUMB_HEIGHT 180
#define TIMELAPSE_PART                                                         \
    8 /* of the recordings' size: more than a lapse of key pictures ever takes \
       */
#define IOPRIO_IDLE (3 << 13)

enum job_state { JOB_WAITING = 1, JOB_RUNNING, JOB_FAILED };

struct job {
    char *id, *camera;
    double start, end;
    bool timelapse;
    enum job_state state;
    bool cancelled;
    unsigned permille;
    int attempts;
    int64_t begun_us; /* monotonic */
    char error[200];
};

struct exports {
    const struct config *config;
    struct store *store;
    const char *data_dir;
    pthread_t threads[EXPORTS_AT_ONCE];
    size_t thread_count;
    pthread_mutex_t lock; /* all below */
    pthread_cond_t changed;
    bool stop;
    struct job **jobs; /* in order */
    size_t count, capacity;
};

static void job_free(struct job *job)
{
    free(job->id);
    free(job->camera);
    free(job);
}

static struct job *find_job(struct exports *exports, const char *id)
{
    for (size_t i = 0; i < exports->count; i++) {
        if (strcmp(exports->jobs[i]->id, id) == 0) {
            return exports->jobs[i];
        }
    }
    return NULL;
}

static void drop_job(struct exports *exports, const struct job *job)
{
    for (size_t i = 0; i < exports->count; i++) {
        if (exports->jobs[i] == job) {
            job_free(exports->jobs[i]);
            memmove(&exports->jobs[i], &exports->jobs[i + 1],
                    (exports->count - i - 1) * sizeof(struct job *));
            exports->count--;
            return;
        }
    }
}

/* ------------------------------------------------------------------ files of an export */

static void path_of(const struct exports *exports, const char *id, const char *format,
                    struct str *out)
{
    str_addf(out, "%s/media/", exports->data_dir);
    str_addf(out, format, id);
}

static void remove_files(const struct exports *exports, const char *id)
{
    static const char *const formats[] = {"exports/%s.mp4", "exports/.%s.mp4.part",
                                          "clips/export/%s.webp"};
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        AUTO_STR struct str path = {0};
        path_of(exports, id, formats[i], &path);
        unlink(str_text(&path));
    }
}

/* ------------------------------------------------------------------ making one */

struct making {
    struct exports *exports;
    struct job *job;
    struct span span;
    struct err *err;
};

/* False: stop, somebody does not want it any more or we are ending. */
static bool report_progress(void *context, unsigned permille)
{
    struct making *making = context;
    pthread_mutex_lock(&making->exports->lock);
    making->job->permille = permille;
    bool go_on = !making->job->cancelled && !making->exports->stop;
    pthread_mutex_unlock(&making->exports->lock);
    return go_on;
}

/* The picture at its beginning; an export without one is an export all the same. */
static void make_thumb(const struct making *making)
{
    const struct span_segment *first = &making->span.segments[0];
    AUTO_CLOSE int fd = span_open(making->exports->data_dir, first->path);
    AUTO_STR struct str picture = {0}, path = {0};
    struct err err = ERR_NONE;
    double into = fmax(making->job->start - first->start, 0);
    if (fd < 0 ||
        render_picture(fd, llrint(into * 1e6), RENDER_WEBP, THUMB_HEIGHT, &picture, &err) < 0) {
        log_debug("export %s: no thumbnail: %s", making->job->id, err.text);
        return;
    }
    path_of(making->exports, making->job->id, "clips/export/%s.webp", &path);
    file_make_parent_dirs(str_text(&path));
    file_write_atomic(str_text(&path), picture.data, picture.length);
}

static int copy_rope(struct making *making, struct rope *rope, int out)
{
    AUTO_FREE char *block = mem_alloc(BLOCK);
    uint64_t length = rope_length(rope), at = 0;
    while (at < length) {
        ssize_t got = rope_read(rope, at, block, BLOCK);
        if (got <= 0) {
            return err_set(making->err, got < 0 ? (int)-got : EIO, "a recording cannot be read: %s",
                           err_name(got < 0 ? (int)got : -EIO));
        }
        int result = file_write_all(out, block, (size_t)got);
        if (result < 0) {
            return err_set(making->err, -result, "cannot write: %s", err_name(result));
        }
        at += (uint64_t)got;
        if (!report_progress(making, (unsigned)(at * 1000 / length))) {
            return -ECANCELED;
        }
    }
    return 0;
}

static int make_realtime(struct making *making, int out)
{
    unsigned skipped;
    struct rope *rope = span_clip(&making->span, making->exports->data_dir, making->job->start,
                                  making->job->end, &skipped, making->err);
    if (rope == NULL) {
        return -making->err->code;
    }
    if (skipped > 0) {
        log_warning("export %s lacks %u recordings: they are gone or damaged", making->job->id,
                    skipped);
    }
    int result = copy_rope(making, rope, out);
    rope_destroy(rope);
    return result;
}

static int open_for_film(void *context, size_t index, int64_t *from_us, int64_t *to_us)
{
    const struct making *making = context;
    const struct span_segment *segment = &making->span.segments[index];
    double from = fmax(making->job->start - segment->start, 0);
    double to = fmin(making->job->end - segment->start, segment->duration);
    *from_us = llrint(from * 1e6);
    *to_us = llrint(to * 1e6);
    return span_open(making->exports->data_dir, segment->path);
}

static int make_timelapse(struct making *making, int out)
{
    const struct cfg_camera *camera =
        retention_camera(making->exports->config, making->job->camera);
    struct render_film film = {.files = making->span.count,
                               .open_file = open_for_film,
                               .progress = report_progress,
                               .context = making};
    render_timelapse_args(camera->record.export_.timelapse_args, &film.speed, &film.rate);
    return render_timelapse(&film, out, making->err);
}

static int make(struct making *making)
{
    struct exports *exports = making->exports;
    struct job *job = making->job;
    {
        AUTO_READER struct db *db = store_reader(exports->store);
        if (db == NULL || span_load(db, exports->data_dir, job->camera, job->start, job->end, true,
                                    &making->span) < 0) {
            return err_set(making->err, EIO, "the database cannot be read");
        }
    }
    if (making->span.count == 0) {
        return err_set(making->err, ENOENT, "its recordings are gone");
    }
    AUTO_STR struct str part = {0}, path = {0};
    path_of(exports, job->id, "exports/.%s.mp4.part", &part);
    path_of(exports, job->id, "exports/%s.mp4", &path);
    AUTO_CLOSE int out = open(str_text(&part), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (out < 0) {
        return err_set(making->err, errno, "cannot write: %s", err_name(errno));
    }
    make_thumb(making);
    int result = job->timelapse ? make_timelapse(making, out) : make_realtime(making, out);
    if (result == 0 && (fsync(out) < 0 || rename(str_text(&part), str_text(&path)) < 0)) {
        result = err_set(making->err, errno, "cannot write: %s", err_name(errno));
    }
    if (result == 0) {
        file_sync_parent(str_text(&path));
    } else {
        unlink(str_text(&part));
    }
    return result;
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

/* After the lock was taken again: what becomes of a job that ended with `result`. */
static void end_job(struct exports *exports, struct job *job, int result, const struct err *err)
{
    if (result == 0) {
        log_info("export %s is finished", job->id);
        write_row(exports, job->id, 0, db_export_finish);
    } else if (result == -EPIPE && job->attempts < EXPORTS_ATTEMPTS) {
        log_warning("export %s: %s; trying again", job->id, err->text);
        pthread_mutex_lock(&exports->lock);
        job->state = JOB_WAITING;
        pthread_mutex_unlock(&exports->lock);
        return;
    } else {
        if (result != -ECANCELED) {
            log_error("export %s failed: %s", job->id, err->text);
        }
        write_row(exports, job->id, 0, db_export_delete);
        remove_files(exports, job->id);
    }
    pthread_mutex_lock(&exports->lock);
    if (result == 0 || result == -ECANCELED) {
        drop_job(exports, job);
    } else {
        job->state = JOB_FAILED;
        snprintf(job->error, sizeof job->error, "%.190s", err->text);
        size_t failed = 0;
        for (size_t i = exports->count; i-- > 0;) {
            failed += exports->jobs[i]->state == JOB_FAILED;
            if (failed > FAILED_MAX) {
                drop_job(exports, exports->jobs[i]);
                break;
            }
        }
    }
    pthread_mutex_unlock(&exports->lock);
}

static void run_job(struct exports *exports, struct job *job)
{
    struct err err = ERR_NONE;
    struct making making = {.exports = exports, .job = job, .err = &err};
    write_row(exports, job->id, job->attempts, NULL);
    int result = make(&making);
    span_finish(&making.span);
    pthread_mutex_lock(&exports->lock);
    bool interrupted = exports->stop && !job->cancelled && result != 0;
    pthread_mutex_unlock(&exports->lock);
    if (!interrupted) { /* else its rows stay, and the next start makes it */
        end_job(exports, job, result, &err);
    }
}

static struct job *next_job(struct exports *exports)
{
    for (size_t i = 0; i < exports->count; i++) {
        if (exports->jobs[i]->state == JOB_WAITING) {
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
        struct job *job = next_job(exports);
        if (job == NULL) {
            pthread_cond_wait(&exports->changed, &exports->lock);
            continue;
        }
        job->state = JOB_RUNNING;
        job->attempts++;
        job->begun_us = mono_now().us;
        pthread_mutex_unlock(&exports->lock);
        run_job(exports, job);
        pthread_mutex_lock(&exports->lock);
    }
    pthread_mutex_unlock(&exports->lock);
    return NULL;
}

/* ------------------------------------------------------------------ after a restart */

static void resume(void *context, const struct db_export_job *row)
{
    struct exports *exports = context;
    struct job *job = mem_alloc(sizeof *job);
    *job = (struct job){.id = mem_strdup(row->export_.id),
                        .camera = mem_strdup(row->export_.camera),
                        .start = row->start,
                        .end = row->end,
                        .timelapse = strcmp(row->playback, "timelapse_25x") == 0,
                        .state = JOB_WAITING,
                        .attempts = row->attempts};
    *MEM_PUSH(exports->jobs, exports->count, exports->capacity) = job;
}

static void give_up_worn_out(struct exports *exports)
{
    for (size_t i = exports->count; i-- > 0;) {
        struct job *job = exports->jobs[i];
        if (job->attempts >= EXPORTS_ATTEMPTS) {
            log_error("export %s was interrupted %d times and is given up", job->id, job->attempts);
            struct store_work *work = store_begin(exports->store);
            db_export_delete(work, job->id);
            store_submit(work);
            remove_files(exports, job->id);
            drop_job(exports, job);
        }
    }
}

struct settling {
    struct exports *exports;
    struct store_work *work;
};

/* Left in progress by another program: finished if its film is whole, else no export. */
static void settle(void *context, const struct db_export *export_)
{
    struct settling *settling = context;
    const char *relative = place_relative(export_->video_path);
    AUTO_CLOSE int fd =
        relative != NULL ? place_open(settling->exports->data_dir, relative) : -ENOENT;
    struct mp4 mp4;
    struct err ignored = ERR_NONE;
    bool whole = fd >= 0 && mp4_read_fd(fd, &mp4, &ignored) == 0;
    if (whole) {
        whole = !mp4.truncated;
        mp4_finish(&mp4);
    }
    log_warning("export %s was left in progress: %s", export_->id,
                whole ? "its film is whole" : "it is removed");
    if (whole) {
        db_export_finish(settling->work, export_->id);
    } else {
        db_export_delete(settling->work, export_->id);
        remove_files(settling->exports, export_->id);
    }
}

/* A film that has no row: from before exports had rows, or put there by hand. */
static void import(struct exports *exports, struct db *db, const char *name)
{
    AUTO_FREE char *path = mem_printf("%s/media/exports/%s", exports->data_dir, name);
    AUTO_FREE char *canonical = mem_printf(PLACE_CANONICAL "exports/%s", name);
    struct stat status;
    if (!str_ends(name, ".mp4") || db_export_has_path(db, canonical) || stat(path, &status) < 0 ||
        !S_ISREG(status.st_mode)) {
        return;
    }
    const char *camera = "unknown";
    for (size_t i = 0; i < exports->config->camera_count; i++) {
        if (strstr(name, exports->config->cameras[i].name) != NULL) {
            camera = exports->config->cameras[i].name;
        }
    }
    char random[7];
    str_random6(random);
    AUTO_FREE char *id = mem_printf("%s_%s", camera, random);
    AUTO_FREE char *title = mem_strndup(name, strlen(name) - strlen(".mp4"));
    struct store_work *work = store_begin(exports->store);
    db_export_put(work, &(struct db_export){.id = id,
                                            .camera = camera,
                                            .name = title,
                                            .date = (double)status.st_ctim.tv_sec,
                                            .video_path = canonical,
                                            .thumb_path = ""});
    store_submit(work);
}

/* Hidden files of exports nobody makes any more. */
static void sweep(const char *folder)
{
    DIR *dir = opendir(folder);
    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.' && str_ends(entry->d_name, ".mp4.part")) {
            unlinkat(dirfd(dir), entry->d_name, 0); /* made anew from its beginning */
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

static void take_up(struct exports *exports)
{
    AUTO_READER struct db *db = store_reader(exports->store);
    if (db == NULL || db_export_jobs(db, resume, exports) < 0) {
        return;
    }
    give_up_worn_out(exports);
    struct settling settling = {exports, store_begin(exports->store)};
    db_export_stuck(db, settle, &settling);
    store_submit(settling.work);
    AUTO_FREE char *folder = mem_printf("%s/media/exports", exports->data_dir);
    sweep(folder);
    struct tree_names names = tree_list(folder);
    for (size_t i = 0; i < names.count; i++) {
        import(exports, db, names.items[i]);
    }
    tree_names_finish(&names);
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
    take_up(exports);
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
    resume(exports, &row);
    pthread_cond_signal(&exports->changed);
    pthread_mutex_unlock(&exports->lock);
    return 0;
}

bool exports_cancel(struct exports *exports, const char *id)
{
    pthread_mutex_lock(&exports->lock);
    struct job *job = find_job(exports, id);
    bool busy = job != NULL && job->state != JOB_FAILED;
    bool waiting = busy && job->state == JOB_WAITING;
    if (waiting) {
        drop_job(exports, job);
    } else if (busy) {
        job->cancelled = true;
    }
    pthread_mutex_unlock(&exports->lock);
    if (waiting) {
        write_row(exports, id, 0, db_export_delete);
        remove_files(exports, id);
    }
    return busy;
}

bool exports_is_busy(struct exports *exports, const char *id)
{
    pthread_mutex_lock(&exports->lock);
    struct job *job = find_job(exports, id);
    bool busy = job != NULL && job->state != JOB_FAILED;
    pthread_mutex_unlock(&exports->lock);
    return busy;
}

/* ------------------------------------------------------------------ telling */

static void put_job(struct jout *json, const struct job *job, size_t ahead)
{
    static const char *const states[] = {
        [JOB_WAITING] = "waiting", [JOB_RUNNING] = "running", [JOB_FAILED] = "failed"};
    jout_begin_object(json);
    jout_put_int(json, "ahead", (int64_t)ahead);
    jout_put_string(json, "error", job->error[0] != '\0' ? job->error : NULL);
    jout_put_string(json, "id", job->id);
    jout_put_double(json, "percent", job->permille / 10.0);
    double taken = job->state == JOB_RUNNING ? (double)(mono_now().us - job->begun_us) / 1e6 : 0;
    jout_key(json, "seconds_left");
    if (job->permille > 0 && job->state == JOB_RUNNING) {
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
        const struct job *job = exports->jobs[i];
        if (id == NULL || strcmp(job->id, id) == 0) {
            put_job(json, job, job->state == JOB_WAITING ? ahead : 0);
            found++;
        }
        ahead += job->state != JOB_FAILED;
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
