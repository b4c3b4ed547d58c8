#include "vision/nms.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"

#define EDGE_PX 5
/* A clipped box is believed at most this much when it competes with others. */
#define CLIPPED_SCORE 0.6f
/* A box is not swallowed by one twenty times its size: a car behind the car in front. */
#define SWALLOW_MIN_PART 0.05
/* Two halves of one object must agree this well across the cut. */
#define HALVES_AGREE 0.7

static const struct merge_rule common_rule = {.iou = 0.4f, .inside = 0.9f};

static const struct {
    const char *label;
    struct merge_rule rule;
} label_rules[] = {
    {"car", {.iou = 0.6f, .inside = 0.8f}},
    {"face", {.iou = 0.4f, .inside = 0.5f}},
};

struct merge_rule merge_rule_for(const char *label)
{
    for (size_t i = 0; i < sizeof label_rules / sizeof label_rules[0]; i++) {
        if (strcmp(label_rules[i].label, label) == 0) {
            return label_rules[i].rule;
        }
    }
    return common_rule;
}

/* Relative position to a pixel, pulled into 0..last. Never converts a number an int cannot hold. */
static int to_pixel(float relative, int size, int offset, int last)
{
    double at = (double)relative * size + offset;
    return at <= 0 ? 0 : at >= last ? last : (int)at;
}

bool detection_map(struct detection *detection, unsigned label, float score,
                   const float relative[4], struct box region, int frame_width, int frame_height)
{
    for (int i = 0; i < 4; i++) {
        if (!isfinite(relative[i])) {
            return false;
        }
    }
    int size_x = box_width(region), size_y = box_height(region);
    int last_x = frame_width - 1, last_y = frame_height - 1;
    struct box box = {to_pixel(relative[0], size_x, region.x1, last_x),
                      to_pixel(relative[1], size_y, region.y1, last_y),
                      to_pixel(relative[2], size_x, region.x1, last_x),
                      to_pixel(relative[3], size_y, region.y1, last_y)};
    if (!isfinite(score) || box.x2 <= box.x1 || box.y2 <= box.y1) {
        return false; /* outside, or without a single pixel: nothing could be tracked */
    }
    *detection = (struct detection){
        .label = label,
        .score = score,
        .box = box,
        .area = box_area(box),
        .ratio = (float)box_width(box) / (float)box_height(box),
        .region = region,
    };
    return true;
}

static const char *const verdict_names[] = {
    [DETECTION_KEEP] = "keep",
    [DETECTION_TOO_SMALL] = "min_area",
    [DETECTION_TOO_LARGE] = "max_area",
    [DETECTION_LOW_SCORE] = "min_score",
    [DETECTION_TOO_NARROW] = "min_ratio",
    [DETECTION_TOO_WIDE] = "max_ratio",
    [DETECTION_MASKED] = "mask",
};

const char *detection_verdict_name(enum detection_verdict verdict)
{
    return verdict_names[verdict];
}

enum detection_verdict detection_check(const struct detection *detection,
                                       const struct detection_filter *filter, int frame_width,
                                       int frame_height)
{
    if (detection->area < filter->min_area) {
        return DETECTION_TOO_SMALL;
    }
    if (detection->area > filter->max_area) {
        return DETECTION_TOO_LARGE;
    }
    if (detection->score < filter->min_score) {
        return DETECTION_LOW_SCORE;
    }
    if (detection->ratio < filter->min_ratio) {
        return DETECTION_TOO_NARROW;
    }
    if (detection->ratio > filter->max_ratio) {
        return DETECTION_TOO_WIDE;
    }
    struct box foot = {(detection->box.x1 + detection->box.x2) / 2, detection->box.y2, 0, 0};
    foot = box_clamp(foot, frame_width, frame_height);
    if (polygons_contain(filter->masks, filter->mask_count, foot.x1, foot.y1)) {
        return DETECTION_MASKED;
    }
    return DETECTION_KEEP;
}

