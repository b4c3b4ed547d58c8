#include "footage/preview_frames.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/scan.h"

#define RESTART_FOLDER "media/clips/preview_restart_cache"
#define PREFIX "preview_"
#define SUFFIX ".webp"
#define PART ".part"
#define SIDE_MAX 4096
#define FRAME_BYTES_MAX (4u << 20)

struct camera_frames {
    char *camera;
    double *times; /* ascending */
    size_t count, capacity;
};

struct preview_frames {
    char *data_dir, *folder;
    pthread_mutex_t lock; /* all below */
    pthread_cond_t changed;
    bool loaded;
    struct camera_frames *cameras;
    size_t count, capacity;
};

/* ------------------------------------------------------------------ names and sizes */

static int other_side(int longer, int shorter)
{
    int side = (int)((double)longer / shorter * PREVIEW_SHORT_SIDE) / 4 * 4;
    return side > SIDE_MAX ? SIDE_MAX : side;
}

void preview_size(int width, int height, int *preview_width, int *preview_height)
{
    bool wide = width > height;
    *preview_width = wide ? other_side(width, height) : PREVIEW_SHORT_SIDE;
    *preview_height = wide ? PREVIEW_SHORT_SIDE : other_side(height, width);
}

void preview_name(const char *camera, double time, struct str *out)
{
    char text[32];
    str_addf(out, PREFIX "%s-%s" SUFFIX, camera, str_double(text, time));
}

bool preview_name_parse(const char *name, char camera[PREVIEW_CAMERA_MAX], double *time)
{
    const char *at = name, *dash = strrchr(name, '-');
    if (!scan_text(&at, PREFIX) || dash == NULL || dash <= at || strchr(name, '/') != NULL ||
        !str_ends(dash, SUFFIX) || (size_t)(dash - at) >= PREVIEW_CAMERA_MAX) {
        return false;
    }
    AUTO_FREE char *number = mem_strndup(dash + 1, strlen(dash + 1) - strlen(SUFFIX));
    snprintf(camera, PREVIEW_CAMERA_MAX, "%.*s", (int)(dash - at), at);
    AUTO_STR struct str same = {0};
    if (!str_to_double(number, time)) {
        return false;
    }
    preview_name(camera, *time, &same); /* one picture has one name */
    return strcmp(str_text(&same), name) == 0;
}

static const struct {
    int webp;
    int64_t bit_rate;
} qualities[] = {
    [CFG_QUALITY_VERY_LOW] = {70, 7168},   [CFG_QUALITY_LOW] = {80, 8196},
    [CFG_QUALITY_MEDIUM] = {80, 9216},     [CFG_QUALITY_HIGH] = {80, 9864},
    [CFG_QUALITY_VERY_HIGH] = {86, 10096},
};

int preview_webp_quality(enum cfg_quality quality)
{
    return qualities[quality].webp;
}

int64_t preview_bit_rate(enum cfg_quality quality)
{
    return qualities[quality].bit_rate;
}

/* ------------------------------------------------------------------ the index, under the lock */

