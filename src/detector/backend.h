/* What finds objects in a picture: a model in this process, or a server over HTTP. A backend is
 * used by one thread; only interrupt() may come from another. */
#ifndef CORVETTE_DETECTOR_BACKEND_H
#define CORVETTE_DETECTOR_BACKEND_H

#include <stdint.h>

#include "base/err.h"
#include "config/config.h"
#include "ring/tensors.h"

struct backend {
    const char *title;
    /* NULL with a sentence when it cannot work; it is then tried again. `config` and `labels` stay
     * the caller's and outlive the backend. */
    void *(*open)(const struct cfg_detector *config, const struct cfg_labels *labels,
                  struct err *err);
    void (*close)(void *context);
    /* `input` as in ring/tensors.h. 0, or -errno with a sentence. */
    int (*detect)(void *context, const uint8_t *input, struct tensor_box boxes[TENSOR_MAX_BOXES],
                  unsigned *count, struct err *err);
    /* Any thread: makes a running detect() return soon, and every later one fail. Or NULL. */
    void (*interrupt)(void *context);
};

/* ONNX Runtime; the model's file is model_path(). */
extern const struct backend model_backend;
/* A DeepStack or CodeProject.AI server. */
extern const struct backend deepstack_backend;

const struct backend *backend_find(const struct cfg_detector *config);
/* Path of the file that must be there and whole, or NULL. */
const char *backend_file(const struct cfg_detector *config);

#endif
