#include "capture/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "capture/ear.h"
#include "capture/input.h"
#include "config/presets.h"

#define SEGMENT_SECONDS 10

struct core {
    struct core_options options;
    struct stopper stopper;
    struct input *inputs;
    size_t count;
    struct recorder *recorder;
    struct decode *decode;
    struct ear *ear;
    pthread_mutex_t lock; /* one input at a time writes the scoreboard's text */
};

/* ------------------------------------------------------------------ state on the scoreboard */

static void show_state(void *context)
{
    struct core *core = context;
    struct str AUTO_STR text = {0};
    unsigned state = CAPTURE_WORKING;
    pthread_mutex_lock(&core->lock);
    for (size_t i = 0; i < core->count; i++) {
        struct input *input = &core->inputs[i];
        if (input->roles == 0) {
            continue;
        }
        pthread_mutex_lock(&input->lock);
        if (input->trouble[0] != '\0') {
            str_addf(&text, "%sinput %u: %s", text.length > 0 ? "; " : "", input->index,
                     input->trouble);
            state = CAPTURE_TROUBLE;
        } else if (!input->connected && state == CAPTURE_WORKING) {
            state = CAPTURE_STARTING;
        }
        pthread_mutex_unlock(&input->lock);
    }
    board_set_state(core->options.entry, state, str_text(&text));
    pthread_mutex_unlock(&core->lock);
}

static void input_ended(void *context)
{
    struct core *core = context;
    if (core->options.ended != NULL) {
        core->options.ended(core->options.context);
    }
}

/* ------------------------------------------------------------------ arguments */

struct complaints {
    struct str text;
};

static void complain(void *context, const char *argument, const char *why)
{
    struct complaints *complaints = context;
    str_addf(&complaints->text, "%s%s %s", complaints->text.length > 0 ? "; " : "", argument, why);
}

static void read_list(struct capture_args *args, enum capture_args_kind kind,
                      enum cfg_preset preset, const struct cfg_list *list,
                      const struct cfg_preset_values *values, struct complaints *complaints)
{
    if (config_preset_name(list) == NULL) {
        bool is_auto = list->count == 1 && strcmp(list->items[0], "auto") == 0;
        capture_args_read(args, kind, is_auto ? &(struct cfg_list){0} : list, complain, complaints);
        return;
    }
    struct cfg_list expanded = {0};
    config_presets_expand(preset, list, values, &expanded);
    capture_args_read(args, kind, &expanded, complain, complaints);
    config_list_finish(&expanded);
}

/* What cannot be honoured is named once, in one line. */
static void read_args(struct core *core, struct input *input)
{
    const struct cfg_camera *camera = core->options.camera;
    struct complaints complaints = {0};
    struct cfg_preset_values values = {
        .fps = camera->detect.fps, .width = camera->detect.width, .height = camera->detect.height};
    read_list(&input->args, CAPTURE_ARGS_GLOBAL, CFG_PRESET_NONE, &input->config->global_args,
              &values, &complaints);
    read_list(&input->args, CAPTURE_ARGS_HWACCEL, CFG_PRESET_HWACCEL, &input->config->hwaccel_args,
              &values, &complaints);
    read_list(&input->args, CAPTURE_ARGS_INPUT, CFG_PRESET_INPUT, &input->config->input_args,
              &values, &complaints);
    input->args.patient = (input->roles & CFG_ROLE_DETECT) == 0;
    if (input->roles & CFG_ROLE_RECORD) {
        read_list(&input->record_args, CAPTURE_ARGS_RECORD, CFG_PRESET_RECORD,
                  &camera->ffmpeg.common.output_args.record, &values, &complaints);
    }
    bool records_sound = (input->roles & CFG_ROLE_RECORD) != 0 && !input->record_args.no_audio;
    bool listens = (input->roles & CFG_ROLE_AUDIO) != 0;
    if (input->roles == CFG_ROLE_AUDIO || (!records_sound && !listens)) {
        av_dict_set(&input->args.format_options, "allowed_media_types", listens ? "audio" : "video",
                    AV_DICT_DONT_OVERWRITE);
    }
    if (complaints.text.length > 0) {
        log_warning("input %u: %s", input->index, complaints.text.data);
    }
    str_finish(&complaints.text);
}

/* ------------------------------------------------------------------ making */

/* The recorder's thread. */
static void segment_done(void *context, const struct segment_info *info)
{
    struct core *core = context;
    struct segment_info told = *info;
    if (core->ear != NULL) {
        told.dbfs =
            ear_dbfs(core->ear, info->start_us, info->start_us + (int64_t)(info->duration * 1e6));
    }
    core->options.done(core->options.context, &told);
}

/* The recorder's thread, or an input's. */
static void gap_ended(void *context, const struct gap_info *gap)
{
    struct core *core = context;
    core->options.gap(core->options.context, gap);
}

static void room_needed(void *context, uint64_t bytes, int error)
{
    struct core *core = context;
    core->options.need(core->options.context, bytes, error);
}

