/* The events with a clip of one camera in a span, and quickly which of them overlap a segment. */
#ifndef CORVETTE_FOOTAGE_CLIP_EVENTS_H
#define CORVETTE_FOOTAGE_CLIP_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "footage/retention.h"
#include "store/store.h"

struct clip_event {
    struct retention_event event;
    char *id, *label;
};

struct clip_events {
    struct clip_event *items; /* by start */
    size_t count, capacity;
    /* Segments are asked for in order: those that began before the last one asked for and may go
     * on, and where the others begin. */
    size_t *running;
    size_t running_count, running_capacity, next;
    /* the answer */
    const struct retention_event **found;
    const char **ids; /* of `found` */
    size_t found_count, found_capacity, id_capacity;
};

/* 0 or -errno. */
int clip_events_load(struct clip_events *events, struct db *db, const char *camera, double after,
                     double before);
void clip_events_finish(struct clip_events *events);
#define AUTO_CLIP_EVENTS __attribute__((cleanup(clip_events_finish)))

/* Sets `found` to those that overlap the span; spans come in order of their start. */
void clip_events_find(struct clip_events *events, double start, double end);

#endif
