#include "footage/preview_hours_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
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
#include "base/log.h"
#include "base/mem.h"
#include "base/scan.h"
#include "footage/place.h"
#include "footage/retention.h"
#include "footage/tree.h"
#include "store/db_preview.h"

#define HOUR_S 3600.0
#define WRITE_MS 30000
#define WAIT_MAX_S 30.0 /* the wall clock may be set meanwhile */
#define RETRY_MIN_S 60.0
#define RETRY_MAX_S 3600.0
/* Pictures of which no film could be made for so long, in several attempts, are given up: they must
 * not fill the disk. What was recorded then gets its preview all the same. */
#define GIVE_UP_S 86400.0
/* An hour's film ends with the next hour's first picture, if it goes on without a pause. */
#define JOIN_S 60.0
/* Films that clients asked for are kept so long (contract). */
#define ASKED_KEEP_S 3600
#define IOPRIO_IDLE (3 << 13)
#define LOOK_FIRST_S 1.0
#define LOOK_EVERY_S 600.0

struct preview_retry {
    char *camera;
    int64_t hour;
    double wait_s;
    struct mono next;
};

/* ------------------------------------------------------------------ names and times */

int64_t preview_hour(double time)
{
    return (int64_t)floor(time / HOUR_S);
}

double preview_due(const char *camera, int64_t hour)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (const char *c = camera; *c != '\0'; c++) {
        hash = (hash ^ (uint8_t)*c) * 16777619u;
    }
    return (double)(hour + 1) * HOUR_S + PREVIEW_WAIT_S + hash % PREVIEW_SPREAD_S;
}

bool preview_film_parse(const char *name, double *first, double *last)
{
    const char *dash = strchr(name, '-');
    if (dash == NULL || !str_ends(name, ".mp4")) {
        return false;
    }
    AUTO_FREE char *from = mem_strndup(name, (size_t)(dash - name));
    AUTO_FREE char *to = mem_strndup(dash + 1, strlen(dash + 1) - strlen(".mp4"));
    return str_to_double(from, first) && str_to_double(to, last) && *last >= *first && *first > 0;
}

bool preview_hours_stopping(void *context)
{
    struct preview_hours *hours = context;
    pthread_mutex_lock(&hours->lock);
    bool stop = hours->stop;
    pthread_mutex_unlock(&hours->lock);
    return stop;
}

static bool go_on(void *context)
{
    return !preview_hours_stopping(context);
}

static void count(struct preview_hours *hours, uint64_t *counter)
{
    pthread_mutex_lock(&hours->lock);
    ++*counter;
    pthread_mutex_unlock(&hours->lock);
}

/* ------------------------------------------------------------------ one film */

struct covering {
    const char *data_dir;
    double first, last;
    bool covered;
};

static void look_whether_covering(void *context, const struct db_preview *preview)
{
    struct covering *covering = context;
    const char *relative = place_relative(preview->path);
    if (preview->start_time <= covering->first && preview->end_time >= covering->last &&
        relative != NULL && !covering->covered) {
        AUTO_CLOSE int fd = place_open(covering->data_dir, relative);
        covering->covered = fd >= 0;
    }
}

bool preview_hours_covers(struct preview_hours *hours, const char *camera, double first,
                          double last)
{
    struct covering covering = {.data_dir = hours->data_dir, .first = first, .last = last};
    AUTO_READER struct db *db = store_reader(hours->store);
    return db != NULL &&
           db_preview_each(db, camera, first, last, look_whether_covering, &covering) == 0 &&
           covering.covered;
}

struct replacing {
    const char *data_dir;
    struct store_work *work;
    double first, last;
};

/* A row whose file is gone, about the time that now has a film again. */
static void remove_if_stale(void *context, const struct db_preview *preview)
{
    const struct replacing *replacing = context;
    const char *relative = place_relative(preview->path);
    AUTO_CLOSE int fd = relative != NULL ? place_open(replacing->data_dir, relative) : -ENOENT;
    double middle = (preview->start_time + preview->end_time) / 2;
    if (fd == -ENOENT && middle >= replacing->first && middle <= replacing->last) {
        db_preview_delete(replacing->work, preview->id);
    }
}

