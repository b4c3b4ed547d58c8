/* RTP payloads put together to access units: H.264 (RFC 6184, modes 0 and 1), H.265 (RFC 7798), AAC
 * (RFC 3640) and codings whose packets are whole units (G.711, L16, Opus). Pure: packets in, units
 * out; payloads may be anything.
 *
 * A picture ends with the marker bit, or where the next timestamp begins; cameras that set the
 * marker within pictures are found out. What is missing is left out, what came is passed on: a
 * picture with a hole is marked, one without any slice is dropped. */
#ifndef CORVETTE_CAPTURE_DEPACKETIZE_H
#define CORVETTE_CAPTURE_DEPACKETIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/rtp.h"

#define UNIT_MAX_BYTES (16u << 20)

enum rtp_coding { CODING_H264 = 1, CODING_H265, CODING_AAC, CODING_WHOLE };

struct rtp_unit {
    const uint8_t *data; /* until the emitter returns */
    size_t bytes;
    int64_t time;     /* ticks */
    int64_t duration; /* ticks, 0 = unknown */
    bool key, damaged;
};

typedef void (*rtp_unit_fn)(void *context, const struct rtp_unit *unit);

struct depacketizer {
    /* settings */
    enum rtp_coding coding;
    bool prefixed; /* NAL units get lengths of 4 bytes, else start codes */
    unsigned size_bits, index_bits, delta_bits; /* of AAC's unit headers */
    unsigned unit_ticks;                        /* length of an AAC unit */
    unsigned sample_bytes;                      /* of CODING_WHOLE, all channels; 0 = no samples */
    rtp_unit_fn emit;
    void *context;
    /* the unit at hand */
    uint8_t *data;
    size_t bytes, capacity;
    size_t nal_at; /* its prefix; the NAL unit at hand is everything from there */
    int64_t time;
    bool open, in_nal, has_slice, key, damaged;
    bool after_gap;       /* packets before it are missing: its own, or those of another */
    bool slice_continues; /* its first slice is not the first of a picture */
    /* what was seen so far */
    bool marker_lies;
    bool emitted;
    int64_t emitted_time;
    uint64_t dropped; /* units of which nothing was left */
};

void depacketizer_finish(struct depacketizer *depacketizer);
/* `gap`: packets before this one are missing. */
void depacketize(struct depacketizer *depacketizer, const struct rtp_packet *packet, int64_t time,
                 bool gap);

/* Of depacketize_sound.c. */
void depacketize_aac(struct depacketizer *depacketizer, const struct rtp_packet *packet,
                     int64_t time, bool gap);
void depacketize_whole(struct depacketizer *depacketizer, const struct rtp_packet *packet,
                       int64_t time);
/* Appends to the unit at hand, as far as its bound allows. */
void depacketizer_add(struct depacketizer *depacketizer, const uint8_t *data, size_t bytes);

#endif
