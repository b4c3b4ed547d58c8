#include "track/stillness.h"

#include <string.h>

/* Contract section 7. */
#define MOVED_IOU 0.2f            /* to the mean of the history: below, it moved for sure */
#define STILL_IOU_STATIONARY 0.6f /* below both: moved, when it was stationary */
#define STILL_IOU_ACTIVE 0.9f     /* the same, when it was not */
#define LOW_PERCENTILE 0.15f
#define HIGH_PERCENTILE 0.85f

void stillness_init(struct stillness *stillness, float width, float height)
{
    *stillness = (struct stillness){.position = {0, 0, width, height}};
}

static struct extent mean_box(const struct extent *boxes, unsigned count)
{
    struct extent sum = {0};
    for (unsigned i = 0; i < count; i++) {
        sum.x1 += boxes[i].x1;
        sum.y1 += boxes[i].y1;
        sum.x2 += boxes[i].x2;
        sum.y2 += boxes[i].y2;
    }
    float n = (float)count;
    return (struct extent){sum.x1 / n, sum.y1 / n, sum.x2 / n, sum.y2 / n};
}

/* The box whose area is the middle one. */
static struct extent median_box(const struct extent *boxes, unsigned count)
{
    struct extent sorted[STILLNESS_BOXES];
    for (unsigned i = 0; i < count; i++) {
        unsigned at = i;
        for (; at > 0 && extent_area(&sorted[at - 1]) > extent_area(&boxes[i]); at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = boxes[i];
    }
    return sorted[count / 2];
}

/* Linear interpolation between the two nearest ranks. */
static float percentile(const float *values, unsigned count, float share)
{
    float sorted[STILLNESS_BOXES];
    for (unsigned i = 0; i < count; i++) {
        unsigned at = i;
        for (; at > 0 && sorted[at - 1] > values[i]; at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = values[i];
    }
    float rank = share * (float)(count - 1);
    unsigned below = (unsigned)rank;
    unsigned above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (rank - (float)below) * (sorted[above] - sorted[below]);
}

static void settle(struct stillness *stillness)
{
    float x1[STILLNESS_BOXES], y1[STILLNESS_BOXES], x2[STILLNESS_BOXES], y2[STILLNESS_BOXES];
    unsigned count = stillness->sample_count;
    for (unsigned i = 0; i < count; i++) {
        x1[i] = stillness->sample[i].x1;
        y1[i] = stillness->sample[i].y1;
        x2[i] = stillness->sample[i].x2;
        y2[i] = stillness->sample[i].y2;
    }
    stillness->position = (struct extent){
        percentile(x1, count, LOW_PERCENTILE), percentile(y1, count, LOW_PERCENTILE),
        percentile(x2, count, HIGH_PERCENTILE), percentile(y2, count, HIGH_PERCENTILE)};
}

static bool has_moved(const struct stillness *stillness, const struct extent *box,
                      bool is_stationary)
{
    struct extent mean = mean_box(stillness->recent, stillness->recent_count);
    float iou = extent_iou(box, &mean);
    if (iou < MOVED_IOU) {
        return true;
    }
    float limit = is_stationary ? STILL_IOU_STATIONARY : STILL_IOU_ACTIVE;
    if (iou >= limit) {
        return false;
    }
    struct extent median = median_box(stillness->recent, stillness->recent_count);
    return extent_iou(&stillness->position, &median) < limit;
}

bool stillness_update(struct stillness *stillness, const struct extent *box, bool is_stationary)
{
    if (stillness->recent_count == STILLNESS_BOXES) {
        memmove(stillness->recent, stillness->recent + 1,
                (STILLNESS_BOXES - 1) * sizeof stillness->recent[0]);
        stillness->recent_count--;
    }
    stillness->recent[stillness->recent_count++] = *box;

    if (has_moved(stillness, box, is_stationary)) {
        stillness->position = *box;
        stillness->sample[0] = *box;
        stillness->sample_count = 1;
        stillness->recent_count = 0;
        return true;
    }
    if (stillness->sample_count < STILLNESS_BOXES) {
        stillness->sample[stillness->sample_count++] = *box;
        settle(stillness);
    }
    return false;
}
