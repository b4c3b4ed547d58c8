#include "capture/decode.h"

#include <errno.h>
#include <libavutil/hwcontext.h>
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "capture/picker.h"

/* Above this one core may not keep up with a stream's decoding. */
#define TWO_THREADS_PIXELS (2560 * 1440)
/* swscale may write this much past a row's end. */
#define ROW_SLACK 32
/* Pictures that only later ones need wait for the next that is wanted itself, up to so many. */
#define HELD_MAX 16
#define HELD_BYTES (1 << 20)

struct decode {
    struct decode_options options;
    AVCodecContext *codec;
    AVBufferRef *device;
    enum AVPixelFormat device_format; /* of pictures that are in the device, NONE = software */
    bool device_failed;               /* said once, not tried again */
    AVFrame *frame, *downloaded;
    struct picker picker;
    struct SwsContext *scaler;
    struct {
        int width, height, format, range;
    } source;         /* what the scaler was made for */
    uint8_t *aligned; /* picture with padded rows, for ring widths swscale cannot write directly */
    bool waiting_key;
    bool intra_only; /* no picture needs another */
    /* Pictures decoded one after the other find code and data in the cache; decoded whenever one
     * arrives, they cost half as much again. So those nobody wants are held back. */
    struct {
        AVPacket *packets[HELD_MAX];
        size_t count, bytes;
    } held;
    int64_t owed_us; /* latest wanted picture that went into the decoder */
    int64_t out_us;  /* latest picture that came out */
    struct log_limit limit;
};

struct decode *decode_create(const struct decode_options *options)
{
    struct decode *decode = mem_alloc(sizeof *decode);
    decode->options = *options;
    decode->frame = av_frame_alloc();
    decode->downloaded = av_frame_alloc();
    if (decode->frame == NULL || decode->downloaded == NULL) {
        abort();
    }
    for (size_t i = 0; i < HELD_MAX; i++) {
        decode->held.packets[i] = av_packet_alloc();
        if (decode->held.packets[i] == NULL) {
            abort();
        }
    }
    picker_init(&decode->picker, options->fps);
    return decode;
}

static void drop_held(struct decode *decode)
{
    for (size_t i = 0; i < decode->held.count; i++) {
        av_packet_unref(decode->held.packets[i]);
    }
    decode->held.count = decode->held.bytes = 0;
    decode->owed_us = decode->out_us = INT64_MIN;
}

void decode_end(struct decode *decode)
{
    drop_held(decode);
    avcodec_free_context(&decode->codec);
    av_buffer_unref(&decode->device);
    decode->device_format = AV_PIX_FMT_NONE;
}

void decode_destroy(struct decode *decode)
{
    if (decode == NULL) {
        return;
    }
    decode_end(decode);
    for (size_t i = 0; i < HELD_MAX; i++) {
        av_packet_free(&decode->held.packets[i]);
    }
    av_frame_free(&decode->frame);
    av_frame_free(&decode->downloaded);
    sws_freeContext(decode->scaler);
    av_free(decode->aligned);
    free(decode);
}

/* ------------------------------------------------------------------ hardware */

static enum AVPixelFormat choose_format(AVCodecContext *codec, const enum AVPixelFormat *formats)
{
    const struct decode *decode = codec->opaque;
    for (const enum AVPixelFormat *format = formats; *format != AV_PIX_FMT_NONE; format++) {
        if (*format == decode->device_format) {
            return *format;
        }
    }
    log_warning("the hardware decoder does not take this stream: decoding in software");
    return avcodec_default_get_format(codec, formats);
}

static bool has_device_config(const AVCodec *codec, enum AVHWDeviceType type,
                              enum AVPixelFormat *format)
{
    const AVCodecHWConfig *config;
    for (int i = 0; (config = avcodec_get_hw_config(codec, i)) != NULL; i++) {
        if (config->device_type == type &&
            config->methods & AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX) {
            *format = config->pix_fmt;
            return true;
        }
    }
    return false;
}

static const char *auto_hwaccel(void)
{
    return access("/dev/nvidia0", F_OK) == 0          ? "cuda"
           : access("/dev/dri/renderD128", F_OK) == 0 ? "vaapi"
                                                      : "";
}

