#include "server/probes.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/command.h"
#include "base/mem.h"
#include "config/presets.h"
#include "footage/place.h"

#define PROGRAM "/proc/self/exe"
#define OUTPUT_MAX (256u << 10)
#define STREAM_US 6000000 /* the process itself looks for four seconds */
#define GRAPHICS_US 10000000
#define TOGETHER 4      /* streams looked into at once by one call */
#define AT_ONCE 2       /* calls that run */
#define WAITING 2       /* calls that wait for these; more are refused */
#define KILLED_CODE 124 /* what timeout(1) ends with */

struct probes {
    const struct config *config;
    const char *data_dir;
    atomic_bool stopped;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t changed;
    unsigned running, waiting;
};

/* One path, understood. */
struct target {
    const char *url; /* "-": the file on `fd`; NULL: refused */
    const char *protocols;
    const struct cfg_camera *camera; /* whose input it is, or NULL */
    const struct cfg_input *input;
    int fd;
};

struct probes *probes_create(const struct config *config, const char *data_dir)
{
    struct probes *probes = mem_alloc(sizeof *probes);
    probes->config = config;
    probes->data_dir = data_dir;
    pthread_mutex_init(&probes->lock, NULL);
    pthread_cond_init(&probes->changed, NULL);
    return probes;
}

void probes_destroy(struct probes *probes)
{
    if (probes != NULL) {
        pthread_cond_destroy(&probes->changed);
        pthread_mutex_destroy(&probes->lock);
        free(probes);
    }
}

void probes_stop(struct probes *probes)
{
    if (probes != NULL) {
        pthread_mutex_lock(&probes->lock);
        atomic_store(&probes->stopped, true);
        pthread_cond_broadcast(&probes->changed);
        pthread_mutex_unlock(&probes->lock);
    }
}

static bool is_stopped(void *context)
{
    struct probes *probes = context;
    return atomic_load(&probes->stopped);
}

static int begin(struct probes *probes, struct err *err)
{
    int result = 0;
    pthread_mutex_lock(&probes->lock);
    if (probes->running == AT_ONCE && probes->waiting == WAITING) {
        result = err_set(err, EBUSY, "Too many probes at once");
    } else {
        probes->waiting++;
        while (probes->running == AT_ONCE && !is_stopped(probes)) {
            pthread_cond_wait(&probes->changed, &probes->lock);
        }
        probes->waiting--;
        result = is_stopped(probes) ? err_set(err, ECANCELED, "Stopping") : 0;
        probes->running += result == 0;
    }
    pthread_mutex_unlock(&probes->lock);
    return result;
}

static void end(struct probes *probes)
{
    pthread_mutex_lock(&probes->lock);
    probes->running--;
    pthread_cond_signal(&probes->changed);
    pthread_mutex_unlock(&probes->lock);
}

/* ---- what may be looked into ---- */

/* What each kind of address may make libavformat open. None of them reads files or devices, so that
 * no playlist or redirection leads there; of files in the media folder, no playlist is read. */
static const struct {
    const char *scheme, *protocols;
} schemes[] = {
    {"rtsp://", "rtp,srtp,udp,tcp,http,https,tls"},
    {"rtsps://", "rtp,srtp,udp,tcp,tls"},
    {"rtmp://", "rtmp,tcp"},
    {"rtmps://", "rtmps,tls,tcp"},
    {"http://", "http,https,tcp,tls,crypto"},
    {"https://", "https,http,tcp,tls,crypto"},
    {"srt://", "srt"},
    {"udp://", "udp"},
    {"rtp://", "rtp,udp"},
    {"tcp://", "tcp"},
};

static const char *protocols_of(const char *url)
{
    for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
        if (strncasecmp(url, schemes[i].scheme, strlen(schemes[i].scheme)) == 0) {
            return schemes[i].protocols;
        }
    }
    return NULL;
}

/* The input that has this path, written out or as the API shows it. */
static bool find_input(const struct config *config, const char *path, struct target *target)
{
    for (size_t i = 0; i < config->camera_count; i++) {
        const struct cfg_camera_ffmpeg *ffmpeg = &config->cameras[i].ffmpeg;
        for (size_t k = 0; k < ffmpeg->count; k++) {
            AUTO_STR struct str masked = {0};
            config_mask_url(ffmpeg->inputs[k].path, &masked);
            if (strcmp(ffmpeg->inputs[k].path, path) == 0 || strcmp(str_text(&masked), path) == 0) {
                target->camera = &config->cameras[i];
                target->input = &ffmpeg->inputs[k];
                return true;
            }
        }
    }
    return false;
}

static void understand(const struct probes *probes, const char *path, struct target *target)
{
    *target = (struct target){.fd = -1};
    if (strchr(path, '\n') != NULL) {
        return;
    }
    if (find_input(probes->config, path, target)) {
        target->url = target->input->path;
        target->protocols = protocols_of(target->url);
        target->protocols = target->protocols != NULL ? target->protocols : "file";
        return;
    }
    const char *relative = place_relative(path);
    if (relative != NULL) {
        target->fd = place_open(probes->data_dir, relative);
        target->url = target->fd >= 0 ? "-" : NULL;
        target->protocols = "file";
        return;
    }
    target->protocols = protocols_of(path);
    target->url = target->protocols != NULL ? path : NULL;
}

