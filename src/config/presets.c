#include "config/presets.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "config/issues.h"

/* Options are separated by single blanks; these stand for values, one whole word or a part:
 * %F detect fps, %W %H detect size, %G render node, %U the user agent (holds a blank). */
struct preset {
    const char *name;
    const char *args;
};

/* The version is that of the peer whose presets these are. */
#define USER_AGENT "FFmpeg Frigate/0.14.1"
#define AGENT "-user_agent %U "
#define TIMEOUT "-timeout 5000000"
#define STAMPS "-avoid_negative_ts make_zero "
#define LOW_DELAY STAMPS "-fflags nobuffer -flags low_delay -strict experimental "
#define GENPTS "-fflags +genpts+discardcorrupt "
#define WALLCLOCK "-use_wallclock_as_timestamps 1"
#define RTSP(transport) STAMPS GENPTS "-rtsp_transport " transport " " TIMEOUT " " WALLCLOCK

static const struct preset input_presets[] = {
    {"preset-http-jpeg-generic", "-r %F -stream_loop -1 -f image2 " LOW_DELAY GENPTS WALLCLOCK},
    {"preset-http-mjpeg-generic", AGENT LOW_DELAY GENPTS WALLCLOCK},
    {"preset-http-reolink", AGENT STAMPS GENPTS "-flags low_delay -strict experimental "
                                                "-analyzeduration 1000M -probesize 1000M "
                                                "-rw_timeout 5000000"},
    {"preset-rtmp-generic", LOW_DELAY GENPTS "-rw_timeout 5000000 " WALLCLOCK " -f live_flv"},
    {"preset-rtsp-generic", AGENT RTSP("tcp")},
    {"preset-rtsp-restream", AGENT "-rtsp_transport tcp " TIMEOUT},
    {"preset-rtsp-restream-low-latency",
     AGENT "-rtsp_transport tcp " TIMEOUT " -fflags nobuffer -flags low_delay"},
    {"preset-rtsp-udp", AGENT RTSP("udp")},
    {"preset-rtsp-blue-iris", AGENT AGENT STAMPS "-flags low_delay -strict experimental " GENPTS
                                                 "-rtsp_transport tcp " TIMEOUT " " WALLCLOCK},
};

#define CUDA "-hwaccel cuda -hwaccel_output_format cuda"
#define QSV "-hwaccel qsv -qsv_device %G -hwaccel_output_format qsv "
#define RKMPP "-hwaccel rkmpp -hwaccel_output_format drm_prime"

static const struct preset hwaccel_presets[] = {
    {"preset-rpi-64-h264", "-c:v:1 h264_v4l2m2m"},
    {"preset-rpi-64-h265", "-c:v:1 hevc_v4l2m2m"},
    {"preset-vaapi", "-hwaccel_flags allow_profile_mismatch -hwaccel vaapi -hwaccel_device %G "
                     "-hwaccel_output_format vaapi"},
    {"preset-intel-qsv-h264", QSV "-c:v h264_qsv"},
    {"preset-intel-qsv-h265", "-load_plugin hevc_hw " QSV "-c:v hevc_qsv"},
    {"preset-nvidia", CUDA},
    {"preset-nvidia-h264", CUDA},
    {"preset-nvidia-h265", CUDA},
    {"preset-nvidia-mjpeg", CUDA},
    {"preset-jetson-h264", "-c:v h264_nvmpi -resize %Wx%H"},
    {"preset-jetson-h265", "-c:v hevc_nvmpi -resize %Wx%H"},
    {"preset-rk-h264", RKMPP},
    {"preset-rk-h265", RKMPP},
};

#define SEGMENTS "-f segment -segment_time 10 -segment_format mp4 -reset_timestamps 1 -strftime 1 "

static const struct preset record_presets[] = {
    {"preset-record-generic", SEGMENTS "-c copy -an"},
    {"preset-record-generic-audio-aac", SEGMENTS "-c:v copy -c:a aac"},
    {"preset-record-generic-audio-copy", SEGMENTS "-c copy"},
    {"preset-record-mjpeg", SEGMENTS "-c:v libx264 -an"},
    {"preset-record-jpeg", SEGMENTS "-c:v libx264 -an"},
    {"preset-record-ubiquiti", SEGMENTS "-c:v copy -ar 44100 -c:a aac"},
};

