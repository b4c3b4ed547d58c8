#include "capture/rtsp_stream.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/str.h"
#include "capture/rtsp_message.h"
#include "media/params.h"

#define AAC_TICKS 1024
#define CONFIG_MAX_BYTES 64
/* Sender reports: less than the first is no reason to move, more than the second is no time. */
#define FOLLOW_MIN_US 20000
#define FOLLOW_MAX_US 5000000

static const struct {
    const char *encoding;
    enum rtp_coding coding;
    enum AVCodecID codec;
    unsigned sample_bytes; /* of one channel */
} codings[] = {
    {"H264", CODING_H264, AV_CODEC_ID_H264, 0},
    {"H265", CODING_H265, AV_CODEC_ID_HEVC, 0},
    {"MPEG4-GENERIC", CODING_AAC, AV_CODEC_ID_AAC, 0},
    {"PCMU", CODING_WHOLE, AV_CODEC_ID_PCM_MULAW, 1},
    {"PCMA", CODING_WHOLE, AV_CODEC_ID_PCM_ALAW, 1},
    {"L16", CODING_WHOLE, AV_CODEC_ID_PCM_S16BE, 2},
    {"OPUS", CODING_WHOLE, AV_CODEC_ID_OPUS, 0},
};

static unsigned parameter_number(const char *format, const char *name, unsigned limit)
{
    char AUTO_FREE *text = sdp_parameter(format, name);
    long long value;
    return text != NULL && str_to_int(text, &value) && value > 0 && value <= limit ? (unsigned)value
                                                                                   : 0;
}

static void set_extradata(AVCodecParameters *parameters, const void *data, size_t bytes)
{
    uint8_t *copy = av_mallocz(bytes + AV_INPUT_BUFFER_PADDING_SIZE);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, data, bytes);
    parameters->extradata = copy;
    parameters->extradata_size = (int)bytes;
}

/* ------------------------------------------------------------------ pictures */

/* "Z0IA...,aM4..." -> start code and NAL unit, each. */
static void add_sets(struct str *out, const char *list)
{
    while (list != NULL && *list != '\0') {
        size_t length = strcspn(list, ",");
        char AUTO_FREE *text = mem_strndup(list, length);
        struct str AUTO_STR set = {0};
        if (length > 0 && str_add_from_base64(&set, text) && set.length > 0) {
            str_add_bytes(out, "\0\0\0\1", 4);
            str_add_bytes(out, set.data, set.length);
        }
        list += length + (list[length] == ',');
    }
}

/* With all parameter sets known beforehand the packets are as in a file: with lengths, which no one
 * has to search for start codes. Else the stream brings its sets along. */
static void describe_pictures(struct rtsp_stream *stream, const struct sdp_media *media)
{
    static const char *const names[] = {"sprop-parameter-sets", "sprop-vps", "sprop-sps",
                                        "sprop-pps"};
    AVCodecParameters *parameters = stream->stream->codecpar;
    bool h264 = stream->depacketizer.coding == CODING_H264;
    struct str AUTO_STR sets = {0};
    for (size_t i = h264 ? 0 : 1; i < (h264 ? 1 : ARRAY_SIZE(names)); i++) {
        char AUTO_FREE *list = sdp_parameter(media->format, names[i]);
        add_sets(&sets, list);
    }
    struct params params = {0};
    unsigned length_bytes;
    if (params_from_extradata(&params, h264 ? MEDIA_H264 : MEDIA_H265, sets.data, sets.length,
                              &length_bytes) &&
        params_complete(&params)) {
        struct str AUTO_STR config = {0};
        params_write(&params, &config);
        set_extradata(parameters, config.data, config.length);
        params_size(&params, &parameters->width, &parameters->height);
        parameters->profile = h264 ? (uint8_t)config.data[1] : config.data[1] & 0x1f;
        stream->depacketizer.prefixed = true;
    }
    params_finish(&params);
    if (media->frame_rate > 0) {
        stream->stream->avg_frame_rate = av_d2q(media->frame_rate, 100000);
    }
}

/* Interleaved units and their like, which cameras do not use. */
static bool is_plain_video(const struct sdp_media *media)
{
    return parameter_number(media->format, "packetization-mode", 9) < 2 &&
           parameter_number(media->format, "sprop-max-don-diff", 32767) == 0;
}

/* ------------------------------------------------------------------ sound */

