#include "analyse/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Per object: its zones twice, its attributes three times. */
struct parts {
    struct msg_zone current[CFG_MAX_ZONES], entered[CFG_MAX_ZONES];
    struct msg_attribute ever[ATTRIBUTES_MAX], now[ATTRIBUTES_MAX], best[ATTRIBUTES_MAX];
};

struct report {
    struct msg_frame frame;
    struct msg_box motion[MOTION_MAX_BOXES], regions[REGIONS_MAX];
    struct msg_object *objects;
    struct parts *parts;
    size_t capacity;
};

struct report *report_create(const char *camera)
{
    struct report *report = mem_alloc(sizeof *report);
    snprintf(report->frame.camera, sizeof report->frame.camera, "%s", camera);
    return report;
}

void report_destroy(struct report *report)
{
    if (report != NULL) {
        free(report->objects);
        free(report->parts);
        free(report);
    }
}

static void put_extent(int32_t to[4], const struct extent *e)
{
    to[0] = (int32_t)e->x1;
    to[1] = (int32_t)e->y1;
    to[2] = (int32_t)e->x2;
    to[3] = (int32_t)e->y2;
}

static void put_boxes(struct msg_box *to, const struct box *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = (struct msg_box){{from[i].x1, from[i].y1, from[i].x2, from[i].y2}};
    }
}

static size_t put_attributes(struct msg_attribute *to, const struct attributes *from)
{
    for (size_t i = 0; i < from->count; i++) {
        snprintf(to[i].label, sizeof to[i].label, "%s", from->items[i].label);
        to[i].score = from->items[i].score;
        put_extent(to[i].box, &from->items[i].box);
    }
    return from->count;
}

static void put_zones(struct msg_object *to, struct parts *parts, const struct object *from)
{
    to->current_zones.items = parts->current;
    to->entered_zones.items = parts->entered;
    for (unsigned i = 0; i < CFG_MAX_ZONES; i++) {
        if ((from->current_zones >> i & 1) != 0) {
            parts->current[to->current_zones.count++].zone = i;
        }
    }
    for (unsigned i = 0; i < from->entered_count; i++) {
        parts->entered[to->entered_zones.count++].zone = from->entered_order[i];
    }
}

static void put_best(struct msg_object *to, struct parts *parts, const struct object_best *from)
{
    to->best_revision = from->revision;
    to->best_time = from->time;
    to->best_score = from->score;
    put_extent(to->best_box, &from->box);
    put_extent(to->best_region, &from->region);
    to->best_area = (int32_t)extent_area(&from->box);
    to->best_attributes.items = parts->best;
    to->best_attributes.count = put_attributes(parts->best, &from->attributes);
}

static void put_object(struct msg_object *to, struct parts *parts, const struct object *from)
{
    *to = (struct msg_object){
        .sub_label_score = from->sub_label_score,
        .start_time = from->start_time,
        .frame_time = from->frame_time,
        .end_time = from->end_time,
        .false_positive = from->false_positive,
        .stationary = from->stationary,
        .active = from->active,
        .significant = from->significant,
        .score = from->score,
        .computed_score = from->computed_score,
        .top_score = from->top_score,
        .area = from->area,
        .ratio = from->ratio,
        .motionless_count = from->motionless_count,
        .position_changes = from->position_changes,
    };
    snprintf(to->id, sizeof to->id, "%s", from->id);
    snprintf(to->label, sizeof to->label, "%s", from->label->name);
    snprintf(to->sub_label, sizeof to->sub_label, "%s",
             from->sub_label != NULL ? from->sub_label : "");
    put_extent(to->box, &from->box);
    put_extent(to->region, &from->region);
    put_zones(to, parts, from);
    to->attributes.items = parts->ever;
    to->attributes.count = put_attributes(parts->ever, &from->best_ever);
    to->current_attributes.items = parts->now;
    to->current_attributes.count = put_attributes(parts->now, &from->current_attributes);
    put_best(to, parts, &from->best);
}

static void reserve(struct report *report, size_t objects)
{
    if (objects <= report->capacity) {
        return;
    }
    report->capacity = objects + 8;
    report->objects = mem_grow(report->objects, report->capacity, sizeof *report->objects);
    report->parts = mem_grow(report->parts, report->capacity, sizeof *report->parts);
}

const struct msg_frame *report_frame(struct report *report, struct pipeline *pipeline)
{
    const struct frame_info *info = pipeline_info(pipeline);
    const struct motion_result *motion = pipeline_motion(pipeline);
    const struct regions *regions = pipeline_regions(pipeline);
    struct objects *objects = pipeline_objects(pipeline);
    struct msg_frame *frame = &report->frame;

    frame->sequence = info->sequence;
    frame->time = info->time;
    frame->calibrating = motion->calibrating;
    put_boxes(report->motion, motion->boxes, motion->count);
    frame->motion.items = report->motion;
    frame->motion.count = motion->count;
    put_boxes(report->regions, regions->items, regions->count);
    frame->regions.items = report->regions;
    frame->regions.count = regions->count;

    reserve(report, objects_count(objects));
    frame->objects.items = report->objects;
    frame->objects.count = 0;
    for (struct object *o = objects_next(objects, NULL); o != NULL; o = objects_next(objects, o)) {
        size_t at = frame->objects.count++;
        put_object(&report->objects[at], &report->parts[at], o);
    }
    return frame;
}
