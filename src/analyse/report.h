/* Puts what the pipeline found into a message for the server. */
#ifndef CORVETTE_ANALYSE_REPORT_H
#define CORVETTE_ANALYSE_REPORT_H

#include "analyse/pipeline.h"
#include "ipc/messages.h"

struct report; /* memory for a message, used again for each */

struct report *report_create(const char *camera);
void report_destroy(struct report *report); /* NULL is fine */

/* All objects, ended ones included. Valid until the next call. */
const struct msg_frame *report_frame(struct report *report, struct pipeline *pipeline);

#endif
