#include <string.h>

#include "base/cleanup.h"
#include "media/box.h"
#include "media/bytes.h"
#include "media/fmp4.h"
#include "media/movie.h"

const uint8_t FMP4_START_UUID[16] = {0x9c, 0x1e, 0x63, 0x0b, 0x2f, 0x6a, 0x4d, 0x57,
                                     0x8a, 0x41, 0x37, 0xd2, 0x5e, 0x90, 0x11, 0xc6};

/* trex/trun sample flags: depends on others and is no random access point, or neither. */
#define FLAGS_KEY 0x02000000u
#define FLAGS_DELTA 0x01010000u

static void put_video_entry(struct str *out, const struct fmp4_video *video)
{
    bool h265 = video->codec == MEDIA_H265;
    size_t entry = box_begin(out, h265 ? "hvc1" : "avc1");
    box_put_zeros(out, 6);
    put_u16(out, 1);
    box_put_zeros(out, 16);
    put_u16(out, (unsigned)video->width);
    put_u16(out, (unsigned)video->height);
    put_u32(out, 0x480000); /* 72 dpi */
    put_u32(out, 0x480000);
    put_u32(out, 0);
    put_u16(out, 1);
    box_put_zeros(out, 32);
    put_u16(out, 24);
    put_u16(out, 0xffff);
    size_t config = box_begin(out, h265 ? "hvcC" : "avcC");
    str_add_bytes(out, video->config, video->config_bytes);
    box_end(out, config);
    box_end(out, entry);
}

/* MPEG-4 descriptor: tag and a length in four 7-bit groups. */
static void put_descriptor(struct str *out, unsigned tag, size_t length)
{
    put_u8(out, tag);
    put_u8(out, 0x80 | (length >> 21 & 0x7f));
    put_u8(out, 0x80 | (length >> 14 & 0x7f));
    put_u8(out, 0x80 | (length >> 7 & 0x7f));
    put_u8(out, length & 0x7f);
}

static void put_audio_entry(struct str *out, const struct fmp4_audio *audio)
{
    size_t entry = box_begin(out, "mp4a");
    box_put_zeros(out, 6);
    put_u16(out, 1);
    box_put_zeros(out, 8);
    put_u16(out, audio->channels);
    put_u16(out, 16);
    box_put_zeros(out, 4);
    put_u32(out, audio->sample_rate > 0xffff ? 0 : audio->sample_rate << 16);
    size_t esds = box_begin_full(out, "esds", 0, 0);
    /* 5 bytes of tag and length each: ES (3) > decoder config (13) > specific info; SL config (1)
     */
    put_descriptor(out, 3, 3 + 5 + 13 + 5 + audio->config_bytes + 5 + 1);
    put_u16(out, FMP4_AUDIO);
    put_u8(out, 0);
    put_descriptor(out, 4, 13 + 5 + audio->config_bytes);
    put_u8(out, 0x40); /* MPEG-4 audio */
    put_u8(out, 0x15); /* audio stream */
    box_put_zeros(out, 3 + 4 + 4);
    put_descriptor(out, 5, audio->config_bytes);
    str_add_bytes(out, audio->config, audio->config_bytes);
    put_descriptor(out, 6, 1);
    put_u8(out, 2);
    box_end(out, esds);
    box_end(out, entry);
}

void fmp4_write_init(struct str *out, const struct fmp4_video *video,
                     const struct fmp4_audio *audio)
{
    AUTO_STR struct str video_entry = {0}, audio_entry = {0};
    put_video_entry(&video_entry, video);
    struct movie_track tracks[FMP4_TRACKS] = {{.id = FMP4_VIDEO,
                                               .width = video->width,
                                               .height = video->height,
                                               .timescale = FMP4_VIDEO_TIMESCALE,
                                               .entries = video_entry.data,
                                               .entries_bytes = video_entry.length,
                                               .entry_count = 1}};
    if (audio != NULL) {
        put_audio_entry(&audio_entry, audio);
        tracks[1] = (struct movie_track){.id = FMP4_AUDIO,
                                         .audio = true,
                                         .timescale = audio->sample_rate,
                                         .entries = audio_entry.data,
                                         .entries_bytes = audio_entry.length,
                                         .entry_count = 1};
    }
    movie_write(out, &(struct movie){.timescale = MOVIE_TIMESCALE,
                                     .fragmented = true,
                                     .tracks = tracks,
                                     .track_count = audio != NULL ? 2 : 1});
}