static int write_row(struct preview_hours *hours, const char *camera, const char *relative,
                     double first, double last)
{
    char text[32];
    AUTO_FREE char *id = mem_printf("%s_%s", camera, str_double(text, last));
    AUTO_FREE char *path = mem_printf(PLACE_CANONICAL "%s", relative);
    struct store_work *work = store_begin(hours->store);
    struct replacing replacing = {hours->data_dir, work, first, last};
    {
        AUTO_READER struct db *db = store_reader(hours->store);
        if (db != NULL) {
            db_preview_each(db, camera, first, last, remove_if_stale, &replacing);
        }
    }
    db_preview_put(work, &(struct db_preview){.id = id,
                                              .camera = camera,
                                              .path = path,
                                              .start_time = first,
                                              .end_time = last,
                                              .duration = last - first});
    return store_submit_wait(work, WRITE_MS);
}

static int render(struct preview_hours *hours, const struct preview_plan *plan, double first,
                  double last, const char *path, struct err *err)
{
    struct preview_making making = {
        .data_dir = hours->data_dir, .frames = hours->frames, .go_on = go_on, .context = hours};
    const struct cfg_camera *rules = retention_camera(hours->config, plan->camera);
    struct render_strip strip = {.format = RENDER_MP4,
                                 .end_us = llrint((last - first) * 1e6),
                                 .bit_rate = preview_bit_rate(rules->record.preview.quality),
                                 .background = true};
    if (plan->pieces[0].path != NULL) {
        preview_plan_size(plan, hours->config, hours->data_dir, &strip.width, &strip.height);
    }
    AUTO_CLOSE int out = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (out < 0) {
        return err_set(err, errno, "cannot write %s: %s", path, err_name(errno));
    }
    int result = preview_plan_render(plan, &making, &strip, out, err);
    if (result == 0 && fsync(out) < 0) {
        result = err_set(err, errno, "cannot write %s: %s", path, err_name(errno));
    }
    return result;
}

int preview_hours_film(struct preview_hours *hours, const struct preview_plan *plan, double first,
                       double last, struct err *err)
{
    char from[32], to[32];
    AUTO_FREE char *relative = mem_printf("clips/previews/%s/%s-%s.mp4", plan->camera,
                                          str_double(from, first), str_double(to, last));
    AUTO_FREE char *path = mem_printf("%s/media/%s", hours->data_dir, relative);
    AUTO_FREE char *part = mem_printf("%s/media/clips/previews/%s/.%s-%s.mp4.part", hours->data_dir,
                                      plan->camera, from, to);
    int result = file_make_parent_dirs(path);
    if (result < 0) {
        return err_set(err, -result, "cannot make the folder of %s: %s", path, err_name(result));
    }
    result = render(hours, plan, first, last, part, err);
    if (result == 0 && rename(part, path) < 0) {
        result = err_set(err, errno, "cannot write %s: %s", path, err_name(errno));
    }
    if (result < 0) {
        unlink(part);
        return result;
    }
    file_sync_parent(path);
    result = write_row(hours, plan->camera, relative, first, last);
    return result < 0 ? err_set(err, -result, "the database is busy: %s", err_name(result)) : 0;
}

/* ------------------------------------------------------------------ an hour's pictures */

/* What could not be done is tried again ever more rarely. */
static struct preview_retry *find_retry(struct preview_hours *hours, const char *camera,
                                        int64_t hour)
{
    for (size_t i = 0; i < hours->retry_count; i++) {
        if (hours->retries[i].hour == hour && strcmp(hours->retries[i].camera, camera) == 0) {
            return &hours->retries[i];
        }
    }
    return NULL;
}

static void put_off(struct preview_hours *hours, const char *camera, int64_t hour)
{
    struct preview_retry *retry = find_retry(hours, camera, hour);
    if (retry == NULL) {
        retry = MEM_PUSH(hours->retries, hours->retry_count, hours->retry_capacity);
        *retry = (struct preview_retry){
            .camera = mem_strdup(camera), .hour = hour, .wait_s = RETRY_MIN_S / 4};
    }
    retry->wait_s = fmin(retry->wait_s * 4, RETRY_MAX_S);
    retry->next = (struct mono){mono_now().us + (int64_t)(retry->wait_s * 1e6)};
}

/* Tried as rarely as it gets, and long past. */
static bool is_given_up(struct preview_hours *hours, const char *camera, int64_t hour)
{
    const struct preview_retry *retry = find_retry(hours, camera, hour);
    return retry != NULL && retry->wait_s >= RETRY_MAX_S &&
           wall_seconds(wall_now()) > (double)(hour + 1) * HOUR_S + GIVE_UP_S;
}

