#include "capture/ear.h"

#include <errno.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "capture/levels.h"

#define RESYNC_US 200000 /* more than this off the running count is a hole, not jitter */
#define PULL 0.01        /* part of the difference taken up with each frame */
#define ERRORS_MAX 50    /* in a row */
#define SOURCE_MAX_SAMPLES (1 << 18)
#define SAMPLE_US (1e6 / SOUNDS_RATE)
#define LOG_INTERVAL_US INT64_C(600000000)

struct ear {
    struct ear_options options;
    AVCodecContext *decoder; /* NULL: nothing to be heard, or broken */
    SwrContext *resampler;
    AVFrame *frame;
    int source_rate, source_format, source_channels; /* what the resampler was made for */
    unsigned errors;
    /* a chunk being filled: two hops */
    int16_t samples[SOUNDS_CHUNK];
    size_t count;
    bool begun;        /* next_us is known */
    double next_us;    /* wall time of the sample to come */
    bool joined;       /* the hop being filled goes on from the one before */
    double started_us; /* of the chunk */
    struct log_limit trouble_limit;

    pthread_mutex_t lock; /* levels */
    struct levels levels;
};

struct ear *ear_create(const struct ear_options *options)
{
    struct ear *ear = mem_alloc(sizeof *ear);
    ear->options = *options;
    ear->frame = av_frame_alloc();
    pthread_mutex_init(&ear->lock, NULL);
    return ear;
}

static void show_level(struct ear *ear, struct sounds_level level)
{
    atomic_store(&ear->options.counters->audio_rms_x10000, (int)lround(level.rms * 1e4));
    atomic_store(&ear->options.counters->audio_dbfs_x10000, (int)lround(level.dbfs * 1e4));
}

/* Forgets what is unfinished. */
static void forget(struct ear *ear)
{
    ear->count = 0;
    ear->begun = false;
    ear->joined = false;
}

void ear_end(struct ear *ear)
{
    avcodec_free_context(&ear->decoder);
    swr_free(&ear->resampler);
    forget(ear);
    show_level(ear, (struct sounds_level){0});
}

void ear_destroy(struct ear *ear)
{
    if (ear != NULL) {
        ear_end(ear);
        av_frame_free(&ear->frame);
        pthread_mutex_destroy(&ear->lock);
        free(ear);
    }
}

static void complain(struct ear *ear, const char *format, const char *what)
{
    unsigned swallowed;
    if (log_allowed(&ear->trouble_limit, LOG_INTERVAL_US, &swallowed)) {
        log_warning(format, what);
    }
}

void ear_begin(struct ear *ear, const AVCodecParameters *parameters)
{
    ear_end(ear);
    ear->errors = 0;
    if (parameters == NULL) {
        complain(ear, "audio is enabled, but the camera sends no sound%s", "");
        return;
    }
    const AVCodec *decoder = avcodec_find_decoder(parameters->codec_id);
    ear->decoder = decoder != NULL ? avcodec_alloc_context3(decoder) : NULL;
    if (ear->decoder == NULL || ear->frame == NULL ||
        avcodec_parameters_to_context(ear->decoder, parameters) < 0 ||
        avcodec_open2(ear->decoder, decoder, NULL) < 0) {
        avcodec_free_context(&ear->decoder);
        complain(ear, "the camera's sound (%s) cannot be decoded: it is not listened to",
                 avcodec_get_name(parameters->codec_id));
    }
}

/* ------------------------------------------------------------------ hops and chunks */

static void tell_ready(struct ear *ear)
{
    const uint64_t one = 1;
    if (ear->options.ready_fd >= 0 && write(ear->options.ready_fd, &one, sizeof one) < 0 &&
        errno != EAGAIN) {
        log_debug("eventfd: %s", err_name(errno));
    }
}

static void finish_hop(struct ear *ear)
{
    const int16_t *hop = ear->samples + ear->count - SOUNDS_HOP;
    if (ear->count == SOUNDS_HOP) {
        ear->started_us = ear->next_us - SOUNDS_HOP * SAMPLE_US;
    }
    if (ear->options.sounds != NULL) {
        double time = (ear->next_us - SOUNDS_HOP * SAMPLE_US) / 1e6;
        sounds_write(ear->options.sounds, hop, time, ear->joined);
        tell_ready(ear);
    }
    ear->joined = true;
}

static void finish_chunk(struct ear *ear)
{
    struct sounds_level level = sounds_level(ear->samples, SOUNDS_CHUNK);
    bool loud = level.rms >= ear->options.min_volume;
    int64_t middle_us = llrint(ear->started_us + SOUNDS_HOP * SAMPLE_US);
    show_level(ear, level);
    pthread_mutex_lock(&ear->lock);
    levels_add(&ear->levels, middle_us, level.dbfs, loud);
    pthread_mutex_unlock(&ear->lock);
    ear->count = 0;
}

