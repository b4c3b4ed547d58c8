#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "media/box.h"
#include "media/bytes.h"
#include "media/fmp4.h"

#define FRAGMENTS_MAX 100000u /* against mangled files */

static void read_video_entry(struct box_span body, uint32_t config_type, struct fmp4_track *track)
{
    if (box_left(&body) < 78) {
        return;
    }
    track->width = (int)get_u16(body.at + 24);
    track->height = (int)get_u16(body.at + 26);
    struct box config;
    if (box_skip(&body, 78) && box_find(body, config_type, &config)) {
        track->config_offset = box_offset(&config.body);
        track->config_bytes = (uint32_t)box_left(&config.body);
    }
}

static void read_audio_entry(struct box_span body, struct fmp4_track *track)
{
    if (box_left(&body) < 28) {
        return;
    }
    track->channels = get_u16(body.at + 16);
    track->sample_rate = get_u32(body.at + 24) >> 16;
    if (track->sample_rate == 0) {
        track->sample_rate = track->timescale;
    }
    struct box config;
    if (box_skip(&body, 28) && box_find(body, BOX_TYPE('e', 's', 'd', 's'), &config)) {
        track->config_offset = box_offset(&config.body);
        track->config_bytes = (uint32_t)box_left(&config.body);
    }
}

static void read_entry(struct box_span stsd, struct fmp4_track *track)
{
    struct box entry;
    if (!box_skip(&stsd, 8) || !box_next(&stsd, &entry)) {
        return;
    }
    switch (entry.type) {
    case BOX_TYPE('a', 'v', 'c', '1'):
    case BOX_TYPE('a', 'v', 'c', '3'):
        track->codec = MEDIA_H264;
        read_video_entry(entry.body, BOX_TYPE('a', 'v', 'c', 'C'), track);
        break;
    case BOX_TYPE('h', 'v', 'c', '1'):
    case BOX_TYPE('h', 'e', 'v', '1'):
        track->codec = MEDIA_H265;
        read_video_entry(entry.body, BOX_TYPE('h', 'v', 'c', 'C'), track);
        break;
    case BOX_TYPE('m', 'p', '4', 'a'):
        track->codec = MEDIA_AAC;
        read_audio_entry(entry.body, track);
        break;
    default:
        break;
    }
}

static bool read_track(struct box_span trak, struct fmp4_track *track)
{
    static const uint32_t to_mdhd[] = {BOX_TYPE('m', 'd', 'i', 'a'), BOX_TYPE('m', 'd', 'h', 'd')};
    static const uint32_t to_stsd[] = {BOX_TYPE('m', 'd', 'i', 'a'), BOX_TYPE('m', 'i', 'n', 'f'),
                                       BOX_TYPE('s', 't', 'b', 'l'), BOX_TYPE('s', 't', 's', 'd')};
    struct box tkhd, mdhd, stsd;
    if (!box_find(trak, BOX_TYPE('t', 'k', 'h', 'd'), &tkhd) ||
        !box_find_path(trak, to_mdhd, ARRAY_SIZE(to_mdhd), &mdhd) ||
        !box_find_path(trak, to_stsd, ARRAY_SIZE(to_stsd), &stsd) || box_left(&tkhd.body) < 24 ||
        box_left(&mdhd.body) < 24) {
        return false;
    }
    track->id = get_u32(tkhd.body.at + (tkhd.body.at[0] == 1 ? 20 : 12));
    track->timescale = get_u32(mdhd.body.at + (mdhd.body.at[0] == 1 ? 20 : 12));
    if (track->timescale == 0) {
        return false;
    }
    read_entry(stsd.body, track);
    return true;
}

/* Tracks beyond the two kinds we write are passed over. */
static bool read_moov(struct box_span moov, struct fmp4_index *index)
{
    struct box box;
    if (!box_find(moov, BOX_TYPE('m', 'v', 'e', 'x'), &box)) {
        return false;
    }
    while (box_next(&moov, &box)) {
        struct fmp4_track track = {0};
        if (box.type == BOX_TYPE('t', 'r', 'a', 'k') && index->track_count < FMP4_TRACKS &&
            read_track(box.body, &track) && track.codec != 0) {
            index->tracks[index->track_count++] = track;
        }
    }
    return index->track_count > 0;
}

struct defaults {
    uint32_t duration, size, flags;
};

