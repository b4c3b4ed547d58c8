/* What is heard becomes events: one per camera and label, open from the first time it is heard until
 * it was not heard for audio.max_not_heard seconds; then it ends with the last time plus
 * record.events.post_capture. It ends the same way when whoever listens is gone, and with a clean
 * stop. Each hit is told to the review and counts as an object for the recordings. How loud a
 * camera is stands on the scoreboard (ring/board.h, audio_rms_x10000). */
#ifndef CORVETTE_SERVER_SOUND_H
#define CORVETTE_SERVER_SOUND_H

#include <stddef.h>
#include <stdint.h>

#include "base/jout.h"
#include "config/config.h"
#include "ipc/messages.h"

struct sound;
struct manual;
struct review;
struct recordings;

#define SOUND_LABELS_MAX 32 /* heard at once on one camera; more are counted and left out */

struct sound_setup {
    const struct config *config;
    struct manual *manual;
    struct review *review;
    struct recordings *recordings;
};

/* The loop's thread. */
struct sound *sound_create(const struct sound_setup *setup);
void sound_destroy(struct sound *sound); /* NULL is fine */
/* 0, or -EINVAL for a message that cannot be. */
int sound_take(struct sound *sound, int camera, const struct msg_sound *message);
/* About twice a second: ends what is not heard any more. */
void sound_tick(struct sound *sound, double now);
/* Clean stop: everything ends with the last time it was heard. */
void sound_end_all(struct sound *sound);

/* Any thread. */
struct sound_now {
    char label[IPC_LABEL];
    double since, last; /* wall seconds */
    char event[IPC_ID]; /* "": could not be begun yet */
};
/* What is being heard on a camera; the number of entries filled. */
size_t sound_now(struct sound *sound, int camera, struct sound_now now[SOUND_LABELS_MAX]);
/* An object with its counters and what is being heard, keys sorted. */
void sound_report(struct sound *sound, struct jout *json);

#endif
