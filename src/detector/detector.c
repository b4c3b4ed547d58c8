/* The detector's role: one process per configured detector. It takes what the supervisor gives to
 * its service and otherwise stays out of the way. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "detector/service.h"
#include "ipc/worker.h"
#include "onnx/ort.h"

/* A descriptor that came before MSG_START; the service only exists after it. */
struct detector_early {
    struct msg_give give;
    int fd;
};

struct detector {
    struct detector_early *early;
    size_t early_count, early_capacity;
    struct cfg_labels labels;
    struct service_options options;
    struct service *service;
    struct loop_source *ended;
};

static const struct cfg_detector *find_config(const struct worker *worker)
{
    for (size_t i = 0; i < worker->config->detector_count; i++) {
        if (str_equal(worker->config->detectors[i].name, worker->name)) {
            return &worker->config->detectors[i];
        }
    }
    return NULL;
}

static void give(struct worker *worker, const struct msg_give *give, int *fd)
{
    struct detector *detector = worker->context;
    if (give->what != GIVE_TENSORS && give->what != GIVE_DONE && give->what != GIVE_WORK) {
        return;
    }
    if (detector->service != NULL) {
        service_give(detector->service, (enum give_what)give->what, give->name, *fd);
    } else {
        *MEM_PUSH(detector->early, detector->early_count, detector->early_capacity) =
            (struct detector_early){*give, *fd};
    }
    *fd = -1;
}

static void on_ended(void *context, uint32_t events)
{
    struct worker *worker = context;
    struct detector *detector = worker->context;
    loop_remove(detector->ended);
    detector->ended = NULL;
    worker_done(worker);
}

/* The library is loaded here, while this is the only thread; see ort.h. What is wrong with it is
 * said when the model is opened. */
static void load_library(const struct service_options *options)
{
    struct err err = ERR_NONE;
    if (options->backend == &model_backend && ort_load(&err) == NULL) {
        log_debug("%s", err.text);
    }
}

static void load_labels(struct detector *detector, const struct cfg_detector *config)
{
    struct err err = ERR_NONE;
    if (!config_labels_load(&config->model, &detector->labels, &err)) {
        log_warning("detector %s: %s", config->name, err.text);
        detector->labels = (struct cfg_labels){0};
    }
    if (config->model.path == NULL && detector->options.backend == &model_backend) {
        log_warning(
            "detector %s: no model.path is configured, so only the demo model is loaded; it "
            "knows nothing but the demo's scenes",
            config->name);
    }
}

static int begin(struct worker *worker)
{
    struct detector *detector = worker->context;
    const struct cfg_detector *config = find_config(worker);
    if (config == NULL) {
        worker_fatal(worker, "the configuration has no detector '%s'", worker->name);
        return -ENOENT;
    }
    detector->options = (struct service_options){
        .backend = backend_find(config),
        .config = config,
        .labels = &detector->labels,
        .entry = worker->entry,
        .number = worker->start.detector,
        .shared = worker->config->detector_count > 1,
    };
    load_labels(detector, config);
    load_library(&detector->options);
    detector->service = service_create(&detector->options);
    for (size_t i = 0; i < detector->early_count; i++) {
        const struct detector_early *early = &detector->early[i];
        service_give(detector->service, (enum give_what)early->give.what, early->give.name,
                     early->fd);
    }
    detector->early_count = 0;
    detector->ended =
        loop_add_fd(worker->loop, service_ended_fd(detector->service), EPOLLIN, on_ended, worker);
    service_start(detector->service);
    return 0;
}

static void stop(struct worker *worker)
{
    struct detector *detector = worker->context;
    service_stop(detector->service);
}

static void finish(struct worker *worker)
{
    struct detector *detector = worker->context;
    loop_remove(detector->ended);
    service_destroy(detector->service);
    for (size_t i = 0; i < detector->early_count; i++) {
        close(detector->early[i].fd);
    }
    free(detector->early);
    config_labels_free(&detector->labels);
}

const struct worker_role detector_role = {
    .role = BOARD_DETECTOR,
    .title = "detector",
    .give = give,
    .begin = begin,
    .stop = stop,
    .finish = finish,
    .context_bytes = sizeof(struct detector),
};
