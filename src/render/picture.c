/* The picture that was on screen at an instant. */
#include <errno.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "render/child.h"
#include "render/job.h"

/* Rows hold milliseconds, files finer ticks: a picture may begin this much after the instant. */
#define ROUNDING_US 1000

struct format {
    enum AVCodecID codec;
    enum AVPixelFormat pixels;
};

static const struct format formats[] = {
    [RENDER_PNG] = {AV_CODEC_ID_PNG, AV_PIX_FMT_RGB24},
    [RENDER_JPEG] = {AV_CODEC_ID_MJPEG, AV_PIX_FMT_YUVJ420P},
    [RENDER_WEBP] = {AV_CODEC_ID_WEBP, AV_PIX_FMT_YUV420P},
};

/* The last one shown at or before the instant, the first one when there is none. */
static size_t find_sample(const struct reel *reel, int64_t at_us)
{
    size_t count = reel->mp4.tracks[MP4_VIDEO].count, best = 0;
    for (size_t i = 1; i < count; i++) {
        bool due = reel->shown[i] <= at_us + ROUNDING_US;
        bool best_due = reel->shown[best] <= at_us + ROUNDING_US;
        if (due == best_due ? (reel->shown[i] > reel->shown[best]) == due : due) {
            best = i;
        }
    }
    return best;
}

/* Pictures that are shown before a key picture but stored after it may need the one before that. */
static size_t find_key(const struct reel *reel, size_t wanted)
{
    const struct mp4_sample *samples = reel->mp4.tracks[MP4_VIDEO].samples;
    for (size_t i = wanted + 1; i-- > 0;) {
        if (samples[i].key && reel->shown[i] <= reel->shown[wanted]) {
            return i;
        }
    }
    return 0;
}

/* 1: the wanted picture is in reel->frame; 0: not among what is there now. */
static int take_wanted(struct reel *reel, size_t wanted)
{
    int result;
    while ((result = reel_take(reel)) == 1) {
        if (reel->frame->pts == (int64_t)wanted) {
            return 1;
        }
    }
    return result;
}

static int decode(struct reel *reel, size_t wanted, struct err *err)
{
    int found = 0;
    for (size_t i = find_key(reel, wanted); i <= wanted && found == 0; i++) {
        reel->decoder->skip_frame = i == wanted ? AVDISCARD_DEFAULT : AVDISCARD_NONREF;
        reel_feed(reel, i); /* a damaged picture on the way shows in the result at most */
        found = take_wanted(reel, wanted);
        found = found < 0 ? 0 : found;
    }
    if (found == 0) {
        reel_drain(reel);
        found = take_wanted(reel, wanted);
    }
    return found == 1 ? 0 : err_set(err, EBADMSG, "the picture cannot be decoded");
}

static int convert(const AVFrame *from, const struct format *format, uint32_t height, AVFrame *to,
                   struct err *err)
{
    to->height = height > 0 && height < (uint32_t)from->height ? (int)height : from->height;
    to->width = (int)((int64_t)from->width * to->height / from->height);
    to->width = to->height == from->height ? from->width : to->width + (to->width & 1);
    to->format = format->pixels;
    struct SwsContext *scaler = sws_getContext(
        from->width, from->height, from->format, to->width, to->height, format->pixels,
        SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, NULL, NULL, NULL);
    if (scaler == NULL || av_frame_get_buffer(to, 0) < 0) {
        sws_freeContext(scaler);
        return err_set(err, ENOTSUP, "the picture has an unusual form");
    }
    const int *matrix = sws_getCoefficients(from->colorspace);
    bool full = from->color_range == AVCOL_RANGE_JPEG || from->format == AV_PIX_FMT_YUVJ420P;
    bool full_out = format->codec != AV_CODEC_ID_WEBP;
    /* Pictures as files are taken to be BT.601 when they are not RGB. */
    sws_setColorspaceDetails(scaler, matrix, full, sws_getCoefficients(SWS_CS_DEFAULT), full_out, 0,
                             1 << 16, 1 << 16);
    sws_scale(scaler, (const uint8_t *const *)from->data, from->linesize, 0, from->height, to->data,
              to->linesize);
    sws_freeContext(scaler);
    return 0;
}

static int encode(const AVFrame *frame, const struct format *format, int out, struct err *err)
{
    const AVCodec *codec = avcodec_find_encoder(format->codec);
    AVCodecContext *encoder = codec != NULL ? avcodec_alloc_context3(codec) : NULL;
    AVPacket *packet = av_packet_alloc();
    int result = -ENOTSUP;
    if (encoder != NULL && packet != NULL) {
        encoder->width = frame->width;
        encoder->height = frame->height;
        encoder->pix_fmt = frame->format;
        encoder->time_base = (AVRational){1, 25};
        encoder->compression_level = 3;
        encoder->flags |= AV_CODEC_FLAG_QSCALE;
        encoder->global_quality =
            format->codec == AV_CODEC_ID_WEBP ? 75 * FF_QP2LAMBDA : 3 * FF_QP2LAMBDA;
        if (avcodec_open2(encoder, codec, NULL) == 0 && avcodec_send_frame(encoder, frame) == 0 &&
            avcodec_send_frame(encoder, NULL) == 0 &&
            avcodec_receive_packet(encoder, packet) == 0) {
            result = file_write_all(out, packet->data, (size_t)packet->size);
        }
    }
    av_packet_free(&packet);
    avcodec_free_context(&encoder);
    return result < 0 ? err_set(err, -result, "the picture cannot be written as a file") : 0;
}

static int make(struct reel *reel, const struct render_message *task, int out, struct err *err)
{
    const struct format *format = &formats[task->format];
    int result = decode(reel, find_sample(reel, task->at_us), err);
    AVFrame *converted = av_frame_alloc();
    if (result == 0) {
        result = convert(reel->frame, format, task->height, converted, err);
    }
    if (result == 0) {
        result = encode(converted, format, out, err);
    }
    av_frame_free(&converted);
    return result;
}

int child_picture(const struct render_message *task, int out, struct err *err)
{
    struct render_message file;
    struct reel reel;
    if (task->format < RENDER_PNG || task->format >= ARRAY_SIZE(formats)) {
        return err_set(err, EINVAL, "unknown format of pictures");
    }
    int fd = child_want(0, &file);
    if (fd < 0) {
        return err_set(err, -fd, "the recording cannot be opened: %s", err_name(fd));
    }
    int result = reel_open(&reel, fd, err);
    if (result == 0) {
        result = make(&reel, task, out, err);
        reel_close(&reel);
    }
    return result;
}
