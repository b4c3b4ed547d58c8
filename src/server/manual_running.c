#include "server/manual_running.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "server/manual.h"

/* How long an event that is over still claims recordings: their rows come late. */
#define CLAIM_S 120.0

void manual_running_finish(struct manual_running *running)
{
    free(running->spans);
    *running = (struct manual_running){0};
}

void manual_running_add(struct manual_running *running, const char *id, int camera, double start,
                        double end, bool claims)
{
    struct manual_span *span = MEM_PUSH(running->spans, running->count, running->capacity);
    *span = (struct manual_span){.camera = camera, .start = start, .end = end, .claims = claims};
    snprintf(span->id, sizeof span->id, "%s", id);
}

static struct manual_span *find(struct manual_running *running, const char *id)
{
    for (size_t i = 0; i < running->count; i++) {
        if (strcmp(running->spans[i].id, id) == 0) {
            return &running->spans[i];
        }
    }
    return NULL;
}

void manual_running_end(struct manual_running *running, const char *id, double end)
{
    struct manual_span *span = find(running, id);
    if (span != NULL) {
        span->end = fmin(end, span->start + MANUAL_LONGEST_S);
    }
}

void manual_running_remove(struct manual_running *running, const char *id)
{
    struct manual_span *span = find(running, id);
    if (span != NULL) {
        *span = running->spans[--running->count];
    }
}

bool manual_running_claims(const struct manual_running *running, int camera, double start,
                           double end)
{
    for (size_t i = 0; i < running->count; i++) {
        const struct manual_span *span = &running->spans[i];
        if (span->claims && span->camera == camera && span->start <= end && span->end >= start) {
            return true;
        }
    }
    return false;
}

bool manual_running_overdue(const struct manual_running *running, double now, char id[IPC_ID],
                            double *end)
{
    for (size_t i = 0; i < running->count; i++) {
        const struct manual_span *span = &running->spans[i];
        if (isinf(span->end) && now > span->start + MANUAL_LONGEST_S) {
            snprintf(id, IPC_ID, "%s", span->id);
            *end = span->start + MANUAL_LONGEST_S;
            return true;
        }
    }
    return false;
}

void manual_running_drop(struct manual_running *running, double now)
{
    size_t kept = 0;
    for (size_t i = 0; i < running->count; i++) {
        if (running->spans[i].end + CLAIM_S > now) {
            running->spans[kept++] = running->spans[i];
        }
    }
    running->count = kept;
}

unsigned manual_running_count(const struct manual_running *running, double now)
{
    unsigned count = 0;
    for (size_t i = 0; i < running->count; i++) {
        count += running->spans[i].end > now;
    }
    return count;
}
