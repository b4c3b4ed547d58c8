/* Time of a detection request through the whole path, from a filled tensor slot to the boxes in the
 * client's hands, over the time of the bare model in ONNX Runtime with its defaults and the same
 * number of threads. They take turns in blocks, so that a busy machine slows both alike; the ratio
 * is the median of the blocks'.
 *
 *     detector_bench MODEL TYPE WIDTH HEIGHT nchw|nhwc THREADS [REQUESTS] */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <onnxruntime_c_api.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "onnx/ort.h"
#include "detector/service.h"

#define BLOCK 10
#define SETTLE_US 5000 /* ONNX Runtime's own threads spin for a while after a run */

static struct cfg_detector config = {.name = (char *)"bench", .type = (char *)"cpu"};
static const struct cfg_labels labels = {.count = 0};

struct channel_fds {
    int slots, work, done, board;
};

static void die(const char *text)
{
    fprintf(stderr, "detector_bench: %s\n", text);
    exit(1);
}

/* The detector's process: serves until it is killed. */
static void serve(const struct channel_fds *fds)
{
    struct board *board = board_open(fds->board);
    const struct service_options options = {
        .backend = &model_backend,
        .config = &config,
        .labels = &labels,
        .entry = &board->entries[0],
    };
    struct service *service = service_create(&options);
    service_give(service, GIVE_WORK, "", fds->work);
    service_give(service, GIVE_TENSORS, "camera", fds->slots);
    service_give(service, GIVE_DONE, "camera", fds->done);
    service_start(service);
    for (;;) {
        pause();
    }
}

struct client {
    struct tensors *tensors;
    struct channel_fds fds;
    size_t bytes;
    const uint8_t *picture;
    unsigned boxes; /* of the last answer */
};

/* One request as analyse makes it; the picture lies in the slot before the clock starts. */
static double request_ms(struct client *client)
{
    uint8_t *input;
    int slot = tensors_begin(client->tensors, &input);
    if (slot < 0) {
        die("no free slot");
    }
    memcpy(input, client->picture, client->bytes);
    struct mono start = mono_now();
    uint64_t id = tensors_submit(client->tensors, slot, start.us + INT64_C(60000000));
    const uint64_t one = 1;
    uint64_t count_done;
    if (write(client->fds.work, &one, sizeof one) < 0) {
        die("eventfd");
    }
    struct tensor_box boxes[TENSOR_MAX_BOXES];
    enum tensor_status status;
    for (;;) {
        struct pollfd fd = {client->fds.done, POLLIN, 0};
        poll(&fd, 1, -1);
        if (read(client->fds.done, &count_done, sizeof count_done) < 0 && errno != EAGAIN) {
            die("eventfd");
        }
        if (tensors_take(client->tensors, slot, id, &status, boxes, &client->boxes) == 0) {
            break;
        }
    }
    double ms = (double)mono_since_us(start) / 1e3;
    if (status != TENSOR_OK) {
        die("the detector refuses the request");
    }
    return ms;
}

struct bare {
    const OrtApi *api;
    OrtSession *session;
    OrtValue *input;
    char *input_name, *output_names[8];
    size_t outputs;
};

static const struct ort *ort;

static void check(OrtStatus *status)
{
    struct err err = ERR_NONE;
    if (ort_check(ort, status, &err) < 0) {
        die(err.text);
    }
}

static void bare_open(struct bare *bare, const uint8_t *picture, size_t bytes)
{
    struct err err = ERR_NONE;
    ort = ort_load(&err);
    if (ort == NULL) {
        die(err.text);
    }
    const OrtApi *api = bare->api = ort->api;
    OrtSessionOptions *options;
    OrtAllocator *allocator;
    OrtMemoryInfo *memory;
    check(api->CreateSessionOptions(&options));
    check(api->SetIntraOpNumThreads(options, config.num_threads));
    check(api->CreateSession(ort->env, config.model.path, options, &bare->session));
    check(api->GetAllocatorWithDefaultOptions(&allocator));
    check(api->SessionGetInputName(bare->session, 0, allocator, &bare->input_name));
    check(api->SessionGetOutputCount(bare->session, &bare->outputs));
    for (size_t i = 0; i < bare->outputs && i < 8; i++) {
        check(api->SessionGetOutputName(bare->session, i, allocator, &bare->output_names[i]));
    }
    bool planar = config.model.input_tensor == CFG_TENSOR_NCHW;
    const int64_t h = config.model.height, w = config.model.width;
    const int64_t dims[4] = {1, planar ? 3 : h, planar ? h : w, planar ? w : 3};
    float *floats = mem_array(bytes, sizeof *floats);
    for (size_t i = 0; i < bytes; i++) {
        floats[i] =
            (float)picture[i] / (config.model.model_type == CFG_MODEL_YOLOX ? 1.0f : 255.0f);
    }
    check(api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &memory));
    check(api->CreateTensorWithDataAsOrtValue(memory, floats, bytes * sizeof *floats, dims, 4,
                                              ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &bare->input));
}

