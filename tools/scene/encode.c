#include "encode.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>

struct encoder {
    AVFormatContext *file;
    AVCodecContext *codec;
    AVStream *stream;
    AVFrame *frame;
    AVPacket *packet;
    int64_t next_pts;
    bool header_written;
};

static bool report(const char *what, int error)
{
    fprintf(stderr, "corvette-scene: %s: %s\n", what, av_err2str(error));
    return false;
}

static bool open_codec(struct encoder *encoder, const struct encode_settings *settings)
{
    const AVCodec *codec = avcodec_find_encoder_by_name("libx264");
    if (codec == NULL) {
        return report("libx264", AVERROR_ENCODER_NOT_FOUND);
    }
    AVCodecContext *context = encoder->codec = avcodec_alloc_context3(codec);
    if (context == NULL) {
        return report("libx264", AVERROR(ENOMEM));
    }
    context->width = settings->width_px;
    context->height = settings->height_px;
    context->pix_fmt = AV_PIX_FMT_YUV420P;
    context->time_base = (AVRational){1, settings->fps};
    context->framerate = (AVRational){settings->fps, 1};
    context->gop_size = settings->gop_frames;
    context->max_b_frames = settings->b_frames;
    context->colorspace = AVCOL_SPC_SMPTE170M;
    context->color_range = AVCOL_RANGE_MPEG;
    context->thread_count = 1; /* the same bytes on every machine */
    if (encoder->file->oformat->flags & AVFMT_GLOBALHEADER) {
        context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    }
    AVDictionary *options = NULL;
    av_dict_set(&options, "preset", settings->preset, 0);
    av_dict_set(&options, "profile", "main", 0);
    av_dict_set(&options, "x264-params", "scenecut=0", 0); /* keyframes only where asked */
    if (settings->bitrate_kbps > 0) {
        context->bit_rate = settings->bitrate_kbps * 1000LL;
    } else {
        av_dict_set_int(&options, "crf", settings->crf, 0);
    }
    const int error = avcodec_open2(context, codec, &options);
    av_dict_free(&options);
    return error < 0 ? report("libx264", error) : true;
}

static bool open_file(struct encoder *encoder, const char *path)
{
    encoder->stream = avformat_new_stream(encoder->file, NULL);
    if (encoder->stream == NULL) {
        return report(path, AVERROR(ENOMEM));
    }
    encoder->stream->time_base = encoder->codec->time_base;
    encoder->stream->avg_frame_rate = encoder->codec->framerate;
    int error = avcodec_parameters_from_context(encoder->stream->codecpar, encoder->codec);
    if (error >= 0) {
        error = avio_open(&encoder->file->pb, path, AVIO_FLAG_WRITE);
    }
    if (error >= 0) {
        encoder->file->flags |= AVFMT_FLAG_BITEXACT;
        error = avformat_write_header(encoder->file, NULL);
        encoder->header_written = error >= 0;
    }
    return error < 0 ? report(path, error) : true;
}

static bool make_buffers(struct encoder *encoder, const struct encode_settings *settings)
{
    encoder->frame = av_frame_alloc();
    encoder->packet = av_packet_alloc();
    if (encoder->frame == NULL || encoder->packet == NULL) {
        return report("frame", AVERROR(ENOMEM));
    }
    encoder->frame->format = AV_PIX_FMT_YUV420P;
    encoder->frame->width = settings->width_px;
    encoder->frame->height = settings->height_px;
    const int error = av_frame_get_buffer(encoder->frame, 0);
    return error < 0 ? report("frame", error) : true;
}

static void encoder_free(struct encoder *encoder)
{
    if (encoder->file != NULL) {
        avio_closep(&encoder->file->pb);
        avformat_free_context(encoder->file);
    }
    avcodec_free_context(&encoder->codec);
    av_frame_free(&encoder->frame);
    av_packet_free(&encoder->packet);
    free(encoder);
}

struct encoder *encoder_open(const char *path, const struct encode_settings *settings)
{
    struct encoder *encoder = calloc(1, sizeof *encoder);
    if (encoder == NULL) {
        abort();
    }
    av_log_set_level(AV_LOG_ERROR);
    const int error = avformat_alloc_output_context2(&encoder->file, NULL, NULL, path);
    if (error < 0) {
        report(path, error);
    } else if (open_codec(encoder, settings) && make_buffers(encoder, settings) &&
               open_file(encoder, path)) {
        return encoder;
    }
    encoder_free(encoder);
    return NULL;
}

/* Sends one frame, or NULL for the end, and writes the packets that come out. */
static bool send_frame(struct encoder *encoder, const AVFrame *frame)
{
    int error = avcodec_send_frame(encoder->codec, frame);
    while (error >= 0) {
        error = avcodec_receive_packet(encoder->codec, encoder->packet);
        if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) {
            return true;
        }
        if (error >= 0) {
            encoder->packet->duration = 1;
            av_packet_rescale_ts(encoder->packet, encoder->codec->time_base,
                                 encoder->stream->time_base);
            encoder->packet->stream_index = encoder->stream->index;
            error = av_interleaved_write_frame(encoder->file, encoder->packet);
        }
    }
    return report("encoding", error);
}

bool encoder_write(struct encoder *encoder, const struct i420 *picture)
{
    const int error = av_frame_make_writable(encoder->frame);
    if (error < 0) {
        return report("frame", error);
    }
    for (int plane = 0; plane < 3; plane++) {
        const int shift = plane > 0 ? 1 : 0;
        for (int row = 0; row < picture->height_px >> shift; row++) {
            memcpy(encoder->frame->data[plane] + (ptrdiff_t)row * encoder->frame->linesize[plane],
                   picture->planes[plane] + (ptrdiff_t)row * picture->strides[plane],
                   (size_t)(picture->width_px >> shift));
        }
    }
    encoder->frame->pts = encoder->next_pts++;
    return send_frame(encoder, encoder->frame);
}

bool encoder_close(struct encoder *encoder)
{
    bool complete = send_frame(encoder, NULL);
    const int error = av_write_trailer(encoder->file);
    if (error < 0) {
        complete = report("end of file", error);
    }
    encoder_free(encoder);
    return complete;
}
