#include "sound/model.h"

#include <errno.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "onnx/session.h"

#define OUTPUTS_MAX 8 /* YAMNet has three: scores, embeddings, spectrogram */
#define RANK_MAX 3

struct sound_model {
    const struct ort *ort;
    OrtSession *session;
    OrtMemoryInfo *memory_info;
    OrtAllocator *allocator;
    char *input_name, *output_name;
    OrtValue *input;
    float samples[SOUNDS_CHUNK]; /* the input's memory */
    float *scores;
    size_t labels;
};

/* A shape as "[1,15600]". */
static void shape_text(const int64_t *dims, size_t rank, char text[64])
{
    size_t length = (size_t)snprintf(text, 64, "[");
    for (size_t i = 0; i < rank && length < 48; i++) {
        length += (size_t)snprintf(text + length, 64 - length, "%s%lld", i > 0 ? "," : "",
                                   (long long)dims[i]);
    }
    snprintf(text + length, 64 - length, "]");
}

/* Type and shape of a tensor's description; rank 0 when it is none or has more than RANK_MAX
 * dimensions. */
static int read_shape(const struct sound_model *model, OrtTypeInfo *type,
                      ONNXTensorElementDataType *number, int64_t dims[RANK_MAX], size_t *rank,
                      struct err *err)
{
    const OrtTensorTypeAndShapeInfo *shape = NULL;
    *rank = 0;
    ORT_TRY(model->ort, CastTypeInfoToTensorInfo(type, &shape), err);
    if (shape == NULL) {
        return 0;
    }
    ORT_TRY(model->ort, GetTensorElementType(shape, number), err);
    ORT_TRY(model->ort, GetDimensionsCount(shape, rank), err);
    if (*rank > RANK_MAX) {
        *rank = 0;
        return 0;
    }
    ORT_TRY(model->ort, GetDimensions(shape, dims, *rank), err);
    return 0;
}

static int prepare_input(struct sound_model *model, struct err *err)
{
    const OrtApi *api = model->ort->api;
    size_t inputs = 0, rank = 0;
    int64_t dims[RANK_MAX];
    ONNXTensorElementDataType number = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
    OrtTypeInfo *type = NULL;
    ORT_TRY(model->ort, SessionGetInputCount(model->session, &inputs), err);
    if (inputs != 1) {
        return err_set(err, EINVAL, "it has %zu inputs, not one waveform", inputs);
    }
    ORT_TRY(model->ort,
            SessionGetInputName(model->session, 0, model->allocator, &model->input_name), err);
    ORT_TRY(model->ort, SessionGetInputTypeInfo(model->session, 0, &type), err);
    int result = read_shape(model, type, &number, dims, &rank, err);
    api->ReleaseTypeInfo(type);
    if (result < 0) {
        return result;
    }
    bool fits = rank > 0 && rank <= 2 && number == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT &&
                (dims[rank - 1] < 0 || dims[rank - 1] == SOUNDS_CHUNK) &&
                (rank == 1 || dims[0] < 0 || dims[0] == 1);
    if (!fits) {
        char text[64];
        shape_text(dims, rank, text);
        return err_set(err, EINVAL, "its input '%s' is %s%s, not float32 [%d] or [1,%d]",
                       model->input_name,
                       number == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT ? "float32 " : "not float32, ",
                       text, SOUNDS_CHUNK, SOUNDS_CHUNK);
    }
    dims[0] = rank == 1 ? SOUNDS_CHUNK : 1;
    dims[rank - 1] = SOUNDS_CHUNK;
    ORT_TRY(model->ort,
            CreateTensorWithDataAsOrtValue(model->memory_info, model->samples,
                                           sizeof model->samples, dims, rank,
                                           ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &model->input),
            err);
    return 0;
}

/* The output whose last dimension is the number of labels; the first one when none says so. */
static int choose_output(struct sound_model *model, struct err *err)
{
    size_t outputs = 0, chosen = 0;
    ORT_TRY(model->ort, SessionGetOutputCount(model->session, &outputs), err);
    if (outputs == 0 || outputs > OUTPUTS_MAX) {
        return err_set(err, EINVAL, "it has %zu outputs", outputs);
    }
    for (size_t i = outputs; i-- > 0;) {
        int64_t dims[RANK_MAX];
        size_t rank = 0;
        ONNXTensorElementDataType number = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
        OrtTypeInfo *type = NULL;
        ORT_TRY(model->ort, SessionGetOutputTypeInfo(model->session, i, &type), err);
        int result = read_shape(model, type, &number, dims, &rank, err);
        model->ort->api->ReleaseTypeInfo(type);
        if (result < 0) {
            return result;
        }
        if (rank > 0 && dims[rank - 1] == (int64_t)model->labels) {
            chosen = i;
        }
    }
    ORT_TRY(model->ort,
            SessionGetOutputName(model->session, chosen, model->allocator, &model->output_name),
            err);
    return 0;
}

