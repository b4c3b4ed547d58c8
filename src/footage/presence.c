#include "footage/presence.h"

#include <dirent.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/scan.h"
#include "footage/place.h"

#define SECONDS 3600

/* A folder that changed less long ago than this when it was read is read again: a change right
 * after the reading might have left its time as it was. */
#define SETTLED_S 10
#define FOLDERS 512 /* remembered */

struct folder {
    dev_t device;
    ino_t inode;
    struct timespec changed;
    uint8_t seen[SECONDS / 8];
};

struct presence_memory {
    pthread_mutex_t lock;
    struct folder folders[FOLDERS]; /* each at the place its inode has */
};

struct presence {
    struct presence_memory *memory;
    char *data_dir, *camera;
    int64_t hour;              /* looked into last, since the epoch */
    bool known;                /* something is mounted there */
    uint8_t seen[SECONDS / 8]; /* second of the hour a file is named after */
};

struct presence_memory *presence_memory_create(void)
{
    struct presence_memory *memory = mem_alloc(sizeof *memory);
    pthread_mutex_init(&memory->lock, NULL);
    return memory;
}

void presence_memory_destroy(struct presence_memory *memory)
{
    if (memory != NULL) {
        pthread_mutex_destroy(&memory->lock);
        free(memory);
    }
}

static bool same_folder(const struct folder *folder, const struct stat *info)
{
    return folder->device == info->st_dev && folder->inode == info->st_ino &&
           folder->changed.tv_sec == info->st_mtim.tv_sec &&
           folder->changed.tv_nsec == info->st_mtim.tv_nsec;
}

static bool recall(struct presence *presence, const struct stat *info)
{
    struct presence_memory *memory = presence->memory;
    const struct folder *folder = &memory->folders[info->st_ino % FOLDERS];
    pthread_mutex_lock(&memory->lock);
    bool known = same_folder(folder, info);
    if (known) {
        memcpy(presence->seen, folder->seen, sizeof presence->seen);
    }
    pthread_mutex_unlock(&memory->lock);
    return known;
}

static void remember(struct presence *presence, const struct stat *info)
{
    struct presence_memory *memory = presence->memory;
    struct folder *folder = &memory->folders[info->st_ino % FOLDERS];
    if (time(NULL) - info->st_mtim.tv_sec < SETTLED_S) {
        return;
    }
    pthread_mutex_lock(&memory->lock);
    *folder = (struct folder){info->st_dev, info->st_ino, info->st_mtim, {0}};
    memcpy(folder->seen, presence->seen, sizeof folder->seen);
    pthread_mutex_unlock(&memory->lock);
}

struct presence *presence_create(struct presence_memory *memory, const char *data_dir,
                                 const char *camera)
{
    struct presence *presence = mem_alloc(sizeof *presence);
    presence->memory = memory;
    presence->data_dir = mem_strdup(data_dir);
    presence->camera = mem_strdup(camera);
    presence->hour = -1;
    int fd = place_open(data_dir, "recordings");
    presence->known = fd >= 0;
    if (fd >= 0) {
        close(fd);
    }
    return presence;
}

void presence_destroy(struct presence *presence)
{
    if (presence != NULL) {
        free(presence->data_dir);
        free(presence->camera);
        free(presence);
    }
}

bool presence_is_known(const struct presence *presence)
{
    return presence->known;
}

/* "MM.SS.mp4", and those that share its second ("MM.SS-2.mp4"). */
static bool second_of(const char *name, int *second)
{
    int minute, rest;
    if (!scan_digits(&name, 2, &minute) || !scan_text(&name, ".") ||
        !scan_digits(&name, 2, &rest) || minute > 59 || rest > 59) {
        return false;
    }
    *second = minute * 60 + rest;
    return true;
}

static void look(struct presence *presence, int64_t hour)
{
    time_t begin = (time_t)(hour * SECONDS);
    struct tm tm;
    char folder[32];
    gmtime_r(&begin, &tm);
    strftime(folder, sizeof folder, "%Y-%m-%d/%H", &tm);
    AUTO_FREE char *path = mem_printf("recordings/%s/%s", folder, presence->camera);
    presence->hour = hour;
    memset(presence->seen, 0, sizeof presence->seen);
    AUTO_CLOSE int fd = place_open(presence->data_dir, path);
    struct stat info; /* from before the reading */
    if (fd < 0 || fstat(fd, &info) != 0 || recall(presence, &info)) {
        return;
    }
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        return;
    }
    steal_fd(&fd);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        int second;
        if (second_of(entry->d_name, &second)) {
            presence->seen[second / 8] |= (uint8_t)(1u << second % 8);
        }
    }
    closedir(dir);
    remember(presence, &info);
}

bool presence_at(struct presence *presence, double start)
{
    int64_t second = (int64_t)start;
    if (second / SECONDS != presence->hour) {
        look(presence, second / SECONDS);
    }
    int64_t at = second % SECONDS;
    return (presence->seen[at / 8] >> at % 8 & 1) != 0;
}
