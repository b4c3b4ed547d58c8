#include "stamped.h"

#include <libavutil/opt.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#else
static void __lsan_disable(void) {}
static void __lsan_enable(void) {}
#endif

static const char *encoder_name(enum AVCodecID codec)
{
    return codec == AV_CODEC_ID_HEVC ? "libx265" : codec == AV_CODEC_ID_MJPEG ? "mjpeg" : "libx264";
}

AVCodecContext *stamped_encoder(const struct stamped_options *options)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(encoder_name(options->codec));
    assert_non_null(codec);
    AVCodecContext *encoder = avcodec_alloc_context3(codec);
    encoder->width = options->width;
    encoder->height = options->height;
    encoder->pix_fmt =
        options->codec == AV_CODEC_ID_MJPEG ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P;
    encoder->time_base = (AVRational){1, 90000};
    encoder->framerate = (AVRational){options->fps, 1};
    encoder->gop_size = options->gop;
    encoder->max_b_frames = options->b_frames;
    encoder->thread_count = 1;
    encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (options->codec == AV_CODEC_ID_HEVC) {
        av_opt_set(encoder->priv_data, "preset", "ultrafast", 0);
        av_opt_set(encoder->priv_data, "x265-params",
                   "log-level=none:pools=none:frame-threads=1:open-gop=0", 0);
    } else if (options->codec == AV_CODEC_ID_H264) {
        av_opt_set(encoder->priv_data, "preset", "ultrafast", 0);
        av_opt_set(encoder->priv_data, "x264-params", "scenecut=0", 0);
        if (options->b_frames == 0) {
            av_opt_set(encoder->priv_data, "tune", "zerolatency", 0);
        }
    }
    av_log_set_level(AV_LOG_ERROR);
    __lsan_disable(); /* libx265 keeps some of what it allocates here */
    assert_int_equal(avcodec_open2(encoder, codec, NULL), 0);
    __lsan_enable();
    return encoder;
}

static void draw(AVFrame *frame, int number)
{
    for (int plane = 0; plane < 3; plane++) {
        int rows = plane == 0 ? frame->height : (frame->height + 1) / 2;
        for (int y = 0; y < rows; y++) {
            memset(frame->data[plane] + (ptrdiff_t)y * frame->linesize[plane], 128,
                   (size_t)(plane == 0 ? frame->width : (frame->width + 1) / 2));
        }
    }
    for (int bit = 0; bit < STAMPED_BITS; bit++) {
        int x0 = frame->width * bit / STAMPED_BITS, x1 = frame->width * (bit + 1) / STAMPED_BITS;
        for (int y = 0; y < frame->height / 2; y++) {
            memset(frame->data[0] + (ptrdiff_t)y * frame->linesize[0] + x0,
                   number >> bit & 1 ? 220 : 30, (size_t)(x1 - x0));
        }
    }
}

int stamped_number(const uint8_t *luma, int stride, int width)
{
    int number = 0;
    for (int bit = 0; bit < STAMPED_BITS; bit++) {
        int x = width * (2 * bit + 1) / (2 * STAMPED_BITS);
        number |= (luma[(ptrdiff_t)4 * stride + x] > 128) << bit;
    }
    return number;
}

