/* What the makers of the hours' films share. All of it belongs to their thread, but what is under
 * the lock. */
#ifndef CORVETTE_FOOTAGE_PREVIEW_HOURS_PRIVATE_H
#define CORVETTE_FOOTAGE_PREVIEW_HOURS_PRIVATE_H

#include <pthread.h>

#include "base/err.h"
#include "base/log.h"
#include "footage/preview_hours.h"
#include "footage/preview_plan.h"

/* Recorded time without a preview. */
struct preview_gap {
    char *camera;
    double from, to; /* within one hour */
};

struct preview_gaps {
    struct preview_gap *items;
    size_t count, capacity;
};

void preview_gaps_finish(struct preview_gaps *gaps);

struct preview_hours {
    const struct config *config;
    struct store *store;
    const char *data_dir;
    struct preview_frames *frames;
    pthread_t thread;
    bool running;
    struct preview_gaps gaps;     /* to be made of recordings, oldest first */
    struct preview_gaps hopeless; /* nothing came of these */
    struct log_limit told;
    struct preview_retry *retries;
    size_t retry_count, retry_capacity;

    pthread_mutex_t lock; /* all below */
    pthread_cond_t changed;
    bool stop;
    struct preview_hours_state state;
};

bool preview_hours_stopping(void *hours);

/* Makes the film of a plan and its row; the plan begins at `first`. 0 or -errno with a sentence. */
int preview_hours_film(struct preview_hours *hours, const struct preview_plan *plan, double first,
                       double last, struct err *err);
/* Whether a film that is there shows all of first..last. */
bool preview_hours_covers(struct preview_hours *hours, const char *camera, double first,
                          double last);

/* Films without a row get one; films half written go. */
void preview_hours_adopt(struct preview_hours *hours);
/* Looks for recordings without previews: sets hours->gaps. */
void preview_hours_look(struct preview_hours *hours);
/* Makes the newest gap's film; false: there is none. */
bool preview_hours_repair(struct preview_hours *hours);
/* The same for one span: 0, -ENOENT (no recordings that could be shown) or -errno. */
int preview_hours_from_recordings(struct preview_hours *hours, const char *camera, double from,
                                  double to, struct err *err);

#endif
