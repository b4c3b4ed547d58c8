/* The clip's tracks are gathered file by file as run-length tables (clip_tables.c); the files'
 * bytes are only named. */
#include "media/clip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "media/box.h"
#include "media/bytes.h"
#include "media/clip_tables.h"
#include "media/fmp4.h"
#include "media/movie.h"
#include "media/mp4.h"

#define CLIP_TIMESCALE 90000 /* of the movie */
/* Clients round times to milliseconds: a picture that begins so little after `from` is the one
 * meant. */
#define ROUNDING_US 500

/* A stretch of a file on its way into mdat. */
struct piece {
    size_t file;
    uint64_t offset, bytes;
};

struct clip {
    int64_t from_us, to_us;
    int64_t shown_us; /* of the asked span, so far */
    int64_t line_us;  /* the same from the first picture shown on, which may begin before `from` */
    struct clip_track tracks[MP4_KINDS];
    char **names;
    size_t name_count, name_capacity;
    struct piece *pieces;
    size_t piece_count, piece_capacity;
    uint64_t bytes; /* of all pieces */
};

struct clip *clip_create(int64_t from_us, int64_t to_us)
{
    struct clip *clip = mem_alloc(sizeof *clip);
    clip->from_us = from_us;
    clip->to_us = to_us;
    return clip;
}

void clip_destroy(struct clip *clip)
{
    if (clip == NULL) {
        return;
    }
    for (int kind = 0; kind < MP4_KINDS; kind++) {
        clip_track_finish(&clip->tracks[kind]);
    }
    for (size_t i = 0; i < clip->name_count; i++) {
        free(clip->names[i]);
    }
    free(clip->names);
    free(clip->pieces);
    free(clip);
}

bool clip_is_empty(const struct clip *clip)
{
    return clip->bytes == 0;
}

int64_t clip_duration_us(const struct clip *clip)
{
    return clip->shown_us;
}

static int64_t to_ticks(int64_t us, uint32_t timescale)
{
    __int128 scaled = (__int128)us * timescale;
    return (int64_t)((scaled >= 0 ? scaled + 500000 : scaled - 500000) / 1000000);
}

static int64_t rescale(int64_t ticks, uint32_t from, uint32_t to)
{
    return from == to ? ticks : (int64_t)((__int128)ticks * to / from);
}

/* ------------------------------------------------------------------ which samples */

/* Samples first..end of a track in decode order; `shown` is the media time at which the file's part
 * of the clip begins. */
struct range {
    size_t first, end;
    int64_t first_decode;
    int64_t shown;
};

/* Pictures from the key picture before the one on screen at `from` to the last one shown before
 * `to` (media times). */
static struct range video_range(const struct mp4_track *track, int64_t from, int64_t to)
{
    struct range range = {.shown = INT64_MIN};
    int64_t tolerance = to_ticks(ROUNDING_US, track->timescale);
    int64_t decode = track->first_decode, key_decode = decode, best = INT64_MIN;
    size_t key = 0;
    for (size_t i = 0; i < track->count; i++) {
        const struct mp4_sample *sample = &track->samples[i];
        int64_t shown = decode + sample->composition;
        if (sample->key) {
            key = i;
            key_decode = decode;
        }
        if (shown <= from + tolerance && shown > best) {
            best = shown;
            range.first = key;
            range.first_decode = key_decode;
            range.shown = shown;
        }
        if (shown < to - tolerance) {
            range.end = i + 1;
        }
        decode += sample->duration;
    }
    if (best == INT64_MIN) { /* the file begins within the span */
        range.first = 0;
        range.first_decode = track->first_decode;
        range.shown = track->shown_from;
    }
    range.end = range.end > range.first ? range.end : range.first;
    return range;
}

/* Sound frames that sound between two media times, and one more before: a decoder needs it to
 * settle.
 */
static struct range audio_range(const struct mp4_track *track, int64_t from, int64_t to)
{
    struct range range = {.shown = from, .first_decode = track->first_decode};
    int64_t decode = track->first_decode, before = decode;
    bool begun = false;
    for (size_t i = 0; i < track->count; i++) {
        int64_t end = decode + track->samples[i].duration;
        if (!begun && end > from) {
            begun = true;
            range.first = i > 0 ? i - 1 : i;
            range.first_decode = i > 0 ? before : decode;
        }
        if (decode < to) {
            range.end = i + 1;
        }
        before = decode;
        decode = end;
    }
    range.end = begun && range.end > range.first ? range.end : range.first;
    return range;
}

/* ------------------------------------------------------------------ adding a file */

/* Where a track's samples of this file go on the clip's line, and the entry they are described by.
 */
struct placing {
    const struct mp4_track *track;
    struct clip_track *to;
    struct range range;
    unsigned entry;
    size_t next;    /* sample */
    int64_t decode; /* of it, media time of the file */
    int64_t shift;  /* clip time minus file time, in the clip's timescale */
};