#define DOWNLOAD "hwdownload,format=nv12,format=yuv420p"
#define SCALE_VAAPI "-r %F -vf fps=%F,scale_vaapi=w=%W:h=%H:format=nv12," DOWNLOAD
#define SCALE_QSV "-r %F -vf vpp_qsv=framerate=%F:w=%W:h=%H:format=nv12," DOWNLOAD
#define SCALE_CUDA "-r %F -vf fps=%F,scale_cuda=w=%W:h=%H:format=nv12," DOWNLOAD
#define SCALE_RK                                                                    \
    "-r %F -vf scale_rkrga=w=%W:h=%H:format=yuv420p:force_original_aspect_ratio=0," \
    "hwmap=mode=read,format=yuv420p"
#define SCALE_DEFAULT "-r %F -vf fps=%F,scale=%W:%H"

/* By the preset of hwaccel_args; all others scale in software. */
static const struct preset scale_presets[] = {
    {"preset-vaapi", SCALE_VAAPI},        {"preset-intel-qsv-h264", SCALE_QSV},
    {"preset-intel-qsv-h265", SCALE_QSV}, {"preset-nvidia", SCALE_CUDA},
    {"preset-nvidia-h264", SCALE_CUDA},   {"preset-nvidia-h265", SCALE_CUDA},
    {"preset-jetson-h264", "-r %F"},      {"preset-jetson-h265", "-r %F"},
    {"preset-rk-h264", SCALE_RK},         {"preset-rk-h265", SCALE_RK},
};

static const struct {
    const struct preset *items;
    size_t count;
} tables[] = {
    [CFG_PRESET_NONE] = {NULL, 0},
    [CFG_PRESET_INPUT] = {input_presets, ARRAY_SIZE(input_presets)},
    [CFG_PRESET_HWACCEL] = {hwaccel_presets, ARRAY_SIZE(hwaccel_presets)},
    [CFG_PRESET_RECORD] = {record_presets, ARRAY_SIZE(record_presets)},
};

void config_list_add(struct cfg_list *list, const char *text)
{
    list->items = mem_grow(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = mem_strdup(text);
}

void config_list_finish(struct cfg_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    free(list->items);
    *list = (struct cfg_list){0};
}

const char *config_preset_name(const struct cfg_list *args)
{
    return args->count == 1 && str_starts(args->items[0], "preset-") ? args->items[0] : NULL;
}

static const struct preset *find(const struct preset *items, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(items[i].name, name) == 0) {
            return &items[i];
        }
    }
    return NULL;
}

bool config_preset_exists(enum cfg_preset kind, const char *name)
{
    return find(tables[kind].items, tables[kind].count, name) != NULL;
}

