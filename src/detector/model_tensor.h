/* An input or output of a model: what its file says of it, its memory and its numbers. Part of
 * model.c, apart for size; the detector's thread only. */
#ifndef CORVETTE_DETECTOR_MODEL_TENSOR_H
#define CORVETTE_DETECTOR_MODEL_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "detector/decode.h"
#include "onnx/ort.h"

struct model_tensor {
    char *name;
    ONNXTensorElementDataType type;
    size_t number; /* row of the table of number types */
    size_t rank;
    int64_t dims[DECODE_MAX_RANK]; /* negative: not known before it has run */
    int64_t elements;              /* negative likewise */
    void *memory;                  /* ours and bound for good; NULL while elements < 0 */
    OrtValue *value;
    float *floats; /* the numbers as floats, when they are not already */
    size_t float_capacity;
};

/* Reads name, number type and shape of input or output `index` of the session. */
int model_tensor_read(struct model_tensor *tensor, const struct ort *ort, const OrtSession *session,
                      size_t index, bool is_input, struct err *err);
void model_tensor_finish(struct model_tensor *tensor, const struct ort *ort);

/* Whether numbers of its type can be read at all. */
bool model_tensor_known(const struct model_tensor *tensor);
/* "'images' float32 [1,3,416,416]" */
void model_tensor_describe(const struct model_tensor *tensor, struct str *out);
/* "float32" */
const char *model_tensor_number(const struct model_tensor *tensor);
/* Sets `elements` from `dims`. */
int model_tensor_count(struct model_tensor *tensor, struct err *err);
/* Gives it memory of its own and a value to bind; `elements` must be known. */
int model_tensor_allocate(struct model_tensor *tensor, const struct ort *ort,
                          const OrtMemoryInfo *memory, struct err *err);
/* `count` numbers of its type as float32; valid until the next call. */
const float *model_tensor_floats(struct model_tensor *tensor, const void *data, size_t count);

#endif