static bool read_tfhd(struct box_span body, uint32_t *id, struct defaults *defaults)
{
    if (box_left(&body) < 8) {
        return false;
    }
    uint32_t flags = get_u32(body.at) & 0xffffff;
    *id = get_u32(body.at + 4);
    body.at += 8;
    if ((flags & 1 && !box_skip(&body, 8)) || (flags & 2 && !box_skip(&body, 4))) {
        return false;
    }
    uint32_t *const fields[] = {&defaults->duration, &defaults->size, &defaults->flags};
    for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
        if (flags & 8u << i) {
            if (box_left(&body) < 4) {
                return false;
            }
            *fields[i] = get_u32(body.at);
            body.at += 4;
        }
    }
    return true;
}

/* Adds a trun's samples to the part; `data_bytes` grows by their size. */
static bool read_trun(struct box_span body, const struct defaults *defaults, struct fmp4_part *part,
                      bool *key, uint64_t *data_bytes)
{
    if (box_left(&body) < 8) {
        return false;
    }
    uint32_t flags = get_u32(body.at) & 0xffffff;
    uint32_t count = get_u32(body.at + 4);
    body.at += 8;
    uint32_t first_flags = defaults->flags;
    if (flags & 1 && !box_skip(&body, 4)) {
        return false;
    }
    if (flags & 4) {
        if (box_left(&body) < 4) {
            return false;
        }
        first_flags = get_u32(body.at);
        body.at += 4;
    }
    size_t entry = 4u * (unsigned)__builtin_popcount(flags & 0xf00);
    if (entry > 0 && count > box_left(&body) / entry) {
        return false;
    }
    for (uint32_t i = 0; i < count && (entry > 0 || i < FRAGMENTS_MAX); i++) {
        uint32_t values[4] = {defaults->duration, defaults->size,
                              i == 0 ? first_flags : defaults->flags};
        for (unsigned field = 0; field < 4; field++) {
            if (flags & 0x100u << field) {
                values[field] = get_u32(body.at);
                body.at += 4;
            }
        }
        if (part->samples == 0) {
            part->first_offset = flags & 0x800 ? (int32_t)values[3] : 0;
            *key = (values[2] & 0x10000) == 0;
        }
        part->duration += values[0];
        *data_bytes += values[1];
        part->samples++;
    }
    return true;
}

static int track_by_id(const struct fmp4_index *index, uint32_t id)
{
    for (size_t i = 0; i < index->track_count; i++) {
        if (index->tracks[i].id == id) {
            return (int)i;
        }
    }
    return -1;
}

static bool read_traf(struct box_span traf, const struct fmp4_index *index,
                      struct fmp4_fragment *fragment, uint64_t *data_bytes)
{
    struct box tfhd, tfdt, box;
    uint32_t id;
    struct defaults defaults = {0};
    if (!box_find(traf, BOX_TYPE('t', 'f', 'h', 'd'), &tfhd) ||
        !read_tfhd(tfhd.body, &id, &defaults) ||
        !box_find(traf, BOX_TYPE('t', 'f', 'd', 't'), &tfdt) || box_left(&tfdt.body) < 8) {
        return false;
    }
    int track = track_by_id(index, id);
    struct fmp4_part unused = {0};
    struct fmp4_part *part = track < 0 ? &unused : &fragment->parts[track];
    part->tfdt_wide = tfdt.body.at[0] == 1;
    part->tfdt_offset = box_offset(&tfdt.body) + 4;
    if (part->tfdt_wide && box_left(&tfdt.body) < 12) {
        return false;
    }
    part->decode_time = part->tfdt_wide ? get_u64(tfdt.body.at + 4) : get_u32(tfdt.body.at + 4);
    bool key = false;
    while (box_next(&traf, &box)) {
        if (box.type == BOX_TYPE('t', 'r', 'u', 'n') &&
            !read_trun(box.body, &defaults, part, &key, data_bytes)) {
            return false;
        }
    }
    if (track >= 0 && index->tracks[track].codec != MEDIA_AAC) {
        fragment->key = key;
    }
    return true;
}

/* Takes the moof at `offset` with the mdat after it into the index when both are whole. */
static bool read_fragment(const struct box_source *source, struct fmp4_index *index,
                          struct box_span moof, uint64_t offset, uint64_t mdat_offset)
{
    uint32_t type;
    uint64_t mdat_bytes;
    unsigned header_bytes;
    if (!box_header(source, mdat_offset, &type, &mdat_bytes, &header_bytes) ||
        type != BOX_TYPE('m', 'd', 'a', 't') || mdat_bytes > source->bytes - mdat_offset) {
        return false;
    }
    struct fmp4_fragment fragment = {.offset = offset, .bytes = mdat_offset + mdat_bytes - offset};
    uint64_t data_bytes = 0;
    struct box box;
    while (box_next(&moof, &box)) {
        if (box.type == BOX_TYPE('t', 'r', 'a', 'f') &&
            !read_traf(box.body, index, &fragment, &data_bytes)) {
            return false;
        }
    }
    if (data_bytes > mdat_bytes - header_bytes || index->fragment_count >= FRAGMENTS_MAX) {
        return false;
    }
    for (size_t i = 0; i < index->track_count; i++) {
        const struct fmp4_part *part = &fragment.parts[i];
        if (part->samples > 0) {
            index->tracks[i].end_time = part->decode_time + part->duration;
            index->tracks[i].samples += part->samples;
        }
    }
    *MEM_PUSH(index->fragments, index->fragment_count, index->fragment_capacity) = fragment;
    return true;
}