/* Tries to give the decoder its device; false with the reason in `why`. */
static bool attach_device(struct decode *decode, const char *name, const char *where,
                          const char **why)
{
    enum AVHWDeviceType type = av_hwdevice_find_type_by_name(name);
    if (type == AV_HWDEVICE_TYPE_NONE) {
        *why = "this build knows no such device";
        return false;
    }
    if (!has_device_config(decode->codec->codec, type, &decode->device_format)) {
        *why = "it cannot decode this codec";
        return false;
    }
    int level = av_log_get_level();
    av_log_set_level(AV_LOG_QUIET); /* the one line we write says it */
    int result =
        av_hwdevice_ctx_create(&decode->device, type, where[0] != '\0' ? where : NULL, NULL, 0);
    av_log_set_level(level);
    if (result < 0) {
        decode->device_format = AV_PIX_FMT_NONE;
        *why = "the device is not there or not accessible";
        return false;
    }
    decode->codec->hw_device_ctx = av_buffer_ref(decode->device);
    decode->codec->get_format = choose_format;
    decode->codec->opaque = decode;
    return true;
}

static void use_hardware(struct decode *decode)
{
    const struct capture_args *args = decode->options.args;
    const char *name = args->hwaccel;
    bool automatic = decode->options.hwaccel_auto || str_equal(name, "auto");
    if (automatic) {
        name = auto_hwaccel();
    }
    decode->device_format = AV_PIX_FMT_NONE;
    if (name[0] == '\0' || str_equal(name, "none") || decode->device_failed) {
        return;
    }
    const char *why = "";
    if (!attach_device(decode, name, args->hwaccel_device, &why)) {
        decode->device_failed = true;
        if (!automatic) {
            log_warning("hwaccel %s: %s; decoding in software", name, why);
        }
    }
}

/* ------------------------------------------------------------------ opening */

/* A decoder named by the arguments (h264_v4l2m2m, h264_qsv) is used when it is there and fits. */
static const AVCodec *choose_codec(struct decode *decode, enum AVCodecID id)
{
    const char *name = decode->options.args->decoder;
    if (name[0] != '\0' && !decode->device_failed) {
        const AVCodec *codec = avcodec_find_decoder_by_name(name);
        if (codec != NULL && codec->id == id) {
            return codec;
        }
        decode->device_failed = true;
        log_warning("decoder %s: %s; decoding in software", name,
                    codec == NULL ? "this build does not have it"
                                  : "the stream is of another codec");
    }
    return avcodec_find_decoder(id);
}

static int open_codec(struct decode *decode, const AVCodecParameters *parameters)
{
    const AVCodec *codec = choose_codec(decode, parameters->codec_id);
    decode->codec = codec != NULL ? avcodec_alloc_context3(codec) : NULL;
    if (decode->codec == NULL) {
        return AVERROR_DECODER_NOT_FOUND;
    }
    int result = avcodec_parameters_to_context(decode->codec, parameters);
    if (result < 0) {
        return result;
    }
    decode->codec->pkt_timebase = (AVRational){1, 1000000};
    const AVCodecDescriptor *descriptor = avcodec_descriptor_get(parameters->codec_id);
    decode->intra_only = descriptor != NULL && descriptor->props & AV_CODEC_PROP_INTRA_ONLY;
    bool large = parameters->width * parameters->height > TWO_THREADS_PIXELS;
    decode->codec->thread_count = large ? 2 : 1;
    use_hardware(decode);
    AVDictionary *options = NULL;
    av_dict_copy(&options, decode->options.args->codec_options, 0);
    result = avcodec_open2(decode->codec, codec, &options);
    av_dict_free(&options);
    return result;
}

bool decode_begin(struct decode *decode, const AVCodecParameters *parameters)
{
    decode_end(decode);
    decode->waiting_key = true;
    int result = open_codec(decode, parameters);
    if (result < 0 && !decode->device_failed &&
        (decode->device != NULL || decode->options.args->decoder[0] != '\0')) {
        log_warning("the hardware decoder does not open: decoding in software");
        decode->device_failed = true;
        decode_end(decode);
        result = open_codec(decode, parameters);
    }
    if (result < 0) {
        log_error("cannot decode %s for detection", avcodec_get_name(parameters->codec_id));
        decode_end(decode);
        return false;
    }
    return true;
}

/* ------------------------------------------------------------------ pictures */

