/* The tables of an axis: which samples an output is made of, and with which weights. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "vision/scale.h"

#define GROUP 8

static int clamp_int(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

static void reserve(struct scale_axis *axis)
{
    size_t starts = (size_t)axis->count, weights = starts * (size_t)axis->taps;
    size_t groups = (starts + GROUP - 1) / GROUP;
    if (axis->start_capacity < starts) {
        axis->start = mem_grow(axis->start, starts, sizeof *axis->start);
        axis->start_capacity = starts;
    }
    if (axis->weight_capacity < weights) {
        axis->weights = mem_grow(axis->weights, weights, sizeof *axis->weights);
        axis->weight_capacity = weights;
    }
    if (axis->group_capacity < groups) {
        axis->groups = mem_grow(axis->groups, groups, sizeof *axis->groups);
        axis->group_capacity = groups;
    }
}

static void axis_finish(struct scale_axis *axis)
{
    free(axis->start);
    free(axis->weights);
    free(axis->groups);
    *axis = (struct scale_axis){0};
}

/* Spreads the unit over the samples first.. by their parts (which sum to 1), pulled to the samples
 * that exist. Rounds the running sum, so that the weights always sum to the unit. */
static void put_weights(struct scale_axis *axis, int i, int first, const double *parts, int count,
                        int length)
{
    int16_t *weights = axis->weights + (ptrdiff_t)i * axis->taps;
    int start = clamp_int(first, 0, length - axis->taps);
    double sum = 0;
    int given = 0;
    memset(weights, 0, (size_t)axis->taps * sizeof *weights);
    for (int k = 0; k < count; k++) {
        sum += parts[k];
        int upto = k == count - 1 ? SCALE_UNIT : (int)(sum * SCALE_UNIT + 0.5);
        weights[clamp_int(first + k, start, start + axis->taps - 1) - start] +=
            (int16_t)(upto - given);
        given = upto;
    }
    axis->start[i] = start;
}

static void put_bilinear(struct scale_axis *axis, int i, double middle, int length)
{
    double at = middle - 0.5;
    int first = (int)floor(at);
    double parts[2] = {1 - (at - first), at - first};
    put_weights(axis, i, first, parts, 2, length);
}

static void put_average(struct scale_axis *axis, int i, double from, int length, double *parts)
{
    double to = from + axis->step;
    int first = (int)floor(from), last = (int)ceil(to) - 1;
    for (int k = first; k <= last; k++) {
        parts[k - first] = (fmin(k + 1, to) - fmax(k, from)) / axis->step;
    }
    put_weights(axis, i, first, parts, last - first + 1, length);
}

/* The group of the outputs first..first+7. The 16 bytes must lie on the plane, so near its end they
 * start earlier. A step of at most 2 makes eight outputs reach at most 15 samples on. */
static void put_group(struct scale_axis *axis, struct scale_group *group, int first, int length)
{
    int offset = clamp_int(axis->start[first], 0, length - 16);
    group->offset = offset;
    for (int i = 0; i < GROUP; i++) {
        int at = axis->start[first + i] - offset;
        const int16_t *weights = axis->weights + (ptrdiff_t)(first + i) * 2;
        group->pick[2 * i] = (uint8_t)at;
        group->pick[2 * i + 1] = (uint8_t)(at + 1);
        group->left[i] = (uint16_t)weights[0];
        group->right[i] = (uint16_t)weights[1];
    }
}

/* Groups cover the live outputs from the left; the last one is moved left to be whole. */
static void put_groups(struct scale_axis *axis, int length)
{
    int live = axis->live_to - axis->live_from;
    if (axis->is_average || length < 16 || live < GROUP) {
        return;
    }
    for (int g = 0; g * GROUP < live; g++) {
        int first = axis->live_from + g * GROUP;
        first = first + GROUP > axis->live_to ? axis->live_to - GROUP : first;
        put_group(axis, &axis->groups[g], first, length);
    }
}

static bool is_copy(const struct scale_axis *axis)
{
    for (int i = axis->live_from; i < axis->live_to; i++) {
        const int16_t *weights = axis->weights + (ptrdiff_t)i * axis->taps;
        /* The last sample is reached as the right neighbour of the one before. */
        int sample = axis->start[i] + (weights[0] == 0);
        if ((weights[0] != 0 && weights[0] != SCALE_UNIT) ||
            sample != axis->source_from + i - axis->live_from) {
            return false;
        }
    }
    return !axis->is_average;
}

static void axis_set(struct scale_axis *axis, int count, struct scale_span span)
{
    axis->is_average = span.step > 2;
    int reach = axis->is_average ? (int)ceil(span.step) + 1 : 2;
    axis->count = count;
    axis->origin = span.origin;
    axis->step = span.step;
    axis->length = span.length;
    axis->taps = reach < span.length ? reach : span.length;
    axis->live_from = axis->source_from = INT32_MAX;
    axis->live_to = axis->source_to = 0;
    reserve(axis);
    double *parts = mem_array((size_t)reach + 1, sizeof *parts);
    for (int i = 0; i < count; i++) {
        double from = span.origin + i * span.step, middle = from + span.step / 2;
        if (middle < span.low || middle > span.high) {
            continue;
        }
        if (axis->is_average) {
            put_average(axis, i, from, span.length, parts);
        } else {
            put_bilinear(axis, i, middle, span.length);
        }
        int start = axis->start[i];
        axis->live_from = i < axis->live_from ? i : axis->live_from;
        axis->live_to = i + 1;
        axis->source_from = start < axis->source_from ? start : axis->source_from;
        axis->source_to =
            start + axis->taps > axis->source_to ? start + axis->taps : axis->source_to;
    }
    free(parts);
    if (axis->live_to == 0) { /* all black */
        axis->live_from = axis->source_from = 0;
    }
    axis->is_copy = is_copy(axis);
    put_groups(axis, span.length);
}

void scale_plane_set(struct scale_plane *plane, int width, struct scale_span across, int height,
                     struct scale_span down)
{
    axis_set(&plane->columns, width, across);
    axis_set(&plane->rows, height, down);
}

void scale_plane_finish(struct scale_plane *plane)
{
    axis_finish(&plane->columns);
    axis_finish(&plane->rows);
}
