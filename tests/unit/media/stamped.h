/* Test streams whose pictures carry their own number, so that a test can tell which frames are
 * there after whatever happened to them. Needs the encoders of libavcodec (libx264, libx265,
 * mjpeg). */
#ifndef CORVETTE_TESTS_STAMPED_H
#define CORVETTE_TESTS_STAMPED_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#define STAMPED_BITS 16

struct stamped_options {
    enum AVCodecID codec; /* AV_CODEC_ID_H264, AV_CODEC_ID_HEVC, AV_CODEC_ID_MJPEG */
    int width, height;    /* at least 16 * STAMPED_BITS wide */
    int fps, gop, b_frames;
    int frames, first; /* number of the first picture */
    int sound_rate;    /* > 0: a tone */
    enum AVCodecID sound_codec;
    int switch_at, switch_width,
        switch_height; /* pictures from this one on have another size; 0 = never */
};

/* Writes such a stream with libavformat into a file, container by its name's extension. */
void stamped_write_file(const char *path, const struct stamped_options *options);

/* Encoder set up for the options (global header), and one call per picture; NULL frame flushes.
 * Packets' times are in 1/90000 s. The callback gets each packet. */
typedef void (*stamped_packet_fn)(void *context, const AVPacket *packet);
AVCodecContext *stamped_encoder(const struct stamped_options *options);
void stamped_encode(AVCodecContext *encoder, const struct stamped_options *options, int number,
                    stamped_packet_fn fn, void *context);
void stamped_flush(AVCodecContext *encoder, stamped_packet_fn fn, void *context);

/* Number of a decoded picture (8-bit luma plane). */
int stamped_number(const uint8_t *luma, int stride, int width);

/* Demuxes and decodes a whole file: numbers of all its pictures in presentation order, their times
 * in seconds, and the seconds of sound. Arrays are malloc'd. */
struct stamped_content {
    int *numbers;
    double *times;
    int count, capacity;
    int width, height;
    double sound_seconds, sound_first;
};
void stamped_read_file(const char *path, struct stamped_content *content);
void stamped_content_finish(struct stamped_content *content);

#endif
