#include "capture/input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/str.h"
#include "capture/clock.h"
#include "capture/sound.h"
#include "capture/transcode.h"
#include "media/params.h"

#define RETRY_FIRST_US 1000000
#define STEADY_US 10000000     /* a connection that lasted so long was a good one */
#define NO_PICTURE_US 10000000 /* sound goes on, pictures do not: as good as dead */
#define NO_KEY_US 6000000
#define LAG_US 1500000 /* further behind than this detection leaves pictures out */
#define KEY_RARE_US 60000000
/* Sound further from its arrival than this is on another time line. */
#define SOUND_OFF_US 2000000

/* What lives as long as one connection; the input's thread only. */
struct connection {
    struct input *input;
    struct source *source;
    const AVStream *video, *audio; /* of the packet at hand */
    uint64_t lost;                 /* of the source, as counted so far */
    struct capture_clock clock;
    bool begun; /* the first picture came */
    struct mono last_picture;
    struct mono last_key;   /* recorded; or since when one is waited for */
    int64_t wall_offset_us; /* wall - monotonic, at the last packet */
    struct transcode *transcode;
    uint8_t *extradata; /* of the transcoder, to see it change */
    int extradata_bytes;
    bool jumped; /* of the picture being transcoded */
    struct sound *sound;
    bool sound_failed, sound_announced, listening;
    int64_t sound_shift_us;
    char unfit[80];   /* what of the stream cannot be used at all; "" = nothing */
    char trouble[80]; /* of the last recorded picture */
};

/* ------------------------------------------------------------------ state */

static void roles_text(unsigned roles, char text[32])
{
    static const struct {
        enum cfg_role role;
        const char *name;
    } names[] = {
        {CFG_ROLE_DETECT, "detect"}, {CFG_ROLE_RECORD, "record"}, {CFG_ROLE_AUDIO, "audio"}};
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (roles & names[i].role) {
            length += (size_t)snprintf(text + length, 32 - length, "%s%s", length > 0 ? ", " : "",
                                       names[i].name);
        }
    }
}

static void set_state(struct input *input, bool connected, const char *trouble)
{
    pthread_mutex_lock(&input->lock);
    bool changed = input->connected != connected || !str_equal(input->trouble, trouble);
    input->connected = connected;
    snprintf(input->trouble, sizeof input->trouble, "%s", trouble);
    pthread_mutex_unlock(&input->lock);
    unsigned bit = 1u << (input->index & 31);
    if (connected) {
        atomic_fetch_or(&input->counters->connected, bit);
    } else {
        atomic_fetch_and(&input->counters->connected, ~bit);
    }
    if (changed) {
        input->changed(input->context);
    }
}

/* ------------------------------------------------------------------ pictures */

static enum media_codec recordable_codec(enum AVCodecID id)
{
    return id == AV_CODEC_ID_H264 ? MEDIA_H264 : id == AV_CODEC_ID_HEVC ? MEDIA_H265 : 0;
}

static int64_t stream_us(int64_t time, const AVStream *stream)
{
    return time == AV_NOPTS_VALUE ? CLOCK_NONE
                                  : av_rescale_q(time, stream->time_base, AV_TIME_BASE_Q);
}

static int64_t frame_interval(const AVStream *stream)
{
    AVRational rate =
        stream->avg_frame_rate.num > 0 ? stream->avg_frame_rate : stream->r_frame_rate;
    return rate.num > 0 && rate.den > 0 ? av_rescale(1000000, rate.den, rate.num) : 0;
}

static int reorder_depth(const AVCodecParameters *parameters)
{
    struct params params = {0};
    unsigned length_bytes;
    enum media_codec codec = recordable_codec(parameters->codec_id);
    int depth = codec == 0 ? 0 : -1;
    if (codec != 0 && params_from_extradata(&params, codec, parameters->extradata,
                                            (size_t)parameters->extradata_size, &length_bytes)) {
        depth = params_reorder(&params);
    }
    params_finish(&params);
    return depth;
}

/* Copying is enough for what a recording can hold, unless the arguments ask for an encoder. What it
 * cannot hold (MJPEG) is encoded rather than lost. */