/* Sides of a box, as bits. */
enum { SIDE_LEFT = 1, SIDE_TOP = 2, SIDE_RIGHT = 4, SIDE_BOTTOM = 8 };

/* Sides where the box ends at its region's edge inside the picture. */
static unsigned clipped_sides(const struct detection *d, int frame_width, int frame_height)
{
    const struct box *b = &d->box, *r = &d->region;
    unsigned sides = 0;
    sides |= r->x1 > EDGE_PX && b->x1 - r->x1 <= EDGE_PX ? SIDE_LEFT : 0;
    sides |= r->y1 > EDGE_PX && b->y1 - r->y1 <= EDGE_PX ? SIDE_TOP : 0;
    sides |= frame_width - r->x2 > EDGE_PX && r->x2 - b->x2 <= EDGE_PX ? SIDE_RIGHT : 0;
    sides |= frame_height - r->y2 > EDGE_PX && r->y2 - b->y2 <= EDGE_PX ? SIDE_BOTTOM : 0;
    return sides;
}

bool detection_is_clipped(const struct detection *detection, int frame_width, int frame_height)
{
    return clipped_sides(detection, frame_width, frame_height) != 0;
}

/* Shared length over joint length of two spans. */
static double span_agreement(int a1, int a2, int b1, int b2)
{
    int shared = (a2 < b2 ? a2 : b2) - (a1 > b1 ? a1 : b1) + 1;
    int joint = (a2 > b2 ? a2 : b2) - (a1 < b1 ? a1 : b1) + 1;
    return shared > 0 ? (double)shared / joint : 0;
}

struct candidate {
    struct detection detection;
    size_t group;     /* rank of its label */
    size_t order;     /* place in the input: ties keep it */
    float confidence; /* in the competition with others */
    bool is_gone;
};

/* `a` is the part before the cut (left or upper), `b` goes on after it. */
static bool are_halves(const struct detection *a, const struct detection *b,
                       const struct merge_options *options)
{
    unsigned sides_a = clipped_sides(a, options->frame_width, options->frame_height);
    unsigned sides_b = clipped_sides(b, options->frame_width, options->frame_height);
    const struct box *p = &a->box, *q = &b->box;
    if ((sides_a & SIDE_RIGHT) && (sides_b & SIDE_LEFT) && p->x1 < q->x1 && p->x2 < q->x2 &&
        q->x1 - p->x2 <= 2 * EDGE_PX) {
        return span_agreement(p->y1, p->y2, q->y1, q->y2) >= HALVES_AGREE;
    }
    if ((sides_a & SIDE_BOTTOM) && (sides_b & SIDE_TOP) && p->y1 < q->y1 && p->y2 < q->y2 &&
        q->y1 - p->y2 <= 2 * EDGE_PX) {
        return span_agreement(p->x1, p->x2, q->x1, q->x2) >= HALVES_AGREE;
    }
    return false;
}

static void join(struct detection *a, const struct detection *b)
{
    a->score = a->score > b->score ? a->score : b->score;
    a->box = box_union(a->box, b->box);
    a->region = box_union(a->region, b->region);
    a->area = box_area(a->box);
    a->ratio = (float)box_width(a->box) / (float)box_height(a->box);
}

/* An object larger than its regions, or lying across the edge of two, comes as pieces, each cut off
 * where the other goes on. Makes one box of them; again from the start after each, for more pieces.
 */
static void join_halves(struct candidate *items, size_t count, const struct merge_options *options)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count && !items[i].is_gone; j++) {
            if (j == i || items[j].is_gone || items[j].group != items[i].group ||
                !are_halves(&items[i].detection, &items[j].detection, options)) {
                continue;
            }
            join(&items[i].detection, &items[j].detection);
            items[j].is_gone = true;
            j = (size_t)-1;
        }
    }
}

