#include "media/hls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "media/box.h"
#include "media/bytes.h"
#include "media/fmp4.h"
#include "media/movie.h"
#include "media/mp4.h"

/* trun sample flags: depends on others and is no random access point, or neither. */
#define FLAGS_KEY 0x02000000u
#define FLAGS_DELTA 0x01010000u

static uint32_t track_id(enum mp4_kind kind)
{
    return kind == MP4_VIDEO ? FMP4_VIDEO : FMP4_AUDIO;
}

/* ------------------------------------------------------------------ our own, as they lie */

/* Whether the decode times can be patched in their places. */
static bool can_patch(const struct fmp4_index *index)
{
    for (size_t i = 0; i < index->fragment_count; i++) {
        for (size_t t = 0; t < index->track_count; t++) {
            const struct fmp4_part *part = &index->fragments[i].parts[t];
            if (part->samples > 0 && !part->tfdt_wide) {
                return false;
            }
        }
    }
    return index->fragment_count > 0;
}

/* The fragment's moof and mdat header in memory, its decode times moved by `base`; the rest of it
 * stays in the file. */
static int add_fragment(const struct box_source *source, const struct fmp4_index *index,
                        const struct fmp4_fragment *fragment, uint64_t base, struct rope *rope,
                        size_t file)
{
    uint32_t type;
    uint64_t moof_bytes, mdat_bytes;
    unsigned header_bytes;
    if (!box_header(source, fragment->offset, &type, &moof_bytes, &header_bytes) ||
        moof_bytes > fragment->bytes || moof_bytes > BOX_MAX ||
        !box_header(source, fragment->offset + moof_bytes, &type, &mdat_bytes, &header_bytes)) {
        return -EBADMSG;
    }
    size_t head = (size_t)moof_bytes + header_bytes;
    AUTO_FREE uint8_t *data = mem_alloc(head);
    int result = box_read(source, fragment->offset, data, head);
    if (result < 0) {
        return result;
    }
    for (size_t t = 0; t < index->track_count; t++) {
        const struct fmp4_part *part = &fragment->parts[t];
        uint64_t at = part->tfdt_offset - fragment->offset;
        if (part->samples > 0 && at + 8 <= head) {
            uint64_t time =
                part->decode_time +
                (uint64_t)((unsigned __int128)base * index->tracks[t].timescale / HLS_TIMESCALE);
            set_u32(data + at, (uint32_t)(time >> 32));
            set_u32(data + at + 4, (uint32_t)time);
        }
    }
    rope_add_bytes(rope, data, head);
    rope_add_range(rope, file, fragment->offset + head, fragment->bytes - head);
    return 0;
}

static int add_patched(int fd, const char *name, uint64_t base, const struct fmp4_index *index,
                       struct rope *rope)
{
    struct box_source source = {.fd = fd, .bytes = index->file_bytes};
    size_t file = rope_add_file(rope, name);
    int result = 0;
    for (size_t i = 0; i < index->fragment_count && result == 0; i++) {
        result = add_fragment(&source, index, &index->fragments[i], base, rope, file);
    }
    return result;
}

/* ------------------------------------------------------------------ plain MP4, repackaged */

/* The stretch of the file that holds the samples used, and where the moof will say it is. */
struct stretch {
    uint64_t begin, end;
};

/* Samples of a track that are sent: sound from before the first picture of a playlist would need a
 * time before its beginning. */
struct cut {
    size_t first;
    uint64_t decode_time; /* of that sample */
};