static void begin_recording(struct connection *connection, const AVCodecParameters *parameters)
{
    struct input *input = connection->input;
    const struct capture_args *args = &input->record_args;
    enum media_codec codec = recordable_codec(parameters->codec_id);
    bool asked = args->video_codec[0] != '\0' && !str_equal(args->video_codec, "copy");
    if (codec != 0 && !asked) {
        recorder_set_video(input->recorder, codec, parameters->extradata,
                           (size_t)parameters->extradata_size);
        return;
    }
    connection->transcode = transcode_open(parameters, args, frame_interval(connection->video));
    if (connection->transcode == NULL) {
        snprintf(connection->unfit, sizeof connection->unfit, "cannot record %s",
                 avcodec_get_name(parameters->codec_id));
    } else if (!asked) {
        log_info("input %u: %s cannot be recorded as it is: encoding it to H.264", input->index,
                 avcodec_get_name(parameters->codec_id));
    }
}

static void open_sound(struct connection *connection)
{
    struct input *input = connection->input;
    const struct capture_args *args = &input->record_args;
    if (input->recorder == NULL || args->no_audio || connection->audio == NULL ||
        connection->sound != NULL || connection->sound_failed) {
        return;
    }
    connection->sound = sound_open(connection->audio->codecpar, args->audio_rate);
    connection->sound_failed = connection->sound == NULL;
}

static void announce_sound(struct connection *connection)
{
    uint32_t rate;
    unsigned channels;
    const uint8_t *config;
    size_t bytes;
    if (connection->sound != NULL && !connection->sound_announced &&
        sound_describe(connection->sound, &rate, &channels, &config, &bytes)) {
        recorder_set_audio(connection->input->recorder, rate, channels, config, bytes);
        connection->sound_announced = true;
    }
}

/* Listening begins with the pictures, or with a stream that shows up later. */
static void begin_listening(struct connection *connection)
{
    const AVStream *audio = connection->audio;
    if (connection->input->ear != NULL && !connection->listening) {
        ear_begin(connection->input->ear, audio != NULL ? audio->codecpar : NULL);
        connection->listening = audio != NULL;
    }
}

/* An input that is only listened to, and sends no pictures. */
static void begin_sound_alone(struct connection *connection)
{
    log_info("input %u (audio): connected, %s", connection->input->index,
             avcodec_get_name(connection->audio->codecpar->codec_id));
    begin_listening(connection);
    set_state(connection->input, true, "");
    connection->begun = true;
}

static void begin_pictures(struct connection *connection)
{
    struct input *input = connection->input;
    const AVCodecParameters *parameters = connection->video->codecpar;
    bool arrival = source_lacks_times(connection->source);
    clock_init(&connection->clock, arrival, source_has_dts(connection->source),
               reorder_depth(parameters), frame_interval(connection->video));
    if (input->decode != NULL && !decode_begin(input->decode, parameters)) {
        snprintf(connection->unfit, sizeof connection->unfit, "cannot decode %s for detection",
                 avcodec_get_name(parameters->codec_id));
    }
    if (input->recorder != NULL) {
        begin_recording(connection, parameters);
        open_sound(connection);
        if (connection->sound == NULL) {
            recorder_set_audio(input->recorder, 0, 0, NULL, 0);
        }
        announce_sound(connection);
    }
    begin_listening(connection);
    int width = parameters->width, height = parameters->height;
    struct params params = {0};
    unsigned length_bytes;
    if (width == 0 && recordable_codec(parameters->codec_id) != 0 &&
        params_from_extradata(&params, recordable_codec(parameters->codec_id),
                              parameters->extradata, (size_t)parameters->extradata_size,
                              &length_bytes)) {
        params_size(&params, &width, &height);
    }
    params_finish(&params);
    char roles[32], size[32] = "";
    roles_text(input->roles, roles);
    if (width > 0) {
        snprintf(size, sizeof size, " %dx%d", width, height);
    }
    log_info("input %u (%s): connected, %s%s", input->index, roles,
             avcodec_get_name(parameters->codec_id), size);
    if (input->recorder != NULL) {
        bool fit = connection->unfit[0] == '\0';
        recorder_cause(input->recorder, fit ? GAP_NO_KEYFRAME : GAP_NO_VIDEO, connection->unfit);
    }
    set_state(input, true, connection->unfit);
    connection->begun = true;
}

/* What keeps this picture from being recorded as it should; "" = nothing. */
static const char *recording_trouble(struct connection *connection, bool recorded)
{
    int64_t waiting_us = mono_since_us(connection->last_key);
    int error = recorder_error(connection->input->recorder);
    if (error != 0) {
        snprintf(connection->trouble, sizeof connection->trouble, "cannot record: %s",
                 err_name(-error));
        return connection->trouble;
    }
    if (!recorded) {
        return waiting_us > NO_KEY_US ? "the stream has no key pictures: nothing can be recorded"
                                      : connection->input->trouble;
    }
    return waiting_us > KEY_RARE_US ? "no key picture for a minute: the recording cannot be cut"
                                    : connection->unfit;
}