static void begin_placing(struct placing *placing, int64_t shift)
{
    const struct mp4_track *track = placing->track;
    placing->entry = clip_track_entry(placing->to, track->entry, track->entry_bytes);
    placing->next = placing->range.first;
    placing->decode = placing->range.first_decode;
    placing->shift = shift;
    clip_track_seek(placing->to,
                    rescale(placing->decode, track->timescale, placing->to->timescale) + shift);
}

/* The run of samples from placing->next on that lies in one stretch and ends before another track's
 * next sample: a chunk. */
static void place_chunk(struct clip *clip, size_t file, struct placing *placing, uint64_t until)
{
    const struct mp4_track *track = placing->track;
    uint64_t offset = track->samples[placing->next].offset, end = offset;
    unsigned count = 0;
    while (placing->next < placing->range.end) {
        const struct mp4_sample *sample = &track->samples[placing->next];
        if (count > 0 && (sample->offset != end || sample->offset >= until)) {
            break;
        }
        uint32_t timescale = placing->to->timescale;
        int64_t begin = rescale(placing->decode, track->timescale, timescale);
        placing->decode += sample->duration;
        int64_t duration = rescale(placing->decode, track->timescale, timescale) - begin;
        clip_track_sample(placing->to, sample->bytes, (uint32_t)duration,
                          (int32_t)rescale(sample->composition, track->timescale, timescale),
                          sample->key);
        end = sample->offset + sample->bytes;
        placing->next++;
        count++;
    }
    clip_track_chunk(placing->to, clip->bytes, count, placing->entry);
    struct piece *last = clip->piece_count > 0 ? &clip->pieces[clip->piece_count - 1] : NULL;
    if (last != NULL && last->file == file && last->offset + last->bytes == offset) {
        last->bytes += end - offset;
    } else {
        *MEM_PUSH(clip->pieces, clip->piece_count, clip->piece_capacity) =
            (struct piece){.file = file, .offset = offset, .bytes = end - offset};
    }
    clip->bytes += end - offset;
}

/* Chunks of both tracks in the order in which they lie in the file. */
static void place_all(struct clip *clip, size_t file, struct placing placings[MP4_KINDS])
{
    for (;;) {
        uint64_t at[MP4_KINDS];
        for (int kind = 0; kind < MP4_KINDS; kind++) {
            struct placing *placing = &placings[kind];
            bool left = placing->track != NULL && placing->next < placing->range.end;
            at[kind] = left ? placing->track->samples[placing->next].offset : UINT64_MAX;
        }
        int kind = at[MP4_VIDEO] <= at[MP4_AUDIO] ? MP4_VIDEO : MP4_AUDIO;
        if (at[kind] == UINT64_MAX) {
            return;
        }
        place_chunk(clip, file, &placings[kind], at[MP4_KINDS - 1 - kind]);
    }
}

/* The part of the file's wall time that the clip shows, from the file's first picture on. */
static bool find_part(const struct clip *clip, const struct mp4_track *lead, int64_t start_us,
                      int64_t *from_us, int64_t *to_us)
{
    int64_t end_us = start_us + (int64_t)((__int128)lead->duration * 1000000 / lead->timescale);
    *from_us = (clip->from_us > start_us ? clip->from_us : start_us) - start_us;
    *to_us = (clip->to_us < end_us ? clip->to_us : end_us) - start_us;
    return *from_us < *to_us;
}

static void set_begin(struct clip_track *to, const struct placing *placing)
{
    const struct mp4_track *track = placing->track;
    if (to->sample_count == 0 && to->timescale == 0) {
        to->timescale = track->timescale;
        to->width = track->width;
        to->height = track->height;
    }
}

