#include "capture/depacketize.h"

#define AAC_UNIT_MAX_BYTES 65536

struct bits {
    const uint8_t *data;
    size_t at, count;
};

/* At most 32 bits; what is past the end reads as zero. */
static uint32_t take_bits(struct bits *bits, unsigned count)
{
    uint32_t value = 0;
    for (; count > 0; count--, bits->at++) {
        unsigned bit =
            bits->at < bits->count ? bits->data[bits->at / 8] >> (7 - bits->at % 8) & 1 : 0;
        value = value << 1 | bit;
    }
    return value;
}

static void emit_unit(struct depacketizer *unit, const uint8_t *data, size_t bytes, int64_t time)
{
    struct rtp_unit out = {
        .data = data, .bytes = bytes, .time = time, .duration = unit->unit_ticks, .key = true};
    unit->emit(unit->context, &out);
}

/* One unit over several packets of the same time, the last with the marker. */
static void gather(struct depacketizer *unit, const struct rtp_packet *packet, const uint8_t *data,
                   size_t bytes, size_t size, int64_t time)
{
    if (!unit->open || time != unit->time) {
        unit->bytes = 0;
        unit->damaged = false;
    }
    unit->open = true;
    unit->time = time;
    depacketizer_add(unit, data, bytes);
    if (packet->marker || unit->bytes >= size) {
        if (unit->bytes == size && !unit->damaged) {
            emit_unit(unit, unit->data, unit->bytes, time);
        } else {
            unit->dropped++;
        }
        unit->open = false;
    }
}

void depacketize_aac(struct depacketizer *unit, const struct rtp_packet *packet, int64_t time,
                     bool gap)
{
    const uint8_t *payload = packet->payload;
    unit->open &= !gap;
    if (packet->bytes < 2 || unit->size_bits == 0) {
        return;
    }
    size_t header_bits = (size_t)payload[0] << 8 | payload[1];
    size_t start = 2 + (header_bits + 7) / 8;
    if (start > packet->bytes) {
        return;
    }
    struct bits bits = {payload + 2, 0, header_bits};
    const uint8_t *data = payload + start;
    size_t left = packet->bytes - start;
    unsigned first_bits = unit->size_bits + unit->index_bits;
    for (unsigned i = 0; bits.at + first_bits <= bits.count && left > 0; i++) {
        size_t size = take_bits(&bits, unit->size_bits);
        take_bits(&bits, i == 0 ? unit->index_bits : unit->delta_bits);
        if (size > AAC_UNIT_MAX_BYTES) {
            return;
        }
        if (size > left) {
            if (i == 0) {
                gather(unit, packet, data, left, size, time);
            }
            return;
        }
        if (size > 0) {
            emit_unit(unit, data, size, time + (int64_t)i * unit->unit_ticks);
        }
        data += size;
        left -= size;
        first_bits = unit->size_bits + unit->delta_bits;
    }
    unit->open = false;
}

void depacketize_whole(struct depacketizer *unit, const struct rtp_packet *packet, int64_t time)
{
    if (packet->bytes == 0) {
        return;
    }
    struct rtp_unit out = {
        .data = packet->payload,
        .bytes = packet->bytes,
        .time = time,
        .duration = unit->sample_bytes > 0 ? (int64_t)(packet->bytes / unit->sample_bytes) : 0,
        .key = true};
    unit->emit(unit->context, &out);
}
