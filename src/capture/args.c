#include "capture/args.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

enum arg_how {
    ARG_NOTHING = 1, /* nothing to do: it is so anyway, or concerns only a command line */
    ARG_FLAG,        /* no value: sets a bool */
    ARG_SWITCH,      /* value 0 or 1: sets a bool */
    ARG_INT,
    ARG_BITS, /* a number that may end in k or M */
    ARG_NUMBER,
    ARG_TEXT,
    ARG_FORMAT,  /* handed to the demuxer, under the name in `as` */
    ARG_CODEC,   /* handed to the decoder */
    ARG_REFUSED, /* known to ffmpeg, not honoured here */
};

#define ON_GLOBAL (1u << CAPTURE_ARGS_GLOBAL)
#define ON_INPUT (1u << CAPTURE_ARGS_INPUT)
#define ON_HWACCEL (1u << CAPTURE_ARGS_HWACCEL)
#define ON_DETECT (1u << CAPTURE_ARGS_DETECT)
#define ON_RECORD (1u << CAPTURE_ARGS_RECORD)
#define ON_READING (ON_GLOBAL | ON_INPUT | ON_HWACCEL)
#define ON_WRITING (ON_DETECT | ON_RECORD)
#define ON_ANY (ON_READING | ON_WRITING)

struct arg_row {
    const char *name; /* without the dash */
    unsigned where;
    enum arg_how how;
    bool value;
    size_t offset, size; /* member of struct capture_args */
    const char *as;
};

#define MEMBER(m_) offsetof(struct capture_args, m_), sizeof(((struct capture_args *)0)->m_)