static void drain(AVCodecContext *encoder, stamped_packet_fn fn, void *context)
{
    AVPacket *packet = av_packet_alloc();
    while (avcodec_receive_packet(encoder, packet) == 0) {
        fn(context, packet);
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
}

void stamped_encode(AVCodecContext *encoder, const struct stamped_options *options, int number,
                    stamped_packet_fn fn, void *context)
{
    AVFrame *frame = av_frame_alloc();
    frame->format = encoder->pix_fmt;
    frame->width = encoder->width;
    frame->height = encoder->height;
    assert_int_equal(av_frame_get_buffer(frame, 0), 0);
    draw(frame, number);
    frame->pts = (int64_t)(number - options->first) * 90000 / options->fps;
    assert_int_equal(avcodec_send_frame(encoder, frame), 0);
    av_frame_free(&frame);
    drain(encoder, fn, context);
}

void stamped_flush(AVCodecContext *encoder, stamped_packet_fn fn, void *context)
{
    avcodec_send_frame(encoder, NULL);
    drain(encoder, fn, context);
}

struct muxing {
    AVFormatContext *format;
    int stream;
    AVRational time_base;
};

static void mux(void *context, const AVPacket *packet)
{
    struct muxing *muxing = context;
    AVPacket *copy = av_packet_clone(packet);
    copy->stream_index = muxing->stream;
    av_packet_rescale_ts(copy, muxing->time_base,
                         muxing->format->streams[muxing->stream]->time_base);
    assert_int_equal(av_interleaved_write_frame(muxing->format, copy), 0);
    av_packet_free(&copy);
}

static AVCodecContext *sound_encoder(const struct stamped_options *options)
{
    const AVCodec *codec = avcodec_find_encoder(options->sound_codec);
    assert_non_null(codec);
    AVCodecContext *encoder = avcodec_alloc_context3(codec);
    encoder->sample_rate = options->sound_rate;
    encoder->sample_fmt =
        options->sound_codec == AV_CODEC_ID_AAC ? AV_SAMPLE_FMT_FLTP : AV_SAMPLE_FMT_S16;
    av_channel_layout_default(&encoder->ch_layout, 1);
    encoder->time_base = (AVRational){1, options->sound_rate};
    encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    assert_int_equal(avcodec_open2(encoder, codec, NULL), 0);
    return encoder;
}

static void encode_sound(AVCodecContext *encoder, int64_t *position, double until,
                         struct muxing *muxing)
{
    int size = encoder->frame_size > 0 ? encoder->frame_size : 1024;
    while ((double)*position / encoder->sample_rate < until) {
        AVFrame *frame = av_frame_alloc();
        frame->format = encoder->sample_fmt;
        frame->nb_samples = size;
        frame->sample_rate = encoder->sample_rate;
        av_channel_layout_copy(&frame->ch_layout, &encoder->ch_layout);
        assert_int_equal(av_frame_get_buffer(frame, 0), 0);
        for (int i = 0; i < size; i++) {
            double value = 0.4 * sin(0.05 * (double)(*position + i));
            if (encoder->sample_fmt == AV_SAMPLE_FMT_FLTP) {
                float sample = (float)value;
                memcpy(frame->data[0] + sizeof sample * (size_t)i, &sample, sizeof sample);
            } else {
                int16_t sample = (int16_t)(value * 32767);
                memcpy(frame->data[0] + sizeof sample * (size_t)i, &sample, sizeof sample);
            }
        }
        frame->pts = *position;
        *position += size;
        assert_int_equal(avcodec_send_frame(encoder, frame), 0);
        av_frame_free(&frame);
        drain(encoder, mux, muxing);
    }
}

void stamped_write_file(const char *path, const struct stamped_options *options)
{
    AVFormatContext *format = NULL;
    assert_true(avformat_alloc_output_context2(&format, NULL, NULL, path) >= 0);
    struct stamped_options part = *options;
    AVCodecContext *encoder = stamped_encoder(&part), *sound = NULL;
    AVStream *stream = avformat_new_stream(format, NULL);
    assert_int_equal(avcodec_parameters_from_context(stream->codecpar, encoder), 0);
    stream->avg_frame_rate = encoder->framerate;
    struct muxing video = {format, 0, encoder->time_base},
                  audio = {format, 1, {1, options->sound_rate}};
    int64_t position = 0;
    if (options->sound_rate > 0) {
        sound = sound_encoder(options);
        AVStream *second = avformat_new_stream(format, NULL);
        assert_int_equal(avcodec_parameters_from_context(second->codecpar, sound), 0);
    }
    assert_true(avio_open(&format->pb, path, AVIO_FLAG_WRITE) >= 0);
    assert_true(avformat_write_header(format, NULL) >= 0);
    for (int i = 0; i < options->frames; i++) {
        if (options->switch_at > 0 && i == options->switch_at) {
            stamped_flush(encoder, mux, &video);
            avcodec_free_context(&encoder);
            part.width = options->switch_width;
            part.height = options->switch_height;
            encoder = stamped_encoder(&part);
        }
        stamped_encode(encoder, &part, options->first + i, mux, &video);
        if (sound != NULL) {
            encode_sound(sound, &position, (double)(i + 1) / options->fps, &audio);
        }
    }
    stamped_flush(encoder, mux, &video);
    if (sound != NULL) {
        stamped_flush(sound, mux, &audio);
        avcodec_free_context(&sound);
    }
    assert_int_equal(av_write_trailer(format), 0);
    avio_closep(&format->pb);
    avcodec_free_context(&encoder);
    avformat_free_context(format);
}

static void take_pictures(AVCodecContext *decoder, AVRational time_base,
                          struct stamped_content *content)
{
    AVFrame *frame = av_frame_alloc();
    while (avcodec_receive_frame(decoder, frame) == 0) {
        if (content->count == content->capacity) {
            content->capacity = content->capacity > 0 ? 2 * content->capacity : 256;
            content->numbers = mem_grow(content->numbers, (size_t)content->capacity, sizeof(int));
            content->times = mem_grow(content->times, (size_t)content->capacity, sizeof(double));
        }
        content->numbers[content->count] =
            stamped_number(frame->data[0], frame->linesize[0], frame->width);
        content->times[content->count++] = (double)frame->pts * av_q2d(time_base);
        content->width = frame->width;
        content->height = frame->height;
        av_frame_unref(frame);
    }
    av_frame_free(&frame);
}

static void take_sound(AVCodecContext *decoder, AVRational time_base,
                       struct stamped_content *content)
{
    AVFrame *frame = av_frame_alloc();
    while (avcodec_receive_frame(decoder, frame) == 0) {
        if (content->sound_seconds == 0) {
            content->sound_first = (double)frame->pts * av_q2d(time_base);
        }
        content->sound_seconds += (double)frame->nb_samples / frame->sample_rate;
        av_frame_unref(frame);
    }
    av_frame_free(&frame);
}

void stamped_read_file(const char *path, struct stamped_content *content)
{
    *content = (struct stamped_content){0};
    AVFormatContext *format = NULL;
    assert_int_equal(avformat_open_input(&format, path, NULL, NULL), 0);
    assert_true(avformat_find_stream_info(format, NULL) >= 0);
    AVCodecContext *decoders[4] = {0};
    for (unsigned i = 0; i < format->nb_streams && i < 4; i++) {
        const AVCodecParameters *parameters = format->streams[i]->codecpar;
        decoders[i] = avcodec_alloc_context3(avcodec_find_decoder(parameters->codec_id));
        assert_int_equal(avcodec_parameters_to_context(decoders[i], parameters), 0);
        decoders[i]->thread_count = 1;
        decoders[i]->pkt_timebase = format->streams[i]->time_base;
        assert_int_equal(avcodec_open2(decoders[i], NULL, NULL), 0);
    }
    AVPacket *packet = av_packet_alloc();
    for (bool more = true; more;) {
        more = av_read_frame(format, packet) == 0;
        for (unsigned i = 0; i < format->nb_streams && i < 4; i++) {
            if (more && packet->stream_index != (int)i) {
                continue;
            }
            int sent = avcodec_send_packet(decoders[i], more ? packet : NULL);
            assert_true(sent == 0 || sent == AVERROR_EOF);
            if (format->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_VIDEO) {
                take_pictures(decoders[i], format->streams[i]->time_base, content);
            } else {
                take_sound(decoders[i], format->streams[i]->time_base, content);
            }
        }
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    for (unsigned i = 0; i < 4; i++) {
        avcodec_free_context(&decoders[i]);
    }
    avformat_close_input(&format);
}

void stamped_content_finish(struct stamped_content *content)
{
    free(content->numbers);
    free(content->times);
    *content = (struct stamped_content){0};
}
