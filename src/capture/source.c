#include "capture/source.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "capture/rtsp.h"

#define OPEN_TIMEOUT_US 10000000
#define DATA_TIMEOUT_US 8000000
/* Only for containers that do not say what is in them: enough for a key picture of most cameras. */
#define ANALYZE_MAX_US 3000000
#define PROBE_MAX_BYTES 2000000
#define UDP_BUFFER_BYTES "1048576"
#define SILENCE_MIN_US 1000000 /* of -timeout */
#define STILL_RATE 5           /* pictures per second where -r does not say */
/* A file whose times step further than this goes on as if they had not. */
#define PACE_BACK_US 2000000
#define PACE_AHEAD_US 10000000

struct source {
    AVFormatContext *format; /* libavformat's, or the session's */
    struct rtsp *rtsp;       /* NULL: libavformat reads */
    const struct capture_args *args;
    char *url;
    struct stopper *stopper;
    int64_t deadline_us; /* CLOCK_MONOTONIC: libavformat gives up then */
    bool is_file, is_rtsp;
    bool is_still;        /* one picture per connection: asked for again and again */
    int64_t still_due_us; /* CLOCK_MONOTONIC */
    /* pacing and looping of files; times in us */
    int64_t loop_offset_us, loop_end_us, first_us;
    int64_t paced_us;    /* of the last packet */
    struct mono started; /* when a packet of `first_us` would have been due */
    int loops_left;      /* -1 for ever */
    bool pacing;
};

int stopper_init(struct stopper *stopper)
{
    atomic_init(&stopper->stopped, false);
    stopper->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return stopper->event_fd < 0 ? -errno : 0;
}

void stopper_stop(struct stopper *stopper)
{
    atomic_store(&stopper->stopped, true);
    uint64_t one = 1;
    if (write(stopper->event_fd, &one, sizeof one) < 0) {
        log_debug("eventfd: %s", err_name(errno));
    }
}

void stopper_finish(struct stopper *stopper)
{
    if (stopper->event_fd >= 0) {
        close(stopper->event_fd);
    }
    stopper->event_fd = -1;
}

bool stopper_wait(const struct stopper *stopper, int64_t timeout_us)
{
    struct pollfd fd = {.fd = stopper->event_fd, .events = POLLIN};
    struct timespec timeout = {.tv_sec = timeout_us / 1000000,
                               .tv_nsec = timeout_us % 1000000 * 1000};
    if (timeout_us > 0) {
        ppoll(&fd, 1, &timeout, NULL);
    }
    return atomic_load(&stopper->stopped);
}

/* Called by libavformat several times a second while it waits. */
static int interrupt(void *context)
{
    const struct source *source = context;
    return atomic_load_explicit(&source->stopper->stopped, memory_order_relaxed) ||
           mono_now().us > source->deadline_us;
}

static void set_deadline(struct source *source, int64_t timeout_us)
{
    source->deadline_us = mono_now().us + timeout_us;
}

/* `timeout_us`: the one that was set last. */
static int fail(struct err *err, const struct source *source, int error, const char *doing,
                int64_t timeout_us)
{
    if (mono_now().us > source->deadline_us) {
        return err_set(err, ETIMEDOUT, "%s: nothing came for %d s", doing,
                       (int)(timeout_us / 1000000));
    }
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(error, text, sizeof text);
    return err_set(err, error > -4096 && error < 0 ? -error : EIO, "%s: %s", doing, text);
}