static const struct arg_row rows[] = {
    /* reading */
    {"re", ON_READING, ARG_FLAG, false, MEMBER(realtime), NULL},
    {"stream_loop", ON_READING, ARG_INT, true, MEMBER(stream_loop), NULL},
    {"use_wallclock_as_timestamps", ON_READING, ARG_SWITCH, true, MEMBER(wallclock), NULL},
    {"f", ON_INPUT, ARG_TEXT, true, MEMBER(format), NULL},
    {"r", ON_INPUT, ARG_NUMBER, true, MEMBER(rate), NULL},
    {"framerate", ON_INPUT, ARG_NUMBER, true, MEMBER(rate), NULL},
    {"stimeout", ON_READING, ARG_FORMAT, true, 0, 0, "timeout"},
    {"timeout", ON_READING, ARG_FORMAT, true, 0, 0, "timeout"},
    {"rw_timeout", ON_READING, ARG_FORMAT, true, 0, 0, "rw_timeout"},
    {"user_agent", ON_READING, ARG_FORMAT, true, 0, 0, "user_agent"},
    {"user-agent", ON_READING, ARG_FORMAT, true, 0, 0, "user_agent"},
    {"rtsp_transport", ON_READING, ARG_FORMAT, true, 0, 0, "rtsp_transport"},
    /* decoding */
    {"hwaccel", ON_READING, ARG_TEXT, true, MEMBER(hwaccel), NULL},
    {"hwaccel_device", ON_READING, ARG_TEXT, true, MEMBER(hwaccel_device), NULL},
    {"qsv_device", ON_READING, ARG_TEXT, true, MEMBER(hwaccel_device), NULL},
    {"vaapi_device", ON_READING, ARG_TEXT, true, MEMBER(hwaccel_device), NULL},
    {"hwaccel_output_format", ON_READING, ARG_NOTHING, true, 0, 0, NULL},
    {"hwaccel_flags", ON_READING, ARG_CODEC, true, 0, 0, "hwaccel_flags"},
    {"extra_hw_frames", ON_READING, ARG_CODEC, true, 0, 0, "extra_hw_frames"},
    {"load_plugin", ON_READING, ARG_CODEC, true, 0, 0, "load_plugin"},
    {"c:v", ON_READING, ARG_TEXT, true, MEMBER(decoder), NULL},
    {"resize", ON_READING, ARG_CODEC, true, 0, 0, "resize"},
    {"threads", ON_READING | ON_DETECT, ARG_NOTHING, true, 0, 0, NULL},
    /* recording */
    {"c", ON_RECORD, ARG_TEXT, true, MEMBER(video_codec), "c"},
    {"c:v", ON_RECORD, ARG_TEXT, true, MEMBER(video_codec), NULL},
    {"c:a", ON_RECORD, ARG_TEXT, true, MEMBER(audio_codec), NULL},
    {"an", ON_RECORD, ARG_FLAG, false, MEMBER(no_audio), NULL},
    {"ar", ON_RECORD, ARG_INT, true, MEMBER(audio_rate), NULL},
    {"segment_time", ON_RECORD, ARG_NUMBER, true, MEMBER(segment_seconds), NULL},
    {"crf", ON_RECORD, ARG_INT, true, MEMBER(crf), NULL},
    {"b:v", ON_RECORD, ARG_BITS, true, MEMBER(bitrate), NULL},
    {"preset:v", ON_RECORD, ARG_TEXT, true, MEMBER(encoder_preset), NULL},
    {"preset", ON_RECORD, ARG_TEXT, true, MEMBER(encoder_preset), NULL},
    /* so anyway: our segments are MP4 that starts at zero, named by their UTC start, hvc1 */
    {"f", ON_WRITING, ARG_NOTHING, true, 0, 0, NULL},
    {"segment_format", ON_RECORD, ARG_NOTHING, true, 0, 0, NULL},
    {"segment_format_options", ON_RECORD, ARG_NOTHING, true, 0, 0, NULL},
    {"segment_atclocktime", ON_RECORD, ARG_NOTHING, true, 0, 0, NULL},
    {"reset_timestamps", ON_RECORD, ARG_NOTHING, true, 0, 0, NULL},
    {"strftime", ON_RECORD, ARG_NOTHING, true, 0, 0, NULL},
    {"movflags", ON_RECORD, ARG_NOTHING, true, 0, 0, NULL},
    {"tag:v", ON_RECORD, ARG_NOTHING, true, 0, 0, NULL},
    {"map", ON_RECORD, ARG_NOTHING, true, 0, 0, NULL},
    {"dn", ON_WRITING, ARG_NOTHING, false, 0, 0, NULL},
    {"sn", ON_WRITING, ARG_NOTHING, false, 0, 0, NULL},
    {"bsf:a", ON_RECORD, ARG_NOTHING, true, 0, 0, NULL},
    {"bsf:v", ON_RECORD, ARG_REFUSED, true, 0, 0, NULL},
    {"an", ON_DETECT | ON_READING, ARG_NOTHING, false, 0, 0, NULL},
    /* so anyway: detection gets planar 4:2:0 of the configured size and rate */
    {"pix_fmt", ON_DETECT, ARG_NOTHING, true, 0, 0, NULL},
    {"r", ON_DETECT, ARG_NOTHING, true, 0, 0, NULL},
    {"s", ON_DETECT, ARG_NOTHING, true, 0, 0, NULL},
    {"c", ON_DETECT, ARG_NOTHING, true, 0, 0, NULL},
    {"c:v", ON_DETECT, ARG_NOTHING, true, 0, 0, NULL},
    {"vsync", ON_WRITING, ARG_NOTHING, true, 0, 0, NULL},
    {"fps_mode", ON_WRITING, ARG_NOTHING, true, 0, 0, NULL},
    /* of a command line only */
    {"hide_banner", ON_ANY, ARG_NOTHING, false, 0, 0, NULL},
    {"nostdin", ON_ANY, ARG_NOTHING, false, 0, 0, NULL},
    {"y", ON_ANY, ARG_NOTHING, false, 0, 0, NULL},
    {"stats", ON_ANY, ARG_NOTHING, false, 0, 0, NULL},
    {"nostats", ON_ANY, ARG_NOTHING, false, 0, 0, NULL},
    {"loglevel", ON_ANY, ARG_NOTHING, true, 0, 0, NULL},
    {"v", ON_ANY, ARG_NOTHING, true, 0, 0, NULL},
    {"strict", ON_ANY, ARG_NOTHING, true, 0, 0, NULL},
    {"flags", ON_READING, ARG_NOTHING, true, 0, 0, NULL},
    {"avoid_negative_ts", ON_ANY, ARG_NOTHING, true, 0, 0, NULL},
    {"copyts", ON_ANY, ARG_NOTHING, false, 0, 0, NULL},
    {"max_muxing_queue_size", ON_ANY, ARG_NOTHING, true, 0, 0, NULL},
    {"thread_queue_size", ON_ANY, ARG_NOTHING, true, 0, 0, NULL},
    {"init_hw_device", ON_ANY, ARG_REFUSED, true, 0, 0, NULL},
    {"filter_hw_device", ON_ANY, ARG_REFUSED, true, 0, 0, NULL},
    {"vf", ON_WRITING, ARG_REFUSED, true, 0, 0, NULL},
    {"filter:v", ON_WRITING, ARG_REFUSED, true, 0, 0, NULL},
    {"af", ON_WRITING, ARG_REFUSED, true, 0, 0, NULL},
    {"filter:a", ON_WRITING, ARG_REFUSED, true, 0, 0, NULL},
};

static const struct {
    const char *old, *name;
} aliases[] = {
    {"codec", "c"},     {"vcodec", "c:v"}, {"acodec", "c:a"}, {"codec:v", "c:v"},
    {"codec:a", "c:a"}, {"vb", "b:v"},     {"vtag", "tag:v"},
};

/* "-c:v:1" -> "c:v"; "-vcodec" -> "c:v". */
static void base_name(const char *argument, char name[64])
{
    snprintf(name, 64, "%s", argument + 1);
    char *colon = strchr(name, ':');
    char *second = colon != NULL ? strchr(colon + 1, ':') : NULL;
    if (second != NULL) {
        *second = '\0';
    }
    for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
        if (strcmp(aliases[i].old, name) == 0) {
            snprintf(name, 64, "%s", aliases[i].name);
            return;
        }
    }
}