/* The best score of each class over the frames. */
static int read_scores(struct sound_model *model, OrtValue *output, struct err *err)
{
    OrtTensorTypeAndShapeInfo *shape = NULL;
    ONNXTensorElementDataType number = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
    size_t rank = 0, count = 0;
    int64_t dims[RANK_MAX] = {0};
    float *values = NULL;
    ORT_TRY(model->ort, GetTensorTypeAndShape(output, &shape), err);
    const OrtApi *api = model->ort->api;
    OrtStatus *status = api->GetTensorElementType(shape, &number);
    status = status == NULL ? api->GetDimensionsCount(shape, &rank) : status;
    if (status == NULL && rank >= 1 && rank <= RANK_MAX) {
        status = api->GetDimensions(shape, dims, rank);
    }
    status = status == NULL ? api->GetTensorShapeElementCount(shape, &count) : status;
    api->ReleaseTensorTypeAndShapeInfo(shape);
    int result = ort_check(model->ort, status, err);
    if (result < 0) {
        return result;
    }
    bool fits = rank >= 1 && rank <= RANK_MAX && count > 0 &&
                number == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT &&
                dims[rank - 1] == (int64_t)model->labels;
    if (!fits) {
        char text[64];
        shape_text(dims, rank <= RANK_MAX ? rank : 0, text);
        return err_set(err, EINVAL,
                       "its output '%s' is %s%s, not float32 scores of the %zu labels of the label "
                       "file",
                       model->output_name,
                       number == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT ? "" : "not float32, ", text,
                       model->labels);
    }
    ORT_TRY(model->ort, GetTensorMutableData(output, (void **)&values), err);
    for (size_t i = 0; i < model->labels; i++) {
        float best = values[i];
        for (size_t at = i + model->labels; at < count; at += model->labels) {
            best = fmaxf(best, values[at]);
        }
        model->scores[i] = best;
    }
    return 0;
}

int sound_model_run(struct sound_model *model, const int16_t samples[SOUNDS_CHUNK],
                    const float **scores, struct err *err)
{
    const char *const inputs[] = {model->input_name}, *const outputs[] = {model->output_name};
    OrtValue *output = NULL;
    for (size_t i = 0; i < SOUNDS_CHUNK; i++) {
        model->samples[i] = (float)samples[i] / 32768.0f;
    }
    ORT_TRY(model->ort,
            Run(model->session, NULL, inputs, (const OrtValue *const *)&model->input, 1, outputs, 1,
                &output),
            err);
    int result = read_scores(model, output, err);
    model->ort->api->ReleaseValue(output);
    *scores = model->scores;
    return result;
}

static int open_all(struct sound_model *model, const char *path, int threads, struct err *err)
{
    static const int16_t silence[SOUNDS_CHUNK];
    const float *scores;
    model->ort = ort_load(err);
    if (model->ort == NULL) {
        return -err->code;
    }
    ORT_TRY(model->ort,
            CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &model->memory_info), err);
    ORT_TRY(model->ort, GetAllocatorWithDefaultOptions(&model->allocator), err);
    int result = session_open(model->ort, path, threads, &model->session, err);
    if (result < 0 || (result = prepare_input(model, err)) < 0 ||
        (result = choose_output(model, err)) < 0) {
        return result;
    }
    struct mono start = mono_now();
    result = sound_model_run(model, silence, &scores, err);
    if (result == 0) {
        malloc_trim(0); /* what parsing and optimising the graph took */
        log_info("model %s, %zu labels, %d threads, ONNX Runtime %s, first inference %.1f ms", path,
                 model->labels, threads, model->ort->version, (double)mono_since_us(start) / 1e3);
    }
    return result;
}

struct sound_model *sound_model_open(const char *path, size_t labels, int threads, struct err *err)
{
    struct sound_model *model = mem_alloc(sizeof *model);
    model->labels = labels;
    model->scores = mem_array(labels, sizeof *model->scores);
    if (open_all(model, path, session_threads(threads), err) == 0) {
        return model;
    }
    err_prefix(err, "sound model %s", path);
    sound_model_close(model);
    return NULL;
}

void sound_model_close(struct sound_model *model)
{
    if (model == NULL) {
        return;
    }
    if (model->ort != NULL) {
        const OrtApi *api = model->ort->api;
        api->ReleaseValue(model->input);
        api->ReleaseSession(model->session);
        api->ReleaseMemoryInfo(model->memory_info);
        if (model->input_name != NULL) {
            model->allocator->Free(model->allocator, model->input_name);
        }
        if (model->output_name != NULL) {
            model->allocator->Free(model->allocator, model->output_name);
        }
    }
    free(model->scores);
    free(model);
}
