/* What the outside is told of a tracked object: contract section 8. Sits on top of the tracker: one
 * object per LIVE track. Pure. */
#ifndef CORVETTE_TRACK_OBJECT_H
#define CORVETTE_TRACK_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "track/best.h"
#include "track/tracker.h"
#include "track/zone.h"

#define OBJECT_SCORES 10

struct object_best {
    uint32_t revision; /* 0 = none yet */
    double time;
    float score;
    struct extent box, region;
    struct attributes attributes;
};

/* Everything of the last picture the object was updated with, copied out of the track so that it
 * outlives it. Boxes in detect pixels. */
struct object {
    uint64_t serial; /* of the track; 0 = unused */
    char id[40];
    const struct track_label *label;
    const struct cfg_filter *filter; /* of the label */
    double start_time, frame_time;   /* frame_time: last confirmed */
    double end_time;                 /* = frame_time, once the track is gone; else 0 */
    bool false_positive;
    bool stationary, active;
    bool seen;        /* in the latest picture */
    bool significant; /* something worth telling since object_told() */
    float score, computed_score, top_score;
    struct extent box, region;
    int32_t area; /* w * h */
    float ratio;
    uint32_t motionless_count, position_changes;
    const char *sub_label; /* or NULL: logo attribute of a car */
    float sub_label_score;
    struct attributes best_ever; /* attributes: the best score of each label so far */
    struct attributes current_attributes;
    uint64_t current_zones, entered_zones; /* bit per zone of the camera */
    uint8_t entered_order[CFG_MAX_ZONES];
    unsigned entered_count;
    struct object_best best;
    bool learned;    /* for the owner: the region grid has it */
    bool wants_best; /* this picture is better than `best`: copy it, then object_take_best() */
    /* this module's alone */
    size_t index;
    float scores[OBJECT_SCORES];
    unsigned score_count, score_next;
    struct zone_presence zones[CFG_MAX_ZONES];
    double updated_time, told_time;
    bool updated, resting, motion_changed, attributes_changed, best_lost;
};

struct objects;

/* `camera` (its objects.filters and zones) must outlive it. `width`, `height`, fps as the
 * tracker's. */
struct objects *objects_create(const struct cfg_camera *camera,
                               const struct tracker_settings *settings);
void objects_destroy(struct objects *objects); /* NULL is fine */

/* After tracker_update() of the same picture. `attributes` are that picture's attribute detections,
 * not yet given to anyone. Afterwards ended objects are still iterated (end_time != 0) until
 * objects_forget_ended(). */
void objects_update(struct objects *objects, struct tracker *tracker, double time,
                    const struct attribute *attributes, size_t attribute_count);
struct object *objects_next(struct objects *objects, const struct object *after); /* NULL first */
/* Lets go of the ended ones, but for the newest `keep`; returns how many. */
size_t objects_forget_ended(struct objects *objects, size_t keep);
size_t objects_count(const struct objects *objects); /* ended ones included */
/* Ends all of them, each at the time it was last seen (shutdown, detection switched off). */
void objects_end_all(struct objects *objects);

/* The present picture was kept: it is the best now. */
void object_take_best(struct object *object, double time);
/* The picture of `best` is no longer there: the next one that shows the object replaces it. */
void object_lose_best(struct object *object);
/* What was significant has been told. */
void object_told(struct object *object, double time);

#endif