/* The formats with full range spelled into their name, as those without. */
static enum AVPixelFormat plain_format(enum AVPixelFormat format, bool *full)
{
    switch (format) {
    case AV_PIX_FMT_YUVJ420P:
        *full = true;
        return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P:
        *full = true;
        return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P:
        *full = true;
        return AV_PIX_FMT_YUV444P;
    default:
        return format;
    }
}

static bool prepare_scaler(struct decode *decode, const AVFrame *frame, enum AVPixelFormat format,
                           bool full)
{
    int width = frames_width(decode->options.frames),
        height = frames_height(decode->options.frames);
    if (decode->scaler != NULL && decode->source.width == frame->width &&
        decode->source.height == frame->height && decode->source.format == (int)format &&
        decode->source.range == full) {
        return true;
    }
    sws_freeContext(decode->scaler);
    decode->scaler = sws_getContext(frame->width, frame->height, format, width, height,
                                    AV_PIX_FMT_YUV420P, SWS_BILINEAR, NULL, NULL, NULL);
    if (decode->scaler == NULL) {
        return false;
    }
    const int *table = sws_getCoefficients(SWS_CS_DEFAULT);
    sws_setColorspaceDetails(decode->scaler, table, full, table, 0, 0, 1 << 16, 1 << 16);
    decode->source.width = frame->width;
    decode->source.height = frame->height;
    decode->source.format = format;
    decode->source.range = full;
    if (width % ROW_SLACK != 0 && decode->aligned == NULL) {
        int bytes =
            av_image_get_buffer_size(AV_PIX_FMT_YUV420P, width + ROW_SLACK, height, ROW_SLACK);
        decode->aligned = av_malloc((size_t)bytes + ROW_SLACK);
    }
    return true;
}

/* Into planes without row padding; by way of padded rows where swscale needs them. */
static bool scale(struct decode *decode, const AVFrame *frame, enum AVPixelFormat format, bool full,
                  uint8_t *planes[4], int strides[4])
{
    if (!prepare_scaler(decode, frame, format, full)) {
        return false;
    }
    int width = frames_width(decode->options.frames),
        height = frames_height(decode->options.frames);
    const uint8_t *const *from = (const uint8_t *const *)frame->data;
    if (decode->aligned == NULL) {
        return sws_scale(decode->scaler, from, frame->linesize, 0, frame->height, planes, strides) >
               0;
    }
    uint8_t *padded[4];
    int padded_strides[4];
    av_image_fill_arrays(padded, padded_strides, decode->aligned, AV_PIX_FMT_YUV420P,
                         width + ROW_SLACK, height, ROW_SLACK);
    if (sws_scale(decode->scaler, from, frame->linesize, 0, frame->height, padded,
                  padded_strides) <= 0) {
        return false;
    }
    av_image_copy(planes, strides, (const uint8_t **)padded, padded_strides, AV_PIX_FMT_YUV420P,
                  width, height);
    return true;
}

static bool put_picture(struct decode *decode, const AVFrame *frame)
{
    struct frames *frames = decode->options.frames;
    int width = frames_width(frames), height = frames_height(frames);
    bool full = frame->color_range == AVCOL_RANGE_JPEG;
    enum AVPixelFormat format = plain_format((enum AVPixelFormat)frame->format, &full);
    uint8_t *slot = frames_write_begin(frames);
    int half = (width + 1) / 2;
    uint8_t *planes[4] = {slot, slot + (size_t)width * (size_t)height};
    planes[2] = planes[1] + (size_t)half * (size_t)((height + 1) / 2);
    int strides[4] = {width, half, half, 0};
    if (format == AV_PIX_FMT_YUV420P && !full && frame->width == width && frame->height == height) {
        av_image_copy(planes, strides, (const uint8_t **)(uintptr_t)frame->data, frame->linesize,
                      AV_PIX_FMT_YUV420P, width, height);
        return true;
    }
    return scale(decode, frame, format, full, planes, strides);
}

static void announce(struct decode *decode, int64_t time_us)
{
    struct board_capture *counters = decode->options.counters;
    frames_write_end(decode->options.frames, (double)time_us / 1e6);
    if (decode->options.ready_fd >= 0) {
        uint64_t one = 1;
        if (write(decode->options.ready_fd, &one, sizeof one) < 0) {
            log_debug("eventfd: %s",
                      err_name(errno)); /* full: the reader has much to catch up with */
        }
    }
    atomic_fetch_add_explicit(&counters->frames_detect, 1, memory_order_relaxed);
    atomic_store_explicit(&counters->last_frame_us, mono_now().us, memory_order_relaxed);
}

