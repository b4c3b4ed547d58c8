/* Segments become rows of the table recordings. The file is in place already and stays the truth:
 * a row that cannot be written now is found again by adopt.h. */
#ifndef CORVETTE_SERVER_RECORDINGS_H
#define CORVETTE_SERVER_RECORDINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "ipc/messages.h"
#include "store/store.h"

struct manual;
struct recordings;

struct recordings_state {
    uint64_t rows;    /* handed to the writer */
    uint64_t refused; /* messages that made no sense */
    uint64_t dropped; /* too many were waiting for the database: left to adoption */
    unsigned waiting;
};

/* Loop's thread; only recordings_get_state() is for any. */
/* `manual` says which segments an event made by hand claims. */
struct recordings *recordings_create(const struct config *config, struct store *store,
                                     struct manual *manual);
void recordings_destroy(struct recordings *recordings); /* NULL is fine */

/* Before the frame's content is taken elsewhere. */
void recordings_frame(struct recordings *recordings, int camera, const struct msg_frame *frame);
/* So many labels were heard at that time. */
void recordings_heard(struct recordings *recordings, int camera, double time, unsigned count);
/* Waits for analyse to have seen the segment's last picture, and where somebody listens a second
 * for what is heard in it; two seconds at most. */
void recordings_segment(struct recordings *recordings, int camera,
                        const struct msg_segment *segment);
/* Into the ledger of what was not recorded: 0, or -EINVAL for one that cannot be. */
int recordings_gap(struct recordings *recordings, int camera, const struct msg_gap *gap);
/* About twice a second; `all`: whatever waits goes out now (stopping). */
void recordings_flush(struct recordings *recordings, bool all);
/* True once after segments were dropped: a scan should look for them. */
bool recordings_take_dropped(struct recordings *recordings);

void recordings_get_state(struct recordings *recordings, struct recordings_state *state);

#endif