static bool is_regular_file(const char *url)
{
    struct stat status;
    const char *path = str_starts(url, "file:") ? url + 5 : url;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

static bool url_is(const char *url, const char *scheme)
{
    return strncasecmp(url, scheme, strlen(scheme)) == 0;
}

/* What the user said, corrected for what libavformat takes differently from place to place. */
static AVDictionary *make_options(const struct source *source)
{
    AVDictionary *options = NULL;
    av_dict_copy(&options, source->args->format_options, 0);
    if (source->is_rtsp) {
        const AVDictionaryEntry *transport = av_dict_get(options, "rtsp_transport", NULL, 0);
        if (transport == NULL) {
            av_dict_set(&options, "rtsp_flags", "prefer_tcp", AV_DICT_DONT_OVERWRITE);
        }
        if (transport == NULL || strstr(transport->value, "udp") != NULL) {
            av_dict_set(&options, "buffer_size", UDP_BUFFER_BYTES, AV_DICT_DONT_OVERWRITE);
        }
        av_dict_set(&options, "rw_timeout", NULL, 0);
    } else {
        /* To RTMP "timeout" means waiting for somebody to call us. */
        const AVDictionaryEntry *timeout = av_dict_get(options, "timeout", NULL, 0);
        if (timeout != NULL) {
            av_dict_set(&options, "rw_timeout", timeout->value, AV_DICT_DONT_OVERWRITE);
            av_dict_set(&options, "timeout", NULL, 0);
        }
        av_dict_set(&options, "rtsp_transport", NULL, 0);
    }
    /* We make times ourselves; libavformat would hold packets back for it. */
    const AVDictionaryEntry *flags = av_dict_get(options, "fflags", NULL, 0);
    if (flags != NULL) {
        bool discard = strstr(flags->value, "discardcorrupt") != NULL;
        av_dict_set(&options, "fflags", discard ? "+discardcorrupt" : NULL, 0);
    }
    if (source->is_still) {
        av_dict_set(&options, "pattern_type", "none", 0);
    }
    return options;
}

static void name_unused(const AVDictionary *options)
{
    const AVDictionaryEntry *entry = NULL;
    while ((entry = av_dict_get(options, "", entry, AV_DICT_IGNORE_SUFFIX)) != NULL) {
        log_debug("option %s has no meaning for this source", entry->key);
    }
}

/* Whether packets can be read right away: every container that names its codecs. */
static bool needs_analysis(const AVFormatContext *format)
{
    if (format->ctx_flags & AVFMTCTX_NOHEADER && format->nb_streams == 0) {
        /* FLV names the codec with each stream's first packet; MPEG-TS and raw streams do not. */
        return !str_equal(format->iformat->name, "flv") &&
               !str_equal(format->iformat->name, "live_flv");
    }
    for (unsigned i = 0; i < format->nb_streams; i++) {
        const AVCodecParameters *parameters = format->streams[i]->codecpar;
        bool video = parameters->codec_type == AVMEDIA_TYPE_VIDEO;
        bool audio = parameters->codec_type == AVMEDIA_TYPE_AUDIO;
        if ((video || audio) &&
            (parameters->codec_id == AV_CODEC_ID_NONE || (audio && parameters->sample_rate == 0))) {
            return true;
        }
        if (video && parameters->width == 0 && str_equal(format->iformat->name, "mpegts")) {
            return true;
        }
    }
    return format->nb_streams == 0;
}

static int64_t at_most(int64_t value, int64_t limit)
{
    return value > 0 && value < limit ? value : limit;
}

static int open_format(struct source *source, struct err *err)
{
    const AVInputFormat *demuxer = NULL;
    if (source->args->format[0] != '\0') {
        demuxer = av_find_input_format(source->args->format);
        if (demuxer == NULL) {
            return err_set(err, EINVAL, "no input format is called '%s'", source->args->format);
        }
    }
    source->format = avformat_alloc_context();
    if (source->format == NULL) {
        return err_set(err, ENOMEM, "out of memory");
    }
    source->format->interrupt_callback = (AVIOInterruptCB){interrupt, source};
    set_deadline(source, OPEN_TIMEOUT_US);
    AVDictionary *options = make_options(source);
    int result = avformat_open_input(&source->format, source->url, demuxer, &options);
    name_unused(options);
    av_dict_free(&options);
    if (result < 0) {
        source->format = NULL;
        return fail(err, source, result, "cannot connect", OPEN_TIMEOUT_US);
    }
    source->format->max_analyze_duration =
        at_most(source->format->max_analyze_duration, ANALYZE_MAX_US);
    source->format->probesize = at_most(source->format->probesize, PROBE_MAX_BYTES);
    /* Once at most: libavformat does not bear a second time. */
    bool needed = needs_analysis(source->format);
    if (needed || source->args->thorough) {
        source->format->fps_probe_size = source->args->thorough ? -1 : 0;
        result = avformat_find_stream_info(source->format, NULL);
        if (result < 0 && needed) {
            return fail(err, source, result, "cannot make out the streams", OPEN_TIMEOUT_US);
        }
    }
    return 0;
}

/* ------------------------------------------------------------------ RTSP */

/* Options that a session of our own honours, or that mean nothing to it. */
static bool is_session_option(const AVDictionaryEntry *option)
{
    static const char *const known[] = {
        "timeout",      "stimeout",        "user_agent",         "user-agent",        "rw_timeout",
        "fflags",       "analyzeduration", "probesize",          "avoid_negative_ts", "buffer_size",
        "fpsprobesize", "max_delay",       "allowed_media_types"};
    if (str_equal(option->key, "rtsp_transport")) {
        return str_equal(option->value, "tcp");
    }
    if (str_equal(option->key, "rtsp_flags")) {
        return str_equal(option->value, "prefer_tcp");
    }
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (str_equal(option->key, known[i])) {
            return true;
        }
    }
    return false;
}

