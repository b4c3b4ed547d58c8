#include "media/nal.h"

#include <string.h>

struct nal_walk nal_walk(const void *data, size_t length, unsigned length_bytes)
{
    const uint8_t *bytes = data;
    return (struct nal_walk){.at = bytes, .end = bytes + length, .length_bytes = length_bytes};
}

/* First byte of the next 00 00 01, or `end`. Looks at every third byte while it is above 1. */
static const uint8_t *find_start(const uint8_t *p, const uint8_t *end)
{
    while (end - p >= 3) {
        if (p[2] > 1) {
            p += 3;
        } else if (p[0] == 0 && p[1] == 0 && p[2] == 1) {
            return p;
        } else {
            p++;
        }
    }
    return end;
}

static bool next_annexb(struct nal_walk *walk, struct nal *nal)
{
    for (;;) {
        const uint8_t *start = find_start(walk->at, walk->end);
        if (start == walk->end) {
            return false;
        }
        start += 3;
        const uint8_t *stop = find_start(start, walk->end);
        walk->at = stop;
        /* The zeros before a start code (and trailing ones) belong to no NAL unit. */
        while (stop > start && stop[-1] == 0) {
            stop--;
        }
        if (stop > start) {
            *nal = (struct nal){start, (size_t)(stop - start)};
            return true;
        }
    }
}

static bool next_prefixed(struct nal_walk *walk, struct nal *nal)
{
    for (;;) {
        size_t left = (size_t)(walk->end - walk->at);
        if (left < walk->length_bytes) {
            return false;
        }
        size_t length = 0;
        for (unsigned i = 0; i < walk->length_bytes; i++) {
            length = length << 8 | walk->at[i];
        }
        walk->at += walk->length_bytes;
        left -= walk->length_bytes;
        if (length > left) {
            walk->at = walk->end;
            return false;
        }
        const uint8_t *start = walk->at;
        walk->at += length;
        if (length > 0) {
            *nal = (struct nal){start, length};
            return true;
        }
    }
}

bool nal_next(struct nal_walk *walk, struct nal *nal)
{
    return walk->length_bytes == 0 ? next_annexb(walk, nal) : next_prefixed(walk, nal);
}

/* ITU-T H.264 table 7-1. */
static enum nal_kind kind_h264(const struct nal *nal)
{
    switch (nal->data[0] & 0x1f) {
    case 1:
        return nal->data[0] & 0x60 ? NAL_SLICE : NAL_SLICE_FREE;
    case 2:
    case 3:
    case 4:
        return NAL_SLICE;
    case 5:
        return NAL_SLICE_KEY;
    case 7:
        return NAL_SPS;
    case 8:
        return NAL_PPS;
    case 9:
    case 10:
    case 11:
    case 12:
        return NAL_DELIMITER;
    default:
        return NAL_OTHER;
    }
}

/* ITU-T H.265 table 7-1: 0..15 even = sub-layer non-reference, 16..21 = random access. */
static enum nal_kind kind_h265(const struct nal *nal)
{
    unsigned type = nal->data[0] >> 1 & 0x3f;
    if (type < 16) {
        return type <= 14 && type % 2 == 0 ? NAL_SLICE_FREE : NAL_SLICE;
    }
    if (type <= 21) {
        return NAL_SLICE_KEY;
    }
    switch (type) {
    case 32:
        return NAL_VPS;
    case 33:
        return NAL_SPS;
    case 34:
        return NAL_PPS;
    case 35:
    case 36:
    case 37:
    case 38:
        return NAL_DELIMITER;
    default:
        return NAL_OTHER;
    }
}

enum nal_kind nal_kind(enum media_codec codec, const struct nal *nal)
{
    return codec == MEDIA_H265 ? kind_h265(nal) : kind_h264(nal);
}
