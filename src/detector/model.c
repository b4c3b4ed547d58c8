#include "detector/model.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "detector/boxes.h"
#include "detector/convert.h"
#include "detector/decode.h"
#include "detector/model_tensor.h"
#include "onnx/ort.h"
#include "onnx/session.h"

#define FOREIGN_INTERVAL_US INT64_C(600000000)

struct model {
    const struct ort *ort;
    const struct cfg_model *config;
    const char *path;
    const struct decode_row *type;
    OrtSession *session;
    OrtIoBinding *binding;
    OrtRunOptions *run_options;
    OrtMemoryInfo *memory_info;
    OrtAllocator *allocator;
    struct model_tensor input;
    struct model_tensor outputs[DECODE_MAX_OUTPUTS];
    size_t output_count;
    bool outputs_bound_for_good;
    uint16_t half_table[256];
    struct decode_outputs found;
    struct boxes boxes;
    char input_text[96];
    unsigned foreign_told;
    struct log_limit foreign_limit;
};

static void expected_dims(const struct cfg_model *config, int64_t dims[4])
{
    bool planar = config->input_tensor == CFG_TENSOR_NCHW;
    dims[0] = 1;
    dims[planar ? 1 : 3] = 3;
    dims[planar ? 2 : 1] = config->height;
    dims[planar ? 3 : 2] = config->width;
}

/* What the configuration should say for this model, when its shape tells. */
static void add_hint(const struct model_tensor *input, struct str *out)
{
    bool planar = input->rank == 4 && input->dims[1] == 3;
    bool interleaved = input->rank == 4 && input->dims[3] == 3 && !planar;
    const int64_t *size = planar ? &input->dims[2] : &input->dims[1];
    if ((planar || interleaved) && size[0] > 0 && size[1] > 0) {
        str_addf(out, "; for this model set input_tensor: %s, width: %lld, height: %lld",
                 planar ? "nchw" : "nhwc", (long long)size[1], (long long)size[0]);
    }
}

static int check_input(struct model *model, struct err *err)
{
    struct model_tensor *input = &model->input;
    int64_t dims[4];
    expected_dims(model->config, dims);
    bool fits = input->rank == 4;
    for (size_t i = 0; fits && i < 4; i++) {
        fits = input->dims[i] < 0 || input->dims[i] == dims[i];
    }
    if (!fits) {
        AUTO_STR struct str text = {0};
        str_add(&text, "input ");
        model_tensor_describe(input, &text);
        str_addf(&text, " is not the configured %s ",
                 model->config->input_tensor == CFG_TENSOR_NCHW ? "nchw" : "nhwc");
        decode_describe_dims(dims, 4, &text);
        add_hint(input, &text);
        return err_set(err, EINVAL, "%s", str_text(&text));
    }
    if (input->type != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT &&
        input->type != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16 &&
        input->type != ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8) {
        return err_set(err, EINVAL, "input '%s' is %s, not float32, float16 or uint8", input->name,
                       model_tensor_number(input));
    }
    memcpy(input->dims, dims, sizeof dims);
    return model_tensor_count(input, err);
}

static int read_tensors(struct model *model, struct err *err)
{
    size_t inputs;
    ORT_TRY(model->ort, SessionGetInputCount(model->session, &inputs), err);
    ORT_TRY(model->ort, SessionGetOutputCount(model->session, &model->output_count), err);
    if (inputs != 1 || model->output_count == 0 || model->output_count > DECODE_MAX_OUTPUTS) {
        size_t outputs = model->output_count;
        model->output_count = 0;
        return err_set(err, EINVAL,
                       "it has %zu inputs and %zu outputs, not one picture and its boxes", inputs,
                       outputs);
    }
    int result = model_tensor_read(&model->input, model->ort, model->session, 0, true, err);
    if (result < 0 || (result = check_input(model, err)) < 0) {
        return result;
    }
    for (size_t i = 0; i < model->output_count; i++) {
        struct model_tensor *output = &model->outputs[i];
        result = model_tensor_read(output, model->ort, model->session, i, false, err);
        if (result < 0 || (result = model_tensor_count(output, err)) < 0) {
            return result;
        }
        if (!model_tensor_known(output)) {
            return err_set(err, EINVAL, "output '%s' has numbers of a kind not supported",
                           output->name);
        }
    }
    model->found.count = model->output_count;
    return 0;
}