static void record_picture(struct connection *connection, AVPacket *packet, bool jumped)
{
    struct input *input = connection->input;
    bool key = packet->flags & AV_PKT_FLAG_KEY;
    bool recorded = recorder_video(input->recorder, packet, jumped);
    if ((key && recorded) || connection->last_key.us == 0) {
        connection->last_key = mono_now();
    }
    const char *trouble = recording_trouble(connection, recorded);
    if (!str_equal(trouble, input->trouble)) { /* written by this thread only */
        set_state(input, true, trouble);
    }
}

static void take_transcoded(void *context, AVPacket *packet, const uint8_t *extradata, int bytes)
{
    struct connection *connection = context;
    if (bytes != connection->extradata_bytes ||
        memcmp(extradata, connection->extradata, (size_t)bytes) != 0) {
        free(connection->extradata);
        connection->extradata = malloc((size_t)bytes + 1);
        if (connection->extradata == NULL) {
            abort();
        }
        memcpy(connection->extradata, extradata, (size_t)bytes);
        connection->extradata_bytes = bytes;
        recorder_set_video(connection->input->recorder, MEDIA_H264, extradata, (size_t)bytes);
    }
    record_picture(connection, packet, connection->jumped);
    connection->jumped = false;
}

static void take_picture(struct connection *connection, AVPacket *packet, struct mono arrival)
{
    struct input *input = connection->input;
    struct clock_in in = {.pts_us = stream_us(packet->pts, connection->video),
                          .dts_us = stream_us(packet->dts, connection->video),
                          .wall = {arrival.us + connection->wall_offset_us},
                          .mono = arrival,
                          .key = (packet->flags & AV_PKT_FLAG_KEY) != 0};
    struct clock_out out;
    clock_map(&connection->clock, &in, &out);
    packet->pts = out.pts_us;
    packet->dts = out.dts_us;
    packet->time_base = AV_TIME_BASE_Q;
    connection->last_picture = arrival;
    if (input->decode != NULL) {
        decode_packet(input->decode, packet, connection->clock.frame_us, out.lag_us > LAG_US);
    }
    if (connection->transcode != NULL) {
        connection->jumped |= out.jumped;
        transcode_packet(connection->transcode, packet, take_transcoded, connection);
    } else if (input->recorder != NULL &&
               recordable_codec(connection->video->codecpar->codec_id) != 0) {
        record_picture(connection, packet, out.jumped);
    }
}

/* ------------------------------------------------------------------ sound */

static void take_sound_packet(void *context, AVPacket *packet)
{
    struct connection *connection = context;
    announce_sound(connection);
    recorder_audio(connection->input->recorder, packet);
}

/* Sound shares the pictures' time line where the two agree; else it is put where it arrived. */
static void take_sound(struct connection *connection, AVPacket *packet, struct mono arrival)
{
    int64_t time = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
    int64_t now = arrival.us + connection->wall_offset_us;
    if (time == AV_NOPTS_VALUE) {
        return;
    }
    int64_t us = stream_us(time, connection->audio) + connection->clock.offset_us;
    int64_t off = us + connection->sound_shift_us - now;
    if (off > SOUND_OFF_US || off < -SOUND_OFF_US) {
        connection->sound_shift_us = now - us;
    }
    packet->dts = packet->pts = us + connection->sound_shift_us;
    if (connection->listening) {
        ear_packet(connection->input->ear, packet);
    }
    if (connection->sound != NULL &&
        !sound_packet(connection->sound, packet, take_sound_packet, connection)) {
        sound_close(connection->sound);
        connection->sound = NULL;
        connection->sound_failed = true;
    }
}

static void take_sound_stream(struct connection *connection, AVPacket *packet, struct mono arrival)
{
    if (connection->input->roles == CFG_ROLE_AUDIO) {
        connection->last_picture = arrival; /* nobody waits for pictures here */
        if (!connection->begun && connection->video == NULL) {
            begin_sound_alone(connection);
        }
    }
    if (!connection->begun) {
        return;
    }
    if (connection->sound == NULL) {
        open_sound(connection);
        announce_sound(connection);
    }
    begin_listening(connection);
    take_sound(connection, packet, arrival);
}

/* ------------------------------------------------------------------ connection */

