#include "capture/sound.h"

#include <libavutil/audio_fifo.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"

#define FRAME_SAMPLES 1024
#define RESYNC_US 100000 /* more than this off the running count is a hole, not jitter */
#define PULL 0.01        /* part of the difference taken up with each packet */
#define ERRORS_MAX 50    /* in a row */
#define RATE_MIN 16000   /* what players take for granted */
#define SOURCE_MAX_SAMPLES (1 << 18)
/* AudioSpecificConfig object types whose frames hold twice the samples. */
#define PROFILE_HE 4
#define PROFILE_HE_V2 28

struct sound {
    uint32_t rate;
    unsigned channels;
    uint8_t config[64];
    size_t config_bytes;
    int samples; /* per packet, when copying */
    bool adts;   /* packets carry their own headers */
    unsigned errors;
    /* smoothing: when the next sample should come */
    bool begun;
    double next_us;
    /* encoding; NULL when copying */
    AVCodecContext *decoder, *encoder;
    SwrContext *resampler;
    AVAudioFifo *fifo;
    AVFrame *frame, *block;
    int64_t encoded; /* samples given to the encoder */
    double base_us;  /* wall time of sample 0 */
    AVPacket *out;
};

static const uint32_t aac_rates[] = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                     22050, 16000, 12000, 11025, 8000,  7350};

static double smooth(struct sound *sound, int64_t time_us, double duration_us)
{
    double off = (double)time_us - sound->next_us;
    if (!sound->begun || fabs(off) > RESYNC_US) {
        sound->next_us = (double)time_us;
        sound->begun = true;
    } else {
        sound->next_us += off * PULL;
    }
    double now_us = sound->next_us;
    sound->next_us += duration_us;
    return now_us;
}

/* ------------------------------------------------------------------ copying */

/* ADTS header -> AudioSpecificConfig of AAC-LC and its kin (ISO/IEC 14496-3, 1.A.2.2). */
static size_t adts_header(struct sound *sound, const uint8_t *data, size_t length)
{
    if (length < 7 || data[0] != 0xff || (data[1] & 0xf6) != 0xf0) {
        return 0;
    }
    unsigned profile = data[2] >> 6, index = data[2] >> 2 & 15,
             channels = (data[2] & 1) << 2 | data[3] >> 6;
    if (index >= ARRAY_SIZE(aac_rates) || channels == 0) {
        return 0;
    }
    if (sound->config_bytes == 0) {
        unsigned config = (profile + 1) << 11 | index << 7 | channels << 3;
        sound->config[0] = (uint8_t)(config >> 8);
        sound->config[1] = (uint8_t)config;
        sound->config_bytes = 2;
        sound->rate = aac_rates[index];
        sound->channels = channels;
    }
    return data[1] & 1 ? 7 : 9;
}

static bool copy_packet(struct sound *sound, const AVPacket *packet, sound_emit_fn emit,
                        void *context)
{
    size_t skip = sound->adts ? adts_header(sound, packet->data, (size_t)packet->size) : 0;
    if ((sound->adts && skip == 0) || (size_t)packet->size <= skip || sound->rate == 0) {
        return false;
    }
    double time_us = smooth(sound, packet->dts, sound->samples * 1e6 / sound->rate);
    if (av_packet_ref(sound->out, packet) < 0) {
        return false;
    }
    sound->out->data += skip;
    sound->out->size -= (int)skip;
    sound->out->pts = sound->out->dts = llrint(time_us);
    sound->out->duration = sound->samples;
    emit(context, sound->out);
    return true;
}

static void open_copy(struct sound *sound, const AVCodecParameters *parameters)
{
    sound->rate = (uint32_t)parameters->sample_rate;
    sound->channels = (unsigned)parameters->ch_layout.nb_channels;
    bool he = parameters->profile == PROFILE_HE || parameters->profile == PROFILE_HE_V2;
    sound->samples = parameters->frame_size > 0 ? parameters->frame_size
                     : he                       ? 2 * FRAME_SAMPLES
                                                : FRAME_SAMPLES;
    size_t bytes = (size_t)parameters->extradata_size;
    if (bytes >= 2 && bytes <= sizeof sound->config) {
        memcpy(sound->config, parameters->extradata, bytes);
        sound->config_bytes = bytes;
    } else {
        sound->adts = true;
    }
}