static const struct arg_row *find_row(enum capture_args_kind kind, const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].where & 1u << kind && strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static bool parse_bits(const char *text, int *value)
{
    char *end;
    double number = strtod(text, &end);
    number *= *end == 'k' || *end == 'K' ? 1e3 : *end == 'M' ? 1e6 : 1;
    end += *end != '\0';
    if (*text == '\0' || *end != '\0' || number < 0 || number > 2e9) {
        return false;
    }
    *value = (int)number;
    return true;
}

/* Sets the member a row names; a sentence's end when the value is not right. */
static const char *set_member(struct capture_args *args, const struct arg_row *row,
                              const char *value)
{
    char *member = (char *)args + row->offset;
    long long whole;
    double number;
    int bits;
    switch (row->how) {
    case ARG_FLAG:
        memcpy(member, &(bool){true}, sizeof(bool));
        return NULL;
    case ARG_SWITCH:
        memcpy(member, &(bool){strcmp(value, "0") != 0}, sizeof(bool));
        return NULL;
    case ARG_TEXT:
        snprintf(member, row->size, "%s", value);
        return strlen(value) < row->size ? NULL : "is too long";
    case ARG_INT:
        if (!str_to_int(value, &whole) || whole < -1 || whole > 10000000) {
            return "needs a whole number";
        }
        memcpy(member, &(int){(int)whole}, sizeof(int));
        return NULL;
    case ARG_BITS:
        if (!parse_bits(value, &bits)) {
            return "needs a number like 500k or 2M";
        }
        memcpy(member, &bits, sizeof bits);
        return NULL;
    case ARG_NUMBER:
        if (!str_to_double(value, &number) || number <= 0) {
            return "needs a number above 0";
        }
        memcpy(member, &number, sizeof number);
        return NULL;
    case ARG_FORMAT:
        av_dict_set(&args->format_options, row->as, value, 0);
        return NULL;
    case ARG_CODEC:
        av_dict_set(&args->codec_options, row->as, value, 0);
        return NULL;
    case ARG_REFUSED:
        return "is not supported and left out";
    case ARG_NOTHING:
        return NULL;
    }
    return NULL;
}

static bool is_option_of(const AVClass *class, const char *name)
{
    return av_opt_find(&class, name, NULL, 0, AV_OPT_SEARCH_CHILDREN | AV_OPT_SEARCH_FAKE_OBJ) !=
           NULL;
}

/* Not in the table: libavformat and libavcodec may know it. */
static const char *set_library_option(struct capture_args *args, enum capture_args_kind kind,
                                      const char *name, const char *value)
{
    bool reading = (ON_READING & 1u << kind) != 0;
    if (reading && is_option_of(avformat_get_class(), name)) {
        av_dict_set(&args->format_options, name, value, 0);
        return NULL;
    }
    if (reading && is_option_of(avcodec_get_class(), name)) {
        av_dict_set(&args->codec_options, name, value, 0);
        return NULL;
    }
    return "is not known here and left out";
}

static bool looks_like_value(const char *text)
{
    return text[0] != '-' || (text[1] >= '0' && text[1] <= '9');
}

/* -c means all streams: picture and sound alike. */
static void spread_codec(struct capture_args *args, const struct arg_row *row, const char *value)
{
    if (row->as != NULL && strcmp(row->as, "c") == 0) {
        snprintf(args->audio_codec, sizeof args->audio_codec, "%s", value);
    }
}

void capture_args_read(struct capture_args *args, enum capture_args_kind kind,
                       const struct cfg_list *list, capture_complain_fn complain, void *context)
{
    for (size_t i = 0; i < list->count; i++) {
        const char *argument = list->items[i];
        const char *why = NULL;
        if (argument[0] == '\0') {
            continue;
        }
        if (argument[0] != '-') {
            why = "belongs to no option and is left out";
        } else {
            char name[64];
            base_name(argument, name);
            const struct arg_row *row = find_row(kind, name);
            const char *next = i + 1 < list->count ? list->items[i + 1] : NULL;
            bool has_value = row != NULL ? row->value : next != NULL && looks_like_value(next);
            if (has_value && next == NULL) {
                why = "needs a value";
            } else if (row != NULL) {
                why = set_member(args, row, next);
                spread_codec(args, row, next);
            } else {
                why = set_library_option(args, kind, name, has_value ? next : "1");
            }
            i += has_value;
        }
        if (why != NULL && complain != NULL) {
            complain(context, argument, why);
        }
    }
}

void capture_args_finish(struct capture_args *args)
{
    av_dict_free(&args->format_options);
    av_dict_free(&args->codec_options);
}

void capture_args_check(enum capture_args_kind kind, const struct cfg_list *list,
                        capture_complain_fn complain, void *context)
{
    struct capture_args args = {0};
    capture_args_read(&args, kind, list, complain, context);
    capture_args_finish(&args);
}
