#include "sound/outbox.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "ring/sounds.h"

void outbox_finish(struct outbox *outbox)
{
    free(outbox->items);
    *outbox = (struct outbox){0};
}

void outbox_add(struct outbox *outbox, const char *camera, double start, double rms,
                const struct listen_hit *hits, size_t count, atomic_uint_fast64_t *dropped)
{
    if (outbox->items == NULL) {
        outbox->items = mem_array(OUTBOX_MAX, sizeof *outbox->items);
    }
    if (outbox->count == OUTBOX_MAX) {
        outbox->first = (outbox->first + 1) % OUTBOX_MAX;
        outbox->count--;
        atomic_fetch_add(dropped, 1);
    }
    struct outbox_item *item = &outbox->items[(outbox->first + outbox->count++) % OUTBOX_MAX];
    *item = (struct outbox_item){
        .message = {.start = start,
                    .end = start + (double)SOUNDS_CHUNK / SOUNDS_RATE,
                    .rms = (float)rms},
    };
    snprintf(item->message.camera, sizeof item->message.camera, "%s", camera);
    for (size_t i = 0; i < count; i++) {
        snprintf(item->labels[i].label, sizeof item->labels[i].label, "%s", hits[i].label);
        item->labels[i].score = hits[i].score;
    }
    item->message.labels.items = item->labels;
    item->message.labels.count = count;
}

void outbox_send(struct outbox *outbox, struct worker *worker)
{
    while (outbox->count > 0 &&
           worker_send(worker, MSG_SOUND, &outbox->items[outbox->first].message, -1) == 0) {
        outbox->first = (outbox->first + 1) % OUTBOX_MAX;
        outbox->count--;
    }
}