/* Overlap as the usual suppression measures it: plain areas. */
static float plain_iou(struct box a, struct box b)
{
    int w = (a.x2 < b.x2 ? a.x2 : b.x2) - (a.x1 > b.x1 ? a.x1 : b.x1);
    int h = (a.y2 < b.y2 ? a.y2 : b.y2) - (a.y1 > b.y1 ? a.y1 : b.y1);
    if (w <= 0 || h <= 0) {
        return 0;
    }
    double shared = (double)w * h;
    return (float)(shared / ((double)(box_area(a) + box_area(b)) - shared));
}

static int by_confidence(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    if (a->group != b->group) {
        return a->group < b->group ? -1 : 1;
    }
    if (a->confidence != b->confidence) {
        return a->confidence > b->confidence ? -1 : 1;
    }
    return a->order < b->order ? -1 : 1;
}

static int by_area(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    if (a->group != b->group) {
        return a->group < b->group ? -1 : 1;
    }
    if (a->detection.area != b->detection.area) {
        return a->detection.area < b->detection.area ? -1 : 1;
    }
    return a->order < b->order ? -1 : 1;
}

static const struct merge_rule *rule_of(const struct merge_options *options, unsigned label)
{
    return label < options->rule_count ? &options->rules[label] : &common_rule;
}

/* Sorted by confidence: the surer box of two that overlap too much stays. */
static void suppress(struct candidate *items, size_t count, const struct merge_options *options)
{
    for (size_t i = 0; i < count; i++) {
        const struct merge_rule *rule = rule_of(options, items[i].detection.label);
        for (size_t j = i + 1; j < count && items[j].group == items[i].group && !items[i].is_gone;
             j++) {
            if (plain_iou(items[i].detection.box, items[j].detection.box) > rule->iou) {
                items[j].is_gone = true;
            }
        }
    }
}

/* Sorted by area: a box that lies in a larger one goes, unless it is tiny beside it. */
static void swallow(struct candidate *items, size_t count, const struct merge_options *options)
{
    for (size_t i = 0; i < count; i++) {
        const struct merge_rule *rule = rule_of(options, items[i].detection.label);
        double area = (double)box_area_inclusive(items[i].detection.box);
        for (size_t j = i + 1; j < count && items[j].group == items[i].group && !items[i].is_gone;
             j++) {
            struct box larger = items[j].detection.box;
            double shared = (double)box_intersection_area(items[i].detection.box, larger);
            items[i].is_gone = area / (double)box_area_inclusive(larger) >= SWALLOW_MIN_PART &&
                               shared / area > (double)rule->inside;
        }
    }
}

/* Closes the gaps; keeps the order. */
static size_t drop_gone(struct candidate *items, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!items[i].is_gone) {
            items[kept++] = items[i];
        }
    }
    return kept;
}

static size_t group_of(const struct candidate *items, size_t count, unsigned label)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i].detection.label == label) {
            return items[i].group;
        }
    }
    return count; /* the first of its label: its own place ranks it */
}

size_t detections_merge(struct detection *detections, size_t count,
                        const struct merge_options *options)
{
    if (count == 0) {
        return 0;
    }
    AUTO_FREE struct candidate *items = mem_array(count, sizeof *items);
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct candidate){.detection = detections[i],
                                      .order = i,
                                      .group = group_of(items, i, detections[i].label)};
    }
    join_halves(items, count, options);
    count = drop_gone(items, count);
    for (size_t i = 0; i < count; i++) {
        const struct detection *d = &items[i].detection;
        bool is_clipped = detection_is_clipped(d, options->frame_width, options->frame_height);
        items[i].confidence = is_clipped && d->score > CLIPPED_SCORE ? CLIPPED_SCORE : d->score;
    }
    qsort(items, count, sizeof *items, by_confidence);
    suppress(items, count, options);
    count = drop_gone(items, count);
    qsort(items, count, sizeof *items, by_area);
    swallow(items, count, options);
    count = drop_gone(items, count);
    for (size_t i = 0; i < count; i++) {
        detections[i] = items[i].detection;
    }
    return count;
}
