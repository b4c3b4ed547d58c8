#include "capture/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/fmp4.h"
#include "media/hls.h"

#define NAMES_MAX 100 /* segments of one camera that begin in the same second */

/* Retention removes empty folders: between making one and using it, it may go. */
#define OPEN_TRIES 5

static int open_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static void sync_folder(const char *path)
{
    int AUTO_CLOSE fd = open_folder(path);
    if (fd >= 0) {
        fsync(fd);
    }
}

/* New folders must be on disk before what is in them counts as written: camera, hour and day. */
static int make_folder(const char *path)
{
    if (access(path, F_OK) == 0) {
        return 0;
    }
    int result = file_make_dirs(path);
    char *AUTO_FREE parent = mem_strdup(path);
    for (int level = 0; level < 3 && result == 0; level++) {
        char *slash = strrchr(parent, '/');
        if (slash == NULL || slash == parent) {
            break;
        }
        *slash = '\0';
        sync_folder(parent);
    }
    return result;
}

static void make_name(char name[64], const char *stem, int number)
{
    if (number == 1) {
        snprintf(name, 64, "%.40s.mp4", stem);
    } else {
        snprintf(name, 64, "%.40s-%d.mp4", stem, number);
    }
}

static bool exists_at(int folder, const char *name)
{
    return faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Takes the first free name of that second, by creating its hidden file. */
static int create_part(struct segment *segment, const char *stem)
{
    for (int number = 1; number <= NAMES_MAX; number++) {
        make_name(segment->name, stem, number);
        snprintf(segment->part, sizeof segment->part, ".%s.part", segment->name);
        if (exists_at(segment->folder, segment->name)) {
            continue;
        }
        segment->fd =
            openat(segment->folder, segment->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (segment->fd >= 0) {
            flock(segment->fd, LOCK_EX | LOCK_NB);
            return 0;
        }
        if (errno != EEXIST) {
            return -errno;
        }
    }
    return -EEXIST;
}

static void close_all(struct segment *segment)
{
    if (segment->fd >= 0) {
        close(segment->fd);
    }
    if (segment->folder >= 0) {
        close(segment->folder);
    }
    segment->fd = segment->folder = -1;
}

int segment_open(struct segment *segment, const char *media_dir, const char *camera,
                 int64_t start_us)
{
    *segment = SEGMENT_NONE;
    time_t seconds = (time_t)(start_us / 1000000);
    struct tm tm;
    if (start_us < 0 || gmtime_r(&seconds, &tm) == NULL) {
        return -ERANGE;
    }
    char hour[32], stem[16], folder[PATH_MAX];
    strftime(hour, sizeof hour, "%Y-%m-%d/%H", &tm);
    strftime(stem, sizeof stem, "%M.%S", &tm);
    snprintf(segment->where, sizeof segment->where, "recordings/%s/%s", hour, camera);
    snprintf(folder, sizeof folder, "%s/%s", media_dir, segment->where);
    int result = -ENOENT;
    for (int i = 0; i < OPEN_TRIES && result == -ENOENT; i++) {
        result = make_folder(folder);
        if (result == 0) {
            segment->folder = open_folder(folder);
            result = segment->folder < 0 ? segment->folder : create_part(segment, stem);
        }
        if (result < 0) {
            close_all(segment);
        }
    }
    return result;
}

/* Drops the first `bytes` of the parts. */
static void advance(struct iovec **parts, size_t *count, size_t bytes)
{
    while (*count > 0 && bytes >= (*parts)->iov_len) {
        bytes -= (*parts)->iov_len;
        (*parts)++;
        (*count)--;
    }
    if (bytes > 0) {
        (*parts)->iov_base = (char *)(*parts)->iov_base + bytes;
        (*parts)->iov_len -= bytes;
    }
}

int segment_append(struct segment *segment, struct iovec *parts, size_t count)
{
    uint64_t bytes = segment->bytes;
    int result = 0;
    while (count > 0 && result == 0) {
        ssize_t written =
            pwritev(segment->fd, parts, (int)(count < IOV_MAX ? count : IOV_MAX), (off_t)bytes);
        if (written > 0) {
            bytes += (uint64_t)written;
            advance(&parts, &count, (size_t)written);
        } else if (written == 0) {
            result = -EIO;
        } else if (errno != EINTR) {
            result = -errno;
        }
    }
    if (result == 0) {
        segment->bytes = bytes;
    } else if (ftruncate(segment->fd, (off_t)segment->bytes) < 0) {
        log_debug("cannot cut %s back: %s", segment->part, err_name(errno));
    }
    return result;
}

int segment_reserve(struct segment *segment, uint64_t bytes)
{
    return fallocate(segment->fd, FALLOC_FL_KEEP_SIZE, (off_t)segment->bytes, (off_t)bytes) == 0
               ? 0
               : -errno;
}

int segment_sync(struct segment *segment)
{
    if (fdatasync(segment->fd) < 0) {
        return -errno;
    }
    if (!segment->folder_synced) { /* the file's own entry */
        fsync(segment->folder);
        segment->folder_synced = true;
    }
    return 0;
}

/* Gives the hidden file the first free name of its second; never replaces a file. */
static int rename_part(int folder, const char *part, char name[64])
{
    char stem[64];
    snprintf(stem, sizeof stem, "%s", name);
    char *end = strstr(stem, ".mp4");
    if (end != NULL) {
        *end = '\0';
    }
    int result = -EEXIST;
    for (int number = 1; number <= NAMES_MAX && result == -EEXIST; number++) {
        if (number > 1) {
            make_name(name, stem, number);
        }
        result = renameat2(folder, part, folder, name, RENAME_NOREPLACE) < 0 ? -errno : 0;
        if (result == -EINVAL ||
            result == -ENOSYS) { /* this file system cannot: check, then rename */
            result = exists_at(folder, name)                    ? -EEXIST
                     : renameat(folder, part, folder, name) < 0 ? -errno
                                                                : 0;
        }
    }
    return result;
}

int segment_finish(struct segment *segment, bool keep, char path[SEGMENT_PATH])
{
    int result = 0;
    if (!keep) {
        unlinkat(segment->folder, segment->part, 0);
    } else {
        if (ftruncate(segment->fd, (off_t)segment->bytes) < 0) { /* what was reserved goes back */
            log_debug("cannot give back room of %s: %s", segment->part, err_name(errno));
        }
        result = segment_sync(segment);
        int renamed = rename_part(segment->folder, segment->part, segment->name);
        result = renamed < 0 ? renamed : result;
        fsync(segment->folder);
        snprintf(path, SEGMENT_PATH, "%s/%s", segment->where, segment->name);
    }
    close_all(segment);
    return result;
}

/* ------------------------------------------------------------------ adopting */

struct adopting {
    const char *media_dir, *camera;
    segment_found_fn found;
    void *context;
};

/* Time in a file's place, for one that (against expectation) does not hold it itself. */
static int64_t time_from_place(const char *where, const char *name)
{
    struct tm tm = {0};
    if (sscanf(where, "recordings/%d-%d-%d/%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
               &tm.tm_hour) != 4 ||
        sscanf(name, "%d.%d", &tm.tm_min, &tm.tm_sec) != 2) {
        return 0;
    }
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    return (int64_t)timegm(&tm) * 1000000;
}

/* One hidden file: cut, renamed and told of, or removed when it holds no whole fragment. */
static void adopt_file(const struct adopting *adopting, int folder, const char *where,
                       const char *part)
{
    int AUTO_CLOSE fd = openat(folder, part, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
        return; /* gone, or its writer lives */
    }
    struct fmp4_index index;
    struct err err = ERR_NONE;
    if (fmp4_read_fd(fd, &index, &err) < 0 || index.fragment_count == 0) {
        fmp4_finish(&index);
        unlinkat(folder, part, 0);
        return;
    }
    struct segment_info info = {.duration = index.duration,
                                .bytes = index.whole_bytes,
                                .has_audio = fmp4_audio_track(&index) != NULL};
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)(strlen(part) - strlen(".part")) - 1, part + 1);
    info.start_us = index.has_start ? index.start_us + (int64_t)(index.first_offset * 1e6)
                                    : time_from_place(where, name);
    int result = 0;
    if (index.truncated && ftruncate(fd, (off_t)index.whole_bytes) < 0) {
        result = -errno;
    }
    fmp4_finish(&index);
    if (hls_parameters(fd, &info.parameters, &err) < 0) {
        info.parameters = 0;
    }
    fdatasync(fd);
    result = result < 0 ? result : rename_part(folder, part, name);
    fsync(folder);
    snprintf(info.path, sizeof info.path, "%s/%s", where, name);
    if (result < 0) {
        log_warning("cannot finish the recording %s/%s left by the last run: %s", where, part,
                    err_name(result));
        return;
    }
    adopting->found(adopting->context, &info);
}

