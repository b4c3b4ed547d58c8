/* A camera's sound as it is listened to: decoded, made 16 kHz mono, measured chunk by chunk for the
 * scoreboard and the segments' rows, and put into the camera's sound ring for the sound role.
 * Whatever goes wrong here ends the listening of this connection, never the recording.
 *
 * One thread (the input's), ear_dbfs() apart. */
#ifndef CORVETTE_CAPTURE_EAR_H
#define CORVETTE_CAPTURE_EAR_H

#include <libavcodec/avcodec.h>
#include <stdbool.h>
#include <stdint.h>

#include "ring/board.h"
#include "ring/sounds.h"

struct ear;

struct ear_options {
    struct sounds *sounds; /* NULL: levels only. Must outlive the ear */
    int ready_fd;          /* eventfd written after each hop, -1 = none */
    int min_volume;        /* rms from which a chunk is loud */
    struct board_capture *counters;
};

struct ear *ear_create(const struct ear_options *options);
void ear_destroy(struct ear *ear); /* NULL is fine */

/* A new connection's sound; NULL: it has none. What cannot be heard is said in the log. */
void ear_begin(struct ear *ear, const AVCodecParameters *parameters);
/* `packet->dts` is wall microseconds; the packet stays as it is. */
void ear_packet(struct ear *ear, const AVPacket *packet);
void ear_end(struct ear *ear);

/* Rounded mean level of a span of wall time: of its loud chunks, or of all when none was loud; 0 =
 * nothing was heard. Any thread. */
int ear_dbfs(struct ear *ear, int64_t start_us, int64_t end_us);

#endif
