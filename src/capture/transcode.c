#include "capture/transcode.h"

#include <libavutil/opt.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#define KEY_SECONDS 2

struct transcode {
    const struct capture_args *args;
    AVCodecContext *decoder, *encoder; /* the encoder is made for each size of picture */
    AVFrame *frame;
    AVPacket *out;
    int64_t frame_us, last_us;
    bool broken;
    struct log_limit limit;
};

struct transcode *transcode_open(const AVCodecParameters *parameters,
                                 const struct capture_args *args, int64_t frame_us)
{
    const AVCodec *decoder = avcodec_find_decoder(parameters->codec_id);
    struct transcode *transcode = mem_alloc(sizeof *transcode);
    transcode->args = args;
    transcode->frame_us = frame_us > 0 ? frame_us : 100000;
    transcode->frame = av_frame_alloc();
    transcode->out = av_packet_alloc();
    transcode->decoder = decoder != NULL ? avcodec_alloc_context3(decoder) : NULL;
    if (transcode->decoder == NULL || transcode->frame == NULL || transcode->out == NULL ||
        avcodec_parameters_to_context(transcode->decoder, parameters) < 0) {
        transcode_close(transcode);
        return NULL;
    }
    transcode->decoder->pkt_timebase = (AVRational){1, 1000000};
    transcode->decoder->thread_count = 1;
    if (avcodec_open2(transcode->decoder, decoder, NULL) < 0) {
        log_error("cannot decode %s for recording", avcodec_get_name(parameters->codec_id));
        transcode_close(transcode);
        return NULL;
    }
    return transcode;
}

void transcode_close(struct transcode *transcode)
{
    if (transcode == NULL) {
        return;
    }
    avcodec_free_context(&transcode->decoder);
    avcodec_free_context(&transcode->encoder);
    av_frame_free(&transcode->frame);
    av_packet_free(&transcode->out);
    free(transcode);
}

static const AVCodec *choose_encoder(const struct capture_args *args)
{
    const char *name = args->video_codec;
    if (name[0] != '\0' && !str_equal(name, "copy")) {
        const AVCodec *codec = avcodec_find_encoder_by_name(name);
        if (codec != NULL && (codec->id == AV_CODEC_ID_H264 || codec->id == AV_CODEC_ID_HEVC)) {
            return codec;
        }
        log_warning("encoder %s: %s; using H.264", name,
                    codec == NULL ? "not there" : "not usable here");
    }
    const AVCodec *codec = avcodec_find_encoder_by_name("libx264");
    return codec != NULL ? codec : avcodec_find_encoder(AV_CODEC_ID_H264);
}

static void set_quality(AVCodecContext *encoder, const struct capture_args *args)
{
    const char *preset = args->encoder_preset[0] != '\0' ? args->encoder_preset : "veryfast";
    av_opt_set(encoder->priv_data, "preset", preset, 0);
    av_opt_set(encoder->priv_data, "tune", "zerolatency", 0);
    if (args->bitrate > 0) {
        encoder->bit_rate = args->bitrate;
    } else {
        av_opt_set_int(encoder->priv_data, "crf", args->crf > 0 ? args->crf : 23, 0);
    }
}

static bool open_encoder(struct transcode *transcode, const AVFrame *frame)
{
    avcodec_free_context(&transcode->encoder);
    const AVCodec *codec = choose_encoder(transcode->args);
    AVCodecContext *encoder = codec != NULL ? avcodec_alloc_context3(codec) : NULL;
    if (encoder == NULL) {
        return false;
    }
    encoder->width = frame->width;
    encoder->height = frame->height;
    encoder->pix_fmt = (enum AVPixelFormat)frame->format;
    encoder->color_range = frame->color_range;
    encoder->time_base = (AVRational){1, 1000000};
    encoder->framerate = (AVRational){(int)(1000000 / transcode->frame_us), 1};
    encoder->gop_size = KEY_SECONDS * (encoder->framerate.num > 0 ? encoder->framerate.num : 1);
    encoder->max_b_frames = 0;
    encoder->thread_count = 1;
    encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    set_quality(encoder, transcode->args);
    if (avcodec_open2(encoder, codec, NULL) < 0) {
        avcodec_free_context(&encoder);
        return false;
    }
    transcode->encoder = encoder;
    return true;
}

static void encode(struct transcode *transcode, AVFrame *frame, transcode_emit_fn emit,
                   void *context)
{
    AVCodecContext *encoder = transcode->encoder;
    if (frame->pts <
        transcode->last_us - 1000000) { /* the wall clock was stepped back: a new line */
        avcodec_free_context(&transcode->encoder);
        encoder = NULL;
        transcode->last_us = 0;
    }
    if (encoder == NULL || encoder->width != frame->width || encoder->height != frame->height ||
        encoder->pix_fmt != (enum AVPixelFormat)frame->format) {
        if (!open_encoder(transcode, frame)) {
            log_error("no H.264 encoder takes these pictures: this stream is not recorded");
            transcode->broken = true;
            return;
        }
        encoder = transcode->encoder;
    }
    frame->pict_type = AV_PICTURE_TYPE_NONE;
    frame->pts = frame->pts > transcode->last_us ? frame->pts : transcode->last_us + 100;
    transcode->last_us = frame->pts;
    if (avcodec_send_frame(encoder, frame) < 0) {
        return;
    }
    while (avcodec_receive_packet(encoder, transcode->out) == 0) {
        emit(context, transcode->out, encoder->extradata, encoder->extradata_size);
        av_packet_unref(transcode->out);
    }
}

void transcode_packet(struct transcode *transcode, const AVPacket *packet, transcode_emit_fn emit,
                      void *context)
{
    if (transcode->broken || avcodec_send_packet(transcode->decoder, packet) < 0) {
        return;
    }
    while (avcodec_receive_frame(transcode->decoder, transcode->frame) == 0) {
        if (transcode->frame->pts == AV_NOPTS_VALUE) {
            transcode->frame->pts = packet->pts;
        }
        encode(transcode, transcode->frame, emit, context);
        av_frame_unref(transcode->frame);
    }
}