static void take_packet(struct connection *connection, AVPacket *packet, struct mono arrival)
{
    struct board_capture *counters = connection->input->counters;
    atomic_fetch_add_explicit(&counters->packets, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counters->bytes, (uint64_t)packet->size, memory_order_relaxed);
    uint64_t lost = source_lost(connection->source);
    if (lost > connection->lost) {
        atomic_fetch_add(&counters->packets_lost, lost - connection->lost);
        connection->lost = lost;
    }
    const AVStream *stream = source_stream(connection->source, packet->stream_index);
    connection->wall_offset_us = wall_now().us - mono_now().us;
    connection->video = source_video(connection->source); /* never that of a packet before */
    connection->audio = source_audio(connection->source);
    if (stream == connection->video) {
        if (!connection->begun) {
            begin_pictures(connection);
        }
        take_picture(connection, packet, arrival);
    } else if (stream == connection->audio) {
        take_sound_stream(connection, packet, arrival);
    }
}

static void close_connection(struct connection *connection)
{
    struct input *input = connection->input;
    if (input->recorder != NULL) {
        recorder_break(input->recorder);
    }
    if (input->decode != NULL) {
        decode_end(input->decode);
    }
    if (input->ear != NULL) {
        ear_end(input->ear);
    }
    transcode_close(connection->transcode);
    sound_close(connection->sound);
    source_close(connection->source);
    free(connection->extradata);
}

/* Serves one connection to its end: whether any picture came, and why it ended. */
static bool serve(struct input *input, AVPacket *packet, struct err *err)
{
    struct connection connection = {.input = input};
    connection.source = source_open(input->config->path, &input->args, input->stopper, err);
    if (connection.source == NULL) {
        return false;
    }
    connection.last_picture = mono_now();
    struct mono arrival;
    while (source_read(connection.source, packet, &arrival, err) == 0) {
        take_packet(&connection, packet, arrival);
        av_packet_unref(packet);
        if (arrival.us - connection.last_picture.us > NO_PICTURE_US) {
            err_set(err, ETIMEDOUT, "no picture came for %d s", NO_PICTURE_US / 1000000);
            break;
        }
    }
    bool begun = connection.begun;
    close_connection(&connection);
    return begun;
}

static int64_t next_delay(const struct input *input, int64_t delay_us)
{
    int64_t limit = (int64_t)(input->retry_interval * 1e6);
    limit = limit > RETRY_FIRST_US ? limit : RETRY_FIRST_US;
    return delay_us * 2 < limit ? delay_us * 2 : limit;
}

static void *run(void *context)
{
    struct input *input = context;
    char name[16], last_reason[sizeof((struct err *)0)->text] = "";
    snprintf(name, sizeof name, "input %u", input->index);
    prctl(PR_SET_NAME, name);
    AVPacket *packet = av_packet_alloc();
    int64_t delay_us = RETRY_FIRST_US;
    while (packet != NULL && !atomic_load(&input->stopper->stopped)) {
        struct err err = ERR_NONE;
        struct mono begin = mono_now();
        bool worked = serve(input, packet, &err);
        if (atomic_load(&input->stopper->stopped)) {
            break;
        }
        set_state(input, false, err.text);
        if (input->recorder != NULL) {
            recorder_cause(input->recorder, GAP_UNREACHABLE, err.text);
        }
        if (worked || !str_equal(last_reason, err.text)) { /* once per change of state */
            log_warning("input %u: %s; trying again", input->index, err.text);
        }
        snprintf(last_reason, sizeof last_reason, "%s", worked ? "" : err.text);
        delay_us = worked && mono_since_us(begin) > STEADY_US ? RETRY_FIRST_US : delay_us;
        if (stopper_wait(input->stopper, delay_us)) {
            break;
        }
        delay_us = next_delay(input, delay_us);
        atomic_fetch_add_explicit(&input->counters->reconnects, 1, memory_order_relaxed);
    }
    av_packet_free(&packet);
    set_state(input, false, "");
    atomic_store(&input->finished, true);
    input->ended(input->context);
    return NULL;
}

void input_start(struct input *input)
{
    input->running = true;
    if (pthread_create(&input->thread, NULL, run, input) != 0) {
        abort();
    }
}

void input_finish(struct input *input)
{
    if (input->running) {
        pthread_join(input->thread, NULL);
        pthread_mutex_destroy(&input->lock);
        input->running = false;
    }
    capture_args_finish(&input->args);
    capture_args_finish(&input->record_args);
}
