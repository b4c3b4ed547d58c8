/* What analyse found in the last minutes of one camera, to say how much went on in a segment of
 * its recording. Pure; one thread. */
#ifndef CORVETTE_SERVER_ACTIVITY_H
#define CORVETTE_SERVER_ACTIVITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/messages.h"

/* A minute and more at 30 pictures a second, five at 5; the oldest go first. */
#define ACTIVITY_MAX 2048

struct activity_entry {
    double time;
    uint32_t motion, objects, regions;
};

/* Two a second while something is heard. */
#define ACTIVITY_HEARD_MAX 256

struct activity_hits {
    double time;
    uint32_t count;
};

struct activity {
    struct activity_entry *entries; /* ring, made with the first picture */
    size_t first, count;
    struct activity_hits *hits; /* ring, made with the first sound */
    size_t first_hit, hit_count;
};

void activity_finish(struct activity *activity);
/* Counts as Frigate does (contract, pipeline section 10): motion boxes, objects that are no false
 * positives and moved just now, regions. Pictures come in order; one from the past starts afresh
 * (the clock was set back). */
void activity_add(struct activity *activity, const struct msg_frame *frame);
/* Labels heard at a time: they count as objects. */
void activity_heard(struct activity *activity, double time, unsigned count);
double activity_newest(const struct activity *activity); /* 0 = none */

struct activity_sum {
    uint64_t motion, objects, regions;
    unsigned pictures;
    /* No gap between processed pictures, nor to start and end: a zero above means that nothing
     * happened. Without it nobody looked, and a zero means nothing. */
    bool complete;
};
struct activity_sum activity_sum(const struct activity *activity, double start, double end);

#endif
