#include "footage/presence.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/scan.h"
#include "footage/place.h"

#define SECONDS 3600

struct presence {
    char *data_dir, *camera;
    int64_t hour;       /* looked into last, since the epoch */
    bool known;         /* something is mounted there */
    bool seen[SECONDS]; /* second of the hour a file is named after */
};

struct presence *presence_create(const char *data_dir, const char *camera)
{
    struct presence *presence = mem_alloc(sizeof *presence);
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
    int fd = place_open(presence->data_dir, path);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        int second;
        if (second_of(entry->d_name, &second)) {
            presence->seen[second] = true;
        }
    }
    closedir(dir);
}

bool presence_at(struct presence *presence, double start)
{
    int64_t second = (int64_t)start;
    if (second / SECONDS != presence->hour) {
        look(presence, second / SECONDS);
    }
    return presence->seen[second % SECONDS];
}
