/* From model answers to the detections of one picture: mapping to the picture, filters, and merging
 * what several regions or several boxes say about one object. Pure; any thread. */
#ifndef CORVETTE_VISION_NMS_H
#define CORVETTE_VISION_NMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vision/geometry.h"

struct detection {
    unsigned label;    /* the caller's number of the label */
    float score;       /* 0..1 */
    struct box box;    /* inside the picture */
    int64_t area;      /* width * height */
    float ratio;       /* width / max(1, height) */
    struct box region; /* the region it was found in; x2, y2 exclusive */
};

/* Maps a model's box (x1, y1, x2, y2 relative to the region's square) to the picture, clamps it and
 * fills in area and ratio. False: nothing of it is in the picture, or its numbers are not numbers.
 */
bool detection_map(struct detection *detection, unsigned label, float score,
                   const float relative[4], struct box region, int frame_width, int frame_height);

struct detection_filter {
    int64_t min_area, max_area;
    float min_score;
    float min_ratio, max_ratio;
    const struct polygon *masks; /* drop when the middle of the box's lower edge is inside */
    size_t mask_count;
};

enum detection_verdict {
    DETECTION_KEEP = 1,
    DETECTION_TOO_SMALL,
    DETECTION_TOO_LARGE,
    DETECTION_LOW_SCORE,
    DETECTION_TOO_NARROW,
    DETECTION_TOO_WIDE,
    DETECTION_MASKED,
};

/* First reason against it, in this order. Whether the label is tracked is the caller's test,
 * before. */
enum detection_verdict detection_check(const struct detection *detection,
                                       const struct detection_filter *filter, int frame_width,
                                       int frame_height);
const char *detection_verdict_name(enum detection_verdict verdict);

/* How boxes of one label are merged. */
struct merge_rule {
    float iou;    /* of two boxes overlapping more than this, the surer one stays */
    float inside; /* a box of which more than this lies in a larger one goes */
};

/* The rule of a label name (car, face, or the common one). */
struct merge_rule merge_rule_for(const char *label);

struct merge_options {
    int frame_width, frame_height;
    const struct merge_rule *rules; /* by label number; labels past the end take the common rule */
    size_t rule_count;
};

/* Merges the detections of one picture in place; returns how many are left: grouped by label in the
 * order labels first appear, each group by rising area. Quadratic in the number per label. */
size_t detections_merge(struct detection *detections, size_t count,
                        const struct merge_options *options);

/* Whether the box ends within 5 px of a region's edge that is not the picture's edge: the object
 * probably goes on outside. */
bool detection_is_clipped(const struct detection *detection, int frame_width, int frame_height);

#endif
