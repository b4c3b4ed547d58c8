#include "render/film.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

#define BUFFER_BYTES (256 << 10)

struct film {
    int fd;
    AVFormatContext *format;
    AVStream *stream;
    AVCodecContext *encoder;
    AVPacket *packet;
    AVFrame *picture; /* in the encoder's form */
    int64_t length;   /* of the picture being encoded: nothing is held back */
    struct SwsContext *scaler;
};

/* One way to read or write the file; moving moov to the front does both at once. */
struct opening {
    int fd;
    int64_t at;
};

static int read_part(void *context, uint8_t *data, int bytes)
{
    struct opening *opening = context;
    ssize_t got = pread(opening->fd, data, (size_t)bytes, opening->at);
    opening->at += got > 0 ? got : 0;
    return got > 0 ? (int)got : got == 0 ? AVERROR_EOF : AVERROR(errno);
}

/* libavformat 61 (FFmpeg 7) promises not to write to what it gives. */
#if LIBAVFORMAT_VERSION_MAJOR < 61
static int write_part(void *context, uint8_t *data, int bytes)
#else
static int write_part(void *context, const uint8_t *data, int bytes)
#endif
{
    struct opening *opening = context;
    for (int done = 0; done < bytes;) {
        ssize_t put = pwrite(opening->fd, data + done, (size_t)(bytes - done), opening->at);
        if (put < 0 && errno != EINTR) {
            return AVERROR(errno);
        }
        opening->at += put > 0 ? put : 0;
        done += put > 0 ? (int)put : 0;
    }
    return bytes;
}

static int64_t seek_part(void *context, int64_t offset, int whence)
{
    struct opening *opening = context;
    off_t end = lseek(opening->fd, 0, SEEK_END);
    switch (whence & ~AVSEEK_FORCE) {
    case AVSEEK_SIZE:
        return end;
    case SEEK_CUR:
        offset += opening->at;
        break;
    case SEEK_END:
        offset += end;
        break;
    default:
        break;
    }
    opening->at = offset;
    return offset;
}

static AVIOContext *make_opening(int fd, bool writing)
{
    struct opening *opening = mem_alloc(sizeof *opening);
    opening->fd = fd;
    unsigned char *buffer = av_malloc(BUFFER_BYTES);
    AVIOContext *io =
        avio_alloc_context(buffer, BUFFER_BYTES, writing, opening, writing ? NULL : read_part,
                           writing ? write_part : NULL, seek_part);
    if (io == NULL) {
        av_free(buffer);
        free(opening);
    }
    return io;
}

static void free_opening(AVIOContext *io)
{
    if (io != NULL) {
        free(io->opaque);
        av_freep(&io->buffer);
        avio_context_free(&io);
    }
}

static int open_again(AVFormatContext *format, AVIOContext **io, const char *url, int flags,
                      AVDictionary **options)
{
    const struct film *film = format->opaque;
    *io = make_opening(film->fd, (flags & AVIO_FLAG_WRITE) != 0);
    return *io != NULL ? 0 : AVERROR(ENOMEM);
}

static int close_again(AVFormatContext *format, AVIOContext *io)
{
    free_opening(io);
    return 0;
}

static int open_encoder(struct film *film, const struct film_form *form, const AVFrame *first)
{
    const AVCodec *codec = avcodec_find_encoder_by_name("libx264");
    codec = codec != NULL ? codec : avcodec_find_encoder(AV_CODEC_ID_H264);
    film->encoder = codec != NULL ? avcodec_alloc_context3(codec) : NULL;
    if (film->encoder == NULL) {
        return AVERROR_ENCODER_NOT_FOUND;
    }
    AVCodecContext *encoder = film->encoder;
    encoder->width = (form->width > 0 ? form->width : first->width) & ~1;
    encoder->height = (form->height > 0 ? form->height : first->height) & ~1;
    encoder->pix_fmt = AV_PIX_FMT_YUV420P;
    encoder->framerate = form->rate;
    encoder->time_base = form->time_base;
    encoder->gop_size = form->key_pictures;
    encoder->bit_rate = form->bit_rate;
    encoder->max_b_frames = 0;
    encoder->thread_count = 1;
    encoder->color_range = AVCOL_RANGE_MPEG;
    encoder->colorspace = first->colorspace;
    encoder->color_primaries = first->color_primaries;
    encoder->color_trc = first->color_trc;
    encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    av_opt_set(encoder->priv_data, "preset", "ultrafast", 0);
    av_opt_set(encoder->priv_data, "tune", "zerolatency", 0);
    if (form->baseline) {
        av_opt_set(encoder->priv_data, "profile", "baseline", 0);
    }
    return avcodec_open2(encoder, codec, NULL);
}

