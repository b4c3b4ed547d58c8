#include "server/activity.h"

#include <stdlib.h>

#include "base/mem.h"

/* Pictures come at least this often when processing runs (5 fps, with much to do perhaps 1). */
#define GAP_MAX_S 2.5

void activity_finish(struct activity *activity)
{
    free(activity->entries);
    free(activity->hits);
    *activity = (struct activity){0};
}

static const struct activity_entry *at(const struct activity *activity, size_t index)
{
    return &activity->entries[(activity->first + index) % ACTIVITY_MAX];
}

double activity_newest(const struct activity *activity)
{
    return activity->count > 0 ? at(activity, activity->count - 1)->time : 0;
}

static uint32_t active_objects(const struct msg_frame *frame)
{
    uint32_t active = 0;
    for (size_t i = 0; i < frame->objects.count; i++) {
        const struct msg_object *object = &frame->objects.items[i];
        active += !object->false_positive && object->motionless_count == 0 && object->end_time <= 0;
    }
    return active;
}

void activity_add(struct activity *activity, const struct msg_frame *frame)
{
    if (activity->entries == NULL) {
        activity->entries = mem_array(ACTIVITY_MAX, sizeof *activity->entries);
    }
    if (frame->time < activity_newest(activity)) {
        activity->count = 0;
    }
    if (activity->count == ACTIVITY_MAX) {
        activity->first = (activity->first + 1) % ACTIVITY_MAX;
        activity->count--;
    }
    activity->entries[(activity->first + activity->count++) % ACTIVITY_MAX] =
        (struct activity_entry){
            .time = frame->time,
            .motion = (uint32_t)frame->motion.count,
            .objects = active_objects(frame),
            .regions = (uint32_t)frame->regions.count,
        };
}

void activity_heard(struct activity *activity, double time, unsigned count)
{
    if (activity->hits == NULL) {
        activity->hits = mem_array(ACTIVITY_HEARD_MAX, sizeof *activity->hits);
    }
    if (activity->hit_count == ACTIVITY_HEARD_MAX) {
        activity->first_hit = (activity->first_hit + 1) % ACTIVITY_HEARD_MAX;
        activity->hit_count--;
    }
    activity->hits[(activity->first_hit + activity->hit_count++) % ACTIVITY_HEARD_MAX] =
        (struct activity_hits){.time = time, .count = count};
}

static uint64_t hits_within(const struct activity *activity, double start, double end)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < activity->hit_count; i++) {
        const struct activity_hits *hits =
            &activity->hits[(activity->first_hit + i) % ACTIVITY_HEARD_MAX];
        sum += hits->time >= start && hits->time <= end ? hits->count : 0;
    }
    return sum;
}

struct activity_sum activity_sum(const struct activity *activity, double start, double end)
{
    struct activity_sum sum = {.complete = true, .objects = hits_within(activity, start, end)};
    double last = start;
    for (size_t i = 0; i < activity->count; i++) {
        const struct activity_entry *entry = at(activity, i);
        if (entry->time < start || entry->time > end) {
            continue;
        }
        sum.motion += entry->motion;
        sum.objects += entry->objects;
        sum.regions += entry->regions;
        sum.pictures++;
        sum.complete = sum.complete && entry->time - last <= GAP_MAX_S;
        last = entry->time;
    }
    sum.complete = sum.complete && sum.pictures > 0 && end - last <= GAP_MAX_S;
    return sum;
}
