/* The detect stream's packets into pictures in the camera's frame ring: decoded (by hardware where
 * asked for and there, else in software with one warning), picked by time, scaled into the ring's
 * size, announced by the eventfd. Beyond the decoding itself only picked pictures cost anything;
 * pictures no other needs and nobody wants are not even decoded. One thread. */
#ifndef CORVETTE_CAPTURE_DECODE_H
#define CORVETTE_CAPTURE_DECODE_H

#include <libavcodec/avcodec.h>
#include <stdbool.h>
#include <stdint.h>

#include "capture/args.h"
#include "ring/board.h"
#include "ring/frames.h"

struct decode;

struct decode_options {
    struct frames *frames;
    int ready_fd; /* eventfd written after each picture, -1 = none */
    int fps;
    const struct capture_args *args;
    bool hwaccel_auto; /* use what hardware is there, silently */
    struct board_capture *counters;
};

struct decode *decode_create(const struct decode_options *options);
void decode_destroy(struct decode *decode); /* NULL is fine */

/* A new connection: false when there is no decoder for it (said in the log). */
bool decode_begin(struct decode *decode, const AVCodecParameters *parameters);
/* The packet's pts is wall microseconds. `frame_us`: typical interval. `lagging`: we are behind the
 * camera; pictures are left out until the next key picture after that is over. */
void decode_packet(struct decode *decode, const AVPacket *packet, int64_t frame_us, bool lagging);
void decode_end(struct decode *decode);

#endif
