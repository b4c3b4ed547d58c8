/* ONNX Runtime, loaded when it is first needed, so that only the processes with a model carry it
 * and a missing library is a message rather than a program that does not start. */
#ifndef CORVETTE_ONNX_ORT_H
#define CORVETTE_ONNX_ORT_H

#include <onnxruntime_c_api.h>

#include "base/err.h"

struct ort {
    const OrtApi *api;
    OrtEnv *env;
    const char *version;
};

/* Once per process, from its first thread: stderr is held back meanwhile, because some builds print
 * hundreds of lines while loading. NULL with a sentence; a later call tries again. */
const struct ort *ort_load(struct err *err);

/* Turns a status into 0 or -EINVAL with its message; releases it. */
int ort_check(const struct ort *ort, OrtStatus *status, struct err *err);

/* Runs a call of the C API and leaves the function with its error. */
#define ORT_TRY(ort_, call_, err_)                                   \
    do {                                                             \
        int result_ = ort_check((ort_), (ort_)->api->call_, (err_)); \
        if (result_ < 0) {                                           \
            return result_;                                          \
        }                                                            \
    } while (0)

#endif
