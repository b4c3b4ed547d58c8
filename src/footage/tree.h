/* The folders recordings lie in: recordings/YYYY-MM-DD/HH/CAMERA/MM.SS.mp4, all in UTC. */
#ifndef CORVETTE_FOOTAGE_TREE_H
#define CORVETTE_FOOTAGE_TREE_H

#include <stdbool.h>
#include <stddef.h>

struct tree_hour {
    char day[16]; /* YYYY-MM-DD */
    char hour[8]; /* HH */
    double start; /* epoch seconds, UTC */
};

/* False: these are no names of a day and an hour. */
bool tree_hour_parse(struct tree_hour *hour, const char *day, const char *name);
/* "MM.SS.mp4" as seconds of its hour; a second segment of the same second has something between. */
bool tree_name_time(const char *name, double *offset_s);

struct tree_names {
    char **items;
    size_t count, capacity;
};

/* What is in a folder, sorted, without hidden names; nothing when it cannot be read. */
struct tree_names tree_list(const char *path);
void tree_names_finish(struct tree_names *names);

/* Calls `fn` for each folder of a camera in an hour, oldest first, until it returns false. `root`
 * is DATA/media/recordings. */
typedef bool (*tree_folder_fn)(void *context, const struct tree_hour *hour, const char *camera);
void tree_walk(const char *root, tree_folder_fn fn, void *context);

#endif
