/* What is kept, why, and until when. Pure: one function judges a recorded segment by the camera's
 * rules and by the events that overlap it; deleting and explaining both ask it.
 *
 * The rules are Frigate 0.14's (record.retain, record.events.retain), with what it leaves open
 * settled in favour of the footage: a segment is kept if either the continuous or the event rules
 * want it, and one of which nobody knows what went on in it counts as if something did. */
#ifndef CORVETTE_FOOTAGE_RETENTION_H
#define CORVETTE_FOOTAGE_RETENTION_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "store/db.h"

/* An event may still be about to claim a segment that has just ended: objects are confirmed and
 * reported some seconds late, and pre_capture reaches back a minute at most. */
#define RETENTION_SETTLE_S 300.0

enum retention_reason {
    RETENTION_CONTINUOUS = 1 << 0, /* record.retain.days, everything */
    RETENTION_MOTION = 1 << 1,     /* the same, as there was motion or sound */
    RETENTION_OBJECTS = 1 << 2,    /* the same, as there were active objects */
    RETENTION_NO_VERDICT = 1 << 3, /* the same, as nobody looked */
    RETENTION_EVENT = 1 << 4,      /* record.events.retain of an event it overlaps */
    RETENTION_MANUAL = 1 << 5,     /* the same, of an event made by hand: its mode does not count */
    RETENTION_FAVORITE = 1 << 6,   /* an event it overlaps is to be kept for ever */
    RETENTION_SETTLING = 1 << 7,   /* too fresh to be judged */
    RETENTION_ADOPTED = 1 << 8,    /* found on a disk this database did not know */
};
#define RETENTION_REASONS 9
/* "continuous", ...: of one bit. */
const char *retention_reason_name(enum retention_reason reason);

struct retention_segment {
    double start, end;
    struct db_opt_int motion, objects, dbfs; /* dbfs: retention_loudness() */
};

/* A row's level as the modes count it: that of sound the camera does not take for loud
 * (audio.min_volume) is left out, so that a quiet microphone is not motion. Where nobody listens any
 * more, every level counts. */
struct db_opt_int retention_loudness(const struct cfg_camera *camera, struct db_opt_int dbfs);

struct retention_event {
    double start;
    struct db_opt_double end; /* absent while it runs */
    const char *label;
    bool favorite; /* retain_indefinitely */
    bool manual;   /* made over the API */
};

struct retention_verdict {
    unsigned reasons; /* 0: it may go */
    double until;     /* when that will be, INFINITY = not by itself */
};

/* `events` with a clip that overlap the segment. Footage from before `adopted_at` (0 = none) came
 * with its disk and is kept for the longest of all retention times from then on. Cameras that are
 * no longer configured go by the global section. */
struct retention_verdict retention_judge(const struct cfg_record *rules,
                                         const struct retention_segment *segment,
                                         const struct retention_event *const *events, size_t count,
                                         double now, double adopted_at);

/* Days an event's clip or snapshot is kept: by its label, else the default. */
double retention_days(const struct cfg_retain *retain, const char *label);
/* The longest of all the times in a record section, in days. */
double retention_longest(const struct cfg_record *rules);
/* Rules of a camera by name; the global ones when it is not configured. */
const struct cfg_camera *retention_camera(const struct config *config, const char *name);

#endif