static void take_samples(struct ear *ear, const int16_t *samples, size_t count)
{
    while (count > 0) {
        size_t room = SOUNDS_HOP - ear->count % SOUNDS_HOP;
        size_t part = count < room ? count : room;
        memcpy(ear->samples + ear->count, samples, part * sizeof *samples);
        ear->count += part;
        ear->next_us += (double)part * SAMPLE_US;
        samples += part;
        count -= part;
        if (ear->count % SOUNDS_HOP == 0) {
            finish_hop(ear);
        }
        if (ear->count == SOUNDS_CHUNK) {
            finish_chunk(ear);
        }
    }
}

/* ------------------------------------------------------------------ decoding */

/* The source's format is only certain with its first decoded frame, and may change. */
static bool prepare_resampler(struct ear *ear, const AVFrame *frame)
{
    if (ear->resampler != NULL && ear->source_rate == frame->sample_rate &&
        ear->source_format == frame->format &&
        ear->source_channels == frame->ch_layout.nb_channels) {
        return true;
    }
    swr_free(&ear->resampler);
    ear->source_rate = frame->sample_rate;
    ear->source_format = frame->format;
    ear->source_channels = frame->ch_layout.nb_channels;
    AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO, source = {0};
    bool known = frame->ch_layout.order != AV_CHANNEL_ORDER_UNSPEC;
    if (known && av_channel_layout_copy(&source, &frame->ch_layout) < 0) {
        return false;
    }
    if (!known) {
        av_channel_layout_default(&source, ear->source_channels);
    }
    bool good =
        swr_alloc_set_opts2(&ear->resampler, &mono, AV_SAMPLE_FMT_S16, SOUNDS_RATE, &source,
                            (enum AVSampleFormat)frame->format, frame->sample_rate, 0, NULL) >= 0 &&
        swr_init(ear->resampler) >= 0;
    av_channel_layout_uninit(&source);
    if (!good) {
        swr_free(&ear->resampler);
    }
    return good;
}

/* Keeps the running count near the packets' times; a hole begins a new chunk. */
static void keep_time(struct ear *ear, double time_us)
{
    /* What the resampler still holds comes before this frame's samples. */
    time_us -= (double)swr_get_delay(ear->resampler, 1000000);
    double off = time_us - ear->next_us;
    if (!ear->begun || fabs(off) > RESYNC_US) {
        forget(ear);
        ear->begun = true;
        ear->next_us = time_us;
    } else {
        ear->next_us += off * PULL;
    }
}

static bool take_frame(struct ear *ear, const AVFrame *frame, double time_us)
{
    if (frame->sample_rate <= 0 || frame->nb_samples <= 0 ||
        frame->nb_samples > SOURCE_MAX_SAMPLES || !prepare_resampler(ear, frame)) {
        return false;
    }
    keep_time(ear, time_us);
    int room = swr_get_out_samples(ear->resampler, frame->nb_samples);
    uint8_t *samples = NULL;
    if (room <= 0 || av_samples_alloc(&samples, NULL, 1, room, AV_SAMPLE_FMT_S16, 0) < 0) {
        return false;
    }
    int got = swr_convert(ear->resampler, &samples, room,
                          (const uint8_t **)(uintptr_t)frame->extended_data, frame->nb_samples);
    if (got > 0) {
        take_samples(ear, (const int16_t *)(const void *)samples, (size_t)got);
    }
    av_freep(&samples);
    return got >= 0;
}

void ear_packet(struct ear *ear, const AVPacket *packet)
{
    if (ear->decoder == NULL) {
        return;
    }
    bool good = avcodec_send_packet(ear->decoder, packet) >= 0;
    double time_us = (double)packet->dts;
    while (good && avcodec_receive_frame(ear->decoder, ear->frame) == 0) {
        good = take_frame(ear, ear->frame, time_us);
        if (ear->frame->sample_rate > 0) {
            time_us += ear->frame->nb_samples * 1e6 / ear->frame->sample_rate;
        }
        av_frame_unref(ear->frame);
    }
    ear->errors = good ? 0 : ear->errors + 1;
    if (ear->errors >= ERRORS_MAX) {
        ear_end(ear);
        complain(ear, "sound cannot be decoded: not listening until the next connection%s", "");
    }
}

int ear_dbfs(struct ear *ear, int64_t start_us, int64_t end_us)
{
    pthread_mutex_lock(&ear->lock);
    int dbfs = levels_mean(&ear->levels, start_us, end_us);
    pthread_mutex_unlock(&ear->lock);
    return dbfs;
}
