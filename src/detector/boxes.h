/* Collects what a decoder finds and keeps the best of it: a bounded list of candidates, then one
 * answer of at most TENSOR_MAX_BOXES boxes, best first. Pure; allocates nothing. */
#ifndef CORVETTE_DETECTOR_BOXES_H
#define CORVETTE_DETECTOR_BOXES_H

#include <stddef.h>
#include <stdint.h>

#include "ring/tensors.h"

/* Below this nothing counts as a detection, in Frigate as here. */
#define BOXES_MIN_SCORE 0.4f
/* Past this many the weakest candidate makes room. */
#define BOXES_CANDIDATES 1024
/* Two boxes of one label that overlap more than this are one object. The loosest limit the later
 * merging uses (cars), so that nothing it would keep is lost here. */
#define BOXES_MAX_IOU 0.6f

struct boxes {
    uint32_t label_count; /* labels at or past it are dropped; 0 = not known, all pass */
    unsigned foreign;     /* how many were dropped for that, since the start */
    unsigned count;
    struct tensor_box items[BOXES_CANDIDATES];
};

void boxes_clear(struct boxes *boxes); /* keeps label_count and foreign */

/* A candidate; corners relative to the model's input. Quietly refuses scores under the threshold,
 * numbers that are none and boxes without area. */
void boxes_add(struct boxes *boxes, uint32_t label, float score, float x1, float y1, float x2,
               float y2);
/* The same with a label that is a number of the model's output. */
void boxes_add_class(struct boxes *boxes, float label, float score, float x1, float y1, float x2,
                     float y2);

/* Non-maximum suppression per label, best first. Returns how many; the candidates are used up. */
unsigned boxes_best(struct boxes *boxes, struct tensor_box best[TENSOR_MAX_BOXES]);

#endif