void fmp4_write_start(struct str *out, int64_t start_us)
{
    size_t box = box_begin(out, "uuid");
    str_add_bytes(out, FMP4_START_UUID, sizeof FMP4_START_UUID);
    put_u32(out, 0);
    put_u64(out, (uint64_t)start_us);
    box_end(out, box);
}

/* trun: data offset, then duration, size, flags and signed composition offset of each sample.
 * Returns where the data offset stands, to be filled in when the size of the moof is known. */
static size_t put_run(struct str *out, const struct fmp4_run *run)
{
    size_t traf = box_begin(out, "traf");
    size_t tfhd = box_begin_full(out, "tfhd", 0, 0x20000); /* offsets count from the moof */
    put_u32(out, run->track);
    box_end(out, tfhd);
    size_t tfdt = box_begin_full(out, "tfdt", 1, 0);
    put_u64(out, run->decode_time);
    box_end(out, tfdt);
    size_t trun = box_begin_full(out, "trun", 1, 0xf01);
    put_u32(out, (uint32_t)run->count);
    size_t data_offset = out->length;
    put_u32(out, 0);
    for (size_t i = 0; i < run->count; i++) {
        const struct fmp4_sample *sample = &run->samples[i];
        put_u32(out, sample->duration);
        put_u32(out, sample->bytes);
        put_u32(out, sample->key ? FLAGS_KEY : FLAGS_DELTA);
        put_u32(out, (uint32_t)sample->offset);
    }
    box_end(out, trun);
    box_end(out, traf);
    return data_offset;
}

void fmp4_write_fragment(struct str *out, uint32_t sequence, const struct fmp4_run *runs,
                         size_t count)
{
    size_t offsets[FMP4_TRACKS];
    count = count < FMP4_TRACKS ? count : FMP4_TRACKS;
    size_t moof = box_begin(out, "moof");
    size_t mfhd = box_begin_full(out, "mfhd", 0, 0);
    put_u32(out, sequence);
    box_end(out, mfhd);
    for (size_t i = 0; i < count; i++) {
        offsets[i] = put_run(out, &runs[i]);
    }
    box_end(out, moof);
    uint32_t position = (uint32_t)(out->length - moof) + 8;
    for (size_t i = 0; i < count; i++) {
        set_u32((uint8_t *)out->data + offsets[i], position);
        for (size_t n = 0; n < runs[i].count; n++) {
            position += runs[i].samples[n].bytes;
        }
    }
    uint32_t before = (uint32_t)(out->length - moof);
    put_u32(out, position - before);
    str_add_bytes(out, "mdat", 4);
}

void fmp4_write_index(struct str *out, const struct fmp4_entry *entries, size_t count)
{
    size_t mfra = box_begin(out, "mfra");
    size_t tfra = box_begin_full(out, "tfra", 1, 0);
    put_u32(out, FMP4_VIDEO);
    put_u32(out, 0); /* traf, trun and sample numbers take one byte each */
    put_u32(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        put_u64(out, entries[i].decode_time);
        put_u64(out, entries[i].offset);
        put_u8(out, 1);
        put_u8(out, 1);
        put_u8(out, 1);
    }
    box_end(out, tfra);
    size_t mfro = box_begin_full(out, "mfro", 0, 0);
    put_u32(out, (uint32_t)(out->length + 4 - mfra));
    box_end(out, mfro);
    box_end(out, mfra);
}
