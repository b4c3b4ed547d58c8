/* Room for what is being recorded. What goes when the disk is nearly full, in this order: what the
 * rules no longer keep; the oldest that no event needs; the oldest; and, last and loudly, what was
 * to be kept for ever.
 *
 * Fairness: footage is taken from the camera with the oldest, but not from one that holds less than
 * half of its equal share while others hold more, so that one camera's flood does not push out the
 * little another has. */
#ifndef CORVETTE_FOOTAGE_SPACE_H
#define CORVETTE_FOOTAGE_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "footage/volume.h"
#include "store/store.h"

/* Bytes free for us and size of the file system of a tree ("recordings"). 0 or -errno. */
int space_look(const char *data_dir, const char *tree, uint64_t *free_bytes, uint64_t *size);

/* How much is kept free, given what is recorded per second and the disk's size: an hour of it, but
 * not more than a tenth of the disk, nor less than half a minute (or a quarter of the disk). Pure.
 */
uint64_t space_margin(double bytes_per_second, uint64_t size);

enum space_stage { SPACE_UNPROTECTED = 1, SPACE_EVENTS, SPACE_FAVORITES, SPACE_STAGES };

/* A camera as seen when choosing whom to take from. */
struct space_camera {
    double mib;    /* held */
    double oldest; /* begin of the oldest that may go at this stage, INFINITY = none */
};
/* Whose oldest goes next; -1: nobody has any. Pure. */
int space_choose(const struct space_camera *cameras, size_t count);

struct space {
    const struct config *config;
    struct store *store;
    const char *data_dir;
    const struct volume *volume;
    bool (*stopping)(void *context);
    void *context;
    /* What was done, added up. */
    uint64_t segments[SPACE_STAGES];
    double mib;
};

/* Takes away until that many bytes are free. False: it could not be reached. */
bool space_free(struct space *space, uint64_t wanted);

#endif