/* ISO/IEC 14496-3, 1.6.2.1: profile, and the true number of channels and rate. */
static bool describe_aac(struct rtsp_stream *stream, const struct sdp_media *media)
{
    struct depacketizer *depacketizer = &stream->depacketizer;
    depacketizer->size_bits = parameter_number(media->format, "sizelength", 16);
    depacketizer->index_bits = parameter_number(media->format, "indexlength", 16);
    depacketizer->delta_bits = parameter_number(media->format, "indexdeltalength", 16);
    depacketizer->unit_ticks = parameter_number(media->format, "constantduration", 8192);
    if (depacketizer->unit_ticks == 0) {
        depacketizer->unit_ticks = AAC_TICKS;
    }
    char AUTO_FREE *text = sdp_parameter(media->format, "config");
    uint8_t config[CONFIG_MAX_BYTES];
    size_t length = text != NULL ? strlen(text) : 0;
    if (depacketizer->size_bits == 0 || length < 4 || length % 2 != 0 ||
        length > 2 * sizeof config || strspn(text, "0123456789abcdefABCDEF") != length) {
        return false;
    }
    for (size_t i = 0; i < length / 2; i++) {
        char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};
        config[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    AVCodecParameters *parameters = stream->stream->codecpar;
    set_extradata(parameters, config, length / 2);
    parameters->profile = (config[0] >> 3) - 1;
    parameters->frame_size = (int)depacketizer->unit_ticks;
    return true;
}

static bool describe_sound(struct rtsp_stream *stream, const struct sdp_media *media,
                           unsigned sample_bytes)
{
    AVCodecParameters *parameters = stream->stream->codecpar;
    unsigned channels = media->channels > 0 ? media->channels : 1;
    if (channels > 8) {
        return false;
    }
    parameters->sample_rate = (int)media->clock_rate;
    av_channel_layout_default(&parameters->ch_layout, (int)channels);
    stream->depacketizer.sample_bytes = sample_bytes * channels;
    return stream->depacketizer.coding != CODING_AAC || describe_aac(stream, media);
}

/* ------------------------------------------------------------------ units to packets */

static void emit_unit(void *context, const struct rtp_unit *unit)
{
    struct rtsp_stream *stream = context;
    AVPacket *packet = stream->packet;
    if (av_new_packet(packet, (int)unit->bytes) < 0) {
        abort();
    }
    memcpy(packet->data, unit->data, unit->bytes);
    packet->stream_index = stream->stream->index;
    packet->pts = unit->time + stream->shift;
    packet->duration = unit->duration;
    packet->flags = (unit->key ? AV_PKT_FLAG_KEY : 0) | (unit->damaged ? AV_PKT_FLAG_CORRUPT : 0);
    stream->emit(stream->context, packet);
}

bool rtsp_stream_open(struct rtsp_stream *stream, AVFormatContext *format,
                      const struct sdp_media *media)
{
    size_t row = 0;
    while (row < ARRAY_SIZE(codings) && strcasecmp(codings[row].encoding, media->encoding) != 0) {
        row++;
    }
    bool video = media->kind == SDP_VIDEO;
    if (row == ARRAY_SIZE(codings) || media->clock_rate == 0 ||
        video != (codings[row].coding <= CODING_H265) || (video && !is_plain_video(media))) {
        return false;
    }
    stream->stream = avformat_new_stream(format, NULL);
    stream->packet = av_packet_alloc();
    if (stream->stream == NULL || stream->packet == NULL) {
        abort();
    }
    stream->payload_type = media->payload_type;
    stream->stream->time_base = (AVRational){1, (int)media->clock_rate};
    stream->stream->codecpar->codec_type = video ? AVMEDIA_TYPE_VIDEO : AVMEDIA_TYPE_AUDIO;
    stream->stream->codecpar->codec_id = codings[row].codec;
    stream->depacketizer =
        (struct depacketizer){.coding = codings[row].coding, .emit = emit_unit, .context = stream};
    if (!video) {
        return describe_sound(stream, media, codings[row].sample_bytes);
    }
    describe_pictures(stream, media);
    return true;
}

void rtsp_stream_finish(struct rtsp_stream *stream)
{
    depacketizer_finish(&stream->depacketizer);
    av_packet_free(&stream->packet);
    free(stream->control);
    stream->control = NULL;
}

void rtsp_stream_rtp(struct rtsp_stream *stream, const uint8_t *data, size_t length,
                     int64_t since_us)
{
    struct rtp_packet packet;
    if (!rtp_read(&packet, data, length) || packet.payload_type != stream->payload_type) {
        return;
    }
    enum rtp_verdict verdict = rtp_take(&stream->order, &packet);
    if (verdict == RTP_OLD) {
        return;
    }
    if (!stream->begun) {
        stream->begun = true;
        stream->shift = av_rescale_q(since_us, AV_TIME_BASE_Q, stream->stream->time_base);
    }
    depacketize(&stream->depacketizer, &packet, stream->order.time, verdict == RTP_GAP);
}

bool rtsp_stream_rtcp(struct rtsp_stream *stream, const uint8_t *data, size_t length)
{
    struct rtcp_report report;
    if (!rtcp_read(&report, data, length)) {
        return false;
    }
    if (report.has_sender && report.ntp != 0 && stream->order.begun &&
        report.source == stream->order.source) {
        stream->reported = true;
        stream->report_us = rtcp_ntp_us(report.ntp);
        stream->report_time = rtp_time(&stream->order, report.timestamp);
    }
    return report.bye && report.bye_source == stream->order.source;
}

void rtsp_stream_follow(struct rtsp_stream *stream, const struct rtsp_stream *leader)
{
    if (!stream->reported || !leader->reported) {
        return;
    }
    AVRational base = stream->stream->time_base;
    int64_t leader_us = av_rescale_q(leader->report_time + leader->shift, leader->stream->time_base,
                                     AV_TIME_BASE_Q);
    int64_t here_us = av_rescale_q(stream->report_time + stream->shift, base, AV_TIME_BASE_Q);
    int64_t off_us = (stream->report_us - leader->report_us) - (here_us - leader_us);
    if (llabs(off_us) >= FOLLOW_MIN_US && llabs(off_us) <= FOLLOW_MAX_US) {
        stream->shift += av_rescale_q(off_us, AV_TIME_BASE_Q, base);
    }
}
