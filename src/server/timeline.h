/* What tracked objects do becomes rows of the table timeline: visible, entered_zone, stationary,
 * active, attribute, gone. A step is kept here until the event itself is stored and then inserted
 * with the time it happened; of objects that never become an event nothing is left.
 *
 * Contract: pipeline section 15, database, table timeline. The loop's thread, timeline_get_state()
 * and timeline_add_external() apart. */
#ifndef CORVETTE_SERVER_TIMELINE_H
#define CORVETTE_SERVER_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "server/live.h"
#include "store/store.h"

struct timeline;

/* Bounds; what is over them is counted. Steps that wait per object: what came first stays. */
#define TIMELINE_STEPS_MAX 64
#define TIMELINE_OBJECTS_MAX 8192

struct timeline *timeline_create(const struct config *config, struct store *store);
void timeline_destroy(struct timeline *timeline); /* NULL is fine */

/* The object as it now stands; `flags` is what events_update() said of it. After that call. */
void timeline_update(struct timeline *timeline, int camera, const struct live_object *object,
                     bool ended, unsigned flags);
/* From events.c, for an event: an earlier process has stored it, with its steps so far (before the
 * object's first update); its row is with the writer; it is over, stored or not. */
void timeline_resume(struct timeline *timeline, int camera, const struct msg_object *state);
void timeline_stored(struct timeline *timeline, int camera, const char *id);
void timeline_over(struct timeline *timeline, int camera, const char *id);
/* Inserts what may be; after events_flush() and about once a second. */
void timeline_flush(struct timeline *timeline);
/* Clean stop: everything that is still visible is gone now. Before the events' last rows. */
void timeline_end_all(struct timeline *timeline, double now);

struct timeline_state {
    uint64_t rows;    /* handed to the writer */
    uint64_t dropped; /* over the bounds */
    unsigned waiting; /* steps kept */
    unsigned objects;
};
void timeline_get_state(struct timeline *timeline, struct timeline_state *state);

/* The one step of an event that no tracker made, into the work that stores the event: "heard" for
 * sounds, else "external". Any thread. */
void timeline_add_external(struct store_work *work, const char *camera, const char *id,
                           const char *source_type, const char *label, const char *sub_label,
                           double time);

#endif
