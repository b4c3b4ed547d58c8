#include "config/detectors.h"

#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Detector types of the peer. */
static const struct {
    const char *name;
    bool present; /* in this build */
} types[] = {
    {"cpu", true},       {"onnx", true},      {"deepstack", true},
    {"edgetpu", false},  {"openvino", false}, {"rknn", false},
    {"tensorrt", false}, {"rocm", false},     {"hailo8l", false},
};

/* What the demo model is like: see models/. */
static void make_demo(struct cfg_model *model)
{
    *model = (struct cfg_model){
        .width = 320,
        .height = 320,
        .input_tensor = CFG_TENSOR_NCHW,
        .input_pixel_format = CFG_PIXELS_RGB,
        .model_type = CFG_MODEL_YOLO_GENERIC,
        .is_demo = true,
    };
}

void cfg_use_demo_model(struct config *config)
{
    if (config->model.path == NULL) {
        make_demo(&config->model);
    }
}

static void check_type(struct cfg_loader *loader, struct cfg_detector *detector, int line,
                       const struct cfg_path *up)
{
    const struct cfg_path path = {.up = up, .key = "type"};
    struct cfg_nearest nearest = {.word = detector->type};
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (strcmp(types[i].name, detector->type) == 0) {
            detector->substituted = !types[i].present;
            if (detector->substituted) {
                cfg_warn(loader->issues, line, &path,
                         "detectors of type %s are not part of this build; cpu runs in its place",
                         detector->type);
            }
            return;
        }
        cfg_nearest_offer(&nearest, types[i].name);
    }
    AUTO_STR struct str written = {0};
    cfg_add_quoted(detector->type, &written);
    const char *best = cfg_nearest_best(&nearest);
    cfg_error(loader->issues, line, &path,
              "\"%s\" is no known detector type (cpu, onnx, deepstack)%s%s%s", str_text(&written),
              best != NULL ? "; did you mean " : "", best != NULL ? best : "",
              best != NULL ? "?" : "");
}

/* Of a detector's own model only the path counts, as in the peer. */
static void resolve_model(struct cfg_loader *loader, const struct config *config,
                          struct cfg_detector *detector, const struct cfg_node *written,
                          const struct cfg_path *up)
{
    const struct cfg_path path = {.up = up, .key = "model"};
    char *own_path = detector->model.path;
    detector->model = config->model;
    if (own_path != NULL) {
        detector->model.path = own_path;
    }
    const struct cfg_node *model = cfg_get(written, "model");
    for (size_t i = 0; model != NULL && model->kind == CFG_MAP && i < model->count; i++) {
        if (strcmp(model->entries[i].key, "path") != 0) {
            cfg_warn(loader->issues, model->entries[i].line, &path,
                     "only `path` counts here; %s is taken from the global model",
                     model->entries[i].key);
        }
    }
    if (detector->model.path == NULL) {
        make_demo(&detector->model);
    }
}

static void add_usual(struct cfg_loader *loader, struct config *config)
{
    static char name[] = "cpu";
    config->detectors = cfg_alloc(loader->arena, sizeof *config->detectors);
    config->detector_count = 1;
    cfg_fill(loader, cfg_row_first(CFG_B_DETECTOR, CFG_GLOBAL), CFG_GLOBAL, NULL,
             config->detectors);
    config->detectors->name = name;
}

/* The demo's pictures are files in a folder "scenes" (script/demo draws them there). */
static bool is_demo_input(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (strstr(path, "://") != NULL) {
        return false;
    }
    if (slash == NULL) {
        return str_starts(path, "demo");
    }
    static const char folder[] = "scenes";
    size_t length = sizeof folder - 1, before = (size_t)(slash - path);
    bool in_scenes = before >= length && strncmp(slash - length, folder, length) == 0 &&
                     (before == length || slash[-(ptrdiff_t)length - 1] == '/');
    return in_scenes || str_starts(slash + 1, "demo");
}

/* Nobody should take the demo model for a real one by accident. */
static bool only_demo_cameras(const struct config *config)
{
    for (size_t i = 0; i < config->camera_count; i++) {
        const struct cfg_camera_ffmpeg *ffmpeg = &config->cameras[i].ffmpeg;
        for (size_t j = 0; j < ffmpeg->count; j++) {
            if (!is_demo_input(ffmpeg->inputs[j].path)) {
                return false;
            }
        }
    }
    return true;
}

static void check_model(struct cfg_loader *loader, struct config *config,
                        const struct cfg_node *root)
{
    const struct cfg_path at_model = {.key = "model"};
    const struct cfg_path path = {.up = &at_model, .key = "path"};
    int line = cfg_line_of(root, "model.path", 0);
    if (config->model.path != NULL && str_starts(config->model.path, "plus://")) {
        cfg_warn(loader->issues, line, &path,
                 "Frigate+ models cannot be fetched by this version; the demo model is used: give "
                 "the path of an ONNX file");
        config->model.path = NULL;
        return;
    }
    if (config->model.path == NULL) {
        if (!only_demo_cameras(config)) {
            cfg_warn(loader->issues, line, &path,
                     "no model is given, so only the small demo model is loaded, which knows few "
                     "labels and is not made for real cameras: set model.path to an ONNX file");
        }
        return;
    }
    if (access(config->model.path, R_OK) != 0) {
        cfg_warn(loader->issues, line, &path,
                 "the file cannot be read; cameras will record, but nothing is detected");
    }
}

void cfg_resolve_detectors(struct cfg_loader *loader, struct config *config,
                           const struct cfg_node *root)
{
    const struct cfg_path at_detectors = {.key = "detectors"};
    const struct cfg_node *written = cfg_get(root, "detectors");
    check_model(loader, config, root);
    if (config->detector_count == 0) {
        if (written != NULL && written->kind == CFG_MAP) {
            cfg_warn(loader->issues, written->line, &at_detectors,
                     "names no detector; one of type cpu is used");
        }
        add_usual(loader, config);
    }
    for (size_t i = 0; i < config->detector_count; i++) {
        struct cfg_detector *detector = &config->detectors[i];
        const struct cfg_path path = {.up = &at_detectors, .key = detector->name};
        const struct cfg_entry *entry = cfg_entry(written, detector->name);
        const struct cfg_node *map = entry != NULL ? entry->value : NULL;
        check_type(loader, detector, cfg_line_of(map, "type", entry != NULL ? entry->line : 0),
                   &path);
        resolve_model(loader, config, detector, map, &path);
    }
}
