#include "capture/depacketize.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define PREFIX_BYTES 4
#define UNIT_FIRST_BYTES 16384

void depacketizer_finish(struct depacketizer *depacketizer)
{
    free(depacketizer->data);
    depacketizer->data = NULL;
    depacketizer->bytes = depacketizer->capacity = 0;
}

void depacketizer_add(struct depacketizer *unit, const uint8_t *data, size_t bytes)
{
    if (bytes > UNIT_MAX_BYTES - unit->bytes) {
        unit->damaged = true;
        return;
    }
    size_t need = unit->bytes + bytes;
    if (need > unit->capacity) {
        size_t capacity = unit->capacity > 0 ? unit->capacity : UNIT_FIRST_BYTES;
        while (capacity < need) {
            capacity *= 2;
        }
        unit->data = mem_grow(unit->data, capacity, 1);
        unit->capacity = capacity;
    }
    if (bytes > 0) {
        memcpy(unit->data + unit->bytes, data, bytes);
        unit->bytes = need;
    }
}

/* ------------------------------------------------------------------ NAL units */

struct coding_rules {
    unsigned header_bytes;
    unsigned delimiter, filler, sei;
    unsigned slice_last; /* types 0 or 1 to here are slices */
    unsigned key_first, key_last;
    unsigned aggregate, fragment;
};

static const struct coding_rules rules_h264 = {1, 9, 12, 6, 5, 5, 5, 24, 28};
static const struct coding_rules rules_h265 = {2, 35, 38, 39, 31, 16, 21, 48, 49};

static const struct coding_rules *rules_of(const struct depacketizer *unit)
{
    return unit->coding == CODING_H265 ? &rules_h265 : &rules_h264;
}

static unsigned nal_type(const struct depacketizer *unit, const uint8_t *nal)
{
    return unit->coding == CODING_H265 ? nal[0] >> 1 & 0x3f : nal[0] & 0x1f;
}

/* H.264 pictures without IDR can be entered at a recovery point (D.1.8), the way decoders do. */
static bool is_recovery_point(const uint8_t *nal, size_t bytes)
{
    size_t at = 1;
    while (at + 2 < bytes) {
        unsigned type = 0, size = 0;
        for (; at < bytes && nal[at] == 0xff; at++) {
            type += 255;
        }
        type += at < bytes ? nal[at++] : 0;
        for (; at < bytes && nal[at] == 0xff; at++) {
            size += 255;
        }
        size += at < bytes ? nal[at++] : 0;
        if (type == 6) {
            return true;
        }
        at = size < bytes - at ? at + size : bytes;
    }
    return false;
}

static void close_nal(struct depacketizer *unit)
{
    if (!unit->in_nal) {
        return;
    }
    unit->in_nal = false;
    const struct coding_rules *rules = rules_of(unit);
    uint8_t *nal = unit->data + unit->nal_at + PREFIX_BYTES;
    size_t bytes = unit->bytes - unit->nal_at - PREFIX_BYTES;
    unsigned type = bytes > 0 ? nal_type(unit, nal) : rules->filler;
    if (bytes <= rules->header_bytes || type == rules->delimiter || type == rules->filler) {
        unit->bytes = unit->nal_at;
        return;
    }
    bool slice = type <= rules->slice_last && (type > 0 || unit->coding == CODING_H265);
    if (slice && !unit->has_slice) {
        unit->has_slice = true;
        unit->slice_continues = (nal[rules->header_bytes] & 0x80) == 0;
        unit->damaged |= unit->after_gap && unit->slice_continues;
    }
    unit->key |= type >= rules->key_first && type <= rules->key_last;
    unit->key |= unit->coding == CODING_H264 && type == rules->sei && is_recovery_point(nal, bytes);
    if (unit->prefixed) {
        for (unsigned i = 0; i < PREFIX_BYTES; i++) {
            nal[(int)i - PREFIX_BYTES] = (uint8_t)(bytes >> (24 - 8 * i));
        }
    }
}

static void open_nal(struct depacketizer *unit, const uint8_t *header)
{
    static const uint8_t start_code[PREFIX_BYTES] = {0, 0, 0, 1};
    close_nal(unit);
    unit->nal_at = unit->bytes;
    depacketizer_add(unit, start_code, PREFIX_BYTES);
    if (unit->bytes == unit->nal_at + PREFIX_BYTES) {
        unit->in_nal = true;
        depacketizer_add(unit, header, rules_of(unit)->header_bytes);
    }
}

