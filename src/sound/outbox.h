/* What was heard, on its way to the server: kept in order while it is away, up to a bound; then the
 * oldest go and are counted. One thread. */
#ifndef CORVETTE_SOUND_OUTBOX_H
#define CORVETTE_SOUND_OUTBOX_H

#include "ipc/worker.h"
#include "sound/listen.h"

#define OUTBOX_MAX 200

struct outbox_item {
    struct msg_sound message;
    struct msg_label labels[LISTEN_MAX];
};

struct outbox {
    struct outbox_item *items; /* ring, made with the first item */
    size_t first, count;
};

void outbox_finish(struct outbox *outbox);

/* Adds one; `camera` and the labels are copied. Counts what falls out at `dropped`. */
void outbox_add(struct outbox *outbox, const char *camera, double start, double rms,
                const struct listen_hit *hits, size_t count, atomic_uint_fast64_t *dropped);
/* Sends what it can. */
void outbox_send(struct outbox *outbox, struct worker *worker);

#endif
