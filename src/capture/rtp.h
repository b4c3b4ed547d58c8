/* RTP and RTCP packets (RFC 3550), the order they come in and the times they carry. Pure. */
#ifndef CORVETTE_CAPTURE_RTP_H
#define CORVETTE_CAPTURE_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rtp_packet {
    bool marker;
    unsigned payload_type;
    uint16_t sequence;
    uint32_t timestamp, source; /* SSRC */
    const uint8_t *payload;
    size_t bytes;
};

/* False for what is no RTP packet of version 2. */
bool rtp_read(struct rtp_packet *packet, const uint8_t *data, size_t length);

/* One stream's packets as they arrive. */
struct rtp_order {
    bool begun;
    uint16_t sequence;  /* of the last packet taken */
    uint32_t source;    /* its SSRC */
    uint32_t timestamp; /* the last one seen */
    int64_t time;       /* the same, unwrapped: rises over the 32 bits */
    uint64_t received, lost;
};

enum rtp_verdict {
    RTP_NEXT = 1, /* follows the packet before it */
    RTP_GAP,      /* some before it are missing, or a new source begins */
    RTP_OLD,      /* came before, or too late: leave it out */
};

/* Takes note of a packet; its time in ticks since some beginning is `order->time` afterwards. */
enum rtp_verdict rtp_take(struct rtp_order *order, const struct rtp_packet *packet);

/* What time in ticks a timestamp near the last one means. */
int64_t rtp_time(const struct rtp_order *order, uint32_t timestamp);

struct rtcp_report {
    bool has_sender; /* a sender report was in it */
    uint64_t ntp;    /* 32.32 seconds since 1900 */
    uint32_t timestamp, source;
    bool bye;
    uint32_t bye_source; /* who says so; 0 when not said */
};

/* Reads a compound packet; false when it is mangled from the start. */
bool rtcp_read(struct rtcp_report *report, const uint8_t *data, size_t length);

/* Microseconds since 1970. */
int64_t rtcp_ntp_us(uint64_t ntp);

#endif