static void add_nal(struct depacketizer *unit, const uint8_t *nal, size_t bytes)
{
    unsigned header = rules_of(unit)->header_bytes;
    if (bytes > header) {
        open_nal(unit, nal);
        depacketizer_add(unit, nal + header, bytes - header);
        close_nal(unit);
    }
}

/* ------------------------------------------------------------------ pictures */

static void reset(struct depacketizer *unit)
{
    unit->bytes = 0;
    unit->open = unit->in_nal = unit->has_slice = unit->key = unit->damaged = false;
}

static void flush(struct depacketizer *unit)
{
    if (unit->in_nal) { /* its end is missing: decoders show what there is */
        unit->damaged = true;
        close_nal(unit);
    }
    if (!unit->has_slice) {
        unit->dropped++;
        reset(unit);
        return;
    }
    if (unit->emitted && unit->emitted_time == unit->time && unit->slice_continues) {
        unit->marker_lies = true; /* the rest of a picture that was taken as complete */
        unit->damaged = true;
    }
    unit->emitted = true;
    unit->emitted_time = unit->time;
    struct rtp_unit out = {.data = unit->data,
                           .bytes = unit->bytes,
                           .time = unit->time,
                           .key = unit->key,
                           .damaged = unit->damaged};
    unit->emit(unit->context, &out);
    reset(unit);
}

static void add_aggregate(struct depacketizer *unit, const uint8_t *at, size_t left)
{
    while (left > 2) {
        size_t bytes = (size_t)at[0] << 8 | at[1];
        at += 2;
        left -= 2;
        if (bytes > left) {
            unit->damaged = true;
            return;
        }
        add_nal(unit, at, bytes);
        at += bytes;
        left -= bytes;
    }
}

/* FU-A, and H.265's fragmentation unit: the NAL unit's header is put together from two. */
static void add_fragment(struct depacketizer *unit, const uint8_t *at, size_t bytes)
{
    unsigned skip = rules_of(unit)->header_bytes + 1;
    if (bytes <= skip) {
        return;
    }
    uint8_t fu = at[skip - 1];
    if (fu & 0x80) {
        uint8_t header[2] = {0};
        if (unit->coding == CODING_H265) {
            header[0] = (uint8_t)((at[0] & 0x81) | (fu & 0x3f) << 1);
            header[1] = at[1];
        } else {
            header[0] = (uint8_t)((at[0] & 0xe0) | (fu & 0x1f));
        }
        unit->damaged |= unit->in_nal;
        open_nal(unit, header);
    }
    if (!unit->in_nal) {
        unit->damaged = true; /* its beginning is missing */
        return;
    }
    depacketizer_add(unit, at + skip, bytes - skip);
    if (fu & 0x40) {
        close_nal(unit);
    }
}

static void add_payload(struct depacketizer *unit, const struct rtp_packet *packet)
{
    const struct coding_rules *rules = rules_of(unit);
    if (packet->bytes <= rules->header_bytes) {
        return;
    }
    unsigned type = nal_type(unit, packet->payload);
    if (type == rules->fragment) {
        add_fragment(unit, packet->payload, packet->bytes);
        return;
    }
    unit->damaged |= unit->in_nal;
    close_nal(unit);
    if (type == rules->aggregate) {
        add_aggregate(unit, packet->payload + rules->header_bytes,
                      packet->bytes - rules->header_bytes);
    } else if (type < rules->aggregate) {
        add_nal(unit, packet->payload, packet->bytes);
    } else {
        unit->damaged = true; /* a kind that was not agreed upon */
    }
}

static void depacketize_picture(struct depacketizer *unit, const struct rtp_packet *packet,
                                int64_t time, bool gap)
{
    if (gap && unit->open) {
        unit->damaged = true;
        close_nal(unit);
    }
    if (unit->open && time != unit->time) {
        close_nal(unit);
        if (unit->has_slice || unit->bytes == 0) {
            flush(unit);
        }
    }
    if (!unit->open) {
        unit->open = true;
        unit->after_gap = gap;
    }
    unit->time = time; /* parameter sets may come with a time of their own */
    add_payload(unit, packet);
    if (packet->marker && !unit->marker_lies && unit->has_slice) {
        flush(unit);
    }
}

void depacketize(struct depacketizer *depacketizer, const struct rtp_packet *packet, int64_t time,
                 bool gap)
{
    switch (depacketizer->coding) {
    case CODING_H264:
    case CODING_H265:
        depacketize_picture(depacketizer, packet, time, gap);
        break;
    case CODING_AAC:
        depacketize_aac(depacketizer, packet, time, gap);
        break;
    case CODING_WHOLE:
        depacketize_whole(depacketizer, packet, time);
        break;
    }
}