static int bind(struct model *model, struct err *err)
{
    ORT_TRY(model->ort, CreateIoBinding(model->session, &model->binding), err);
    int result = model_tensor_allocate(&model->input, model->ort, model->memory_info, err);
    if (result < 0) {
        return result;
    }
    ORT_TRY(model->ort, BindInput(model->binding, model->input.name, model->input.value), err);
    model->outputs_bound_for_good = true;
    for (size_t i = 0; i < model->output_count; i++) {
        struct model_tensor *output = &model->outputs[i];
        if (output->elements < 0) {
            model->outputs_bound_for_good = false;
            ORT_TRY(model->ort,
                    BindOutputToDevice(model->binding, output->name, model->memory_info), err);
            continue;
        }
        result = model_tensor_allocate(output, model->ort, model->memory_info, err);
        if (result < 0) {
            return result;
        }
        ORT_TRY(model->ort, BindOutput(model->binding, output->name, output->value), err);
    }
    return 0;
}

static int look_at(struct model *model, size_t index, OrtValue *value, struct err *err)
{
    struct model_tensor *output = &model->outputs[index];
    struct decode_tensor *found = &model->found.items[index];
    void *data;
    int64_t elements = output->elements;
    found->rank = (unsigned)output->rank;
    memcpy(found->dims, output->dims, sizeof found->dims);
    if (value != NULL) { /* of a shape known only now */
        OrtTensorTypeAndShapeInfo *shape;
        size_t rank = 0, count = 0;
        ORT_TRY(model->ort, GetTensorTypeAndShape(value, &shape), err);
        OrtStatus *status = model->ort->api->GetDimensionsCount(shape, &rank);
        if (status == NULL && rank <= DECODE_MAX_RANK) {
            status = model->ort->api->GetDimensions(shape, found->dims, rank);
        }
        if (status == NULL) {
            status = model->ort->api->GetTensorShapeElementCount(shape, &count);
        }
        model->ort->api->ReleaseTensorTypeAndShapeInfo(shape);
        int result = ort_check(model->ort, status, err);
        if (result < 0 || rank > DECODE_MAX_RANK) {
            return result < 0 ? result
                              : err_set(err, EINVAL, "'%s' has %zu dimensions", output->name, rank);
        }
        found->rank = (unsigned)rank;
        elements = (int64_t)count;
        ORT_TRY(model->ort, GetTensorMutableData(value, &data), err);
    } else {
        data = output->memory;
    }
    found->name = output->name;
    found->data = model_tensor_floats(output, data, (size_t)elements);
    return 0;
}

static int decode(struct model *model, OrtValue **values, struct err *err)
{
    for (size_t i = 0; i < model->output_count; i++) {
        OrtValue *value = model->outputs[i].elements < 0 ? values[i] : NULL;
        int result = look_at(model, i, value, err);
        if (result < 0) {
            return result;
        }
    }
    struct err why = ERR_NONE;
    if (model->type->decode(&model->found, &model->boxes, &why) == 0) {
        return 0;
    }
    AUTO_STR struct str text = {0};
    decode_describe(&model->found, &text);
    return err_set(err, EINVAL, "%.200s; this model has %.200s", why.text, str_text(&text));
}

static int decode_bound(struct model *model, struct err *err)
{
    if (model->outputs_bound_for_good) {
        return decode(model, NULL, err);
    }
    OrtValue **values = NULL;
    size_t count = 0;
    ORT_TRY(model->ort, GetBoundOutputValues(model->binding, model->allocator, &values, &count),
            err);
    int result = count == model->output_count
                     ? decode(model, values, err)
                     : err_set(err, EINVAL, "%zu outputs came back", count);
    for (size_t i = 0; i < count; i++) {
        model->ort->api->ReleaseValue(values[i]);
    }
    model->allocator->Free(model->allocator, values);
    return result;
}

static void fill_input(struct model *model, const uint8_t *input)
{
    size_t count = (size_t)model->input.elements;
    if (model->input.type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) {
        convert_u8_to_f32(input, model->input.memory, count, model->type->scale);
    } else if (model->input.type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16) {
        convert_u8_to_f16(input, model->input.memory, count, model->half_table);
    } else {
        memcpy(model->input.memory, input, count);
    }
}

int model_detect(struct model *model, const uint8_t *input,
                 struct tensor_box boxes[TENSOR_MAX_BOXES], unsigned *count, struct err *err)
{
    fill_input(model, input);
    ORT_TRY(model->ort, RunWithBinding(model->session, model->run_options, model->binding), err);
    boxes_clear(&model->boxes);
    int result = decode_bound(model, err);
    if (result < 0) {
        return result;
    }
    *count = boxes_best(&model->boxes, boxes);
    return 0;
}