/* ---- one after the other, a few at once ---- */

static void write_task(const struct target *target, struct str *task)
{
    struct cfg_list args = {0};
    str_addf(task, "%s\n%s", target->protocols, target->url);
    if (target->input != NULL) {
        config_presets_expand_input(&target->input->input_args, target->camera->detect.fps, &args);
    }
    for (size_t i = 0; i < args.count; i++) {
        if (strchr(args.items[i], '\n') == NULL) {
            str_addf(task, "\n%s", args.items[i]);
        }
    }
    config_list_finish(&args);
}

static void put_text(struct jout *json, const char *key, const struct str *text)
{
    size_t length = text->length;
    while (length > 0 && strchr(" \r\n\t", text->data[length - 1]) != NULL) {
        length--;
    }
    jout_key(json, key);
    jout_string_n(json, length > 0 ? text->data : "", length);
}

/* The child has parsed bytes of strangers: what it says is JSON only once it has been read as such.
 */
static char *checked_json(const struct str *text)
{
    json_error_t error;
    json_t *value = json_loadb(str_text(text), text->length, 0, &error);
    char *again = json_is_object(value)
                      ? json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII)
                      : NULL;
    json_decref(value);
    return again;
}

static void put_refusal(struct jout *json, const char *path)
{
    AUTO_STR struct str text = {0};
    config_mask_url(path, &text);
    str_add(&text, ": can be neither an address of a camera (rtsp, rtmp, http, ...), nor a path "
                   "that a configured camera has, nor a file under /media/frigate/");
    jout_begin_object(json);
    jout_put_int(json, "return_code", 1);
    put_text(json, "stderr", &text);
    jout_put_string(json, "stdout", "");
    jout_end_object(json);
}

/* The one that succeeded has nothing to complain of, the other nothing to tell. */
static void put_command(struct jout *json, const struct command *command, bool is_json)
{
    AUTO_FREE char *object = is_json && command->ended ? checked_json(&command->out) : NULL;
    AUTO_STR struct str masked = {0};
    int code = !command->ended && command->pid != 0 ? KILLED_CODE : command->code;
    code = code == 0 && is_json && object == NULL ? 1 : code;
    config_mask_url(str_text(&command->err), &masked);
    if (command->pid == 0) {
        str_addf(&masked, "the process cannot be started: %s", err_name(command->code));
    } else if (!command->ended) {
        str_add(&masked, "no answer in time");
    } else if (command->code > 128) {
        str_addf(&masked, "the process was killed by signal %d", command->code - 128);
    }
    jout_begin_object(json);
    jout_put_int(json, "return_code", code < 0 ? 127 : code);
    if (code == 0) {
        jout_put_string(json, "stderr", "");
    } else {
        put_text(json, "stderr", &masked);
    }
    if (code != 0) {
        jout_put_string(json, "stdout", "");
    } else if (is_json) {
        jout_put_raw(json, "stdout", object);
    } else {
        put_text(json, "stdout", &command->out);
    }
    jout_end_object(json);
}

static struct command_bounds bounds_of(struct probes *probes, int64_t timeout_us)
{
    return (struct command_bounds){
        .timeout_us = timeout_us, .output_max = OUTPUT_MAX, .stop = is_stopped, .context = probes};
}

static void probe_together(struct probes *probes, const char *const *paths, size_t count,
                           struct jout *json)
{
    static const char *const argv[] = {"corvette:", "ffprobe", NULL};
    struct target targets[TOGETHER];
    struct command commands[TOGETHER] = {0};
    const struct command_bounds bounds = bounds_of(probes, STREAM_US);
    size_t started = 0, told = 0;
    for (size_t i = 0; i < count; i++) {
        understand(probes, paths[i], &targets[i]);
        if (targets[i].url != NULL) {
            struct command *command = &commands[started++];
            *command = (struct command){.program = PROGRAM, .argv = argv, .fd = targets[i].fd};
            write_task(&targets[i], &command->input);
        }
    }
    command_run(commands, started, &bounds);
    for (size_t i = 0; i < count; i++) {
        if (targets[i].url == NULL) {
            put_refusal(json, paths[i]);
        } else {
            put_command(json, &commands[told], true);
            command_finish(&commands[told++]);
        }
        if (targets[i].fd >= 0) {
            close(targets[i].fd);
        }
    }
}

int probes_streams(struct probes *probes, const char *const *paths, size_t count, struct jout *json,
                   struct err *err)
{
    int result = begin(probes, err);
    if (result < 0) {
        return result;
    }
    jout_begin_array(json);
    for (size_t i = 0; i < count; i += TOGETHER) {
        probe_together(probes, paths + i, count - i < TOGETHER ? count - i : TOGETHER, json);
    }
    jout_end_array(json);
    end(probes);
    return 0;
}

int probes_graphics(struct probes *probes, struct jout *json, struct err *err)
{
    static const char *const argv[] = {"corvette:", "vainfo", NULL};
    int result = begin(probes, err);
    if (result < 0) {
        return result;
    }
    const struct command_bounds bounds = bounds_of(probes, GRAPHICS_US);
    struct command command = {.program = PROGRAM, .argv = argv, .fd = -1};
    command_run(&command, 1, &bounds);
    put_command(json, &command, false);
    command_finish(&command);
    end(probes);
    return 0;
}
