/* Activity becomes review items: rows of the table reviewsegment with a thumbnail. At most one item
 * runs per camera. It begins with an active object, a sound or a manual event, gathers what goes
 * on, may rise from detection to alert, and ends some time after the last activity
 * (review_rules.h), also when no more pictures come. Cameras that do not record have none.
 *
 * The row is there while the item runs (end_time null) and follows it. How long an item was known
 * to be active is kept beside it in the database: after a crash it goes on if its activity does,
 * and ends with its last known activity otherwise.
 *
 * Times are those of the activity itself, without capture padding. */
#ifndef CORVETTE_SERVER_REVIEW_H
#define CORVETTE_SERVER_REVIEW_H

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "ipc/messages.h"
#include "server/jobs.h"
#include "server/live.h"
#include "store/store.h"

struct review;

/* Items whose row the database has yet to take, running ones included; more are not begun. */
#define REVIEW_MAX 2048

struct review_state {
    uint64_t rows;               /* row states handed to the writer */
    uint64_t delayed;            /* times the writer's queue was full and rows had to wait here */
    uint64_t lost;               /* items not begun because of REVIEW_MAX */
    uint64_t left_out;           /* objects, names and pins that a full item did not take */
    uint64_t thumbnails;         /* files written */
    uint64_t thumbnails_dropped; /* the jobs' queue was full: tried again with a later picture */
    uint64_t thumbnails_failed;  /* could not be encoded or written */
    unsigned running;            /* items that have not ended */
    unsigned waiting;            /* items with something to write */
};

/* --- any thread --- */

/* Sounds of a camera, heard now. What review.alerts and review.detections do not name counts for
 * nothing. */
void review_sound(struct review *review, int camera, double time, const char *const *labels,
                  size_t count);
/* A manual event is an alert. `id`: of the event. `name`: its label, or "label: sub_label".
 * `start`, `end`: of what it marks; an `end` that is not a number leaves it open: the item runs
 * until review_manual_end(), which must also come when the event is deleted. Events begun by a
 * sound do not come here. */
void review_manual(struct review *review, int camera, const char *id, const char *name,
                   double start, double end);
/* Unknown ids are passed over. */
void review_manual_end(struct review *review, const char *id, double end);
/* The user names an event, or takes its name away (""). Running items that hold it follow. */
void review_sub_label(struct review *review, const char *event_id, const char *sub_label);
/* The user deletes this item. Call before deleting the row: from here on nothing is written for it
 * any more. Activity that goes on begins another item. */
void review_forget(struct review *review, const char *id);

void review_get_state(struct review *review, struct review_state *state);

/* --- the loop's thread --- */

/* Takes up the items that an earlier run left open. All arguments must outlive it. */
struct review *review_create(const struct config *config, struct store *store, struct jobs *jobs,
                             struct live *live, const char *data_dir);
/* After jobs_destroy(): jobs report here. */
void review_destroy(struct review *review); /* NULL is fine */

/* Before the frame's content is taken elsewhere. */
void review_frame(struct review *review, int camera, const struct msg_frame *frame);
/* Writes what is due. After each message: one transaction. */
void review_flush(struct review *review);
/* About twice a second. */
void review_tick(struct review *review);
/* Clean stop: every running item ends with its last activity. Then jobs_drain(), then
 * review_finish(): all rows, with or without their thumbnails. */
void review_end_all(struct review *review, double now);
void review_finish(struct review *review);

#endif
