#include "render/gif.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mem.h"
#include "render/palette.h"

#define TICK_US 10000 /* a GIF counts hundredths of a second */
#define TICKS_MIN 2   /* browsers take less for a mistake, and show it slowly */
#define SIZE_MAX_PIXELS (1 << 20)

struct picture {
    uint8_t *rgb;
    int64_t at; /* ticks */
};

struct gif {
    int fd, width, height;
    struct SwsContext *scaler;
    struct picture pictures[GIF_PICTURES_MAX];
    int count;
    /* while writing: */
    AVFormatContext *format;
    AVStream *stream;
    AVCodecContext *encoder;
    AVPacket *packet;
    AVFrame *frame;
};

struct gif *gif_create(int fd, int width, int height)
{
    struct gif *gif = mem_alloc(sizeof *gif);
    gif->fd = fd;
    gif->width = width;
    gif->height = height;
    return gif;
}

static int to_rgb(struct gif *gif, const AVFrame *frame, uint8_t *rgb)
{
    gif->scaler =
        sws_getCachedContext(gif->scaler, frame->width, frame->height, frame->format, gif->width,
                             gif->height, AV_PIX_FMT_RGB24, SWS_BILINEAR, NULL, NULL, NULL);
    if (gif->scaler == NULL) {
        return -ENOTSUP;
    }
    const int *matrix = sws_getCoefficients(frame->colorspace);
    bool full = frame->color_range == AVCOL_RANGE_JPEG || frame->format == AV_PIX_FMT_YUVJ420P;
    sws_setColorspaceDetails(gif->scaler, matrix, full, matrix, 1, 0, 1 << 16, 1 << 16);
    uint8_t *planes[4] = {rgb};
    int strides[4] = {gif->width * 3};
    sws_scale(gif->scaler, (const uint8_t *const *)frame->data, frame->linesize, 0, frame->height,
              planes, strides);
    return 0;
}

int gif_add(struct gif *gif, const AVFrame *frame, int64_t at_us, struct err *err)
{
    if (gif->width == 0) {
        gif->width = frame->width;
        gif->height = frame->height;
    }
    if (gif->count == GIF_PICTURES_MAX || (int64_t)gif->width * gif->height > SIZE_MAX_PIXELS) {
        return err_set(err, E2BIG, "too much for a GIF");
    }
    struct picture *picture = &gif->pictures[gif->count];
    picture->at = (at_us + TICK_US / 2) / TICK_US;
    if (gif->count > 0 && picture->at < picture[-1].at + TICKS_MIN) {
        picture->at = picture[-1].at + TICKS_MIN;
    }
    /* swscale writes whole vectors: a little past the end of a row. */
    picture->rgb = mem_alloc((size_t)gif->width * (size_t)gif->height * 3 + 64);
    gif->count++;
    int result = to_rgb(gif, frame, picture->rgb);
    return result < 0 ? err_set(err, -result, "the picture has an unusual form") : 0;
}

/* ------------------------------------------------------------------ writing */

static int open_encoder(struct gif *gif)
{
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_GIF);
    gif->encoder = codec != NULL ? avcodec_alloc_context3(codec) : NULL;
    gif->packet = av_packet_alloc();
    gif->frame = av_frame_alloc();
    if (gif->encoder == NULL || gif->packet == NULL || gif->frame == NULL) {
        return AVERROR_ENCODER_NOT_FOUND;
    }
    gif->encoder->width = gif->frame->width = gif->width;
    gif->encoder->height = gif->frame->height = gif->height;
    gif->encoder->pix_fmt = gif->frame->format = AV_PIX_FMT_PAL8;
    gif->encoder->time_base = (AVRational){1, 1000000 / TICK_US};
    return avcodec_open2(gif->encoder, codec, NULL);
}

static int open_format(struct gif *gif, int64_t last_ticks)
{
    int result = avformat_alloc_output_context2(&gif->format, NULL, "gif", "film.gif");
    if (result < 0) {
        return result;
    }
    result = avio_open_dyn_buf(&gif->format->pb);
    gif->stream = result >= 0 ? avformat_new_stream(gif->format, NULL) : NULL;
    if (gif->stream == NULL) {
        return AVERROR(ENOMEM);
    }
    gif->stream->time_base = gif->encoder->time_base;
    avcodec_parameters_from_context(gif->stream->codecpar, gif->encoder);
    AVDictionary *options = NULL;
    av_dict_set_int(&options, "loop", 0, 0);
    av_dict_set_int(&options, "final_delay", last_ticks, 0);
    result = avformat_write_header(gif->format, &options);
    av_dict_free(&options);
    return result;
}

