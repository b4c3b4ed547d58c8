#include "detector/ort.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/str.h"

#define CHATTER_LIMIT (256u << 10)
#define LOG_INTERVAL_US INT64_C(10000000)

/* The first that loads. CORVETTE_ORT_LIBRARY is where the build found it. */
static const char *const libraries[] = {CORVETTE_ORT_LIBRARY, "libonnxruntime.so.1",
                                        "libonnxruntime.so.1.21", "libonnxruntime.so"};

static struct ort ort;

/* Its warnings are about how a model was exported, which nobody here can change. */
static void ORT_API_CALL on_log(void *param, OrtLoggingLevel severity, const char *category,
                                const char *id, const char *location, const char *message)
{
    static struct log_limit limit;
    unsigned swallowed;
    if (severity < ORT_LOGGING_LEVEL_ERROR) {
        log_debug("ONNX Runtime: %s", message);
    } else if (log_allowed(&limit, LOG_INTERVAL_US, &swallowed)) {
        log_warning("ONNX Runtime: %s%s", message, swallowed > 0 ? " (and more like it)" : "");
    }
}

/* Sends stderr into a memfd; the old one is returned, or -1. */
static int hold_stderr(int *held)
{
    *held = memfd_create("stderr", MFD_CLOEXEC);
    int saved = dup(STDERR_FILENO);
    if (*held < 0 || saved < 0 || dup2(*held, STDERR_FILENO) < 0) {
        if (saved >= 0) {
            close(saved);
        }
        return -1;
    }
    return saved;
}

/* Gives stderr back and says in one line what came meanwhile. */
static void release_stderr(int saved, int held)
{
    if (saved >= 0) {
        dup2(saved, STDERR_FILENO);
        close(saved);
    }
    if (held < 0) {
        return;
    }
    AUTO_STR struct str text = {0};
    lseek(held, 0, SEEK_SET);
    str_read_fd(&text, held, CHATTER_LIMIT);
    close(held);
    unsigned lines = 0;
    for (size_t i = 0; i < text.length; i++) {
        lines += text.data[i] == '\n';
    }
    if (text.length > 0) {
        log_debug("ONNX Runtime printed %u lines while it was loaded, first: %.*s", lines,
                  (int)strcspn(text.data, "\n"), text.data);
    }
}

static const OrtApiBase *load_library(struct err *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(libraries); i++) {
        void *library = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);
        if (library == NULL) {
            if (err->code == 0) {
                err_set(err, ENOENT, "ONNX Runtime cannot be loaded: %s", dlerror());
            }
            continue;
        }
        const OrtApiBase *(*get)(void);
        *(void **)(void *)&get = dlsym(library, "OrtGetApiBase");
        if (get != NULL) {
            return get();
        }
        err_set(err, EINVAL, "%s is not ONNX Runtime", libraries[i]);
        dlclose(library);
    }
    return NULL;
}

static int start(struct err *err)
{
    struct err why = ERR_NONE;
    const OrtApiBase *base = load_library(&why);
    if (base == NULL) {
        *err = why;
        return -why.code;
    }
    ort.version = base->GetVersionString();
    const OrtApi *api = base->GetApi(ORT_API_VERSION);
    if (api == NULL) {
        return err_set(err, EINVAL, "ONNX Runtime %s is too old: 1.%d or later is needed",
                       ort.version, ORT_API_VERSION);
    }
    ort.api = api;
    OrtStatus *status = api->CreateEnvWithCustomLogger(on_log, NULL, ORT_LOGGING_LEVEL_WARNING,
                                                       "corvette", &ort.env);
    return ort_check(&ort, status, err);
}

const struct ort *ort_load(struct err *err)
{
    if (ort.env != NULL) {
        return &ort;
    }
    int held;
    int saved = hold_stderr(&held);
    int result = start(err);
    release_stderr(saved, held);
    return result < 0 ? NULL : &ort;
}

int ort_check(const struct ort *o, OrtStatus *status, struct err *err)
{
    if (status == NULL) {
        return 0;
    }
    int result = err_set(err, EINVAL, "%s", o->api->GetErrorMessage(status));
    o->api->ReleaseStatus(status);
    return result;
}