static void make_recorder(struct core *core, const struct input *input)
{
    double seconds = input->record_args.segment_seconds;
    struct recorder_options options = {
        .camera = core->options.camera->name,
        .media_dir = core->options.media_dir,
        .segment_us = (int64_t)((seconds > 0 ? seconds : SEGMENT_SECONDS) * 1e6),
        .counters = &core->options.entry->capture,
        .done = segment_done,
        .gap = core->options.gap != NULL ? gap_ended : NULL,
        .need = core->options.need != NULL ? room_needed : NULL,
        .context = core,
    };
    core->recorder = recorder_create(&options);
}

static void make_decode(struct core *core, const struct input *input)
{
    const struct cfg_list *hwaccel = &input->config->hwaccel_args;
    struct decode_options options = {
        .frames = core->options.frames,
        .ready_fd = core->options.ready_fd,
        .fps = core->options.camera->detect.fps,
        .args = &input->args,
        .hwaccel_auto = hwaccel->count == 1 && strcmp(hwaccel->items[0], "auto") == 0,
        .counters = &core->options.entry->capture,
    };
    core->decode = decode_create(&options);
}

static void make_ear(struct core *core)
{
    struct ear_options options = {
        .sounds = core->options.sounds,
        .ready_fd = core->options.sounds != NULL ? core->options.sound_ready_fd : -1,
        .min_volume = core->options.camera->audio.min_volume,
        .counters = &core->options.entry->capture,
    };
    core->ear = ear_create(&options);
}

static void make_input(struct core *core, struct input *input, unsigned index)
{
    const struct cfg_camera *camera = core->options.camera;
    input->config = &camera->ffmpeg.inputs[index];
    input->index = index;
    input->roles = input->config->roles;
    if (!camera->record.enabled) {
        input->roles &= ~(unsigned)CFG_ROLE_RECORD;
    }
    if (core->options.frames == NULL) {
        input->roles &= ~(unsigned)CFG_ROLE_DETECT;
    }
    if (!camera->audio.enabled) {
        input->roles &= ~(unsigned)CFG_ROLE_AUDIO;
    }
    if (input->roles == 0) {
        return;
    }
    read_args(core, input);
    input->retry_interval = camera->ffmpeg.common.retry_interval;
    input->stopper = &core->stopper;
    input->counters = &core->options.entry->capture;
    if (input->roles & CFG_ROLE_RECORD && core->recorder == NULL) {
        make_recorder(core, input);
        input->recorder = core->recorder;
    }
    if (input->roles & CFG_ROLE_DETECT && core->decode == NULL) {
        make_decode(core, input);
        input->decode = core->decode;
    }
    if (input->roles & CFG_ROLE_AUDIO && core->ear == NULL) {
        make_ear(core);
        input->ear = core->ear;
    }
    input->changed = show_state;
    input->ended = input_ended;
    input->context = core;
}

struct core *core_start(const struct core_options *options)
{
    struct core *core = mem_alloc(sizeof *core);
    core->options = *options;
    if (stopper_init(&core->stopper) < 0) {
        abort();
    }
    pthread_mutex_init(&core->lock, NULL);
    /* Counters rise for ever; what is connected is for now. */
    atomic_store(&options->entry->capture.connected, 0);
    core->count = options->camera->ffmpeg.count;
    core->inputs = mem_array(core->count, sizeof *core->inputs);
    for (size_t i = 0; i < core->count; i++) {
        make_input(core, &core->inputs[i], (unsigned)i);
    }
    for (size_t i = 0; i < core->count; i++) {
        if (core->inputs[i].roles != 0) {
            pthread_mutex_init(&core->inputs[i].lock, NULL);
        }
    }
    for (size_t i = 0; i < core->count; i++) {
        if (core->inputs[i].roles != 0) {
            input_start(&core->inputs[i]);
        }
    }
    return core;
}

void core_tick(struct core *core)
{
    if (core->recorder != NULL) {
        recorder_tick(core->recorder);
    }
}

void core_stop(struct core *core)
{
    stopper_stop(&core->stopper);
}

bool core_stopped(struct core *core)
{
    for (size_t i = 0; i < core->count; i++) {
        if (core->inputs[i].running && !atomic_load(&core->inputs[i].finished)) {
            return false;
        }
    }
    return true;
}

bool core_finish(struct core *core, int64_t timeout_us)
{
    return core->recorder == NULL || recorder_finish(core->recorder, timeout_us);
}

void core_free(struct core *core)
{
    if (core == NULL) {
        return;
    }
    core_stop(core);
    for (size_t i = 0; i < core->count; i++) {
        input_finish(&core->inputs[i]);
    }
    recorder_destroy(core->recorder);
    decode_destroy(core->decode);
    ear_destroy(core->ear);
    stopper_finish(&core->stopper);
    pthread_mutex_destroy(&core->lock);
    free(core->inputs);
    free(core);
}
