#include "onnx/session.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"

int session_threads(int wanted)
{
    cpu_set_t set;
    int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    int threads = wanted > 0 ? wanted : 1;
    return threads < cores ? threads : cores;
}

static int set_options(const struct ort *ort, OrtSessionOptions *options, int threads,
                       struct err *err)
{
    static const struct {
        const char *key, *value;
    } entries[] = {
        /* Within an inference threads wait for each other by spinning, ONNX Runtime's default and
         * much faster; between two they must not: the cores belong to others then. */
        {"session.force_spinning_stop", "1"},
        /* Numbers near zero are hundreds of times slower and mean nothing here. */
        {"session.set_denormal_as_zero", "1"},
    };
    ORT_TRY(ort, SetIntraOpNumThreads(options, threads), err);
    ORT_TRY(ort, SetInterOpNumThreads(options, 1), err);
    ORT_TRY(ort, SetSessionExecutionMode(options, ORT_SEQUENTIAL), err);
    ORT_TRY(ort, SetSessionGraphOptimizationLevel(options, ORT_ENABLE_ALL), err);
    for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
        ORT_TRY(ort, AddSessionConfigEntry(options, entries[i].key, entries[i].value), err);
    }
    return 0;
}

int session_open(const struct ort *ort, const char *path, int threads, OrtSession **session,
                 struct err *err)
{
    if (access(path, R_OK) < 0) {
        return err_set(err, errno, "%s", err_name(errno));
    }
    OrtSessionOptions *options = NULL;
    ORT_TRY(ort, CreateSessionOptions(&options), err);
    int result = set_options(ort, options, threads, err);
    if (result == 0) {
        OrtStatus *status = ort->api->CreateSession(ort->env, path, options, session);
        result = ort_check(ort, status, err);
        if (result < 0) {
            err_prefix(err, "%s",
                       str_ends(path, ".tflite")
                           ? "it is a TensorFlow Lite model, an ONNX model is needed"
                           : "ONNX Runtime refuses it");
        }
    }
    ort->api->ReleaseSessionOptions(options);
    return result;
}