static struct cut cut_track(const struct mp4 *mp4, enum mp4_kind kind, uint64_t base)
{
    const struct mp4_track *track = &mp4->tracks[kind];
    const struct mp4_track *video = &mp4->tracks[MP4_VIDEO];
    int64_t time = (int64_t)((__int128)base * track->timescale / HLS_TIMESCALE);
    struct cut cut = {0};
    if (kind == MP4_VIDEO || video->count == 0) {
        cut.decode_time = (uint64_t)time;
        return cut;
    }
    /* The first picture is shown `lead` after the line's zero; sound keeps its distance to it. */
    int64_t lead = (int64_t)((__int128)(video->shown_from - video->first_decode) *
                             track->timescale / video->timescale);
    time += lead + track->first_decode - track->shown_from;
    while (cut.first < track->count && time < 0) {
        time += track->samples[cut.first++].duration;
    }
    cut.decode_time = time < 0 ? 0 : (uint64_t)time;
    return cut;
}

static struct stretch find_stretch(const struct mp4 *mp4, const struct cut cuts[MP4_KINDS])
{
    struct stretch stretch = {.begin = UINT64_MAX};
    for (int kind = 0; kind < MP4_KINDS; kind++) {
        const struct mp4_track *track = &mp4->tracks[kind];
        for (size_t i = cuts[kind].first; i < track->count; i++) {
            const struct mp4_sample *sample = &track->samples[i];
            uint64_t end = sample->offset + sample->bytes;
            stretch.begin = sample->offset < stretch.begin ? sample->offset : stretch.begin;
            stretch.end = end > stretch.end ? end : stretch.end;
        }
    }
    return stretch;
}

/* How many samples from `first` on lie one after the other in the file. */
static size_t run_length(const struct mp4_track *track, size_t first)
{
    size_t count = 1;
    while (first + count < track->count &&
           track->samples[first + count].offset ==
               track->samples[first + count - 1].offset + track->samples[first + count - 1].bytes) {
        count++;
    }
    return count;
}

/* Data offsets are those within the stretch for now; `fix` remembers where they stand. */
struct fixes {
    size_t *places;
    size_t count, capacity;
};

static void put_run(struct str *out, const struct mp4_track *track, size_t first, size_t count,
                    uint64_t begin, struct fixes *fixes)
{
    size_t trun = box_begin_full(out, "trun", 1, 0xf01);
    put_u32(out, (uint32_t)count);
    *MEM_PUSH(fixes->places, fixes->count, fixes->capacity) = out->length;
    put_u32(out, (uint32_t)(track->samples[first].offset - begin));
    for (size_t i = first; i < first + count; i++) {
        const struct mp4_sample *sample = &track->samples[i];
        put_u32(out, sample->duration);
        put_u32(out, sample->bytes);
        put_u32(out, sample->key ? FLAGS_KEY : FLAGS_DELTA);
        put_u32(out, (uint32_t)sample->composition);
    }
    box_end(out, trun);
}

static void put_traf(struct str *out, const struct mp4_track *track, uint32_t id,
                     const struct cut *cut, uint64_t begin, struct fixes *fixes)
{
    size_t traf = box_begin(out, "traf");
    size_t tfhd = box_begin_full(out, "tfhd", 0, 0x20000); /* offsets count from the moof */
    put_u32(out, id);
    box_end(out, tfhd);
    size_t tfdt = box_begin_full(out, "tfdt", 1, 0);
    put_u64(out, cut->decode_time);
    box_end(out, tfdt);
    for (size_t i = cut->first; i < track->count;) {
        size_t count = run_length(track, i);
        put_run(out, track, i, count, begin, fixes);
        i += count;
    }
    box_end(out, traf);
}

