#include "real_detector.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "detector/backend.h"
#include "vision/tensor.h"

#define CONFIG_MAX_BYTES ((size_t)1 << 20)

struct real_detector {
    struct config *config;
    const struct cfg_detector *settings;
    struct cfg_labels labels;
    const struct backend *backend;
    void *context;
    struct tensor_cutter *cutter;
    uint8_t *tensor;
};

static struct config *load(const char *path, struct err *err)
{
    AUTO_STR struct str text = {0};
    int result = str_read_file(&text, path, CONFIG_MAX_BYTES);
    if (result < 0) {
        err_set(err, -result, "%s: %s", path, err_name(result));
        return NULL;
    }
    struct cfg_issues issues = {0};
    struct config *config = config_load(path, str_text(&text), text.length, &issues);
    if (config == NULL || config->camera_count == 0 || config->detector_count == 0) {
        AUTO_STR struct str complaints = {0};
        config_issues_format(&issues, path, &complaints);
        err_set(err, EINVAL, "%s: needs a camera and a detector\n%s", path, str_text(&complaints));
        config_free(config);
        config = NULL;
    }
    config_issues_finish(&issues);
    return config;
}

static struct tensor_format format_of(const struct cfg_model *model)
{
    return (struct tensor_format){
        .width = model->width,
        .height = model->height,
        .pixels = model->input_pixel_format == CFG_PIXELS_BGR   ? TENSOR_PIXELS_BGR
                  : model->input_pixel_format == CFG_PIXELS_YUV ? TENSOR_PIXELS_YUV
                                                                : TENSOR_PIXELS_RGB,
        .layout = model->input_tensor == CFG_TENSOR_NCHW ? TENSOR_NCHW : TENSOR_NHWC,
    };
}

struct real_detector *real_detector_open(const char *config_path, struct err *err)
{
    struct real_detector *d = mem_alloc(sizeof *d);
    d->config = load(config_path, err);
    if (d->config == NULL) {
        real_detector_close(d);
        return NULL;
    }
    d->settings = &d->config->detectors[0];
    d->backend = backend_find(d->settings);
    struct tensor_format format = format_of(&d->settings->model);
    d->cutter = tensor_cutter_create(&format);
    d->tensor = mem_alloc(tensor_bytes(&format));
    if (config_labels_load(&d->settings->model, &d->labels, err)) {
        d->context = d->backend->open(d->settings, &d->labels, err);
    }
    if (d->context == NULL) {
        real_detector_close(d);
        return NULL;
    }
    return d;
}

void real_detector_close(struct real_detector *d)
{
    if (d == NULL) {
        return;
    }
    if (d->context != NULL) {
        d->backend->close(d->context);
    }
    tensor_cutter_destroy(d->cutter);
    config_labels_free(&d->labels);
    config_free(d->config);
    free(d->tensor);
    free(d);
}

const struct cfg_camera *real_detector_camera(const struct real_detector *d)
{
    return &d->config->cameras[0];
}

const struct cfg_labels *real_detector_labels(const struct real_detector *d)
{
    return &d->labels;
}

int real_detector_min_region(const struct real_detector *d)
{
    const struct cfg_model *model = &d->settings->model;
    return model->width > model->height ? model->width : model->height;
}

bool real_detector_answer(struct real_detector *d, struct pipeline *pipeline,
                          const uint8_t *picture, int width, int height, struct err *err)
{
    const struct regions *regions = pipeline_regions(pipeline);
    struct yuv_view view = yuv_view(picture, width, height);
    for (unsigned r = 0; r < regions->count; r++) {
        struct tensor_box boxes[TENSOR_MAX_BOXES];
        unsigned count;
        tensor_cut(d->cutter, &view, regions->items[r], d->tensor);
        if (d->backend->detect(d->context, d->tensor, boxes, &count, err) != 0) {
            return false;
        }
        pipeline_answer(pipeline, r, boxes, count);
    }
    return true;
}
