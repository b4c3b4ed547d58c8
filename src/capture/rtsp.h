/* An RTSP session over TCP (RFC 2326, media interleaved): connected, described, set up, played and
 * kept alive; its packets are access units with presentation times. Blocking calls on one thread;
 * waits are bounded and end with the stop flag. What the camera sends is taken for hostile. */
#ifndef CORVETTE_CAPTURE_RTSP_H
#define CORVETTE_CAPTURE_RTSP_H

#include <libavformat/avformat.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

struct rtsp;
struct stopper;

struct rtsp_options {
    const char *url;
    const char *user_agent; /* NULL: our own */
    int64_t open_us;        /* for the whole beginning */
    int64_t silence_us;     /* without any data */
    bool pictures, sound;   /* which of them are wanted */
    bool patient;           /* no one waits for the pictures: they may come in larger lots */
    const struct stopper *stopper;
};

/* NULL with a sentence (without the URL: it may hold a password). `unfit`: the camera is there, but
 * offers what only libavformat can take. */
struct rtsp *rtsp_open(const struct rtsp_options *options, bool *unfit, struct err *err);
void rtsp_close(struct rtsp *rtsp); /* NULL is fine */

/* Next packet of any stream and when it was there; 0, or -errno with a sentence. */
int rtsp_read(struct rtsp *rtsp, AVPacket *packet, struct mono *arrival, struct err *err);

/* Holds the streams, nothing else; belongs to the session. */
AVFormatContext *rtsp_format(struct rtsp *rtsp);
/* RTP packets that never came, so far. */
uint64_t rtsp_lost(const struct rtsp *rtsp);

#endif
