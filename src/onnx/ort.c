#include "onnx/ort.h"

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

/* One node that copies a number. */
static const char smallest_model[] =
    "\x08\x08"                                                          /* IR version 8 */
    "\x3a\x37"                                                          /* the graph: */
    "\x0a\x10\x0a\x01x\x12\x01y\x22\x08Identity"                        /* y = Identity(x) */
    "\x12\x01n"                                                         /* its name */
    "\x5a\x0f\x0a\x01x\x12\x0a\x0a\x08\x08\x01\x12\x04\x0a\x02\x08\x01" /* input x: float32 [1] */
    "\x62\x0f\x0a\x01y\x12\x0a\x0a\x08\x08\x01\x12\x04\x0a\x02\x08\x01" /* output y: the same */
    "\x42\x02\x10\x0d";                                                 /* operator set 13 */

/* Debian's build prints its lines when the first session is made, not before. A session that fails
 * does not matter: the same will be said of the real one. */
static void make_first_session(const OrtApi *api)
{
    OrtSessionOptions *options = NULL;
    OrtSession *session = NULL;
    OrtStatus *status = api->CreateSessionOptions(&options);
    if (status == NULL) {
        status = api->SetIntraOpNumThreads(options, 1);
    }
    if (status == NULL) {
        status = api->CreateSessionFromArray(ort.env, smallest_model, sizeof smallest_model - 1,
                                             options, &session);
    }
    api->ReleaseStatus(status);
    api->ReleaseSession(session);
    api->ReleaseSessionOptions(options);
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
    int result = ort_check(&ort, status, err);
    if (result == 0) {
        make_first_session(api);
    }
    return result;
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
