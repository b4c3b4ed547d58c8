/* A model run in this process on the regions the pipeline asks for, from a Corvette configuration.
 */
#ifndef CORVETTE_BENCH_REAL_DETECTOR_H
#define CORVETTE_BENCH_REAL_DETECTOR_H

#include "analyse/pipeline.h"
#include "base/err.h"

struct real_detector;

/* The first camera and the first detector of the configuration. NULL with a sentence. */
struct real_detector *real_detector_open(const char *config_path, struct err *err);
void real_detector_close(struct real_detector *detector); /* NULL is fine */

const struct cfg_camera *real_detector_camera(const struct real_detector *detector);
const struct cfg_labels *real_detector_labels(const struct real_detector *detector);
int real_detector_min_region(const struct real_detector *detector);

/* Answers every region of the pipeline's picture (planar I420). */
bool real_detector_answer(struct real_detector *detector, struct pipeline *pipeline,
                          const uint8_t *picture, int width, int height, struct err *err);

#endif