/* First place whose time is not before `time`. */
static size_t lower_bound(const struct camera_frames *camera, double time)
{
    size_t low = 0, high = camera->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (camera->times[middle] < time) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct camera_frames *find(struct preview_frames *frames, const char *camera)
{
    for (size_t i = 0; i < frames->count; i++) {
        if (strcmp(frames->cameras[i].camera, camera) == 0) {
            return &frames->cameras[i];
        }
    }
    return NULL;
}

static struct camera_frames *find_or_add(struct preview_frames *frames, const char *camera)
{
    struct camera_frames *found = find(frames, camera);
    if (found == NULL) {
        found = MEM_PUSH(frames->cameras, frames->count, frames->capacity);
        found->camera = mem_strdup(camera);
    }
    return found;
}

static void insert(struct preview_frames *frames, const char *camera, double time)
{
    struct camera_frames *of = find_or_add(frames, camera);
    size_t at = lower_bound(of, time);
    if (at < of->count && of->times[at] == time) {
        return;
    }
    *MEM_PUSH(of->times, of->count, of->capacity) = time;
    memmove(&of->times[at + 1], &of->times[at], (of->count - 1 - at) * sizeof *of->times);
    of->times[at] = time;
}

static void forget(struct preview_frames *frames, const char *camera, double time)
{
    struct camera_frames *of = find(frames, camera);
    size_t at = of != NULL ? lower_bound(of, time) : 0;
    if (of != NULL && at < of->count && of->times[at] == time) {
        of->count--;
        memmove(&of->times[at], &of->times[at + 1], (of->count - at) * sizeof *of->times);
    }
}

static void wait_until_loaded(struct preview_frames *frames)
{
    while (!frames->loaded) {
        pthread_cond_wait(&frames->changed, &frames->lock);
    }
}

/* ------------------------------------------------------------------ life */

struct preview_frames *preview_frames_create(const char *data_dir)
{
    struct preview_frames *frames = mem_alloc(sizeof *frames);
    frames->data_dir = mem_strdup(data_dir);
    frames->folder = mem_printf("%s/" PREVIEW_FOLDER, data_dir);
    pthread_mutex_init(&frames->lock, NULL);
    pthread_cond_init(&frames->changed, NULL);
    return frames;
}

void preview_frames_destroy(struct preview_frames *frames)
{
    if (frames == NULL) {
        return;
    }
    for (size_t i = 0; i < frames->count; i++) {
        free(frames->cameras[i].camera);
        free(frames->cameras[i].times);
    }
    free(frames->cameras);
    pthread_cond_destroy(&frames->changed);
    pthread_mutex_destroy(&frames->lock);
    free(frames->folder);
    free(frames->data_dir);
    free(frames);
}

/* Another file system: copied, then removed. */
static int move_over(const char *from, const char *to)
{
    AUTO_STR struct str bytes = {0};
    int result = str_read_file(&bytes, from, FRAME_BYTES_MAX);
    if (result == 0) {
        result = file_write_atomic(to, bytes.data, bytes.length);
    }
    return result == 0 && unlink(from) < 0 ? -errno : result;
}

static void take_in_restart(struct preview_frames *frames)
{
    AUTO_FREE char *folder = mem_printf("%s/" RESTART_FOLDER, frames->data_dir);
    DIR *dir = opendir(folder);
    unsigned taken = 0;
    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        char camera[PREVIEW_CAMERA_MAX];
        double time;
        if (preview_name_parse(entry->d_name, camera, &time)) {
            AUTO_FREE char *from = mem_printf("%s/%s", folder, entry->d_name);
            AUTO_FREE char *to = mem_printf("%s/%s", frames->folder, entry->d_name);
            int result = rename(from, to) == 0 ? 0 : -errno;
            result = result == -EXDEV ? move_over(from, to) : result;
            taken += result == 0;
        }
    }
    if (dir != NULL) {
        closedir(dir);
        rmdir(folder); /* unless something else is in it */
    }
    if (taken > 0) {
        log_info("took in %u preview pictures that Frigate had put aside", taken);
    }
}

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* What was appended as the folder gave it, in order and each once. */
static void settle(struct camera_frames *camera)
{
    size_t kept = 0;
    if (camera->count > 0) {
        qsort(camera->times, camera->count, sizeof *camera->times, by_time);
    }
    for (size_t i = 0; i < camera->count; i++) {
        if (kept == 0 || camera->times[kept - 1] != camera->times[i]) {
            camera->times[kept++] = camera->times[i];
        }
    }
    camera->count = kept;
}

