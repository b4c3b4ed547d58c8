#include "footage/clip_events.h"

#include <stdlib.h>

#include "base/mem.h"
#include "store/db_retention.h"

static void take(void *context, const struct db_retention_event *row)
{
    struct clip_events *events = context;
    struct clip_event *event = MEM_PUSH(events->items, events->count, events->capacity);
    event->id = mem_strdup(row->id);
    event->label = mem_strdup(row->label);
    event->event = (struct retention_event){.start = row->start,
                                            .end = row->end,
                                            .label = event->label,
                                            .favorite = row->favorite,
                                            .manual = row->manual};
}

int clip_events_load(struct clip_events *events, struct db *db, const char *camera, double after,
                     double before)
{
    return db_retention_events(db, camera, after, before, take, events);
}

void clip_events_finish(struct clip_events *events)
{
    for (size_t i = 0; i < events->count; i++) {
        free(events->items[i].id);
        free(events->items[i].label);
    }
    free(events->items);
    free(events->running);
    free((void *)events->found);
    free((void *)events->ids);
    *events = (struct clip_events){0};
}

void clip_events_find(struct clip_events *events, double start, double end)
{
    while (events->next < events->count && events->items[events->next].event.start <= end) {
        *MEM_PUSH(events->running, events->running_count, events->running_capacity) =
            events->next++;
    }
    events->found_count = 0;
    size_t kept = 0, ids = 0;
    for (size_t i = 0; i < events->running_count; i++) {
        const struct clip_event *item = &events->items[events->running[i]];
        if (item->event.end.has && item->event.end.value < start) {
            continue; /* over for all that follow too */
        }
        events->running[kept++] = events->running[i];
        *MEM_PUSH(events->found, events->found_count, events->found_capacity) = &item->event;
        *MEM_PUSH(events->ids, ids, events->id_capacity) = item->id;
    }
    events->running_count = kept;
}
