/* The answer of a DeepStack or CodeProject.AI server, read apart from the network so that it can be
 * tested by itself. */
#ifndef CORVETTE_DETECTOR_DEEPSTACK_H
#define CORVETTE_DETECTOR_DEEPSTACK_H

#include <stddef.h>

#include "base/err.h"
#include "config/config.h"
#include "ring/tensors.h"

/* Predictions up to the first below the threshold or of an unknown label, as Frigate reads them;
 * "truck" counts as "car". 0 or -errno with a sentence. */
int deepstack_parse(const char *json, size_t length, const struct cfg_model *model,
                    const struct cfg_labels *labels, struct tensor_box boxes[TENSOR_MAX_BOXES],
                    unsigned *count, struct err *err);

#endif