static bool session_suits(const struct source *source)
{
    if (!url_is(source->url, "rtsp:") || source->args->format[0] != '\0' ||
        source->args->stream_loop != 0) {
        return false;
    }
    const AVDictionaryEntry *option = NULL;
    while ((option = av_dict_get(source->args->format_options, "", option,
                                 AV_DICT_IGNORE_SUFFIX)) != NULL) {
        if (!is_session_option(option)) {
            log_debug("option %s: RTSP through libavformat", option->key);
            return false;
        }
    }
    return true;
}

static const char *option_text(const struct source *source, const char *name)
{
    const AVDictionaryEntry *option = av_dict_get(source->args->format_options, name, NULL, 0);
    return option != NULL ? option->value : NULL;
}

/* 1: connected, 0: libavformat may try, or -errno with a sentence. */
static int open_session(struct source *source, struct err *err)
{
    const char *media = option_text(source, "allowed_media_types");
    struct rtsp_options options = {
        .url = source->url,
        .user_agent = option_text(source, "user_agent"),
        .open_us = OPEN_TIMEOUT_US,
        .silence_us = DATA_TIMEOUT_US,
        .pictures = media == NULL || strstr(media, "video") != NULL,
        .sound = media == NULL || strstr(media, "audio") != NULL,
        .patient = source->args->patient,
        .stopper = source->stopper,
    };
    long long timeout_us;
    const char *timeout = option_text(source, "timeout");
    if (timeout != NULL && str_to_int(timeout, &timeout_us) && timeout_us >= SILENCE_MIN_US &&
        timeout_us < options.silence_us) {
        options.silence_us = timeout_us;
    }
    bool unfit = false;
    source->rtsp = rtsp_open(&options, &unfit, err);
    if (source->rtsp == NULL && unfit) {
        log_debug("%s: RTSP through libavformat", err->text);
        return 0;
    }
    source->format = source->rtsp != NULL ? rtsp_format(source->rtsp) : NULL;
    return source->rtsp != NULL ? 1 : -err->code;
}

struct source *source_open(const char *url, const struct capture_args *args,
                           struct stopper *stopper, struct err *err)
{
    struct source *source = mem_alloc(sizeof *source);
    source->args = args;
    source->url = mem_strdup(url);
    source->stopper = stopper;
    source->is_file = is_regular_file(url);
    source->is_rtsp = url_is(url, "rtsp:") || url_is(url, "rtsps:");
    source->is_still = !source->is_file && str_equal(args->format, "image2");
    source->loops_left = args->stream_loop;
    /* A file without -re would be over in a moment: it always plays at its own speed. */
    source->pacing = source->is_file || args->realtime;
    source->first_us = AV_NOPTS_VALUE;
    int result = session_suits(source) ? open_session(source, err) : 0;
    result = result == 0 ? open_format(source, err) : result;
    if (result < 0) {
        source_close(source);
        return NULL;
    }
    return source;
}

void source_close(struct source *source)
{
    if (source == NULL) {
        return;
    }
    if (source->rtsp != NULL) {
        rtsp_close(source->rtsp);
    } else if (source->format != NULL) {
        set_deadline(source, 500000); /* saying goodbye must not hold us up */
        avformat_close_input(&source->format);
    }
    free(source->url);
    free(source);
}

static int64_t packet_us(const struct source *source, const AVPacket *packet)
{
    int64_t time = packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts;
    if (time == AV_NOPTS_VALUE) {
        return AV_NOPTS_VALUE;
    }
    return av_rescale_q(time, source->format->streams[packet->stream_index]->time_base,
                        AV_TIME_BASE_Q);
}

/* Pictures are asked for at the rate of -r, and not at once when the camera has been slow. */
static void pace_still(struct source *source)
{
    double rate = source->args->rate > 0 ? source->args->rate : STILL_RATE;
    stopper_wait(source->stopper, source->still_due_us - mono_now().us);
    source->still_due_us = mono_now().us + (int64_t)(1e6 / rate);
}

/* Back to the beginning of a file, or for one picture anew. */
static int rewind_source(struct source *source, struct err *err)
{
    source->loops_left -= source->loops_left > 0;
    source->loop_offset_us = source->loop_end_us;
    if (source->is_file &&
        avformat_seek_file(source->format, -1, INT64_MIN, INT64_MIN, INT64_MAX, 0) >= 0) {
        return 0;
    }
    avformat_close_input(&source->format);
    if (source->is_still) {
        pace_still(source);
    }
    return open_format(source, err);
}

