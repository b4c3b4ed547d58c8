#include "detector/boxes.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

void boxes_clear(struct boxes *boxes)
{
    boxes->count = 0;
}

static void swap(struct tensor_box *a, struct tensor_box *b)
{
    struct tensor_box t = *a;
    *a = *b;
    *b = t;
}

/* Restores the heap (weakest on top) below `i`. */
static void sink(struct boxes *boxes, unsigned i)
{
    for (;;) {
        unsigned weakest = i;
        for (unsigned child = 2 * i + 1; child <= 2 * i + 2 && child < boxes->count; child++) {
            if (boxes->items[child].score < boxes->items[weakest].score) {
                weakest = child;
            }
        }
        if (weakest == i) {
            return;
        }
        swap(&boxes->items[i], &boxes->items[weakest]);
        i = weakest;
    }
}

/* The list becomes a heap when it is full, not before: nearly always it never is. */
static void make_heap(struct boxes *boxes)
{
    for (unsigned i = boxes->count / 2; i-- > 0;) {
        sink(boxes, i);
    }
}

void boxes_add(struct boxes *boxes, uint32_t label, float score, float x1, float y1, float x2,
               float y2)
{
    /* Written so that a NaN fails each of them. */
    if (!(score >= BOXES_MIN_SCORE) || !(x2 > x1) || !(y2 > y1) || !isfinite(x1 + y1 + x2 + y2)) {
        return;
    }
    if (boxes->label_count != 0 && label >= boxes->label_count) {
        boxes->foreign++;
        return;
    }
    struct tensor_box box = {label, score < 1.0f ? score : 1.0f, x1, y1, x2, y2};
    if (boxes->count < BOXES_CANDIDATES) {
        boxes->items[boxes->count++] = box;
        if (boxes->count == BOXES_CANDIDATES) {
            make_heap(boxes);
        }
    } else if (box.score > boxes->items[0].score) {
        boxes->items[0] = box;
        sink(boxes, 0);
    }
}

void boxes_add_class(struct boxes *boxes, float label, float score, float x1, float y1, float x2,
                     float y2)
{
    if (label >= 0.0f && label < 1e6f) {
        boxes_add(boxes, (uint32_t)(label + 0.5f), score, x1, y1, x2, y2);
    } else if (score >= BOXES_MIN_SCORE) {
        boxes->foreign++;
    }
}

static int by_score(const void *a, const void *b)
{
    float left = ((const struct tensor_box *)a)->score,
          right = ((const struct tensor_box *)b)->score;
    return (left < right) - (left > right);
}

static float overlap(const struct tensor_box *a, const struct tensor_box *b)
{
    float w = fminf(a->x2, b->x2) - fmaxf(a->x1, b->x1);
    float h = fminf(a->y2, b->y2) - fmaxf(a->y1, b->y1);
    if (w <= 0.0f || h <= 0.0f) {
        return 0.0f;
    }
    float shared = w * h;
    return shared /
           ((a->x2 - a->x1) * (a->y2 - a->y1) + (b->x2 - b->x1) * (b->y2 - b->y1) - shared);
}

static bool is_new(const struct tensor_box *box, const struct tensor_box *kept, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (kept[i].label == box->label && overlap(&kept[i], box) > BOXES_MAX_IOU) {
            return false;
        }
    }
    return true;
}

unsigned boxes_best(struct boxes *boxes, struct tensor_box best[TENSOR_MAX_BOXES])
{
    qsort(boxes->items, boxes->count, sizeof boxes->items[0], by_score);
    unsigned kept = 0;
    for (unsigned i = 0; i < boxes->count && kept < TENSOR_MAX_BOXES; i++) {
        if (is_new(&boxes->items[i], best, kept)) {
            best[kept++] = boxes->items[i];
        }
    }
    boxes->count = 0;
    return kept;
}