static void add_repackaged(const struct mp4 *mp4, const char *name, uint64_t base,
                           struct rope *rope)
{
    struct cut cuts[MP4_KINDS];
    for (int kind = 0; kind < MP4_KINDS; kind++) {
        cuts[kind] =
            mp4->tracks[kind].timescale != 0 ? cut_track(mp4, kind, base) : (struct cut){0};
    }
    struct stretch stretch = find_stretch(mp4, cuts);
    AUTO_STR struct str head = {0};
    struct fixes fixes = {0};
    size_t moof = box_begin(&head, "moof");
    size_t mfhd = box_begin_full(&head, "mfhd", 0, 0);
    put_u32(&head, 1);
    box_end(&head, mfhd);
    for (int kind = 0; kind < MP4_KINDS; kind++) {
        if (cuts[kind].first < mp4->tracks[kind].count) {
            put_traf(&head, &mp4->tracks[kind], track_id(kind), &cuts[kind], stretch.begin, &fixes);
        }
    }
    box_end(&head, moof);
    uint64_t bytes = stretch.end - stretch.begin;
    put_u32(&head, 1); /* mdat with a 64-bit size */
    str_add_bytes(&head, "mdat", 4);
    put_u64(&head, bytes + 16);
    for (size_t i = 0; i < fixes.count; i++) {
        uint8_t *at = (uint8_t *)head.data + fixes.places[i];
        set_u32(at, get_u32(at) + (uint32_t)head.length);
    }
    free(fixes.places);
    rope_add_bytes(rope, head.data, head.length);
    rope_add_range(rope, rope_add_file(rope, name), stretch.begin, bytes);
}

/* ------------------------------------------------------------------ either */

int hls_segment(int fd, const char *name, uint64_t base, struct rope *rope, struct err *err)
{
    struct fmp4_index index;
    struct err ignored = ERR_NONE;
    if (fmp4_read_fd(fd, &index, &ignored) == 0) {
        bool patch = can_patch(&index);
        int result = patch ? add_patched(fd, name, base, &index, rope) : 0;
        fmp4_finish(&index);
        if (patch) {
            return result == 0 ? 0 : err_set(err, -result, "cannot read it: %s", err_name(result));
        }
    }
    AUTO_MP4 struct mp4 mp4;
    int result = mp4_read_fd(fd, &mp4, err);
    if (result == 0) {
        add_repackaged(&mp4, name, base, rope);
    }
    return result;
}

static int copy_init(int fd, const struct fmp4_index *index, struct str *out, struct err *err)
{
    struct box_source source = {.fd = fd, .bytes = index->file_bytes};
    size_t bytes = index->init_bytes <= BOX_MAX ? (size_t)index->init_bytes : 0;
    str_reserve(out, bytes);
    int result = box_read(&source, 0, out->data + out->length, bytes);
    if (result < 0) {
        return err_set(err, -result, "cannot read it: %s", err_name(result));
    }
    out->length += bytes;
    out->data[out->length] = '\0';
    return 0;
}

int hls_init(int fd, struct str *out, struct err *err)
{
    struct fmp4_index index;
    struct err ignored = ERR_NONE;
    if (fmp4_read_fd(fd, &index, &ignored) == 0) {
        bool patch = can_patch(&index);
        int result = patch ? copy_init(fd, &index, out, err) : 0;
        fmp4_finish(&index);
        if (patch) {
            return result;
        }
    }
    AUTO_MP4 struct mp4 mp4;
    int result = mp4_read_fd(fd, &mp4, err);
    if (result < 0) {
        return result;
    }
    struct movie_track tracks[MP4_KINDS];
    size_t count = 0;
    for (int kind = 0; kind < MP4_KINDS; kind++) {
        const struct mp4_track *track = &mp4.tracks[kind];
        if (track->count > 0) {
            tracks[count++] = (struct movie_track){.id = track_id(kind),
                                                   .audio = kind == MP4_AUDIO,
                                                   .width = track->width,
                                                   .height = track->height,
                                                   .timescale = track->timescale,
                                                   .entries = track->entry,
                                                   .entries_bytes = track->entry_bytes,
                                                   .entry_count = 1};
        }
    }
    movie_write(out, &(struct movie){.timescale = MOVIE_TIMESCALE,
                                     .fragmented = true,
                                     .tracks = tracks,
                                     .track_count = count});
    return 0;
}

/* ------------------------------------------------------------------ describing */

