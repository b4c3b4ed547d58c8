/* What a camera's rules no longer keep, goes. */
#ifndef CORVETTE_FOOTAGE_EXPIRE_H
#define CORVETTE_FOOTAGE_EXPIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "footage/volume.h"
#include "store/store.h"

struct expire {
    const struct config *config;
    struct store *store;
    const char *data_dir;
    const struct volume *volume;
    /* Asked between pieces of the work. */
    bool (*stopping)(void *context);
    void *context;
    /* What was done, added up. */
    uint64_t segments, clips, snapshots, others;
    double mib;
};

/* Recordings of a camera that begin from `from` on. `*judged` is set to the end of those that are
 * settled until the rules change: a pass over fresh ones begins there. False: stop. */
bool expire_recordings(struct expire *expire, const char *camera, double from, double now,
                       double *judged);
/* Clips and snapshots of events past their days, then events without either. */
bool expire_events(struct expire *expire, const char *camera, double now);
/* Snapshots that a crash cost: events since then which say they have one that is not there no
 * longer say so. */
bool expire_lost_snapshots(struct expire *expire, double since);
/* Review items and previews of footage that is gone. */
bool expire_bare(struct expire *expire, const char *camera, double now);

#endif
