/* Samples of a fragment (ISO/IEC 14496-12, 8.8). */
#include "base/mem.h"
#include "media/bytes.h"
#include "media/mp4_private.h"

#define IS_DELTA 0x10000u /* sample flags: no sync sample */

/* Where a traf's data and times stand. */
struct traf {
    struct mp4_track *track;
    struct mp4_defaults defaults;
    uint64_t base;     /* data offsets of its runs count from here */
    uint64_t position; /* of a run without an offset of its own */
    uint64_t end;      /* of the mdat */
};

static bool take_u32(struct box_span *span, uint32_t *value)
{
    if (box_left(span) < 4) {
        return false;
    }
    *value = get_u32(span->at);
    span->at += 4;
    return true;
}

static bool read_tfhd(struct mp4_reader *reader, struct box_span body, uint64_t moof,
                      struct traf *traf)
{
    uint32_t flags, id;
    if (!take_u32(&body, &flags) || !take_u32(&body, &id)) {
        return false;
    }
    traf->base = moof;
    for (int kind = 0; kind < MP4_KINDS; kind++) {
        if (reader->mp4->tracks[kind].timescale != 0 && reader->readings[kind].id == id) {
            traf->track = &reader->mp4->tracks[kind];
            traf->defaults = reader->readings[kind].defaults;
        }
    }
    if (flags & 1) {
        if (box_left(&body) < 8) {
            return false;
        }
        traf->base = get_u64(body.at);
        body.at += 8;
    }
    uint32_t ignored;
    return (!(flags & 2) || take_u32(&body, &ignored)) &&
           (!(flags & 8) || take_u32(&body, &traf->defaults.duration)) &&
           (!(flags & 0x10) || take_u32(&body, &traf->defaults.bytes)) &&
           (!(flags & 0x20) || take_u32(&body, &traf->defaults.flags));
}

/* Samples carry no time of their own: a hole before this fragment makes the sample before longer,
 * an overlap shorter. */
static bool set_time(struct mp4_track *track, uint64_t decode_time)
{
    if (decode_time > MP4_TIME_MAX) {
        return false;
    }
    if (track->count == 0) {
        track->first_decode = (int64_t)decode_time;
        return true;
    }
    struct mp4_sample *last = &track->samples[track->count - 1];
    int64_t now = track->first_decode + (int64_t)track->duration;
    int64_t longer = (int64_t)decode_time - now + last->duration;
    if (longer >= 0 && longer <= UINT32_MAX) {
        track->duration = track->duration - last->duration + (uint64_t)longer;
        last->duration = (uint32_t)longer;
    }
    return true;
}

static bool read_trun(struct box_span body, struct traf *traf)
{
    uint32_t flags, count, offset, first_flags = traf->defaults.flags;
    if (!take_u32(&body, &flags) || !take_u32(&body, &count)) {
        return false;
    }
    if (flags & 1) {
        if (!take_u32(&body, &offset)) {
            return false;
        }
        traf->position = traf->base + (uint64_t)(int64_t)(int32_t)offset;
    }
    if (flags & 4 && !take_u32(&body, &first_flags)) {
        return false;
    }
    struct mp4_track *track = traf->track;
    size_t entry = 4u * (unsigned)__builtin_popcount(flags & 0xf00);
    if ((entry > 0 && count > box_left(&body) / entry) || count > MP4_SAMPLES_MAX - track->count) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t values[4] = {traf->defaults.duration, traf->defaults.bytes,
                              i == 0 ? first_flags : traf->defaults.flags, 0};
        for (unsigned field = 0; field < 4; field++) {
            if (flags & 0x100u << field) {
                take_u32(&body, &values[field]);
            }
        }
        if (traf->position > traf->end || values[1] > traf->end - traf->position) {
            return false;
        }
        *MEM_PUSH(track->samples, track->count, track->capacity) =
            (struct mp4_sample){.offset = traf->position,
                                .bytes = values[1],
                                .duration = values[0],
                                .composition = (int32_t)values[3],
                                .key = (values[2] & IS_DELTA) == 0};
        track->duration += values[0];
        traf->position += values[1];
    }
    return true;
}

static bool read_traf(struct mp4_reader *reader, struct box_span body, uint64_t moof,
                      uint64_t *position, uint64_t end)
{
    struct box box;
    struct traf traf = {.position = *position, .end = end};
    if (!box_find(body, BOX_TYPE('t', 'f', 'h', 'd'), &box) ||
        !read_tfhd(reader, box.body, moof, &traf)) {
        return false;
    }
    if (traf.track == NULL) {
        return true; /* neither picture nor sound */
    }
    if (box_find(body, BOX_TYPE('t', 'f', 'd', 't'), &box) && box_left(&box.body) >= 8) {
        bool wide = box.body.at[0] == 1 && box_left(&box.body) >= 12;
        if (!set_time(traf.track, wide ? get_u64(box.body.at + 4) : get_u32(box.body.at + 4))) {
            return false;
        }
    }
    while (box_next(&body, &box)) {
        if (box.type == BOX_TYPE('t', 'r', 'u', 'n') && !read_trun(box.body, &traf)) {
            return false;
        }
    }
    *position = traf.position;
    return true;
}

bool mp4_read_fragment(struct mp4_reader *reader, struct box_span moof, uint64_t offset,
                       uint64_t mdat_offset)
{
    uint32_t type;
    uint64_t size;
    unsigned header_bytes;
    if (!box_header(&reader->source, mdat_offset, &type, &size, &header_bytes) ||
        type != BOX_TYPE('m', 'd', 'a', 't') || size > reader->source.bytes - mdat_offset) {
        return false;
    }
    struct mp4_track *tracks = reader->mp4->tracks;
    const struct mp4_track before[MP4_KINDS] = {tracks[0], tracks[1]};
    uint64_t position = mdat_offset + header_bytes;
    struct box box;
    while (box_next(&moof, &box)) {
        if (box.type == BOX_TYPE('t', 'r', 'a', 'f') &&
            !read_traf(reader, box.body, offset, &position, mdat_offset + size)) {
            for (int kind = 0; kind < MP4_KINDS; kind++) { /* nothing of half a fragment */
                tracks[kind].count = before[kind].count;
                tracks[kind].duration = before[kind].duration;
            }
            return false;
        }
    }
    return true;
}
