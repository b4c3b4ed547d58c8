/* The walk over a file: its moov (here), then its sample tables (mp4_tables.c) or its fragments
 * (mp4_fragments.c). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "media/bytes.h"
#include "media/fmp4.h"
#include "media/mp4.h"
#include "media/mp4_private.h"

static const uint32_t to_mdhd[] = {BOX_TYPE('m', 'd', 'i', 'a'), BOX_TYPE('m', 'd', 'h', 'd')};
static const uint32_t to_hdlr[] = {BOX_TYPE('m', 'd', 'i', 'a'), BOX_TYPE('h', 'd', 'l', 'r')};
static const uint32_t to_stbl[] = {BOX_TYPE('m', 'd', 'i', 'a'), BOX_TYPE('m', 'i', 'n', 'f'),
                                   BOX_TYPE('s', 't', 'b', 'l')};
static const uint32_t to_elst[] = {BOX_TYPE('e', 'd', 't', 's'), BOX_TYPE('e', 'l', 's', 't')};

static const struct {
    uint32_t type;
    enum media_codec codec;
} codecs[] = {
    {BOX_TYPE('a', 'v', 'c', '1'), MEDIA_H264}, {BOX_TYPE('a', 'v', 'c', '3'), MEDIA_H264},
    {BOX_TYPE('h', 'v', 'c', '1'), MEDIA_H265}, {BOX_TYPE('h', 'e', 'v', '1'), MEDIA_H265},
    {BOX_TYPE('m', 'p', '4', 'a'), MEDIA_AAC},
};

/* Apple's players take H.265 as hvc1 only. What hvc1 promises (parameter sets in hvcC, none needed
 * from the stream) holds whenever hvcC lists any arrays. */
static void rename_hev1(struct mp4_track *track, struct box_span body)
{
    struct box config;
    if (memcmp(track->entry + 4, "hev1", 4) == 0 && box_skip(&body, 78) &&
        box_find(body, BOX_TYPE('h', 'v', 'c', 'C'), &config) && box_left(&config.body) > 22 &&
        config.body.at[22] > 0) {
        memcpy(track->entry + 4, "hvc1", 4);
    }
}

/* Takes out of the entry what says how many bits a second this very file has (btrt, and the numbers
 * in esds): two files of one stream must not look different for it. */
static void forget_bit_rates(struct mp4_track *track, size_t fixed)
{
    size_t at = 8 + fixed;
    while (at + 8 <= track->entry_bytes) {
        uint8_t *box = track->entry + at;
        size_t size = get_u32(box);
        if (size < 8 || size > track->entry_bytes - at) {
            return;
        }
        if (memcmp(box + 4, "btrt", 4) == 0) {
            memmove(box, box + size, track->entry_bytes - at - size);
            track->entry_bytes -= size;
            set_u32(track->entry, (uint32_t)track->entry_bytes);
            continue;
        }
        if (memcmp(box + 4, "esds", 4) == 0) {
            /* decoder config descriptor (ISO/IEC 14496-1): tag 4, length in up to four 7-bit
             * groups, object and stream type, then buffer size and two bit rates */
            size_t tag = 12 + 1;
            for (int level = 0; level < 2 && tag < size; level++) {
                while (tag < size && (box[tag] & 0x80) != 0) {
                    tag++;
                }
                tag += level == 0 ? 1 + 3 + 1 : 1; /* ES id and flags; then the next tag */
            }
            if (tag + 13 <= size) {
                memset(box + tag + 2, 0, 11);
            }
        }
        at += size;
    }
}

static bool read_entry(struct box_span stsd, enum mp4_kind kind, struct mp4_track *track)
{
    struct box entry;
    if (!box_skip(&stsd, 8)) {
        return false;
    }
    const uint8_t *begin = stsd.at;
    if (!box_next(&stsd, &entry) || box_left(&entry.body) < (kind == MP4_VIDEO ? 78 : 28)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
        track->codec = codecs[i].type == entry.type ? codecs[i].codec : track->codec;
    }
    track->entry_bytes = (size_t)(stsd.at - begin);
    track->entry = mem_dup(begin, track->entry_bytes);
    const uint8_t *at = entry.body.at;
    if (kind == MP4_VIDEO) {
        track->width = (int)get_u16(at + 24);
        track->height = (int)get_u16(at + 26);
        rename_hev1(track, entry.body);
    } else {
        track->channels = get_u16(at + 16);
        track->sample_rate = get_u32(at + 24) >> 16;
        track->sample_rate = track->sample_rate != 0 ? track->sample_rate : track->timescale;
    }
    forget_bit_rates(track, kind == MP4_VIDEO ? 78 : 28);
    return true;
}

