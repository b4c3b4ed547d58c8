#include "media/movie.h"

#include <string.h>

#include "base/cleanup.h"
#include "media/box.h"
#include "media/bytes.h"

static void put_matrix(struct str *out)
{
    static const uint32_t unity[9] = {0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000};
    for (size_t i = 0; i < ARRAY_SIZE(unity); i++) {
        put_u32(out, unity[i]);
    }
}

static void put_ftyp(struct str *out, bool fragmented)
{
    size_t box = box_begin(out, "ftyp");
    if (fragmented) {
        str_add_bytes(out, "iso6", 4); /* tfdt, signed composition offsets */
        put_u32(out, 0x200);
        str_add_bytes(out, "iso6isommp41", 12);
    } else {
        str_add_bytes(out, "isom", 4);
        put_u32(out, 0x200);
        str_add_bytes(out, "isomiso4mp41", 12); /* iso4: signed composition offsets */
    }
    box_end(out, box);
}

/* A duration that may need the wide form of its box. */
static bool is_wide(uint64_t duration)
{
    return duration > UINT32_MAX;
}

static void put_duration(struct str *out, bool wide, uint64_t duration)
{
    if (wide) {
        put_u64(out, duration);
    } else {
        put_u32(out, (uint32_t)duration);
    }
}

static void put_mvhd(struct str *out, const struct movie *movie)
{
    bool wide = is_wide(movie->duration);
    size_t box = box_begin_full(out, "mvhd", wide, 0);
    box_put_zeros(out, wide ? 16 : 8);
    put_u32(out, movie->timescale);
    put_duration(out, wide, movie->duration);
    put_u32(out, 0x10000);
    put_u16(out, 0x100);
    box_put_zeros(out, 10);
    put_matrix(out);
    box_put_zeros(out, 24);
    uint32_t next = 1;
    for (size_t i = 0; i < movie->track_count; i++) {
        next = movie->tracks[i].id >= next ? movie->tracks[i].id + 1 : next;
    }
    put_u32(out, next);
    box_end(out, box);
}

static void put_tkhd(struct str *out, const struct movie_track *track)
{
    bool wide = is_wide(track->shown_duration);
    size_t box = box_begin_full(out, "tkhd", wide, 3); /* enabled, in the movie */
    box_put_zeros(out, wide ? 16 : 8);
    put_u32(out, track->id);
    put_u32(out, 0);
    put_duration(out, wide, track->shown_duration);
    box_put_zeros(out, 8 + 2 + 2);
    put_u16(out, track->audio ? 0x100 : 0);
    put_u16(out, 0);
    put_matrix(out);
    put_u32(out, (uint32_t)track->width << 16);
    put_u32(out, (uint32_t)track->height << 16);
    box_end(out, box);
}

static void put_edit(struct str *out, const struct movie_track *track)
{
    bool wide = is_wide(track->shown_duration) || track->shown_from > INT32_MAX;
    size_t edts = box_begin(out, "edts");
    size_t elst = box_begin_full(out, "elst", wide, 0);
    put_u32(out, 1);
    put_duration(out, wide, track->shown_duration);
    put_duration(out, wide, (uint64_t)track->shown_from);
    put_u32(out, 0x10000); /* at normal speed */
    box_end(out, elst);
    box_end(out, edts);
}

static void put_mdhd(struct str *out, const struct movie_track *track)
{
    bool wide = is_wide(track->duration);
    size_t box = box_begin_full(out, "mdhd", wide, 0);
    box_put_zeros(out, wide ? 16 : 8);
    put_u32(out, track->timescale);
    put_duration(out, wide, track->duration);
    put_u16(out, 0x55c4); /* language: und */
    put_u16(out, 0);
    box_end(out, box);
}

static void put_hdlr(struct str *out, const char *type, const char *name)
{
    size_t box = box_begin_full(out, "hdlr", 0, 0);
    put_u32(out, 0);
    str_add_bytes(out, type, 4);
    box_put_zeros(out, 12);
    str_add_bytes(out, name, strlen(name) + 1);
    box_end(out, box);
}

static void put_dinf(struct str *out)
{
    size_t dinf = box_begin(out, "dinf");
    size_t dref = box_begin_full(out, "dref", 0, 0);
    put_u32(out, 1);
    size_t url = box_begin_full(out, "url ", 0, 1); /* the media is in this file */
    box_end(out, url);
    box_end(out, dref);
    box_end(out, dinf);
}

/* The sample tables of a fragmented file: there, and empty. */
static void put_empty_tables(struct str *out)
{
    static const char *const types[] = {"stts", "stsc", "stco"};
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        size_t box = box_begin_full(out, types[i], 0, 0);
        put_u32(out, 0);
        box_end(out, box);
    }
    size_t stsz = box_begin_full(out, "stsz", 0, 0);
    put_u32(out, 0);
    put_u32(out, 0);
    box_end(out, stsz);
}

static void put_track(struct str *out, const struct movie_track *track)
{
    size_t trak = box_begin(out, "trak");
    put_tkhd(out, track);
    if (track->shown_duration > 0) {
        put_edit(out, track);
    }
    size_t mdia = box_begin(out, "mdia");
    put_mdhd(out, track);
    put_hdlr(out, track->audio ? "soun" : "vide", track->audio ? "Sound" : "Video");
    size_t minf = box_begin(out, "minf");
    size_t header = box_begin_full(out, track->audio ? "smhd" : "vmhd", 0, track->audio ? 0 : 1);
    box_put_zeros(out, track->audio ? 4 : 8);
    box_end(out, header);
    put_dinf(out);
    size_t stbl = box_begin(out, "stbl");
    size_t stsd = box_begin_full(out, "stsd", 0, 0);
    put_u32(out, track->entry_count);
    str_add_bytes(out, track->entries, track->entries_bytes);
    box_end(out, stsd);
    if (track->tables != NULL) {
        str_add_bytes(out, track->tables->data, track->tables->length);
    } else {
        put_empty_tables(out);
    }
    box_end(out, stbl);
    box_end(out, minf);
    box_end(out, mdia);
    box_end(out, trak);
}

static void put_trex(struct str *out, uint32_t track)
{
    size_t box = box_begin_full(out, "trex", 0, 0);
    put_u32(out, track);
    put_u32(out, 1);
    box_put_zeros(out, 12);
    box_end(out, box);
}

void movie_write(struct str *out, const struct movie *movie)
{
    put_ftyp(out, movie->fragmented);
    size_t moov = box_begin(out, "moov");
    put_mvhd(out, movie);
    for (size_t i = 0; i < movie->track_count; i++) {
        put_track(out, &movie->tracks[i]);
    }
    if (movie->fragmented) {
        size_t mvex = box_begin(out, "mvex");
        for (size_t i = 0; i < movie->track_count; i++) {
            put_trex(out, movie->tracks[i].id);
        }
        box_end(out, mvex);
    }
    box_end(out, moov);
}
