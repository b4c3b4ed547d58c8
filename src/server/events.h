/* Tracked objects become rows of the table event, and snapshot files. A row appears when the event
 * has a clip or a snapshot to show, follows the object's life and is closed when the object ends;
 * whatever the state of the database, its last state gets there in the end. The snapshot's files
 * are there before the row says that the event has ended.
 *
 * A row that an unclean end left open is closed by store_repair() at start; it opens again, with
 * what it already had, when analyse lived on and still reports the object. */
#ifndef CORVETTE_SERVER_EVENTS_H
#define CORVETTE_SERVER_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "config/config.h"
#include "server/live.h"
#include "store/store.h"

struct events;
struct jobs;
struct timeline;

/* Any thread: the user deletes this event. Call before deleting the row: from here on nothing is
 * written for it any more, also if its object still runs. */
void events_forget(struct events *events, const char *id);

struct events_state {
    uint64_t rows;    /* row states handed to the writer */
    uint64_t delayed; /* times the writer's queue was full and rows had to wait here */
    uint64_t lost;    /* refusals because EVENTS_MAX were running or waiting */
    uint64_t snapshots, snapshots_failed; /* files */
    unsigned running;                     /* events with a row that have not ended */
    unsigned waiting; /* events whose newest state the writer has not taken yet */
};
void events_get_state(struct events *events, struct events_state *state);

/* Running and waiting ones together. A full database queue costs freshness first: only the newest
 * state of each event waits. */
#define EVENTS_MAX 4096

/* The rest: the loop's thread. */
struct events *events_create(const struct config *config, struct store *store, struct jobs *jobs,
                             struct timeline *timeline, const char *data_dir);
/* After jobs_destroy(): jobs report here. */
void events_destroy(struct events *events); /* NULL is fine */

/* The object as it now stands: LIVE_HAS_ bits of its event. What is to be written waits for
 * events_flush(), which the caller runs after each worker message: one transaction. */
unsigned events_update(struct events *events, int camera, const struct live_object *object,
                       bool ended);
void events_flush(struct events *events);
/* About once a second: what waits for its turn (rate limit, full queue) is tried again. */
void events_tick(struct events *events);
/* Clean stop: every running event ends now, its snapshot is written. Then jobs_drain(), then
 * events_finish(): the rows of all that have ended, with or without their files. */
void events_end_all(struct events *events, double now);
void events_finish(struct events *events);

/* Facts for the columns model_hash, model_type, detector_type. The texts are copied. */
void events_set_model(struct events *events, const char *hash, const char *model_type,
                      const char *detector_type);

#endif
