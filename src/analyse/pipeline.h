/* From a picture to object states, without processes, memory sharing or waiting, so that the
 * worker, the tests and the bench run the same thing:
 *
 *     pipeline_begin(p, picture, &info);             motion, and where to look
 *     for each of pipeline_regions(p): pipeline_answer(p, i, boxes, count);
 *     pipeline_end(p, picture);                      merge, track, judge
 *
 * A region without an answer was not looked at: what may be there is neither found nor missed. One
 * thread at a time; nothing is allocated per picture. */
#ifndef CORVETTE_ANALYSE_PIPELINE_H
#define CORVETTE_ANALYSE_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "analyse/labels.h"
#include "ring/frames.h"
#include "ring/tensors.h"
#include "track/object.h"
#include "vision/grid.h"
#include "vision/motion.h"
#include "vision/regions.h"

struct pipeline;

struct pipeline_options {
    const struct cfg_camera *camera; /* must outlive it */
    const struct labels *labels;     /* must outlive it; NULL: no detection, motion only */
    int width, height;               /* of the pictures */
    int min_region;                  /* larger side of the model's input */
};

struct pipeline *pipeline_create(const struct pipeline_options *options);
void pipeline_destroy(struct pipeline *pipeline); /* NULL is fine */

/* `picture`: planar I420 of info's size (which must be the pipeline's). */
void pipeline_begin(struct pipeline *pipeline, const uint8_t *picture,
                    const struct frame_info *info);
const struct regions *pipeline_regions(const struct pipeline *pipeline);
/* What the detector found in a region; labels are the model's numbers. At most once per region. */
void pipeline_answer(struct pipeline *pipeline, unsigned region, const struct tensor_box *boxes,
                     unsigned count);
/* What the bench and tests know by other means: a detection in picture coordinates, as if found by
 * that region. */
void pipeline_found(struct pipeline *pipeline, unsigned region, uint32_t label, float score,
                    struct box box);
/* `picture` is NULL when it was overwritten meanwhile. */
void pipeline_end(struct pipeline *pipeline, const uint8_t *picture);

/* There will be no more pictures: all objects end, the grid learns from them. */
void pipeline_finish(struct pipeline *pipeline);

/* Of the last picture. */
const struct frame_info *pipeline_info(const struct pipeline *pipeline);
const struct motion_result *pipeline_motion(const struct pipeline *pipeline);
struct objects *pipeline_objects(struct pipeline *pipeline);
struct tracker *pipeline_tracker(struct pipeline *pipeline);
struct grid *pipeline_grid(struct pipeline *pipeline);
/* True once after the grid learned something. */
bool pipeline_grid_changed(struct pipeline *pipeline);

/* Most regions per picture, 1..REGIONS_MAX: what the detector manages. */
void pipeline_set_limit(struct pipeline *pipeline, unsigned limit);
/* The next picture is looked at as the first one is: where objects usually are, too. */
void pipeline_look_around(struct pipeline *pipeline);

#endif