/* Leading empty edits delay the track; the first other says where in its media it begins. */
static void read_edits(struct box_span elst, struct mp4_reading *reading)
{
    if (box_left(&elst) < 8) {
        return;
    }
    bool wide = elst.at[0] == 1;
    uint32_t count = get_u32(elst.at + 4);
    size_t size = wide ? 20 : 12;
    elst.at += 8;
    for (uint32_t i = 0; i < count && box_left(&elst) >= size; i++, elst.at += size) {
        uint64_t duration = wide ? get_u64(elst.at) : get_u32(elst.at);
        int64_t from =
            wide ? (int64_t)get_u64(elst.at + 8) : (int64_t)(int32_t)get_u32(elst.at + 4);
        if (from > MP4_TIME_MAX || duration > MP4_TIME_MAX || reading->delay > MP4_TIME_MAX) {
            return; /* no times at all */
        }
        if (from != -1) {
            reading->has_edit = from >= 0;
            reading->edit_from = from;
            return;
        }
        reading->delay += duration;
    }
}

static bool read_track(struct box_span trak, struct mp4_reader *reader)
{
    struct box tkhd, mdhd, hdlr, stbl, stsd, elst;
    if (!box_find(trak, BOX_TYPE('t', 'k', 'h', 'd'), &tkhd) || box_left(&tkhd.body) < 24 ||
        !box_find_path(trak, to_mdhd, 2, &mdhd) || box_left(&mdhd.body) < 24 ||
        !box_find_path(trak, to_hdlr, 2, &hdlr) || box_left(&hdlr.body) < 12 ||
        !box_find_path(trak, to_stbl, 3, &stbl) ||
        !box_find(stbl.body, BOX_TYPE('s', 't', 's', 'd'), &stsd)) {
        return false;
    }
    uint32_t handler = get_u32(hdlr.body.at + 8);
    if (handler != BOX_TYPE('v', 'i', 'd', 'e') && handler != BOX_TYPE('s', 'o', 'u', 'n')) {
        return false;
    }
    enum mp4_kind kind = handler == BOX_TYPE('v', 'i', 'd', 'e') ? MP4_VIDEO : MP4_AUDIO;
    struct mp4_track *track = &reader->mp4->tracks[kind];
    struct mp4_reading *reading = &reader->readings[kind];
    if (track->timescale != 0) {
        return false; /* a further one of its kind */
    }
    track->timescale = get_u32(mdhd.body.at + (mdhd.body.at[0] == 1 ? 20 : 12));
    if (track->timescale == 0 || !read_entry(stsd.body, kind, track)) {
        track->timescale = 0;
        return false;
    }
    reading->id = get_u32(tkhd.body.at + (tkhd.body.at[0] == 1 ? 20 : 12));
    if (box_find_path(trak, to_elst, 2, &elst)) {
        read_edits(elst.body, reading);
    }
    if (!reader->mp4->fragmented) {
        mp4_read_tables(reader, stbl.body, track);
    }
    return true;
}

static void read_trex(struct box_span mvex, struct mp4_reader *reader)
{
    struct box box;
    while (box_next(&mvex, &box)) {
        if (box.type != BOX_TYPE('t', 'r', 'e', 'x') || box_left(&box.body) < 24) {
            continue;
        }
        uint32_t id = get_u32(box.body.at + 4);
        for (int kind = 0; kind < MP4_KINDS; kind++) {
            if (reader->mp4->tracks[kind].timescale != 0 && reader->readings[kind].id == id) {
                reader->readings[kind].defaults =
                    (struct mp4_defaults){.duration = get_u32(box.body.at + 12),
                                          .bytes = get_u32(box.body.at + 16),
                                          .flags = get_u32(box.body.at + 20)};
            }
        }
    }
}

static void read_moov(struct box_span moov, struct mp4_reader *reader)
{
    struct box box;
    if (box_find(moov, BOX_TYPE('m', 'v', 'h', 'd'), &box) && box_left(&box.body) >= 24) {
        reader->movie_timescale = get_u32(box.body.at + (box.body.at[0] == 1 ? 20 : 12));
    }
    struct box mvex;
    reader->mp4->fragmented = box_find(moov, BOX_TYPE('m', 'v', 'e', 'x'), &mvex);
    while (box_next(&moov, &box)) {
        if (box.type == BOX_TYPE('t', 'r', 'a', 'k')) {
            read_track(box.body, reader);
        }
    }
    if (reader->mp4->fragmented) {
        read_trex(mvex.body, reader);
    }
}

static void read_start(struct box_span uuid, struct mp4 *mp4)
{
    if (box_left(&uuid) >= 28 && memcmp(uuid.at, FMP4_START_UUID, 16) == 0) {
        mp4->has_start = true;
        mp4->start_us = (int64_t)get_u64(uuid.at + 20);
    }
}

