/* One stream of an RTSP session: described to others as libavformat would describe it, its packets
 * put together to access units with times on one line for the whole session. */
#ifndef CORVETTE_CAPTURE_RTSP_STREAM_H
#define CORVETTE_CAPTURE_RTSP_STREAM_H

#include <libavformat/avformat.h>
#include <stdbool.h>
#include <stdint.h>

#include "capture/depacketize.h"
#include "capture/rtp.h"
#include "capture/sdp.h"

typedef void (*rtsp_packet_fn)(void *context, AVPacket *packet); /* takes its content over */

struct rtsp_stream {
    AVStream *stream; /* belongs to the format context */
    char *control;    /* whole URL */
    unsigned payload_type;
    unsigned channel; /* interleaved: this and the next */
    struct depacketizer depacketizer;
    struct rtp_order order;
    int64_t shift; /* ticks from the order's times to those of packets */
    bool begun;
    /* the last sender report */
    bool reported;
    int64_t report_us, report_time;
    rtsp_packet_fn emit;
    void *context;
    AVPacket *packet;
};

/* Adds a stream to the context, made from a media description. False for a coding that is not known
 * here. */
bool rtsp_stream_open(struct rtsp_stream *stream, AVFormatContext *format,
                      const struct sdp_media *media);
void rtsp_stream_finish(struct rtsp_stream *stream);
/* A packet of its RTP channel. `since_us`: time since the session's first packet. */
void rtsp_stream_rtp(struct rtsp_stream *stream, const uint8_t *data, size_t length,
                     int64_t since_us);
/* A packet of its RTCP channel; true when the stream is over. */
bool rtsp_stream_rtcp(struct rtsp_stream *stream, const uint8_t *data, size_t length);
/* Puts `stream` on the time line of `leader` by what their sender reports say. */
void rtsp_stream_follow(struct rtsp_stream *stream, const struct rtsp_stream *leader);

#endif
