/* What listening to one camera costs, in milliseconds per second of its sound (AAC, 48 kHz, one
 * channel): capture's part (decoded, made 16 kHz, measured, put into the ring) against bare
 * decoding, and the sound worker's part (windows, levels, the model), for quiet sound and for loud.
 *
 *     bench_sound [MODEL.onnx LABELS]       default: models/sound.onnx 3 */
#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "capture/ear.h"
#include "sound/model.h"
#include "sound/window.h"

#define RATE 48000
#define SECONDS 60
#define ROUNDS 5

static AVPacket *packets[RATE * SECONDS / 1024 + 16];
static size_t packet_count;
static AVCodecParameters *parameters;
static volatile double bench_sink; /* keeps the work from being left out */

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* A minute of hiss and tones. */
static void make_packets(void)
{
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_AAC);
    AVCodecContext *encoder = avcodec_alloc_context3(codec);
    encoder->sample_rate = RATE;
    encoder->sample_fmt = AV_SAMPLE_FMT_FLTP;
    encoder->bit_rate = 64000;
    encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    av_channel_layout_default(&encoder->ch_layout, 1);
    AVFrame *frame = av_frame_alloc();
    if (avcodec_open2(encoder, codec, NULL) < 0) {
        abort();
    }
    frame->nb_samples = 1024;
    frame->format = encoder->sample_fmt;
    frame->sample_rate = RATE;
    av_channel_layout_copy(&frame->ch_layout, &encoder->ch_layout);
    av_frame_get_buffer(frame, 0);
    for (int64_t at = 0; at < (int64_t)RATE * SECONDS; at += 1024) {
        av_frame_make_writable(frame);
        float *samples = (float *)(void *)frame->data[0];
        for (int i = 0; i < 1024; i++) {
            samples[i] = 0.1F * ((float)rand() / (float)RAND_MAX - 0.5F) +
                         0.2F * sinf((float)(at + i) * 0.05F);
        }
        frame->pts = at;
        avcodec_send_frame(encoder, frame);
        AVPacket *packet = av_packet_alloc();
        if (avcodec_receive_packet(encoder, packet) == 0) {
            packet->dts = 1700000000000000 + packet->pts * 1000000 / RATE;
            packets[packet_count++] = packet;
        } else {
            av_packet_free(&packet);
        }
    }
    parameters = avcodec_parameters_alloc();
    avcodec_parameters_from_context(parameters, encoder);
    av_frame_free(&frame);
    avcodec_free_context(&encoder);
}

static double time_bare_decoding(void)
{
    const AVCodec *codec = avcodec_find_decoder(parameters->codec_id);
    AVCodecContext *decoder = avcodec_alloc_context3(codec);
    AVFrame *frame = av_frame_alloc();
    avcodec_parameters_to_context(decoder, parameters);
    avcodec_open2(decoder, codec, NULL);
    double begin = cpu_ms();
    for (size_t i = 0; i < packet_count; i++) {
        avcodec_send_packet(decoder, packets[i]);
        while (avcodec_receive_frame(decoder, frame) == 0) {
            av_frame_unref(frame);
        }
    }
    double took = cpu_ms() - begin;
    avcodec_free_context(&decoder);
    av_frame_free(&frame);
    return took / SECONDS;
}

static double time_ear(struct sounds *sounds)
{
    struct board_capture counters = {0};
    struct ear_options options = {
        .sounds = sounds, .ready_fd = -1, .min_volume = 500, .counters = &counters};
    struct ear *ear = ear_create(&options);
    ear_begin(ear, parameters);
    double begin = cpu_ms();
    for (size_t i = 0; i < packet_count; i++) {
        ear_packet(ear, packets[i]);
    }
    double took = cpu_ms() - begin;
    ear_destroy(ear);
    return took / SECONDS;
}

/* The windows in the ring again and again; `model` NULL: only looked at, as quiet ones are. */
static double time_windows(const struct sounds *sounds, struct sound_model *model)
{
    unsigned windows = 0;
    double begin = cpu_ms();
    for (int round = 0; round < 20; round++) {
        struct window window = {0};
        while (window_next(&window, sounds)) {
            const float *scores;
            struct err err = ERR_NONE;
            bench_sink = sounds_level(window.samples, SOUNDS_CHUNK).rms;
            windows++;
            if (model != NULL && sound_model_run(model, window.samples, &scores, &err) < 0) {
                fprintf(stderr, "%s\n", err.text);
                exit(1);
            }
        }
    }
    return (cpu_ms() - begin) / windows * SOUNDS_RATE / SOUNDS_HOP;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

int main(int argc, char **argv)
{
    long long labels = 3;
    const char *path = argc > 1 ? argv[1] : "models/sound.onnx";
    struct err err = ERR_NONE;
    int fd = sounds_create("yard");
    struct sounds *sounds = sounds_open(fd, true);
    struct sound_model *model = NULL;
    if ((argc > 2 && !str_to_int(argv[2], &labels)) || sounds == NULL ||
        (model = sound_model_open(path, (size_t)labels, 1, &err)) == NULL) {
        fprintf(stderr, "bench_sound: %s\n", err.text);
        return 1;
    }
    make_packets();
    double bare = INFINITY, ear = INFINITY, quiet = INFINITY, loud = INFINITY;
    for (int round = 0; round < ROUNDS; round++) {
        bare = least(bare, time_bare_decoding());
        ear = least(ear, time_ear(sounds));
        quiet = least(quiet, time_windows(sounds, NULL));
        loud = least(loud, time_windows(sounds, model));
    }
    printf("ms of CPU per camera and second of sound, best of %d\n", ROUNDS);
    printf("  bare decoding              %.3f\n", bare);
    printf("  capture: decode to ring    %.3f  (%.2f x bare)\n", ear, ear / bare);
    printf("  sound worker, quiet        %.3f\n", quiet);
    printf("  sound worker, loud         %.3f  (%.3f a window)\n", loud,
           loud * SOUNDS_HOP / SOUNDS_RATE);
    for (size_t i = 0; i < packet_count; i++) {
        av_packet_free(&packets[i]);
    }
    avcodec_parameters_free(&parameters);
    sound_model_close(model);
    sounds_close(sounds);
    close(fd);
    return 0;
}