/* Goes over the boxes of the file; returns how far they are whole. */
static uint64_t read_boxes(struct mp4_reader *reader)
{
    AUTO_STR struct str buffer = {0};
    const struct box_source *source = &reader->source;
    uint64_t offset = 0, size;
    uint32_t type;
    unsigned header_bytes;
    bool has_moov = false;
    while (box_header(source, offset, &type, &size, &header_bytes)) {
        if (size > source->bytes - offset) {
            break;
        }
        bool wanted = type == BOX_TYPE('m', 'o', 'o', 'v') ||
                      type == BOX_TYPE('u', 'u', 'i', 'd') ||
                      (type == BOX_TYPE('m', 'o', 'o', 'f') && has_moov);
        if (wanted && !box_load(source, offset, size, &buffer)) {
            break;
        }
        if (type == BOX_TYPE('m', 'o', 'o', 'v') && !has_moov) {
            has_moov = true;
            read_moov(box_body(&buffer, offset), reader);
        } else if (type == BOX_TYPE('u', 'u', 'i', 'd')) {
            read_start(box_body(&buffer, offset), reader->mp4);
        } else if (type == BOX_TYPE('m', 'o', 'o', 'f') && has_moov &&
                   !mp4_read_fragment(reader, box_body(&buffer, offset), offset, offset + size)) {
            break;
        }
        offset += size;
    }
    return offset;
}

/* Presentation time of the picture shown first. Reordering reaches over 16 pictures at most (H.264
 * and H.265 both). */
static int64_t first_shown(const struct mp4_track *track)
{
    int64_t decode = track->first_decode, first = INT64_MAX;
    for (size_t i = 0; i < track->count && i < 17; i++) {
        int64_t shown = decode + track->samples[i].composition;
        first = shown < first ? shown : first;
        decode += track->samples[i].duration;
    }
    return track->count > 0 ? first : 0;
}

static int64_t scale(int64_t time, uint32_t from, uint32_t to)
{
    return (int64_t)((__int128)time * to / from);
}

/* Sets shown_from of both tracks: where on the common line of the movie the first picture is, and
 * what media time each track has there. */
static void align(struct mp4_reader *reader)
{
    const struct mp4_reading *readings = reader->readings;
    struct mp4_track *video = &reader->mp4->tracks[MP4_VIDEO];
    struct mp4_track *audio = &reader->mp4->tracks[MP4_AUDIO];
    struct mp4_track *first = video->timescale != 0 ? video : audio;
    const struct mp4_reading *edit = &readings[first - reader->mp4->tracks];
    first->shown_from = first_shown(first);
    if (edit->has_edit && edit->edit_from > first->shown_from) {
        first->shown_from = edit->edit_from;
    }
    if (first != video || audio->timescale == 0) {
        return;
    }
    /* Movie time, in sound ticks, of the first picture; a track's media time is movie time minus
     * its delay plus where its edit begins. */
    uint32_t movie = reader->movie_timescale != 0 ? reader->movie_timescale : video->timescale;
    int64_t shown = video->shown_from - (edit->has_edit ? edit->edit_from : 0);
    const struct mp4_reading *sound = &readings[MP4_AUDIO];
    int64_t delay = (int64_t)(edit->delay & INT32_MAX) - (int64_t)(sound->delay & INT32_MAX);
    audio->shown_from = scale(shown, video->timescale, audio->timescale) +
                        scale(delay, movie, audio->timescale) +
                        (sound->has_edit ? sound->edit_from : 0);
}

int mp4_read_fd(int fd, struct mp4 *mp4, struct err *err)
{
    *mp4 = (struct mp4){0};
    struct stat status;
    if (fstat(fd, &status) < 0) {
        return err_set(err, errno, "cannot read it: %s", err_name(errno));
    }
    mp4->file_bytes = (uint64_t)status.st_size;
    struct mp4_reader reader = {.source = {.fd = fd, .bytes = mp4->file_bytes}, .mp4 = mp4};
    uint64_t whole = read_boxes(&reader);
    mp4->truncated = mp4->truncated || whole < mp4->file_bytes;
    size_t samples = mp4->tracks[MP4_VIDEO].count + mp4->tracks[MP4_AUDIO].count;
    if (samples == 0) {
        mp4_finish(mp4);
        return err_set(err, EBADMSG, "not an MP4 file with samples that can be used");
    }
    align(&reader);
    return 0;
}

void mp4_finish(struct mp4 *mp4)
{
    for (int kind = 0; kind < MP4_KINDS; kind++) {
        free(mp4->tracks[kind].entry);
        free(mp4->tracks[kind].samples);
    }
    *mp4 = (struct mp4){0};
}

double mp4_duration(const struct mp4 *mp4)
{
    const struct mp4_track *track =
        &mp4->tracks[mp4->tracks[MP4_VIDEO].count > 0 ? MP4_VIDEO : MP4_AUDIO];
    return track->timescale != 0 ? (double)track->duration / track->timescale : 0;
}
