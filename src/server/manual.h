/* Events that no tracker makes: by hand over the API, or because something was heard. They get a
 * row, a snapshot of the whole picture with the boxes that were asked for, a thumbnail, a clip when
 * the camera records, and are told to the review and the timeline.
 *
 * Any thread may begin and end one; nothing here waits for disk or database: the pictures are
 * encoded on the jobs thread, the row follows them and is kept here while the database is behind.
 *
 * An open-ended one waits for manual_end(). It outlives this process: made over the API, it goes on
 * after a restart (heard ones begin anew). One that nobody ends ends MANUAL_LONGEST_S after it
 * began, so that a lost end does not keep footage for ever. */
#ifndef CORVETTE_SERVER_MANUAL_H
#define CORVETTE_SERVER_MANUAL_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "server/jobs.h"
#include "server/live.h"
#include "store/db_manual.h"
#include "store/store.h"

struct manual;
struct review;

/* Bounds; what is over them is refused with a sentence. */
#define MANUAL_LONGEST_S DB_MANUAL_LONGEST_S
#define MANUAL_LABEL_MAX 100 /* characters; of the sub label too */
#define MANUAL_SOURCE_MAX 30
#define MANUAL_BOXES_MAX 64
#define MANUAL_MAX 1024 /* running ones; and those that wait for the database */

/* Made over the API: such events are alerts, and keep recordings whatever the mode of retention. */
#define MANUAL_SOURCE_API "api"
#define MANUAL_SOURCE_AUDIO "audio"

/* Drawn on the snapshot. Relative to the picture: left, top, width, height. */
struct manual_box {
    double x, y, width, height;
    uint8_t rgb[3];
    bool has_score;
    double score; /* per cent; of the caption */
};

struct manual_event {
    const char *label;
    const char *sub_label;   /* NULL: none */
    const char *source_type; /* MANUAL_SOURCE_, or anything else */
    double score;            /* 0..100 */
    bool open_ended;
    double duration; /* seconds, unless open_ended */
    bool include_recording;
    const struct manual_box *boxes;
    size_t box_count;
};

/* 0, or -EINVAL and a sentence that names what is wrong. Pure. */
int manual_check(const struct manual_event *what, struct err *err);
/* 0 and the new event's id. -EINVAL: as manual_check(); -EAGAIN: too much is going
 * on already. */
int manual_begin(struct manual *manual, int camera, const struct manual_event *what,
                 char id[IPC_ID], struct err *err);
/* Waits until the files are written and the row is with the database's writer; false when that
 * takes longer. Not for the loop's thread. */
bool manual_wait(struct manual *manual, const char *id, int timeout_ms);
/* Ends any event; the time goes into the row as it is. Ids nobody knows are passed over. 0, or
 * -EAGAIN: the database is behind, try again. */
int manual_end(struct manual *manual, const char *id, double end_time);
/* The user deletes this event. Call before deleting the row. */
void manual_forget(struct manual *manual, const char *id);
/* Whether an event made over the API wants the recording of a span kept. */
bool manual_claims(struct manual *manual, int camera, double start, double end);

struct manual_state {
    uint64_t made;    /* accepted */
    uint64_t refused; /* too much was going on */
    uint64_t snapshots_failed;
    unsigned running; /* not over yet */
    unsigned waiting; /* for their pictures or the database */
};
void manual_get_state(struct manual *manual, struct manual_state *state);

struct manual_setup {
    const struct config *config;
    struct store *store;
    struct live *live;
    struct jobs *jobs;
    struct review *review;
    const char *data_dir;
};

/* The rest: the loop's thread. Takes up what an earlier process left open. */
struct manual *manual_create(const struct manual_setup *setup);
/* After jobs_destroy(). NULL is fine. */
void manual_destroy(struct manual *manual);
/* About once a second: rows that wait, events that nobody ended. */
void manual_tick(struct manual *manual);
/* Clean stop, after jobs_drain(): the rows of all, with or without their files. */
void manual_finish(struct manual *manual);

#endif