/* ------------------------------------------------------------------ encoding */

static bool drain_encoder(struct sound *sound, sound_emit_fn emit, void *context)
{
    int result;
    while ((result = avcodec_receive_packet(sound->encoder, sound->out)) == 0) {
        int64_t time_us = llrint(sound->base_us + (double)sound->out->pts * 1e6 / sound->rate);
        sound->out->pts = sound->out->dts = time_us;
        sound->out->duration = sound->encoder->frame_size;
        emit(context, sound->out);
    }
    return result == AVERROR(EAGAIN);
}

static bool encode_block(struct sound *sound, sound_emit_fn emit, void *context)
{
    AVFrame *block = sound->block;
    block->nb_samples = sound->encoder->frame_size;
    block->format = sound->encoder->sample_fmt;
    block->sample_rate = sound->encoder->sample_rate;
    bool good = av_channel_layout_copy(&block->ch_layout, &sound->encoder->ch_layout) >= 0 &&
                av_frame_get_buffer(block, 0) >= 0 &&
                av_audio_fifo_read(sound->fifo, (void **)block->extended_data, block->nb_samples) ==
                    block->nb_samples;
    block->pts = sound->encoded;
    sound->encoded += block->nb_samples;
    good = good && avcodec_send_frame(sound->encoder, block) >= 0;
    av_frame_unref(block);
    return good && drain_encoder(sound, emit, context);
}

/* The source's format is only certain with its first decoded frame, and may change. */
static bool prepare_resampler(struct sound *sound, AVFrame *frame)
{
    if (sound->resampler != NULL) {
        int64_t rate = 0, format = -1;
        av_opt_get_int(sound->resampler, "in_sample_rate", 0, &rate);
        av_opt_get_int(sound->resampler, "in_sample_fmt", 0, &format);
        if (rate == frame->sample_rate && format == frame->format) {
            return true;
        }
        swr_free(&sound->resampler);
    }
    return swr_alloc_set_opts2(&sound->resampler, &sound->encoder->ch_layout,
                               sound->encoder->sample_fmt, sound->encoder->sample_rate,
                               &frame->ch_layout, (enum AVSampleFormat)frame->format,
                               frame->sample_rate, 0, NULL) >= 0 &&
           swr_init(sound->resampler) >= 0;
}

static bool take_frame(struct sound *sound, AVFrame *frame, int64_t time_us)
{
    if (frame->sample_rate <= 0 || frame->nb_samples > SOURCE_MAX_SAMPLES ||
        !prepare_resampler(sound, frame)) {
        return false;
    }
    double duration_us = frame->nb_samples * 1e6 / frame->sample_rate;
    double start_us = smooth(sound, time_us, duration_us);
    sound->base_us =
        start_us - (double)(sound->encoded + av_audio_fifo_size(sound->fifo)) * 1e6 / sound->rate;
    int room = swr_get_out_samples(sound->resampler, frame->nb_samples);
    uint8_t *planes[AV_NUM_DATA_POINTERS] = {0};
    if (room <= 0 || av_samples_alloc(planes, NULL, (int)sound->channels, room,
                                      sound->encoder->sample_fmt, 0) < 0) {
        return false;
    }
    int got = swr_convert(sound->resampler, planes, room,
                          (const uint8_t **)(uintptr_t)frame->extended_data, frame->nb_samples);
    bool good = got >= 0 && av_audio_fifo_write(sound->fifo, (void **)planes, got) == got;
    av_freep(&planes[0]);
    return good;
}

static bool encode_packet(struct sound *sound, const AVPacket *packet, sound_emit_fn emit,
                          void *context)
{
    bool good = avcodec_send_packet(sound->decoder, packet) >= 0;
    int64_t time_us = packet->dts;
    while (good && avcodec_receive_frame(sound->decoder, sound->frame) == 0) {
        good = take_frame(sound, sound->frame, time_us);
        if (sound->frame->sample_rate > 0) {
            time_us += (int64_t)sound->frame->nb_samples * 1000000 / sound->frame->sample_rate;
        }
        av_frame_unref(sound->frame);
    }
    while (good && av_audio_fifo_size(sound->fifo) >= sound->encoder->frame_size) {
        good = encode_block(sound, emit, context);
    }
    return good;
}