static void set_colors(const struct palette *palette, AVFrame *frame)
{
    uint8_t *argb = frame->data[1];
    memset(argb, 0, AVPALETTE_SIZE); /* the last place stays: see through */
    for (int i = 0; i < PALETTE_MAX; i++) {
        const uint8_t *color = palette->colors[i];
        uint32_t value =
            0xffu << 24 | (uint32_t)color[0] << 16 | (uint32_t)color[1] << 8 | color[2];
        memcpy(argb + (size_t)i * 4, &value, 4);
    }
}

static int write_packets(struct gif *gif)
{
    int result;
    while ((result = avcodec_receive_packet(gif->encoder, gif->packet)) == 0) {
        av_packet_rescale_ts(gif->packet, gif->encoder->time_base, gif->stream->time_base);
        gif->packet->stream_index = gif->stream->index;
        result = av_write_frame(gif->format, gif->packet);
        av_packet_unref(gif->packet);
        if (result < 0) {
            return result;
        }
    }
    return result == AVERROR(EAGAIN) || result == AVERROR_EOF ? 0 : result;
}

static int write_pictures(struct gif *gif, const struct palette *palette)
{
    AVFrame *frame = gif->frame;
    int result = 0;
    for (int i = 0; i < gif->count && result >= 0; i++) {
        av_buffer_unref(&frame->buf[0]); /* the encoder may still hold the one before */
        result = av_frame_get_buffer(frame, 0);
        if (result < 0) {
            break;
        }
        palette_map(palette, gif->pictures[i].rgb, gif->width, gif->height, frame->data[0],
                    frame->linesize[0]);
        set_colors(palette, frame);
        frame->pts = gif->pictures[i].at;
        result = avcodec_send_frame(gif->encoder, frame);
        result = result < 0 ? result : write_packets(gif);
    }
    if (result >= 0) {
        avcodec_send_frame(gif->encoder, NULL);
        result = write_packets(gif);
    }
    return result < 0 ? result : av_write_trailer(gif->format);
}

static int write_file(struct gif *gif)
{
    uint8_t *data = NULL;
    int length = avio_close_dyn_buf(gif->format->pb, &data);
    gif->format->pb = NULL;
    int result = length > 0 ? file_write_all(gif->fd, data, (size_t)length) : -EIO;
    av_free(data);
    return result;
}

int gif_end(struct gif *gif, int64_t end_us, struct err *err)
{
    AUTO_FREE struct palette *palette = palette_create();
    size_t pixels = (size_t)gif->width * (size_t)gif->height;
    for (int i = 0; i < gif->count; i++) {
        palette_see(palette, gif->pictures[i].rgb, pixels);
    }
    palette_choose(palette);
    int64_t last =
        gif->count > 0 ? (end_us + TICK_US / 2) / TICK_US - gif->pictures[gif->count - 1].at : 0;
    int result = open_encoder(gif);
    if (result >= 0) {
        result = open_format(gif, last < TICKS_MIN ? TICKS_MIN : last > 65535 ? 65535 : last);
    }
    if (result >= 0) {
        result = write_pictures(gif, palette);
    }
    if (result < 0) {
        return err_set(err, EIO, "the GIF cannot be made: error %d", result);
    }
    result = write_file(gif);
    return result < 0 ? err_set(err, -result, "cannot write: %s", err_name(result)) : 0;
}

void gif_destroy(struct gif *gif)
{
    if (gif == NULL) {
        return;
    }
    for (int i = 0; i < gif->count; i++) {
        free(gif->pictures[i].rgb);
    }
    if (gif->format != NULL && gif->format->pb != NULL) {
        uint8_t *data = NULL;
        avio_close_dyn_buf(gif->format->pb, &data);
        av_free(data);
        gif->format->pb = NULL;
    }
    avformat_free_context(gif->format);
    avcodec_free_context(&gif->encoder);
    av_packet_free(&gif->packet);
    av_frame_free(&gif->frame);
    sws_freeContext(gif->scaler);
    free(gif);
}