/* A grey picture: finds the true output shapes and has all memory allocated. */
static int warm_up(struct model *model, int64_t *took_us, struct err *err)
{
    size_t bytes = (size_t)model->input.elements;
    AUTO_FREE uint8_t *grey = mem_alloc(bytes);
    memset(grey, 114, bytes);
    struct tensor_box boxes[TENSOR_MAX_BOXES];
    unsigned count;
    struct mono start = mono_now();
    int result = model_detect(model, grey, boxes, &count, err);
    *took_us = mono_since_us(start);
    return result;
}

static int open_all(struct model *model, const struct cfg_detector *config, const char *path,
                    struct err *err)
{
    model->ort = ort_load(err);
    if (model->ort == NULL) {
        return -err->code;
    }
    ORT_TRY(model->ort, CreateRunOptions(&model->run_options), err);
    ORT_TRY(model->ort,
            CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &model->memory_info), err);
    ORT_TRY(model->ort, GetAllocatorWithDefaultOptions(&model->allocator), err);
    int64_t took_us;
    int threads = session_threads(config->num_threads);
    int result = session_open(model->ort, path, threads, &model->session, err);
    if (result < 0 || (result = read_tensors(model, err)) < 0 || (result = bind(model, err)) < 0 ||
        (result = warm_up(model, &took_us, err)) < 0) {
        return result;
    }
    AUTO_STR struct str text = {0};
    model_tensor_describe(&model->input, &text);
    snprintf(model->input_text, sizeof model->input_text, "%s", str_text(&text));
    malloc_trim(0); /* what parsing and optimising the graph took */
    log_info("%s: model %s, input %s, %s, %d threads, ONNX Runtime %s, first inference %.1f ms",
             config->name, path, model->input_text, model->type->name, threads, model->ort->version,
             (double)took_us / 1e3);
    return 0;
}

struct model *model_open(const struct cfg_detector *config, const struct cfg_labels *labels,
                         struct err *err)
{
    const char *path = backend_file(config);
    struct model *model = mem_alloc(sizeof *model);
    model->config = &config->model;
    model->path = path;
    model->type = decode_find(config->model.model_type);
    model->boxes.label_count = (uint32_t)labels->count;
    model->found.width = config->model.width;
    model->found.height = config->model.height;
    if (model->type == NULL) {
        err_set(err, EINVAL, "model_type %d is not known", (int)config->model.model_type);
    } else {
        convert_f16_table(model->half_table, model->type->scale);
        if (open_all(model, config, path, err) == 0) {
            return model;
        }
    }
    err_prefix(err, "model %s", path);
    model_close(model);
    return NULL;
}

void model_close(struct model *model)
{
    if (model == NULL) {
        return;
    }
    if (model->ort != NULL) {
        const OrtApi *api = model->ort->api;
        if (model->binding != NULL) {
            api->ReleaseIoBinding(model->binding);
        }
        model_tensor_finish(&model->input, model->ort);
        for (size_t i = 0; i < model->output_count; i++) {
            model_tensor_finish(&model->outputs[i], model->ort);
        }
        if (model->session != NULL) {
            api->ReleaseSession(model->session);
        }
        if (model->memory_info != NULL) {
            api->ReleaseMemoryInfo(model->memory_info);
        }
        if (model->run_options != NULL) {
            api->ReleaseRunOptions(model->run_options);
        }
    }
    free(model);
}

void model_interrupt(struct model *model)
{
    struct err err = ERR_NONE;
    ort_check(model->ort, model->ort->api->RunOptionsSetTerminate(model->run_options), &err);
}

const char *model_input_text(const struct model *model)
{
    return model->input_text;
}

unsigned model_foreign(const struct model *model)
{
    return model->boxes.foreign;
}

static void *backend_open(const struct cfg_detector *config, const struct cfg_labels *labels,
                          struct err *err)
{
    return model_open(config, labels, err);
}

static void backend_close(void *context)
{
    model_close(context);
}

static int backend_detect(void *context, const uint8_t *input,
                          struct tensor_box boxes[TENSOR_MAX_BOXES], unsigned *count,
                          struct err *err)
{
    struct model *model = context;
    int result = model_detect(model, input, boxes, count, err);
    unsigned swallowed;
    if (model->boxes.foreign != model->foreign_told &&
        log_allowed(&model->foreign_limit, FOREIGN_INTERVAL_US, &swallowed)) {
        log_warning("model %s: %u detections so far of labels that are not in the label map",
                    model->path, model->boxes.foreign);
        model->foreign_told = model->boxes.foreign;
    }
    return result;
}

static void backend_interrupt(void *context)
{
    model_interrupt(context);
}

const struct backend model_backend = {
    .title = "ONNX Runtime",
    .open = backend_open,
    .close = backend_close,
    .detect = backend_detect,
    .interrupt = backend_interrupt,
};
