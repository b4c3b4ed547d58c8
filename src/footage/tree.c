#include "footage/tree.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/scan.h"
#include "base/str.h"

#define NAMES_MAX 65536 /* in one folder; beyond that something else is wrong */

bool tree_hour_parse(struct tree_hour *hour, const char *day, const char *name)
{
    struct tm tm = {0};
    const char *at = day;
    if (!scan_digits(&at, 4, &tm.tm_year) || !scan_text(&at, "-") ||
        !scan_digits(&at, 2, &tm.tm_mon) || !scan_text(&at, "-") ||
        !scan_digits(&at, 2, &tm.tm_mday) || *at != '\0') {
        return false;
    }
    at = name;
    if (!scan_digits(&at, 2, &tm.tm_hour) || *at != '\0') {
        return false;
    }
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    snprintf(hour->day, sizeof hour->day, "%s", day);
    snprintf(hour->hour, sizeof hour->hour, "%s", name);
    hour->start = (double)timegm(&tm);
    return true;
}

bool tree_name_time(const char *name, double *offset_s)
{
    int minute;
    int second;
    const char *at = name;
    if (!scan_digits(&at, 2, &minute) || !scan_text(&at, ".") || !scan_digits(&at, 2, &second) ||
        !str_ends(at, ".mp4") || minute > 59 || second > 60) {
        return false;
    }
    *offset_s = minute * 60.0 + second;
    return true;
}

void tree_names_finish(struct tree_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i]);
    }
    free(names->items);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct tree_names tree_list(const char *path)
{
    struct tree_names names = {0};
    DIR *directory = opendir(path);
    struct dirent *entry;
    while (directory != NULL && names.count < NAMES_MAX && (entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.') {
            *MEM_PUSH(names.items, names.count, names.capacity) = mem_strdup(entry->d_name);
        }
    }
    if (directory != NULL) {
        closedir(directory);
    }
    if (names.count > 0) {
        qsort(names.items, names.count, sizeof *names.items, by_name);
    }
    return names;
}

static bool walk_hour(const char *root, const struct tree_hour *hour, tree_folder_fn fn,
                      void *context)
{
    AUTO_FREE char *path = mem_printf("%s/%s/%s", root, hour->day, hour->hour);
    struct tree_names cameras = tree_list(path);
    bool go_on = true;
    for (size_t i = 0; i < cameras.count && go_on; i++) {
        go_on = fn(context, hour, cameras.items[i]);
    }
    tree_names_finish(&cameras);
    return go_on;
}

void tree_walk(const char *root, tree_folder_fn fn, void *context)
{
    struct tree_names days = tree_list(root);
    bool go_on = true;
    for (size_t i = 0; i < days.count && go_on; i++) {
        AUTO_FREE char *path = mem_printf("%s/%s", root, days.items[i]);
        struct tree_names hours = tree_list(path);
        struct tree_hour hour;
        for (size_t j = 0; j < hours.count && go_on; j++) {
            if (tree_hour_parse(&hour, days.items[i], hours.items[j])) {
                go_on = walk_hour(root, &hour, fn, context);
            }
        }
        tree_names_finish(&hours);
    }
    tree_names_finish(&days);
}
