/* A detection model in ONNX Runtime: opened once, its memory bound once, then one call a picture.
 */
#ifndef CORVETTE_DETECTOR_MODEL_H
#define CORVETTE_DETECTOR_MODEL_H

#include "detector/backend.h"

struct model;

/* The first inference is part of it: a model that opens has run, and its outputs have the shapes of
 * its model_type. NULL with a sentence naming the file and what was expected and found. */
struct model *model_open(const struct cfg_detector *config, const struct cfg_labels *labels,
                         struct err *err);
void model_close(struct model *model); /* NULL is fine */

int model_detect(struct model *model, const uint8_t *input,
                 struct tensor_box boxes[TENSOR_MAX_BOXES], unsigned *count, struct err *err);
void model_interrupt(struct model *model);

/* "float32 [1,3,416,416]" of the input, for logs. */
const char *model_input_text(const struct model *model);
/* Boxes dropped so far because their label is not in the label map. */
unsigned model_foreign(const struct model *model);

#endif