static void adopt_folder(const struct adopting *adopting, const char *where)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", adopting->media_dir, where);
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return;
    }
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.' && str_ends(entry->d_name, ".mp4.part") &&
            strlen(entry->d_name) < 64) {
            adopt_file(adopting, dirfd(dir), where, entry->d_name);
        }
    }
    closedir(dir);
}

/* Calls `adopt_folder` for recordings/DAY/HOUR/CAMERA of all days and hours. */
void segment_adopt(const char *media_dir, const char *camera, segment_found_fn found, void *context)
{
    struct adopting adopting = {media_dir, camera, found, context};
    char path[PATH_MAX], where[SEGMENT_PATH - 64];
    snprintf(path, sizeof path, "%s/recordings", media_dir);
    DIR *days = opendir(path);
    const struct dirent *day, *hour;
    while (days != NULL && (day = readdir(days)) != NULL) {
        if (day->d_name[0] == '.') {
            continue;
        }
        snprintf(path, sizeof path, "%s/recordings/%s", media_dir, day->d_name);
        DIR *hours = opendir(path);
        while (hours != NULL && (hour = readdir(hours)) != NULL) {
            if (hour->d_name[0] != '.') {
                snprintf(where, sizeof where, "recordings/%.64s/%.64s/%.200s", day->d_name,
                         hour->d_name, camera);
                adopt_folder(&adopting, where);
            }
        }
        if (hours != NULL) {
            closedir(hours);
        }
    }
    if (days != NULL) {
        closedir(days);
    }
}
