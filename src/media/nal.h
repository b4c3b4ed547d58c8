/* Walks the NAL units of an access unit, in either of the two forms cameras and containers use:
 * Annex B (start codes) and length-prefixed (MP4, FLV). Nothing is copied; a mangled length ends
 * the walk. */
#ifndef CORVETTE_MEDIA_NAL_H
#define CORVETTE_MEDIA_NAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum media_codec { MEDIA_H264 = 1, MEDIA_H265, MEDIA_AAC };

struct nal {
    const uint8_t *data; /* header byte first */
    size_t length;       /* at least 1 */
};

struct nal_walk {
    const uint8_t *at, *end;
    unsigned length_bytes; /* 1, 2 or 4; 0 = Annex B */
};

/* `length_bytes` as in struct nal_walk. */
struct nal_walk nal_walk(const void *data, size_t length, unsigned length_bytes);
bool nal_next(struct nal_walk *walk, struct nal *nal);

enum nal_kind {
    NAL_OTHER = 1,
    NAL_VPS,
    NAL_SPS,
    NAL_PPS,
    NAL_DELIMITER,  /* access unit delimiter, end of sequence, filler: carry nothing a file needs */
    NAL_SLICE,      /* a picture others may need */
    NAL_SLICE_FREE, /* a picture no other needs */
    NAL_SLICE_KEY,  /* IDR, or H.265's other random access points */
};

enum nal_kind nal_kind(enum media_codec codec, const struct nal *nal);

#endif