/* Payload of a box inside a sample entry (after the fixed part). */
static bool entry_box(const struct mp4_track *track, size_t fixed, uint32_t type, struct box *box)
{
    struct box_span body = {.at = track->entry, .end = track->entry + track->entry_bytes};
    body.begin = body.at;
    return box_skip(&body, 8 + fixed) && box_find(body, type, box);
}

/* H.265: profile space and id, compatibility flags reversed, tier and level, constraint bytes
 * without the zeros at their end (ISO/IEC 14496-15, annex E). */
static void add_hevc(const struct box_span *config, char *text, size_t size)
{
    static const char *const spaces[] = {"", "A", "B", "C"};
    const uint8_t *at = config->at;
    uint32_t flags = get_u32(at + 2), reversed = 0;
    for (int i = 0; i < 32; i++) {
        reversed |= (flags >> i & 1) << (31 - i);
    }
    int length = snprintf(text, size, "hvc1.%s%u.%X.%c%u", spaces[at[1] >> 6], at[1] & 0x1fu,
                          reversed, at[1] & 0x20 ? 'H' : 'L', at[12]);
    int last = 11;
    while (last >= 6 && at[last] == 0) {
        last--;
    }
    for (int i = 6; i <= last && length > 0 && (size_t)length < size; i++) {
        length += snprintf(text + length, size - (size_t)length, ".%X", at[i]);
    }
}

static void add_video(const struct mp4_track *track, char *text, size_t size)
{
    struct box config;
    if (track->codec == MEDIA_H264 && entry_box(track, 78, BOX_TYPE('a', 'v', 'c', 'C'), &config) &&
        box_left(&config.body) >= 4) {
        const uint8_t *at = config.body.at;
        snprintf(text, size, "avc1.%02x%02x%02x", at[1], at[2], at[3]);
    } else if (track->codec == MEDIA_H265 &&
               entry_box(track, 78, BOX_TYPE('h', 'v', 'c', 'C'), &config) &&
               box_left(&config.body) >= 13) {
        add_hevc(&config.body, text, size);
    } else {
        snprintf(text, size, "%.4s", (const char *)track->entry + 4);
    }
}

int hls_describe(int fd, struct hls_stream *stream, struct err *err)
{
    *stream = (struct hls_stream){0};
    AUTO_MP4 struct mp4 mp4;
    int result = mp4_read_fd(fd, &mp4, err);
    if (result < 0) {
        return result;
    }
    const struct mp4_track *video = &mp4.tracks[MP4_VIDEO], *audio = &mp4.tracks[MP4_AUDIO];
    stream->has_video = video->count > 0;
    stream->has_audio = audio->count > 0;
    char picture[48] = "";
    if (stream->has_video) {
        add_video(video, picture, sizeof picture);
        stream->width = video->width;
        stream->height = video->height;
        stream->fps = video->duration > 0
                          ? (double)video->count * video->timescale / (double)video->duration
                          : 0;
    }
    /* Object type 2 (AAC LC) is what cameras send and what we make. */
    snprintf(stream->codecs, sizeof stream->codecs, "%s%s%s", picture,
             stream->has_video && stream->has_audio ? "," : "",
             stream->has_audio ? "mp4a.40.2" : "");
    double seconds = mp4_duration(&mp4);
    stream->bits_per_second = seconds > 0 ? (uint64_t)((double)mp4.file_bytes * 8 / seconds) : 0;
    return 0;
}

int hls_parameters(int fd, uint64_t *parameters, struct err *err)
{
    AUTO_STR struct str init = {0};
    int result = hls_init(fd, &init, err);
    if (result == 0) {
        *parameters = hls_init_parameters(init.data, init.length);
    }
    return result;
}

/* FNV-1a, 64 bits (public domain; Fowler, Noll, Vo). */
uint64_t hls_init_parameters(const void *init, size_t bytes)
{
    const unsigned char *at = init;
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < bytes; i++) {
        hash = (hash ^ at[i]) * 0x100000001b3;
    }
    return hash != 0 ? hash : 1;
}