static double bare_ms(struct bare *bare)
{
    OrtValue *outputs[8] = {NULL};
    struct mono start = mono_now();
    check(bare->api->Run(bare->session, NULL, (const char *const *)&bare->input_name,
                         (const OrtValue *const *)&bare->input, 1,
                         (const char *const *)bare->output_names, bare->outputs, outputs));
    double ms = (double)mono_since_us(start) / 1e3;
    for (size_t i = 0; i < bare->outputs; i++) {
        bare->api->ReleaseValue(outputs[i]);
    }
    return ms;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double *values, int count, double q)
{
    qsort(values, (size_t)count, sizeof *values, by_value);
    return values[(int)(q * (count - 1))];
}

/* Proportional set size in kB. */
static long pss_of(pid_t pid)
{
    char path[64], line[128];
    long kb = 0;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        sscanf(line, "Pss: %ld", &kb);
    }
    if (file != NULL) {
        fclose(file);
    }
    return kb;
}

static void configure(char **argv)
{
    static const struct {
        const char *name;
        enum cfg_model_type type;
    } types[] = {{"ssd", CFG_MODEL_SSD},
                 {"yolox", CFG_MODEL_YOLOX},
                 {"yolonas", CFG_MODEL_YOLONAS},
                 {"yolo-generic", CFG_MODEL_YOLO_GENERIC}};
    config.model.path = argv[1];
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(argv[2], types[i].name) == 0) {
            config.model.model_type = types[i].type;
        }
    }
    config.model.width = atoi(argv[3]);
    config.model.height = atoi(argv[4]);
    config.model.input_tensor = strcmp(argv[5], "nchw") == 0 ? CFG_TENSOR_NCHW : CFG_TENSOR_NHWC;
    config.num_threads = atoi(argv[6]);
    if (config.model.model_type == 0 || config.model.width < 1 || config.model.height < 1) {
        die("unknown model type or size");
    }
}

int main(int argc, char **argv)
{
    if (argc < 7) {
        die("MODEL TYPE WIDTH HEIGHT nchw|nhwc THREADS [REQUESTS]");
    }
    configure(argv);
    log_set_level(LOG_WARNING);
    int requests = argc > 7 ? atoi(argv[7]) / BLOCK * BLOCK : 200;
    size_t bytes = (size_t)config.model.width * (size_t)config.model.height * 3;
    uint8_t *picture = mem_alloc(bytes);
    for (size_t i = 0; i < bytes; i++) {
        picture[i] = (uint8_t)(i * 2654435761u >> 13);
    }
    struct client client = {
        .fds = {.slots = tensors_create("camera", bytes),
                .work = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                .done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                .board = board_create(1)},
        .bytes = bytes,
        .picture = picture,
    };
    pid_t detector = fork(); /* before ONNX Runtime is loaded here */
    if (detector == 0) {
        serve(&client.fds);
    }
    client.tensors = tensors_open(client.fds.slots);
    struct bare bare = {0};
    bare_open(&bare, picture, bytes);
    for (int i = 0; i < BLOCK; i++) {
        request_ms(&client);
        bare_ms(&bare);
    }
    double *path = mem_array((size_t)requests, sizeof *path);
    double *floor = mem_array((size_t)requests, sizeof *floor);
    double *ratios = mem_array((size_t)(requests / BLOCK), sizeof *ratios);
    for (int i = 0; i < requests; i += BLOCK) {
        usleep(SETTLE_US);
        for (int k = 0; k < BLOCK; k++) {
            path[i + k] = request_ms(&client);
        }
        usleep(SETTLE_US);
        for (int k = 0; k < BLOCK; k++) {
            floor[i + k] = bare_ms(&bare);
        }
        ratios[i / BLOCK] = quantile(path + i, BLOCK, 0.5) / quantile(floor + i, BLOCK, 0.5);
    }
    long pss_kb = pss_of(detector);
    struct rusage usage;
    kill(detector, SIGKILL);
    wait4(detector, NULL, 0, &usage);
    double cpu_ms = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
                    (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
    const char *name = strrchr(config.model.path, '/');
    printf("%-22s %d threads  path %6.2f ms  bare %6.2f ms  ratio %.3f  detector %.1f MB, "
           "%.1f ms CPU a request\n",
           name != NULL ? name + 1 : config.model.path, config.num_threads,
           quantile(path, requests, 0.5), quantile(floor, requests, 0.5),
           quantile(ratios, requests / BLOCK, 0.5), (double)pss_kb / 1024,
           cpu_ms / (requests + BLOCK));
    return 0;
}
