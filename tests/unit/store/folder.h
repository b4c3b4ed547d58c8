/* A folder of its own for each test, gone afterwards, and a store in it. */
#ifndef CORVETTE_TESTS_STORE_FOLDER_H
#define CORVETTE_TESTS_STORE_FOLDER_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/store.h"

struct folder {
    char path[64];
    char file[96];
    struct store *store;
};

static inline int folder_setup(void **state)
{
    struct folder *folder = calloc(1, sizeof *folder);
    snprintf(folder->path, sizeof folder->path, "/tmp/corvette-store-XXXXXX");
    if (mkdtemp(folder->path) == NULL) {
        return -1;
    }
    snprintf(folder->file, sizeof folder->file, "%s/test.db", folder->path);
    *state = folder;
    return 0;
}

static inline int folder_setup_store(void **state)
{
    struct err err = ERR_NONE;
    if (folder_setup(state) != 0) {
        return -1;
    }
    struct folder *folder = *state;
    folder->store = store_open(folder->file, &err);
    return folder->store != NULL ? 0 : -1;
}

static inline int folder_teardown(void **state)
{
    struct folder *folder = *state;
    store_close(folder->store);
    DIR *list = opendir(folder->path);
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        if (entry->d_name[0] != '.') {
            unlinkat(dirfd(list), entry->d_name, 0);
        }
    }
    closedir(list);
    rmdir(folder->path);
    free(folder);
    return 0;
}

/* Rows of a count query. */
static inline long folder_count(struct folder *folder, const char *sql)
{
    AUTO_READER struct db *db = store_reader(folder->store);
    AUTO_QUERY struct db_query *query = db_query(db, sql);
    return db_step(query) == 1 ? (long)db_int(query, 0) : -1;
}

#endif