const char *config_preset_nearest(enum cfg_preset kind, const char *name)
{
    struct cfg_nearest nearest = {.word = name};
    for (size_t i = 0; i < tables[kind].count; i++) {
        cfg_nearest_offer(&nearest, tables[kind].items[i].name);
    }
    return cfg_nearest_best(&nearest);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char *config_gpu_device(void)
{
    struct cfg_list nodes = {0};
    DIR *dir = opendir("/dev/dri");
    if (dir == NULL) {
        return mem_strdup("");
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (str_starts(entry->d_name, "renderD")) {
            config_list_add(&nodes, entry->d_name);
        }
    }
    closedir(dir);
    if (nodes.count > 0) {
        qsort(nodes.items, nodes.count, sizeof *nodes.items, by_name);
    }
    char *device = mem_printf("/dev/dri/%s", nodes.count > 0 ? nodes.items[0] : "renderD128");
    config_list_finish(&nodes);
    return device;
}

static void add_whole(struct str *out, double value)
{
    str_addf(out, "%.10g", value);
}

static void add_word(const char *word, size_t length, const struct cfg_preset_values *values,
                     struct cfg_list *out)
{
    AUTO_STR struct str text = {0};
    for (size_t i = 0; i < length; i++) {
        if (word[i] != '%' || i + 1 == length) {
            str_add_char(&text, word[i]);
            continue;
        }
        AUTO_FREE char *found = NULL;
        switch (word[++i]) {
        case 'F':
            add_whole(&text, values->fps);
            break;
        case 'W':
            add_whole(&text, values->width);
            break;
        case 'H':
            add_whole(&text, values->height);
            break;
        case 'G':
            found = values->gpu == NULL ? config_gpu_device() : NULL;
            str_add(&text, found != NULL ? found : values->gpu);
            break;
        default: /* U */
            str_add(&text, USER_AGENT);
            break;
        }
    }
    config_list_add(out, str_text(&text));
}

static void add_words(const char *args, const struct cfg_preset_values *values,
                      struct cfg_list *out)
{
    while (*args != '\0') {
        size_t length = strcspn(args, " ");
        if (length > 0) {
            add_word(args, length, values, out);
        }
        args += length + (args[length] == ' ');
    }
}

void config_presets_expand(enum cfg_preset kind, const struct cfg_list *args,
                           const struct cfg_preset_values *values, struct cfg_list *out)
{
    *out = (struct cfg_list){0};
    const char *name = config_preset_name(args);
    if (name != NULL) {
        const struct preset *preset = find(tables[kind].items, tables[kind].count, name);
        add_words(preset != NULL ? preset->args : "", values, out);
        return;
    }
    if (kind == CFG_PRESET_HWACCEL && args->count == 1 && str_equal(args->items[0], "auto")) {
        return; /* capture tries what the machine has */
    }
    for (size_t i = 0; i < args->count; i++) {
        config_list_add(out, args->items[i]);
    }
}

void config_presets_expand_input(const struct cfg_list *args, double detect_fps,
                                 struct cfg_list *out)
{
    const struct cfg_preset_values values = {.fps = detect_fps, .gpu = ""};
    config_presets_expand(CFG_PRESET_INPUT, args, &values, out);
}

void config_presets_expand_record(const struct cfg_list *args, struct cfg_list *out)
{
    const struct cfg_preset_values values = {.gpu = ""};
    config_presets_expand(CFG_PRESET_RECORD, args, &values, out);
}

void config_presets_scale(const struct cfg_list *hwaccel_args,
                          const struct cfg_preset_values *values, struct cfg_list *out)
{
    *out = (struct cfg_list){0};
    const char *name = config_preset_name(hwaccel_args);
    const struct preset *preset =
        name != NULL ? find(scale_presets, ARRAY_SIZE(scale_presets), name) : NULL;
    add_words(preset != NULL ? preset->args : SCALE_DEFAULT, values, out);
}

/* Moves the items over; empty texts are left out, as in the peer. */
static void append(struct cfg_list *out, struct cfg_list *more)
{
    for (size_t i = 0; i < more->count; i++) {
        if (more->items[i][0] != '\0') {
            config_list_add(out, more->items[i]);
        }
    }
    config_list_finish(more);
}

static void append_expanded(enum cfg_preset kind, const struct cfg_list *args,
                            const struct cfg_preset_values *values, struct cfg_list *out)
{
    struct cfg_list more;
    config_presets_expand(kind, args, values, &more);
    append(out, &more);
}

static void append_detect(const struct cfg_camera *camera, const struct cfg_input *input,
                          const struct cfg_preset_values *values, struct cfg_list *out)
{
    struct cfg_list scale;
    config_presets_scale(&input->hwaccel_args, values, &scale);
    append(out, &scale);
    append_expanded(CFG_PRESET_NONE, &camera->ffmpeg.common.output_args.detect, values, out);
    config_list_add(out, "pipe:");
}

bool config_input_command(const struct cfg_camera *camera, const struct cfg_input *input,
                          struct str *out)
{
    bool records = (input->roles & CFG_ROLE_RECORD) != 0 && camera->record.enabled;
    bool detects = (input->roles & CFG_ROLE_DETECT) != 0;
    if (!records && !detects) {
        return false;
    }
    const struct cfg_preset_values values = {
        .fps = camera->detect.fps, .width = camera->detect.width, .height = camera->detect.height};
    struct cfg_list command = {0};
    config_list_add(&command, "ffmpeg");
    append_expanded(CFG_PRESET_NONE, &input->global_args, &values, &command);
    append_expanded(CFG_PRESET_HWACCEL, &input->hwaccel_args, &values, &command);
    append_expanded(CFG_PRESET_INPUT, &input->input_args, &values, &command);
    AUTO_STR struct str path = {0};
    config_mask_url(input->path, &path);
    config_list_add(&command, "-i");
    config_list_add(&command, str_text(&path));
    if (records) {
        append_expanded(CFG_PRESET_RECORD, &camera->ffmpeg.common.output_args.record, &values,
                        &command);
        AUTO_FREE char *file = mem_printf("/tmp/cache/%s@%%Y%%m%%d%%H%%M%%S%%z.mp4", camera->name);
        config_list_add(&command, file);
    }
    if (detects) {
        append_detect(camera, input, &values, &command);
    }
    for (size_t i = 0; i < command.count; i++) {
        str_addf(out, "%s%s", i == 0 ? "" : " ", command.items[i]);
    }
    config_list_finish(&command);
    return true;
}