static void forget_retry(struct preview_hours *hours, const char *camera, int64_t hour)
{
    struct preview_retry *retry = find_retry(hours, camera, hour);
    if (retry != NULL) {
        free(retry->camera);
        *retry = hours->retries[--hours->retry_count];
    }
}

static bool is_put_off(struct preview_hours *hours, const char *camera, int64_t hour)
{
    const struct preview_retry *retry = find_retry(hours, camera, hour);
    return retry != NULL && mono_now().us < retry->next.us;
}

static int film_of(struct preview_hours *hours, const char *camera, const double *times,
                   size_t count, struct err *err)
{
    AUTO_PLAN struct preview_plan plan = {.camera = camera};
    double first = times[0], last = times[count - 1], next_hour;
    for (size_t i = 0; i < count; i++) {
        preview_plan_still(&plan, times[i], llrint((times[i] - first) * 1e6));
    }
    next_hour = (double)(preview_hour(first) + 1) * HOUR_S;
    size_t after;
    AUTO_FREE double *joined =
        preview_frames_times(hours->frames, camera, next_hour, next_hour + JOIN_S, &after);
    if (after > 0 && joined[0] - last < JOIN_S) {
        last = joined[0];
        preview_plan_still(&plan, last, llrint((last - first) * 1e6));
    }
    int result = preview_hours_film(hours, &plan, first, last, err);
    if (result == -ENODATA && !preview_plan_has_file(&plan, hours->data_dir, hours->frames)) {
        return err_set(err, EIO, "none of its pictures can be opened");
    }
    return result;
}

/* Pictures of one hour. They go when they are in a film. */
static void convert(struct preview_hours *hours, const char *camera, const double *times,
                    size_t frames)
{
    int64_t hour = preview_hour(times[0]);
    struct err err = ERR_NONE;
    int result = 0;
    if (!preview_hours_covers(hours, camera, times[0], times[frames - 1])) {
        result = film_of(hours, camera, times, frames, &err);
        if (result == 0) {
            count(hours, &hours->state.films);
        }
    }
    if (result == -ENODATA) { /* a power cut left empty files: worth nothing */
        log_warning("camera %s: %zu preview pictures of one hour are damaged", camera, frames);
        int recorded = preview_hours_from_recordings(hours, camera, (double)hour * HOUR_S,
                                                     (double)(hour + 1) * HOUR_S, &err);
        result = recorded == -ENOENT ? 0 : recorded;
    }
    if (preview_hours_stopping(hours) && result != 0) {
        return;
    }
    if (result != 0) {
        log_error("camera %s: the preview of an hour cannot be made: %s", camera, err.text);
        count(hours, &hours->state.failed);
        put_off(hours, camera, hour);
    }
    if (result == 0 || is_given_up(hours, camera, hour)) {
        preview_frames_remove(hours->frames, camera, times, frames);
        forget_retry(hours, camera, hour);
    }
}

static size_t count_in_hour(const double *times, size_t count)
{
    size_t in = 1;
    while (in < count && preview_hour(times[in]) == preview_hour(times[0])) {
        in++;
    }
    return in;
}

/* The earliest hour of a camera that is due and not put off. `*next` becomes the time when the next
 * one will be, if that is earlier. */
static bool convert_camera(struct preview_hours *hours, const char *camera, double *next)
{
    double now = wall_seconds(wall_now());
    size_t count, in;
    AUTO_FREE double *times = preview_frames_times(hours->frames, camera, 0, INFINITY, &count);
    for (size_t i = 0; i < count; i += in) {
        in = count_in_hour(&times[i], count - i);
        int64_t hour = preview_hour(times[i]);
        double due = preview_due(camera, hour);
        if (due > now) {
            *next = fmin(*next, due);
            return false;
        }
        if (!is_put_off(hours, camera, hour)) {
            convert(hours, camera, &times[i], in);
            return true;
        }
    }
    return false;
}

static void add_camera(void *context, const char *camera, double oldest)
{
    struct tree_names *names = context;
    *MEM_PUSH(names->items, names->count, names->capacity) = mem_strdup(camera);
}

/* True when a film was made, or tried: there may be more. */
static bool convert_due(struct preview_hours *hours, double *next)
{
    struct tree_names cameras = {0};
    bool worked = false;
    preview_frames_cameras(hours->frames, add_camera, &cameras);
    for (size_t i = 0; i < cameras.count && !preview_hours_stopping(hours); i++) {
        worked = convert_camera(hours, cameras.items[i], next) || worked;
    }
    tree_names_finish(&cameras);
    return worked;
}

