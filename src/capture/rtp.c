#include "capture/rtp.h"

#define HEADER_BYTES 12
#define NTP_TO_UNIX_S 2208988800u
/* A packet this far behind is a repetition; further away the sender has begun anew. */
#define LATE_MAX 1000
#define LOST_MAX 3000

static uint32_t be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t be32(const uint8_t *p)
{
    return be16(p) << 16 | be16(p + 2);
}

bool rtp_read(struct rtp_packet *packet, const uint8_t *data, size_t length)
{
    if (length < HEADER_BYTES || data[0] >> 6 != 2) {
        return false;
    }
    size_t start = HEADER_BYTES + 4 * (size_t)(data[0] & 15);
    size_t padding = 0;
    if (data[0] & 0x10) {
        if (length < start + 4) {
            return false;
        }
        start += 4 + 4 * (size_t)be16(data + start + 2);
    }
    if (data[0] & 0x20) {
        padding = data[length - 1];
    }
    if (length < start + padding) {
        return false;
    }
    *packet = (struct rtp_packet){
        .marker = data[1] >> 7,
        .payload_type = data[1] & 0x7f,
        .sequence = (uint16_t)be16(data + 2),
        .timestamp = be32(data + 4),
        .source = be32(data + 8),
        .payload = data + start,
        .bytes = length - start - padding,
    };
    return true;
}

int64_t rtp_time(const struct rtp_order *order, uint32_t timestamp)
{
    return order->time + (int32_t)(timestamp - order->timestamp);
}

static void begin(struct rtp_order *order, const struct rtp_packet *packet)
{
    order->begun = true;
    order->source = packet->source;
    order->timestamp = packet->timestamp;
}

enum rtp_verdict rtp_take(struct rtp_order *order, const struct rtp_packet *packet)
{
    enum rtp_verdict verdict = RTP_NEXT;
    if (!order->begun) {
        begin(order, packet);
    } else if (packet->source != order->source) {
        begin(order, packet); /* its times are on another line: this one goes on from where it is */
        verdict = RTP_GAP;
    } else {
        int step = (int16_t)(uint16_t)(packet->sequence - order->sequence);
        if (step <= 0 && step > -LATE_MAX) {
            return RTP_OLD;
        }
        verdict = step == 1 ? RTP_NEXT : RTP_GAP;
        order->lost += step > 1 && step < LOST_MAX ? (uint64_t)step - 1 : 0;
        order->time = rtp_time(order, packet->timestamp);
        order->timestamp = packet->timestamp;
    }
    order->sequence = packet->sequence;
    order->received++;
    return verdict;
}

bool rtcp_read(struct rtcp_report *report, const uint8_t *data, size_t length)
{
    *report = (struct rtcp_report){0};
    bool any = false;
    while (length >= 4 && data[0] >> 6 == 2) {
        size_t bytes = 4 * ((size_t)be16(data + 2) + 1);
        if (bytes > length) {
            break;
        }
        any = true;
        if (data[1] == 200 && bytes >= 28) {
            report->has_sender = true;
            report->source = be32(data + 4);
            report->ntp = (uint64_t)be32(data + 8) << 32 | be32(data + 12);
            report->timestamp = be32(data + 16);
        } else if (data[1] == 203) {
            report->bye = true;
            report->bye_source = bytes >= 8 && data[0] & 31 ? be32(data + 4) : 0;
        }
        data += bytes;
        length -= bytes;
    }
    return any;
}

int64_t rtcp_ntp_us(uint64_t ntp)
{
    int64_t seconds = (int64_t)(ntp >> 32) - NTP_TO_UNIX_S;
    return seconds * 1000000 + (int64_t)((ntp & 0xffffffffu) * 1000000 >> 32);
}
