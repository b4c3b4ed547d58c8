#include "footage/presence.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/scan.h"
#include "base/str.h"
#include "footage/place.h"

#define SECONDS 3600

struct presence {
    char *data_dir;
    char *folder;       /* looked into last */
    bool no_media;      /* nothing is mounted there */
    bool seen[SECONDS]; /* second of the hour a file is named after */
};

struct presence *presence_create(const char *data_dir)
{
    struct presence *presence = mem_alloc(sizeof *presence);
    presence->data_dir = mem_strdup(data_dir);
    int fd = place_open(data_dir, "recordings");
    presence->no_media = fd < 0;
    if (fd >= 0) {
        close(fd);
    }
    return presence;
}

void presence_destroy(struct presence *presence)
{
    if (presence != NULL) {
        free(presence->data_dir);
        free(presence->folder);
        free(presence);
    }
}

/* "MM.SS.mp4" alone: other names are looked at one by one. */
static bool second_of(const char *name, int *second)
{
    int minute, rest;
    if (!scan_digits(&name, 2, &minute) || !scan_text(&name, ".") ||
        !scan_digits(&name, 2, &rest) || strcmp(name, ".mp4") != 0 || minute > 59 || rest > 59) {
        return false;
    }
    *second = minute * 60 + rest;
    return true;
}

static void look(struct presence *presence, const char *relative, size_t folder_length)
{
    free(presence->folder);
    presence->folder = mem_strndup(relative, folder_length);
    memset(presence->seen, 0, sizeof presence->seen);
    int fd = place_open(presence->data_dir, presence->folder);
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

bool presence_has(struct presence *presence, const char *relative)
{
    const char *name = strrchr(relative, '/');
    if (presence->no_media || name == NULL) {
        return true;
    }
    size_t length = (size_t)(name - relative);
    if (presence->folder == NULL || strlen(presence->folder) != length ||
        memcmp(presence->folder, relative, length) != 0) {
        look(presence, relative, length);
    }
    int second;
    if (second_of(name + 1, &second)) {
        return presence->seen[second];
    }
    int fd = place_open(presence->data_dir, relative);
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}