/* Returns how much earlier than from_us the first picture shown begins. */
static int64_t add_tracks(struct clip *clip, const char *name, const struct mp4 *mp4,
                          int64_t from_us, int64_t to_us)
{
    int64_t early_us = 0;
    struct placing placings[MP4_KINDS] = {0};
    const struct mp4_track *video = &mp4->tracks[MP4_VIDEO], *audio = &mp4->tracks[MP4_AUDIO];
    bool has_video = video->count > 0;
    size_t file = clip->name_count;
    *MEM_PUSH(clip->names, clip->name_count, clip->name_capacity) = mem_strdup(name);
    if (has_video) {
        struct placing *placing = &placings[MP4_VIDEO];
        *placing = (struct placing){.track = video, .to = &clip->tracks[MP4_VIDEO]};
        placing->range = video_range(video, video->shown_from + to_ticks(from_us, video->timescale),
                                     video->shown_from + to_ticks(to_us, video->timescale));
        set_begin(placing->to, placing);
        uint32_t timescale = placing->to->timescale;
        /* What is shown first of this file comes where what was shown before ends. */
        int64_t shown = rescale(placing->range.shown, video->timescale, timescale);
        int64_t first = rescale(placing->range.first_decode, video->timescale, timescale);
        if (placing->to->sample_count == 0) {
            placing->to->shown_from = shown - first;
        }
        begin_placing(placing, clip_track_time(placing->to) - first);
        early_us =
            from_us - (placing->range.shown - video->shown_from) * 1000000 / video->timescale;
    }
    if (audio->count > 0) {
        struct placing *placing = &placings[MP4_AUDIO];
        *placing = (struct placing){.track = audio, .to = &clip->tracks[MP4_AUDIO]};
        int64_t from = audio->shown_from + to_ticks(from_us, audio->timescale);
        if (has_video) { /* from the very picture the video begins with */
            from = audio->shown_from + rescale(placings[MP4_VIDEO].range.shown - video->shown_from,
                                               video->timescale, audio->timescale);
        }
        placing->range =
            audio_range(audio, from, audio->shown_from + to_ticks(to_us, audio->timescale));
        set_begin(placing->to, placing);
        uint32_t timescale = placing->to->timescale;
        int64_t shown = rescale(from, audio->timescale, timescale);
        int64_t first = rescale(placing->range.first_decode, audio->timescale, timescale);
        int64_t line = to_ticks(clip->line_us, timescale);
        if (placing->to->sample_count == 0) {
            /* Sound that begins after the picture: the line begins earlier, with a longer edit. */
            placing->to->shown_from = shown - first - line;
        }
        begin_placing(placing, placing->to->shown_from + line - shown);
    }
    place_all(clip, file, placings);
    return early_us;
}

int clip_add(struct clip *clip, const char *name, int fd, int64_t start_us, struct err *err)
{
    AUTO_MP4 struct mp4 mp4;
    int result = mp4_read_fd(fd, &mp4, err);
    if (result < 0) {
        return result;
    }
    const struct mp4_track *lead =
        &mp4.tracks[mp4.tracks[MP4_VIDEO].count > 0 ? MP4_VIDEO : MP4_AUDIO];
    int64_t from_us, to_us;
    if (find_part(clip, lead, start_us, &from_us, &to_us)) {
        int64_t early_us = add_tracks(clip, name, &mp4, from_us, to_us);
        clip->shown_us += to_us - from_us;
        clip->line_us += to_us - from_us + early_us;
    }
    return 0;
}

/* ------------------------------------------------------------------ writing */

static void write_head(const struct clip *clip, struct str *out, uint64_t data_offset)
{
    struct movie_track tracks[MP4_KINDS];
    struct str tables[MP4_KINDS] = {{0}};
    size_t count = 0;
    uint64_t shown = (uint64_t)to_ticks(clip->shown_us, CLIP_TIMESCALE);
    for (int kind = 0; kind < MP4_KINDS; kind++) {
        const struct clip_track *track = &clip->tracks[kind];
        if (track->sample_count == 0) {
            continue;
        }
        clip_track_write(track, data_offset, clip->bytes, &tables[kind]);
        tracks[count++] = (struct movie_track){
            .id = kind == MP4_VIDEO ? FMP4_VIDEO : FMP4_AUDIO,
            .audio = kind == MP4_AUDIO,
            .width = track->width,
            .height = track->height,
            .timescale = track->timescale,
            .entries = track->entries.data,
            .entries_bytes = track->entries.length,
            .entry_count = track->entry_count,
            .duration = track->duration,
            .shown_duration = shown,
            .shown_from = track->shown_from,
            .tables = &tables[kind],
        };
    }
    movie_write(out, &(struct movie){.timescale = CLIP_TIMESCALE,
                                     .duration = shown,
                                     .tracks = tracks,
                                     .track_count = count});
    for (int kind = 0; kind < MP4_KINDS; kind++) {
        str_finish(&tables[kind]);
    }
    put_u32(out, 1); /* mdat with a 64-bit size */
    str_add_bytes(out, "mdat", 4);
    put_u64(out, clip->bytes + 16);
}

struct rope *clip_rope(struct clip *clip, rope_open_fn open_file, void *context,
                       void (*free_context)(void *))
{
    if (clip_is_empty(clip)) {
        return NULL;
    }
    struct rope *rope = rope_create(open_file, context, free_context);
    struct str head = {0};
    write_head(clip, &head, 0); /* only to see how long it is */
    size_t length = head.length;
    str_clear(&head);
    write_head(clip, &head, length);
    rope_add_str(rope, &head);
    for (size_t i = 0; i < clip->name_count; i++) {
        rope_add_file(rope, clip->names[i]);
    }
    for (size_t i = 0; i < clip->piece_count; i++) {
        const struct piece *piece = &clip->pieces[i];
        rope_add_range(rope, piece->file, piece->offset, piece->bytes);
    }
    return rope;
}
