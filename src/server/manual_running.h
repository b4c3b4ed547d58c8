/* The events made by hand that have begun, until nothing more depends on them. Pure; the caller's
 * lock. */
#ifndef CORVETTE_SERVER_MANUAL_RUNNING_H
#define CORVETTE_SERVER_MANUAL_RUNNING_H

#include <stdbool.h>
#include <stddef.h>

#include "ipc/messages.h"

struct manual_span {
    char id[IPC_ID];
    int camera;
    double start; /* of the row, capture padding included */
    double end;   /* INFINITY: open */
    bool claims;  /* recordings */
};

/* Zeroed is empty. */
struct manual_running {
    struct manual_span *spans;
    size_t count, capacity;
};

void manual_running_finish(struct manual_running *running);
void manual_running_add(struct manual_running *running, const char *id, int camera, double start,
                        double end, bool claims);
/* Unknown ids are passed over. An end in the far future keeps none longer than MANUAL_LONGEST_S. */
void manual_running_end(struct manual_running *running, const char *id, double end);
void manual_running_remove(struct manual_running *running, const char *id);
/* Whether one wants the recording of that span. */
bool manual_running_claims(const struct manual_running *running, int camera, double start,
                           double end);
/* An open one that has lasted MANUAL_LONGEST_S: true, its id and when it should have ended. */
bool manual_running_overdue(const struct manual_running *running, double now, char id[IPC_ID],
                            double *end);
/* Those that have been over for so long that the rows of their recordings are there. */
void manual_running_drop(struct manual_running *running, double now);
/* Those that are not over. */
unsigned manual_running_count(const struct manual_running *running, double now);

#endif