static uint32_t choose_rate(int wanted, int source)
{
    uint32_t rate = wanted > 0 ? (uint32_t)wanted : source > RATE_MIN ? (uint32_t)source : RATE_MIN;
    uint32_t best = aac_rates[0];
    for (size_t i = 0; i < ARRAY_SIZE(aac_rates); i++) { /* the smallest that is not below */
        best = aac_rates[i] >= rate ? aac_rates[i] : best;
    }
    return best;
}

static bool open_encoder(struct sound *sound, const AVCodecParameters *parameters, int rate)
{
    const AVCodec *decoder = avcodec_find_decoder(parameters->codec_id);
    const AVCodec *encoder = avcodec_find_encoder(AV_CODEC_ID_AAC);
    if (decoder == NULL || encoder == NULL) {
        return false;
    }
    sound->decoder = avcodec_alloc_context3(decoder);
    sound->encoder = avcodec_alloc_context3(encoder);
    sound->frame = av_frame_alloc();
    sound->block = av_frame_alloc();
    if (sound->decoder == NULL || sound->encoder == NULL || sound->frame == NULL ||
        sound->block == NULL || avcodec_parameters_to_context(sound->decoder, parameters) < 0 ||
        avcodec_open2(sound->decoder, decoder, NULL) < 0) {
        return false;
    }
    sound->channels = parameters->ch_layout.nb_channels >= 2 ? 2 : 1;
    sound->rate = choose_rate(rate, parameters->sample_rate);
    av_channel_layout_default(&sound->encoder->ch_layout, (int)sound->channels);
    sound->encoder->sample_rate = (int)sound->rate;
    sound->encoder->sample_fmt = AV_SAMPLE_FMT_FLTP;
    sound->encoder->bit_rate = 48000 * (int)sound->channels;
    sound->encoder->time_base = (AVRational){1, (int)sound->rate};
    sound->encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    sound->encoder->thread_count = 1;
    if (avcodec_open2(sound->encoder, encoder, NULL) < 0 ||
        sound->encoder->extradata_size > (int)sizeof sound->config) {
        return false;
    }
    sound->config_bytes = (size_t)sound->encoder->extradata_size;
    memcpy(sound->config, sound->encoder->extradata, sound->config_bytes);
    sound->fifo = av_audio_fifo_alloc(AV_SAMPLE_FMT_FLTP, (int)sound->channels, 4 * FRAME_SAMPLES);
    return sound->fifo != NULL;
}

struct sound *sound_open(const AVCodecParameters *parameters, int rate)
{
    struct sound *sound = mem_alloc(sizeof *sound);
    sound->out = av_packet_alloc();
    bool copy =
        parameters->codec_id == AV_CODEC_ID_AAC && (rate == 0 || rate == parameters->sample_rate);
    bool good = sound->out != NULL;
    if (copy) {
        open_copy(sound, parameters);
    } else {
        good = good && open_encoder(sound, parameters, rate);
    }
    if (!good) {
        log_warning("sound (%s) cannot be recorded", avcodec_get_name(parameters->codec_id));
        sound_close(sound);
        return NULL;
    }
    return sound;
}

void sound_close(struct sound *sound)
{
    if (sound == NULL) {
        return;
    }
    avcodec_free_context(&sound->decoder);
    avcodec_free_context(&sound->encoder);
    swr_free(&sound->resampler);
    if (sound->fifo != NULL) {
        av_audio_fifo_free(sound->fifo);
    }
    av_frame_free(&sound->frame);
    av_frame_free(&sound->block);
    av_packet_free(&sound->out);
    free(sound);
}

bool sound_describe(const struct sound *sound, uint32_t *rate, unsigned *channels,
                    const uint8_t **config, size_t *config_bytes)
{
    *rate = sound->rate;
    *channels = sound->channels;
    *config = sound->config;
    *config_bytes = sound->config_bytes;
    return sound->config_bytes > 0 && sound->rate > 0;
}

bool sound_packet(struct sound *sound, const AVPacket *packet, sound_emit_fn emit, void *context)
{
    bool good = sound->encoder != NULL ? encode_packet(sound, packet, emit, context)
                                       : copy_packet(sound, packet, emit, context);
    sound->errors = good ? 0 : sound->errors + 1;
    if (sound->errors >= ERRORS_MAX) {
        log_warning("sound cannot be decoded: recording without it until the next connection");
        return false;
    }
    return true;
}
