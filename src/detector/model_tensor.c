#include "detector/model_tensor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "detector/convert.h"

#define ALIGNMENT 64
/* Enough for any output of known shape: 8400 x 84 of the usual models is 700 thousand. */
#define MAX_ELEMENTS ((int64_t)64 << 20)

static const struct {
    ONNXTensorElementDataType type;
    const char *name;
    size_t bytes;
} numbers[] = {
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, "float32", 4},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16, "float16", 2},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8, "uint8", 1},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32, "int32", 4},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, "int64", 8},
};

bool model_tensor_known(const struct model_tensor *tensor)
{
    return tensor->number < ARRAY_SIZE(numbers);
}

const char *model_tensor_number(const struct model_tensor *tensor)
{
    return model_tensor_known(tensor) ? numbers[tensor->number].name : "unknown";
}

void model_tensor_describe(const struct model_tensor *tensor, struct str *out)
{
    str_addf(out, "'%s' %s ", tensor->name, model_tensor_number(tensor));
    decode_describe_dims(tensor->dims, tensor->rank, out);
}

/* Name, number type and shape of an input or output. */
static int read_info(const struct ort *ort, OrtTypeInfo *info, struct model_tensor *tensor,
                     struct err *err)
{
    const OrtTensorTypeAndShapeInfo *shape = NULL;
    ORT_TRY(ort, CastTypeInfoToTensorInfo(info, &shape), err);
    if (shape == NULL) {
        return err_set(err, EINVAL, "'%s' is not a tensor", tensor->name);
    }
    ORT_TRY(ort, GetTensorElementType(shape, &tensor->type), err);
    ORT_TRY(ort, GetDimensionsCount(shape, &tensor->rank), err);
    if (tensor->rank > DECODE_MAX_RANK) {
        return err_set(err, EINVAL, "'%s' has %zu dimensions", tensor->name, tensor->rank);
    }
    ORT_TRY(ort, GetDimensions(shape, tensor->dims, tensor->rank), err);
    tensor->number = 0;
    while (tensor->number < ARRAY_SIZE(numbers) && numbers[tensor->number].type != tensor->type) {
        tensor->number++;
    }
    return 0;
}

int model_tensor_read(struct model_tensor *tensor, const struct ort *ort, const OrtSession *session,
                      size_t index, bool is_input, struct err *err)
{
    char *name = NULL;
    OrtTypeInfo *info = NULL;
    OrtAllocator *allocator;
    ORT_TRY(ort, GetAllocatorWithDefaultOptions(&allocator), err);
    if (is_input) {
        ORT_TRY(ort, SessionGetInputName(session, index, allocator, &name), err);
        ORT_TRY(ort, SessionGetInputTypeInfo(session, index, &info), err);
    } else {
        ORT_TRY(ort, SessionGetOutputName(session, index, allocator, &name), err);
        ORT_TRY(ort, SessionGetOutputTypeInfo(session, index, &info), err);
    }
    tensor->name = mem_strdup(name);
    allocator->Free(allocator, name);
    int result = read_info(ort, info, tensor, err);
    ort->api->ReleaseTypeInfo(info);
    return result;
}

int model_tensor_count(struct model_tensor *tensor, struct err *err)
{
    tensor->elements = 1;
    for (size_t i = 0; i < tensor->rank; i++) {
        if (tensor->dims[i] < 0) {
            tensor->elements = -1;
            return 0;
        }
        if (tensor->dims[i] > MAX_ELEMENTS ||
            (tensor->elements *= tensor->dims[i]) > MAX_ELEMENTS) {
            return err_set(err, EFBIG, "'%s' is too large", tensor->name);
        }
    }
    return 0;
}

int model_tensor_allocate(struct model_tensor *tensor, const struct ort *ort,
                          const OrtMemoryInfo *memory, struct err *err)
{
    size_t bytes = (size_t)tensor->elements * numbers[tensor->number].bytes;
    size_t rounded = (bytes / ALIGNMENT + 1) * ALIGNMENT;
    tensor->memory = aligned_alloc(ALIGNMENT, rounded);
    if (tensor->memory == NULL) {
        abort();
    }
    memset(tensor->memory, 0, rounded);
    ORT_TRY(ort,
            CreateTensorWithDataAsOrtValue(memory, tensor->memory, bytes, tensor->dims,
                                           tensor->rank, tensor->type, &tensor->value),
            err);
    return 0;
}

const float *model_tensor_floats(struct model_tensor *tensor, const void *data, size_t count)
{
    if (tensor->type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) {
        return data;
    }
    if (count > tensor->float_capacity) {
        tensor->floats = mem_grow(tensor->floats, count, sizeof *tensor->floats);
        tensor->float_capacity = count;
    }
    float *floats = tensor->floats;
    if (tensor->type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16) {
        convert_f16_to_f32(data, floats, count);
    } else if (tensor->type == ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8) {
        convert_u8_to_f32(data, floats, count, 1.0f);
    } else if (tensor->type == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32) {
        for (size_t i = 0; i < count; i++) {
            floats[i] = (float)((const int32_t *)data)[i];
        }
    } else {
        for (size_t i = 0; i < count; i++) {
            floats[i] = (float)((const int64_t *)data)[i];
        }
    }
    return floats;
}

void model_tensor_finish(struct model_tensor *tensor, const struct ort *ort)
{
    if (tensor->value != NULL) {
        ort->api->ReleaseValue(tensor->value);
    }
    free(tensor->memory);
    free(tensor->floats);
    free(tensor->name);
}