/* ------------------------------------------------------------------ the thread */

/* preview_<camera>_<a>-<b>.mp4, or one that was being made. */
static bool is_asked(const char *name)
{
    return (str_starts(name, "preview_") && str_ends(name, ".mp4")) ||
           (str_starts(name, ".preview_") && str_ends(name, ".part"));
}

/* Those of DATA/cache, after their time, or after we were killed while they were made. */
static void sweep_asked(struct preview_hours *hours)
{
    AUTO_FREE char *folder = mem_printf("%s/cache", hours->data_dir);
    DIR *dir = opendir(folder);
    time_t now = time(NULL);
    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        struct stat status;
        if (is_asked(entry->d_name) &&
            fstatat(dirfd(dir), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            now - status.st_mtime > ASKED_KEEP_S) {
            unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

static void wait_until(struct preview_hours *hours, double seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    seconds = fmax(fmin(seconds, WAIT_MAX_S), 0.1);
    int64_t us = until.tv_nsec / 1000 + (int64_t)(seconds * 1e6);
    until.tv_sec += us / 1000000;
    until.tv_nsec = us % 1000000 * 1000;
    pthread_mutex_lock(&hours->lock);
    if (!hours->stop) {
        pthread_cond_timedwait(&hours->changed, &hours->lock, &until);
    }
    pthread_mutex_unlock(&hours->lock);
}

/* Recordings come and go; a look costs little, and less often costs less. */
static void look(struct preview_hours *hours, struct mono *next, double *interval_s)
{
    if (mono_now().us >= next->us) {
        preview_hours_look(hours);
        sweep_asked(hours);
        *interval_s = fmin(*interval_s * 2, LOOK_EVERY_S);
        *next = (struct mono){mono_now().us + (int64_t)(*interval_s * 1e6)};
    }
}

static void work(struct preview_hours *hours)
{
    struct mono next_look = mono_now();
    double interval_s = LOOK_FIRST_S;
    while (!preview_hours_stopping(hours)) {
        double next = INFINITY;
        if (convert_due(hours, &next)) {
            continue;
        }
        look(hours, &next_look, &interval_s);
        struct mono begun = mono_now();
        double rest = next - wall_seconds(wall_now());
        if (preview_hours_repair(hours)) {
            /* Nobody waits for it: half of a core is enough. */
            rest = fmin(rest, (double)mono_since_us(begun) / 1e6);
        }
        wait_until(hours, fmin(rest, (double)(next_look.us - mono_now().us) / 1e6));
    }
}

static void *run(void *context)
{
    struct preview_hours *hours = context;
    pthread_setname_np(pthread_self(), "preview hours");
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 10);
    preview_frames_load(hours->frames); /* others wait for it: not yet at idle priority */
    syscall(SYS_ioprio_set, 1, 0, IOPRIO_IDLE);
    preview_hours_adopt(hours);
    work(hours);
    return NULL;
}

struct preview_hours *preview_hours_create(const struct config *config, struct store *store,
                                           const char *data_dir, struct preview_frames *frames)
{
    struct preview_hours *hours = mem_alloc(sizeof *hours);
    hours->config = config;
    hours->store = store;
    hours->data_dir = data_dir;
    hours->frames = frames;
    pthread_mutex_init(&hours->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&hours->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    hours->running = pthread_create(&hours->thread, NULL, run, hours) == 0;
    if (!hours->running) {
        log_error("previews: cannot start a thread, no films are made of them");
        preview_frames_load(frames);
    }
    return hours;
}

void preview_hours_destroy(struct preview_hours *hours)
{
    if (hours == NULL) {
        return;
    }
    pthread_mutex_lock(&hours->lock);
    hours->stop = true;
    pthread_cond_broadcast(&hours->changed);
    pthread_mutex_unlock(&hours->lock);
    if (hours->running) {
        pthread_join(hours->thread, NULL);
    }
    preview_gaps_finish(&hours->gaps);
    preview_gaps_finish(&hours->hopeless);
    for (size_t i = 0; i < hours->retry_count; i++) {
        free(hours->retries[i].camera);
    }
    free(hours->retries);
    pthread_cond_destroy(&hours->changed);
    pthread_mutex_destroy(&hours->lock);
    free(hours);
}

void preview_hours_get_state(struct preview_hours *hours, struct preview_hours_state *state)
{
    pthread_mutex_lock(&hours->lock);
    *state = hours->state;
    pthread_mutex_unlock(&hours->lock);
}
