/* The work of a detector: takes requests from all cameras' tensor slots, one camera after the
 * other, and answers each. It has a thread of its own, since an inference can hang; the process's
 * loop goes on beating, and whoever watches the scoreboard sees since when the inference runs.
 *
 * While the model cannot be used every request is answered TENSOR_NO_MODEL, the scoreboard says
 * why, and the model is tried again when its file changes. */
#ifndef CORVETTE_DETECTOR_SERVICE_H
#define CORVETTE_DETECTOR_SERVICE_H

#include <stdbool.h>

#include "detector/backend.h"
#include "ipc/messages.h"
#include "ring/board.h"

/* Values of board_entry.state. */
enum service_state { SERVICE_STARTING, SERVICE_WORKING, SERVICE_NO_MODEL };

struct service_options { /* all outlive the service */
    const struct backend *backend;
    const struct cfg_detector *config;
    const struct cfg_labels *labels;
    struct board_entry *entry;
    unsigned number; /* of this detector, for tensors_reset_detector() */
    bool shared;     /* other detectors wait on the same `work` eventfd */
};

struct service;

struct service *service_create(const struct service_options *options);
/* Stops, waits for the thread, frees. NULL is fine. */
void service_destroy(struct service *service);

/* Any time: slots or `done` eventfd of a camera, or the `work` eventfd. Takes over `fd`. */
void service_give(struct service *service, enum give_what what, const char *camera, int fd);

void service_start(struct service *service);
/* Asks it to end; service_ended_fd() becomes readable when it has. A running inference is cut off.
 */
void service_stop(struct service *service);
int service_ended_fd(const struct service *service);

#endif