static void take_picture(struct decode *decode, int64_t frame_us)
{
    AVFrame *frame = decode->frame;
    int64_t time_us = frame->pts != AV_NOPTS_VALUE ? frame->pts : frame->best_effort_timestamp;
    decode->out_us = time_us != AV_NOPTS_VALUE ? time_us : decode->owed_us;
    if (time_us == AV_NOPTS_VALUE || !picker_take(&decode->picker, time_us, frame_us)) {
        return;
    }
    if (frame->format == decode->device_format && decode->device_format != AV_PIX_FMT_NONE) {
        av_frame_unref(decode->downloaded);
        if (av_hwframe_transfer_data(decode->downloaded, frame, 0) < 0) {
            return;
        }
        decode->downloaded->color_range = frame->color_range;
        frame = decode->downloaded;
    }
    if (put_picture(decode, frame)) {
        announce(decode, time_us);
    }
}

static void note_error(struct decode *decode, int error)
{
    unsigned swallowed;
    atomic_fetch_add_explicit(&decode->options.counters->decode_errors, 1, memory_order_relaxed);
    if (log_allowed(&decode->limit, 60000000, &swallowed)) {
        char text[AV_ERROR_MAX_STRING_SIZE] = "";
        av_strerror(error, text, sizeof text);
        log_warning("decoding: %s (%u more since the last line)", text, swallowed);
    }
}

static void drain(struct decode *decode, int64_t frame_us)
{
    int result;
    while ((result = avcodec_receive_frame(decode->codec, decode->frame)) == 0) {
        atomic_fetch_add_explicit(&decode->options.counters->frames_decoded, 1,
                                  memory_order_relaxed);
        take_picture(decode, frame_us);
        av_frame_unref(decode->frame);
    }
    if (result != AVERROR(EAGAIN) && result != AVERROR_EOF) {
        note_error(decode, result);
    }
}

static void send(struct decode *decode, const AVPacket *packet, int64_t frame_us, bool wanted)
{
    decode->codec->skip_frame = wanted ? AVDISCARD_DEFAULT : AVDISCARD_NONREF;
    int result = avcodec_send_packet(decode->codec, packet);
    if (result == AVERROR(EAGAIN)) {
        drain(decode, frame_us);
        result = avcodec_send_packet(decode->codec, packet);
    }
    if (result < 0) {
        note_error(decode, result);
    }
    drain(decode, frame_us);
}

/* Keeps a picture nobody wants for later; false when it must be decoded now. Not while a wanted one
 * is still inside the decoder, which may need the next ones to let it out. */
static bool hold(struct decode *decode, const AVPacket *packet)
{
    size_t bytes = (size_t)packet->size;
    if (decode->owed_us > decode->out_us || decode->held.count == HELD_MAX ||
        decode->held.bytes + bytes > HELD_BYTES ||
        av_packet_ref(decode->held.packets[decode->held.count], packet) < 0) {
        return false;
    }
    decode->held.count++;
    decode->held.bytes += bytes;
    return true;
}

static void send_held(struct decode *decode, int64_t frame_us)
{
    for (size_t i = 0; i < decode->held.count; i++) {
        send(decode, decode->held.packets[i], frame_us, false);
        av_packet_unref(decode->held.packets[i]);
    }
    decode->held.count = decode->held.bytes = 0;
}

void decode_packet(struct decode *decode, const AVPacket *packet, int64_t frame_us, bool lagging)
{
    bool key = packet->flags & AV_PKT_FLAG_KEY;
    if (decode->codec == NULL) {
        return;
    }
    if (lagging && !decode->waiting_key) {
        decode->waiting_key = true;
        drop_held(decode);
        avcodec_flush_buffers(decode->codec);
    }
    if (decode->waiting_key && (!key || lagging)) {
        return;
    }
    decode->waiting_key = false;
    bool wanted = picker_may_take(&decode->picker, packet->pts, frame_us);
    if (!wanted && (decode->intra_only || hold(decode, packet))) {
        return;
    }
    send_held(decode, frame_us);
    if (wanted) {
        decode->owed_us = packet->pts;
    }
    send(decode, packet, frame_us, wanted);
}
