/* The least that watching a stream can cost: its pictures decoded by libavcodec, one thread,
 * default flags, and thrown away.
 *
 *     decode_floor VIDEO SECONDS [real-time]
 *
 * Repeats the file until SECONDS of video are decoded and prints the CPU time (user + system,
 * demuxing included, opening not) per minute of video. As fast as it can, or with `real-time` each
 * picture when a camera would send it: caches are cold then, and the same work costs more. */
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/str.h"

struct floor {
    AVFormatContext *format;
    AVCodecContext *codec;
    AVPacket *packet;
    AVFrame *frame;
    int stream;
    double fps;
    long frames;
    bool real_time;
    struct timespec due; /* CLOCK_MONOTONIC of the next picture */
};

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static bool open_video(struct floor *floor, const char *path)
{
    const AVCodec *decoder = NULL;
    if (avformat_open_input(&floor->format, path, NULL, NULL) < 0 ||
        avformat_find_stream_info(floor->format, NULL) < 0) {
        return false;
    }
    floor->stream = av_find_best_stream(floor->format, AVMEDIA_TYPE_VIDEO, -1, -1, &decoder, 0);
    if (floor->stream < 0) {
        return false;
    }
    const AVStream *stream = floor->format->streams[floor->stream];
    floor->fps = av_q2d(stream->avg_frame_rate);
    floor->codec = avcodec_alloc_context3(decoder);
    floor->packet = av_packet_alloc();
    floor->frame = av_frame_alloc();
    if (floor->fps <= 0 || floor->codec == NULL || floor->packet == NULL || floor->frame == NULL ||
        avcodec_parameters_to_context(floor->codec, stream->codecpar) < 0) {
        return false;
    }
    floor->codec->thread_count = 1;
    return avcodec_open2(floor->codec, decoder, NULL) >= 0;
}

/* NULL at the end of the file: the pictures still inside the decoder come out. */
static void decode(struct floor *floor, const AVPacket *packet)
{
    avcodec_send_packet(floor->codec, packet);
    while (avcodec_receive_frame(floor->codec, floor->frame) == 0) {
        floor->frames++;
        av_frame_unref(floor->frame);
    }
}

static void pace(struct floor *floor)
{
    if (!floor->real_time) {
        return;
    }
    if (floor->due.tv_sec == 0) {
        clock_gettime(CLOCK_MONOTONIC, &floor->due);
    }
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &floor->due, NULL);
    floor->due.tv_nsec += (long)(1e9 / floor->fps);
    floor->due.tv_sec += floor->due.tv_nsec / 1000000000;
    floor->due.tv_nsec %= 1000000000;
}

/* Decodes on until there are `frames` of them; false when the file gives none. */
static bool decode_frames(struct floor *floor, long frames)
{
    long at_begin = -1;
    while (floor->frames < frames) {
        if (av_read_frame(floor->format, floor->packet) >= 0) {
            if (floor->packet->stream_index == floor->stream) {
                pace(floor);
                decode(floor, floor->packet);
            }
            av_packet_unref(floor->packet);
            continue;
        }
        decode(floor, NULL);
        avcodec_flush_buffers(floor->codec);
        if (floor->frames == at_begin ||
            av_seek_frame(floor->format, floor->stream, 0, AVSEEK_FLAG_BACKWARD) < 0) {
            return false;
        }
        at_begin = floor->frames;
    }
    return true;
}

int main(int count, char **arguments)
{
    double seconds = 0;
    struct floor floor = {0};
    floor.real_time = count == 4 && strcmp(arguments[3], "real-time") == 0;
    if (count < 3 || count > 3 + floor.real_time || !str_to_double(arguments[2], &seconds) ||
        seconds <= 0) {
        fprintf(stderr, "usage: decode_floor VIDEO SECONDS [real-time]\n");
        return 2;
    }
    av_log_set_level(AV_LOG_ERROR);
    bool good = open_video(&floor, arguments[1]);
    if (good) {
        double before = cpu_seconds();
        good = decode_frames(&floor, (long)(seconds * floor.fps));
        double minutes = (double)floor.frames / floor.fps / 60;
        printf("cpu_s_per_minute %.3f\nframes %ld\n", (cpu_seconds() - before) / minutes,
               floor.frames);
    }
    av_frame_free(&floor.frame);
    av_packet_free(&floor.packet);
    avcodec_free_context(&floor.codec);
    avformat_close_input(&floor.format);
    if (!good) {
        fprintf(stderr, "decode_floor: cannot decode %s\n", arguments[1]);
        return 1;
    }
    return 0;
}
