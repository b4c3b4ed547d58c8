/* From a model's output numbers to boxes, one pure function per model type. */
#ifndef CORVETTE_DETECTOR_DECODE_H
#define CORVETTE_DETECTOR_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "config/config.h"
#include "detector/boxes.h"

#define DECODE_MAX_RANK 6
#define DECODE_MAX_OUTPUTS 8

struct decode_tensor {
    const char *name;
    unsigned rank;
    int64_t dims[DECODE_MAX_RANK];
    const float *data;
};

struct decode_outputs {
    struct decode_tensor items[DECODE_MAX_OUTPUTS];
    size_t count;
    int width, height; /* of the model's input */
};

/* Adds every detection over the threshold to `boxes`. 0, or -EINVAL with a sentence that says which
 * shapes this model type has (the caller adds those found); then nothing was added. */
typedef int (*decode_fn)(const struct decode_outputs *outputs, struct boxes *boxes,
                         struct err *err);

struct decode_row {
    enum cfg_model_type type;
    const char *name;
    float scale; /* bytes are multiplied by it when the model's input is floating point */
    decode_fn decode;
};

const struct decode_row *decode_find(enum cfg_model_type type); /* NULL: no such type */

/* "output [1,3549,85]", comma-separated. */
void decode_describe(const struct decode_outputs *outputs, struct str *out);
/* "[1,3,?,?]"; unknown sizes are negative. */
void decode_describe_dims(const int64_t *dims, size_t rank, struct str *out);

/* Rank `rank` and the given sizes, where a negative one stands for any. */
bool decode_is(const struct decode_tensor *tensor, unsigned rank, int64_t a, int64_t b, int64_t c);

/* Number of cells of the grids of strides 8, 16 and 32 together. */
int64_t decode_cells(int width, int height);

int decode_ssd(const struct decode_outputs *outputs, struct boxes *boxes, struct err *err);
int decode_yolox(const struct decode_outputs *outputs, struct boxes *boxes, struct err *err);
int decode_yolonas(const struct decode_outputs *outputs, struct boxes *boxes, struct err *err);
int decode_yolo(const struct decode_outputs *outputs, struct boxes *boxes, struct err *err);

#endif