/* Puts a loop's packets after those of the loop before. */
static void shift_loop(struct source *source, AVPacket *packet)
{
    const AVStream *stream = source->format->streams[packet->stream_index];
    int64_t shift = av_rescale_q(source->loop_offset_us, AV_TIME_BASE_Q, stream->time_base);
    packet->pts += packet->pts != AV_NOPTS_VALUE ? shift : 0;
    packet->dts += packet->dts != AV_NOPTS_VALUE ? shift : 0;
    int64_t time_us = packet_us(source, packet);
    if (time_us == AV_NOPTS_VALUE) {
        return;
    }
    int64_t duration_us = av_rescale_q(packet->duration, stream->time_base, AV_TIME_BASE_Q);
    if (duration_us <= 0 && stream->avg_frame_rate.num > 0) {
        duration_us = av_rescale_q(1, av_inv_q(stream->avg_frame_rate), AV_TIME_BASE_Q);
    }
    /* The first packet of a file may be before zero (reordering, sound's lead-in) or after. */
    int64_t end_us = time_us + (duration_us > 0 ? duration_us : 40000);
    if (source->first_us == AV_NOPTS_VALUE) {
        source->first_us = source->paced_us = time_us;
        source->started = mono_now();
    }
    end_us -= source->first_us;
    source->loop_end_us = end_us > source->loop_end_us ? end_us : source->loop_end_us;
}

static void pace(struct source *source, const AVPacket *packet)
{
    int64_t time_us = packet_us(source, packet);
    if (time_us != AV_NOPTS_VALUE && source->first_us != AV_NOPTS_VALUE) {
        int64_t step = time_us - source->paced_us;
        if (step < -PACE_BACK_US || step > PACE_AHEAD_US) {
            source->started.us -= step;
        }
        source->paced_us = time_us;
        int64_t due = source->started.us + time_us - source->first_us;
        stopper_wait(source->stopper, due - mono_now().us);
    } else if (source->args->rate > 0) {
        stopper_wait(source->stopper, (int64_t)(1e6 / source->args->rate));
    }
}

int source_read(struct source *source, AVPacket *packet, struct mono *arrival, struct err *err)
{
    if (source->rtsp != NULL) {
        return rtsp_read(source->rtsp, packet, arrival, err);
    }
    bool rewound = false;
    for (;;) {
        set_deadline(source, DATA_TIMEOUT_US);
        int result = av_read_frame(source->format, packet);
        if (result == AVERROR(EAGAIN)) {
            if (stopper_wait(source->stopper, 5000)) {
                return err_set(err, ECANCELED, "stopped");
            }
            continue;
        }
        if (result == AVERROR_EOF && source->loops_left != 0 && !rewound) {
            rewound = true; /* a file without a single packet must not spin here */
            result = rewind_source(source, err);
            if (result < 0) {
                return result;
            }
            continue;
        }
        if (atomic_load(&source->stopper->stopped)) {
            av_packet_unref(packet);
            return err_set(err, ECANCELED, "stopped");
        }
        if (result == AVERROR_EOF) {
            return err_set(err, ENODATA,
                           source->is_file ? "the file is over" : "the camera ended it");
        }
        if (result < 0) {
            return fail(err, source, result, "connection lost", DATA_TIMEOUT_US);
        }
        break;
    }
    if (source->args->stream_loop != 0 || source->pacing) {
        shift_loop(source, packet);
    }
    if (source->pacing && !source->is_still) {
        pace(source, packet);
    }
    *arrival = mono_now();
    return 0;
}

AVStream *source_stream(const struct source *source, int index)
{
    return source->format->streams[index];
}

int source_stream_count(const struct source *source)
{
    return (int)source->format->nb_streams;
}

static AVStream *first_of(const struct source *source, enum AVMediaType type)
{
    for (unsigned i = 0; i < source->format->nb_streams; i++) {
        AVStream *stream = source->format->streams[i];
        if (stream->codecpar->codec_type == type &&
            !(stream->disposition & AV_DISPOSITION_ATTACHED_PIC)) {
            return stream;
        }
    }
    return NULL;
}

AVStream *source_video(const struct source *source)
{
    return first_of(source, AVMEDIA_TYPE_VIDEO);
}

AVStream *source_audio(const struct source *source)
{
    return first_of(source, AVMEDIA_TYPE_AUDIO);
}

bool source_has_dts(const struct source *source)
{
    return !source->is_rtsp && !source_lacks_times(source);
}

bool source_lacks_times(const struct source *source)
{
    static const char *const bare[] = {"mpjpeg",    "mjpeg", "image2", "image2pipe",
                                       "jpeg_pipe", "h264",  "hevc"};
    for (size_t i = 0; source->rtsp == NULL && i < ARRAY_SIZE(bare); i++) {
        if (str_equal(source->format->iformat->name, bare[i])) {
            return true;
        }
    }
    return false;
}

uint64_t source_lost(const struct source *source)
{
    return source->rtsp != NULL ? rtsp_lost(source->rtsp) : 0;
}