static void read_folder(struct preview_frames *frames)
{
    DIR *dir = opendir(frames->folder);
    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        char camera[PREVIEW_CAMERA_MAX];
        double time;
        if (preview_name_parse(entry->d_name, camera, &time)) {
            struct camera_frames *of = find_or_add(frames, camera);
            *MEM_PUSH(of->times, of->count, of->capacity) = time;
        } else if (entry->d_name[0] == '.' && str_ends(entry->d_name, PART)) {
            unlinkat(dirfd(dir), entry->d_name, 0); /* half written when we were killed */
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    for (size_t i = 0; i < frames->count; i++) {
        settle(&frames->cameras[i]);
    }
}

void preview_frames_load(struct preview_frames *frames)
{
    take_in_restart(frames);
    pthread_mutex_lock(&frames->lock);
    read_folder(frames);
    frames->loaded = true;
    pthread_cond_broadcast(&frames->changed);
    pthread_mutex_unlock(&frames->lock);
}

/* ------------------------------------------------------------------ use */

static void path_of(const struct preview_frames *frames, const char *camera, double time,
                    struct str *path)
{
    str_addf(path, "%s/", frames->folder);
    preview_name(camera, time, path);
}

/* Not synced: after a power cut an empty file may stand here, which shows nothing and is passed
 * over. */
static int write_file(const char *path, const void *data, size_t length)
{
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    return fd < 0 ? -errno : file_write_all(fd, data, length);
}

static int put_file(const char *part, const char *path, const void *data, size_t length)
{
    int result = write_file(part, data, length);
    return result == 0 && rename(part, path) < 0 ? -errno : result;
}

int preview_frames_add(struct preview_frames *frames, const char *camera, double time,
                       const void *webp, size_t length)
{
    AUTO_STR struct str path = {0};
    path_of(frames, camera, time, &path);
    AUTO_FREE char *part = mem_printf("%s/.%s" PART, frames->folder, camera);
    int result = put_file(part, str_text(&path), webp, length);
    /* Somebody tidied up; or it was taken for one that was left half written, by who has just begun
     * to read the folder. */
    if (result == -ENOENT && file_make_dirs(frames->folder) == 0) {
        result = put_file(part, str_text(&path), webp, length);
    }
    if (result < 0) {
        unlink(part);
        return result;
    }
    pthread_mutex_lock(&frames->lock);
    insert(frames, camera, time);
    pthread_mutex_unlock(&frames->lock);
    return 0;
}

double *preview_frames_times(struct preview_frames *frames, const char *camera, double from,
                             double to, size_t *count)
{
    double *times = NULL;
    pthread_mutex_lock(&frames->lock);
    wait_until_loaded(frames);
    const struct camera_frames *of = find(frames, camera);
    size_t first = of != NULL ? lower_bound(of, from) : 0, last = first;
    while (of != NULL && last < of->count && of->times[last] <= to) {
        last++;
    }
    *count = last - first;
    if (*count > 0) {
        times = mem_dup(&of->times[first], *count * sizeof *times);
    }
    pthread_mutex_unlock(&frames->lock);
    return times;
}

bool preview_frames_before(struct preview_frames *frames, const char *camera, double time,
                           double *found)
{
    pthread_mutex_lock(&frames->lock);
    wait_until_loaded(frames);
    const struct camera_frames *of = find(frames, camera);
    size_t at = of != NULL ? lower_bound(of, time) : 0;
    if (at > 0) {
        *found = of->times[at - 1];
    }
    pthread_mutex_unlock(&frames->lock);
    return at > 0;
}

int preview_frames_open(struct preview_frames *frames, const char *camera, double time)
{
    AUTO_STR struct str path = {0};
    path_of(frames, camera, time, &path);
    int fd = open(str_text(&path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int result = fd < 0 ? -errno : fd;
    if (result == -ENOENT) {
        pthread_mutex_lock(&frames->lock);
        forget(frames, camera, time);
        pthread_mutex_unlock(&frames->lock);
    }
    return result;
}

void preview_frames_remove(struct preview_frames *frames, const char *camera, const double *times,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        AUTO_STR struct str path = {0};
        path_of(frames, camera, times[i], &path);
        if (unlink(str_text(&path)) < 0 && errno != ENOENT) {
            log_warning("%s cannot be removed: %s", str_text(&path), err_name(errno));
        }
    }
    pthread_mutex_lock(&frames->lock);
    for (size_t i = 0; i < count; i++) {
        forget(frames, camera, times[i]);
    }
    pthread_mutex_unlock(&frames->lock);
}

void preview_frames_cameras(struct preview_frames *frames, preview_camera_fn fn, void *context)
{
    pthread_mutex_lock(&frames->lock);
    wait_until_loaded(frames);
    for (size_t i = 0; i < frames->count; i++) {
        if (frames->cameras[i].count > 0) {
            fn(context, frames->cameras[i].camera, frames->cameras[i].times[0]);
        }
    }
    pthread_mutex_unlock(&frames->lock);
}

uint64_t preview_frames_count(struct preview_frames *frames)
{
    uint64_t count = 0;
    pthread_mutex_lock(&frames->lock);
    for (size_t i = 0; i < frames->count; i++) {
        count += frames->cameras[i].count;
    }
    pthread_mutex_unlock(&frames->lock);
    return count;
}
