/* One review item: what it has gathered, until when it was active, when it is over, its row's text.
 * Pure; one thread at a time.
 *
 * Pictures are compared by their own time, because what processing delays or a clock that is set
 * must not end an item; only silence is measured by the monotonic clock. */
#ifndef CORVETTE_SERVER_REVIEW_ITEM_H
#define CORVETTE_SERVER_REVIEW_ITEM_H

#include <stddef.h>

#include "base/clock.h"
#include "base/str.h"
#include "server/review_rules.h"

/* Bounds of one item; over them nothing more is taken in, and left_out counts. */
#define REVIEW_DETECTIONS_MAX 2048
#define REVIEW_NAMES_MAX 256
#define REVIEW_PINS_MAX 64

/* How long after the time is up silence ends an item: pictures on their way may say otherwise. */
#define REVIEW_SILENCE_EXTRA_S 10.0

/* An event in the item. */
struct review_detection {
    char id[IPC_ID];
    char *name;      /* label; of a manual event the whole text; NULL: from an earlier run */
    char *sub_label; /* NULL = none */
    bool named_by_user;
};

/* Distinct texts in the order they came. */
struct review_names {
    char **items;
    size_t count, capacity;
};

struct review_pin {
    char id[IPC_ID];
};

struct review_item {
    char id[48]; /* "<start time>-<6 of a-z0-9>" */
    double start_time;
    double last_activity;
    struct mono active_until; /* the same, by the clock that is not set; may lie ahead */
    enum review_severity severity;

    struct review_detection *detections;
    size_t detection_count, detection_capacity;
    struct review_names objects, sub_labels; /* of detections without a name */
    struct review_names zones, audio;
    struct review_pin *pins; /* manual events that keep it open */
    size_t pin_count, pin_capacity;
    uint64_t left_out;
};

void review_item_begin(struct review_item *item, double time, enum review_severity severity,
                       struct mono now);
/* From a row of an earlier run. False: `data_json` is not what such a row holds; then the lists are
 * empty. */
bool review_item_restore(struct review_item *item, const char *id, double start_time,
                         double last_activity, enum review_severity severity, const char *data_json,
                         struct mono now);
void review_item_finish(struct review_item *item); /* a zeroed one is fine */

/* What changed. */
#define REVIEW_CHANGED 1u /* the row's text */
#define REVIEW_RAISED 2u  /* to alert */

unsigned review_item_take_frame(struct review_item *item, const struct cfg_camera *camera,
                                const struct msg_frame *frame, struct mono now);
/* Labels that concern nobody are passed over. */
unsigned review_item_take_sounds(struct review_item *item, const struct cfg_camera *camera,
                                 double time, const char *const *labels, size_t count,
                                 struct mono now);
/* `end` not a number: the item is pinned until review_item_unpin(). `clock`: wall seconds now. */
unsigned review_item_take_manual(struct review_item *item, const char *event_id, const char *name,
                                 double end, struct mono now, double clock);
/* Whether that event held it open. */
bool review_item_unpin(struct review_item *item, const char *event_id, double end, struct mono now,
                       double clock);
/* "" = none. */
unsigned review_item_name(struct review_item *item, const char *event_id, const char *sub_label);

/* Whether a picture of that time comes too late to belong to it, or from before: the clock was set
 * back since `previous`, the time of the last one (0 = none). */
bool review_item_is_over(const struct review_item *item, double time, double previous);
/* Whether it is over without any picture. */
bool review_item_is_silent(const struct review_item *item, struct mono now);
/* Nothing more is to come: pins go, and what was to last beyond `clock` does not. */
void review_item_cut(struct review_item *item, double clock);
/* The end_time of its row. */
double review_item_end(const struct review_item *item);

/* audio, detections, objects, sub_labels, zones: column data. */
void review_item_json(const struct review_item *item, struct str *out);

#endif
