/* The memory and wake-up descriptors that outlive the workers, made once from a configuration, and
 * the table of who is given what. */
#ifndef CORVETTE_SUPERVISOR_SHARED_H
#define CORVETTE_SUPERVISOR_SHARED_H

#include "base/err.h"
#include "config/config.h"
#include "supervisor/child.h"

struct shared_camera {
    const char *name; /* of the configuration */
    int frames, frame_ready, tensors, done;
    int sounds; /* -1: nobody listens to it */
};

struct shared {
    int config, board_fd, log, work, sound_ready;
    struct board *board;
    struct shared_camera *cameras; /* enabled ones */
    size_t camera_count;
};

/* `text` is the configuration's source, parsed again by each worker. False with a sentence. */
bool shared_create(struct shared *shared, const struct config *config, const struct str *text,
                   struct err *err);
void shared_destroy(struct shared *shared);

/* Sends a fresh worker all that its role needs (not the links between workers). */
void shared_give(const struct shared *shared, struct child *child);

#endif