static int open_file(struct film *film)
{
    int result = avformat_alloc_output_context2(&film->format, NULL, "mp4", "film.mp4");
    if (result < 0) {
        return result;
    }
    film->format->opaque = film;
    film->format->io_open = open_again;
    film->format->io_close2 = close_again;
    film->format->flags |= AVFMT_FLAG_CUSTOM_IO;
    film->format->pb = make_opening(film->fd, true);
    film->stream = avformat_new_stream(film->format, NULL);
    if (film->format->pb == NULL || film->stream == NULL) {
        return AVERROR(ENOMEM);
    }
    film->stream->time_base = film->encoder->time_base;
    film->stream->avg_frame_rate = film->encoder->framerate;
    avcodec_parameters_from_context(film->stream->codecpar, film->encoder);
    AVDictionary *options = NULL;
    av_dict_set(&options, "movflags", "faststart", 0);
    result = avformat_write_header(film->format, &options);
    av_dict_free(&options);
    return result;
}

static int failed(int result, struct err *err)
{
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(result, text, sizeof text);
    int code = result == AVERROR(ENOSPC) ? ENOSPC : EIO;
    return err_set(err, code, "the film cannot be written: %s", text);
}

struct film *film_create(int fd, const struct film_form *form, const AVFrame *first,
                         struct err *err)
{
    struct film *film = mem_alloc(sizeof *film);
    film->fd = fd;
    film->packet = av_packet_alloc();
    film->picture = av_frame_alloc();
    int result = film->packet != NULL && film->picture != NULL ? open_encoder(film, form, first)
                                                               : AVERROR(ENOMEM);
    if (result >= 0) {
        result = open_file(film);
    }
    if (result < 0) {
        failed(result, err);
        film_destroy(film);
        return NULL;
    }
    return film;
}

static int write_packets(struct film *film)
{
    int result;
    while ((result = avcodec_receive_packet(film->encoder, film->packet)) == 0) {
        film->packet->duration = film->length;
        av_packet_rescale_ts(film->packet, film->encoder->time_base, film->stream->time_base);
        film->packet->stream_index = film->stream->index;
        result = av_write_frame(film->format, film->packet);
        av_packet_unref(film->packet);
        if (result < 0) {
            return result;
        }
    }
    return result == AVERROR(EAGAIN) || result == AVERROR_EOF ? 0 : result;
}

static int convert(struct film *film, const AVFrame *frame)
{
    AVFrame *to = film->picture;
    av_frame_unref(to);
    to->width = film->encoder->width;
    to->height = film->encoder->height;
    to->format = film->encoder->pix_fmt;
    film->scaler =
        sws_getCachedContext(film->scaler, frame->width, frame->height, frame->format, to->width,
                             to->height, to->format, SWS_BILINEAR, NULL, NULL, NULL);
    if (film->scaler == NULL) {
        return AVERROR(ENOTSUP);
    }
    if (frame->color_range == AVCOL_RANGE_JPEG) {
        const int *matrix = sws_getCoefficients(frame->colorspace);
        sws_setColorspaceDetails(film->scaler, matrix, 1, matrix, 0, 0, 1 << 16, 1 << 16);
    }
    int result = av_frame_get_buffer(to, 0);
    if (result >= 0) {
        sws_scale(film->scaler, (const uint8_t *const *)frame->data, frame->linesize, 0,
                  frame->height, to->data, to->linesize);
    }
    return result;
}

int film_add(struct film *film, const AVFrame *frame, int64_t at, int64_t length, struct err *err)
{
    int result = convert(film, frame);
    if (result >= 0) {
        film->picture->pts = at;
        film->length = length;
        result = avcodec_send_frame(film->encoder, film->picture);
    }
    if (result >= 0) {
        result = write_packets(film);
    }
    return result < 0 ? failed(result, err) : 0;
}

int film_end(struct film *film, struct err *err)
{
    int result = avcodec_send_frame(film->encoder, NULL);
    if (result >= 0) {
        result = write_packets(film);
    }
    if (result >= 0) {
        result = av_write_trailer(film->format);
    }
    return result < 0 ? failed(result, err) : 0;
}

void film_destroy(struct film *film)
{
    if (film == NULL) {
        return;
    }
    if (film->format != NULL) {
        free_opening(film->format->pb);
        film->format->pb = NULL;
        avformat_free_context(film->format);
    }
    avcodec_free_context(&film->encoder);
    av_packet_free(&film->packet);
    av_frame_free(&film->picture);
    sws_freeContext(film->scaler);
    free(film);
}
