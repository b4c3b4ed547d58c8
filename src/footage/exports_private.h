/* What the parts of the exports share: the queue's entries, the files of an export. */
#ifndef CORVETTE_FOOTAGE_EXPORTS_PRIVATE_H
#define CORVETTE_FOOTAGE_EXPORTS_PRIVATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "footage/exports.h"
#include "store/db_export.h"

enum export_state { EXPORT_WAITING = 1, EXPORT_RUNNING, EXPORT_FAILED };

struct export_job {
    char *id, *camera;
    double start, end;
    bool timelapse;
    enum export_state state;
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
    struct export_job **jobs; /* in order */
    size_t count, capacity;
};

/* Makes the film of a job that runs: 0, or -errno with a sentence (-ECANCELED: not wanted any more,
 * or we are ending; -EPIPE: the process that made it died). */
int export_make(struct exports *exports, struct export_job *job, struct err *err);
/* Film, half a film and thumbnail. */
void export_remove_files(const struct exports *exports, const char *id);
/* Path of a file of an export, appended; `format` has its id in it. */
void export_path(const struct exports *exports, const char *id, const char *format,
                 struct str *out);

/* A job of the database into the queue; under the lock, or before there are threads. */
void export_enqueue(void *exports, const struct db_export_job *row);
void export_dequeue(struct exports *exports, const struct export_job *job);
/* What an earlier run left: interrupted jobs into the queue, worn out and stuck ones to their end,
 * films without a row into the table. */
void export_take_up(struct exports *exports);

#endif