static void read_start(struct box_span uuid, struct fmp4_index *index)
{
    if (box_left(&uuid) >= 28 && memcmp(uuid.at, FMP4_START_UUID, 16) == 0) {
        index->has_start = true;
        index->start_us = (int64_t)get_u64(uuid.at + 20);
    }
}

/* The box at `offset`; false when it is not whole. Those we look into are brought into memory, only
 * the header of others is read. */
static bool load_box(const struct box_source *source, uint64_t offset, uint32_t *type,
                     uint64_t *size, struct str *buffer)
{
    unsigned header_bytes;
    if (!box_header(source, offset, type, size, &header_bytes) || *size > source->bytes - offset) {
        return false;
    }
    bool wanted = *type == BOX_TYPE('m', 'o', 'o', 'v') || *type == BOX_TYPE('m', 'o', 'o', 'f') ||
                  *type == BOX_TYPE('u', 'u', 'i', 'd');
    return !wanted || box_load(source, offset, *size, buffer);
}

static void read_boxes(const struct box_source *source, struct fmp4_index *index)
{
    struct str AUTO_STR buffer = {0};
    uint64_t offset = 0, size;
    uint32_t type;
    while (load_box(source, offset, &type, &size, &buffer)) {
        if (type == BOX_TYPE('m', 'o', 'o', 'v') && index->init_bytes == 0) {
            if (!read_moov(box_body(&buffer, offset), index)) {
                return;
            }
            index->init_bytes = offset + size;
        } else if (type == BOX_TYPE('u', 'u', 'i', 'd')) {
            read_start(box_body(&buffer, offset), index);
        } else if (type == BOX_TYPE('m', 'o', 'o', 'f') && index->init_bytes > 0) {
            if (!read_fragment(source, index, box_body(&buffer, offset), offset, offset + size)) {
                return;
            }
            const struct fmp4_fragment *last = &index->fragments[index->fragment_count - 1];
            size = last->bytes;
        }
        offset += size;
        index->whole_bytes = offset;
    }
}

static int read_source(const struct box_source *source, struct fmp4_index *index, struct err *err)
{
    *index = (struct fmp4_index){.file_bytes = source->bytes};
    read_boxes(source, index);
    if (index->init_bytes == 0) {
        fmp4_finish(index);
        return err_set(err, EBADMSG, "not a fragmented MP4 file, or its beginning is missing");
    }
    index->truncated = index->whole_bytes < index->file_bytes;
    const struct fmp4_track *track = fmp4_video_track(index);
    track = track != NULL ? track : &index->tracks[0];
    index->duration = (double)track->end_time / track->timescale;
    if (index->fragment_count > 0) {
        const struct fmp4_part *part = &index->fragments[0].parts[track - index->tracks];
        index->first_offset = (double)part->first_offset / track->timescale;
    }
    return 0;
}

int fmp4_read_fd(int fd, struct fmp4_index *index, struct err *err)
{
    *index = (struct fmp4_index){0};
    struct stat status;
    if (fstat(fd, &status) < 0) {
        return err_set(err, errno, "cannot read it: %s", err_name(errno));
    }
    struct box_source source = {.fd = fd, .bytes = (uint64_t)status.st_size};
    return read_source(&source, index, err);
}

int fmp4_read_memory(const void *data, size_t bytes, struct fmp4_index *index, struct err *err)
{
    struct box_source source = {.fd = -1, .memory = data, .bytes = bytes};
    return read_source(&source, index, err);
}

void fmp4_finish(struct fmp4_index *index)
{
    free(index->fragments);
    *index = (struct fmp4_index){0};
}

static const struct fmp4_track *find_track(const struct fmp4_index *index, bool audio)
{
    for (size_t i = 0; i < index->track_count; i++) {
        if ((index->tracks[i].codec == MEDIA_AAC) == audio) {
            return &index->tracks[i];
        }
    }
    return NULL;
}

const struct fmp4_track *fmp4_video_track(const struct fmp4_index *index)
{
    return find_track(index, false);
}

const struct fmp4_track *fmp4_audio_track(const struct fmp4_index *index)
{
    return find_track(index, true);
}
