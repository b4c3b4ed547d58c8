#include <string.h>

#include "base/cleanup.h"
#include "media/bytes.h"
#include "media/fmp4.h"

const uint8_t FMP4_START_UUID[16] = {0x9c, 0x1e, 0x63, 0x0b, 0x2f, 0x6a, 0x4d, 0x57,
                                     0x8a, 0x41, 0x37, 0xd2, 0x5e, 0x90, 0x11, 0xc6};

/* trex/trun sample flags: depends on others and is no random access point, or neither. */
#define FLAGS_KEY 0x02000000u
#define FLAGS_DELTA 0x01010000u

static size_t begin_box(struct str *out, const char *type)
{
    size_t at = out->length;
    put_u32(out, 0);
    str_add_bytes(out, type, 4);
    return at;
}

static size_t begin_full_box(struct str *out, const char *type, unsigned version, uint32_t flags)
{
    size_t at = begin_box(out, type);
    put_u32(out, version << 24 | flags);
    return at;
}

static void end_box(struct str *out, size_t at)
{
    set_u32((uint8_t *)out->data + at, (uint32_t)(out->length - at));
}

static void put_zeros(struct str *out, size_t count)
{
    while (count-- > 0) {
        put_u8(out, 0);
    }
}

static void put_matrix(struct str *out)
{
    static const uint32_t unity[9] = {0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000};
    for (size_t i = 0; i < ARRAY_SIZE(unity); i++) {
        put_u32(out, unity[i]);
    }
}

static void put_ftyp(struct str *out)
{
    size_t box = begin_box(out, "ftyp");
    str_add_bytes(out, "iso6", 4); /* tfdt, signed composition offsets */
    put_u32(out, 0x200);
    str_add_bytes(out, "iso6isommp41", 12);
    end_box(out, box);
}

static void put_mvhd(struct str *out)
{
    size_t box = begin_full_box(out, "mvhd", 0, 0);
    put_zeros(out, 8);
    put_u32(out, 1000);
    put_u32(out, 0); /* duration: in the fragments */
    put_u32(out, 0x10000);
    put_u16(out, 0x100);
    put_zeros(out, 10);
    put_matrix(out);
    put_zeros(out, 24);
    put_u32(out, FMP4_TRACKS + 1);
    end_box(out, box);
}

static void put_tkhd(struct str *out, uint32_t track, int width, int height)
{
    size_t box = begin_full_box(out, "tkhd", 0, 3); /* enabled, in the movie */
    put_zeros(out, 8);
    put_u32(out, track);
    put_zeros(out, 4 + 4 + 8);
    put_u16(out, 0);
    put_u16(out, 0);
    put_u16(out, track == FMP4_AUDIO ? 0x100 : 0);
    put_u16(out, 0);
    put_matrix(out);
    put_u32(out, (uint32_t)width << 16);
    put_u32(out, (uint32_t)height << 16);
    end_box(out, box);
}

static void put_mdhd(struct str *out, uint32_t timescale)
{
    size_t box = begin_full_box(out, "mdhd", 0, 0);
    put_zeros(out, 8);
    put_u32(out, timescale);
    put_u32(out, 0);
    put_u16(out, 0x55c4); /* language: und */
    put_u16(out, 0);
    end_box(out, box);
}

static void put_hdlr(struct str *out, const char *type, const char *name)
{
    size_t box = begin_full_box(out, "hdlr", 0, 0);
    put_u32(out, 0);
    str_add_bytes(out, type, 4);
    put_zeros(out, 12);
    str_add_bytes(out, name, strlen(name) + 1);
    end_box(out, box);
}

static void put_dinf(struct str *out)
{
    size_t dinf = begin_box(out, "dinf");
    size_t dref = begin_full_box(out, "dref", 0, 0);
    put_u32(out, 1);
    size_t url = begin_full_box(out, "url ", 0, 1); /* the media is in this file */
    end_box(out, url);
    end_box(out, dref);
    end_box(out, dinf);
}

static void put_video_entry(struct str *out, const struct fmp4_video *video)
{
    bool h265 = video->codec == MEDIA_H265;
    size_t entry = begin_box(out, h265 ? "hvc1" : "avc1");
    put_zeros(out, 6);
    put_u16(out, 1);
    put_zeros(out, 16);
    put_u16(out, (unsigned)video->width);
    put_u16(out, (unsigned)video->height);
    put_u32(out, 0x480000); /* 72 dpi */
    put_u32(out, 0x480000);
    put_u32(out, 0);
    put_u16(out, 1);
    put_zeros(out, 32);
    put_u16(out, 24);
    put_u16(out, 0xffff);
    size_t config = begin_box(out, h265 ? "hvcC" : "avcC");
    str_add_bytes(out, video->config, video->config_bytes);
    end_box(out, config);
    end_box(out, entry);
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
    size_t entry = begin_box(out, "mp4a");
    put_zeros(out, 6);
    put_u16(out, 1);
    put_zeros(out, 8);
    put_u16(out, audio->channels);
    put_u16(out, 16);
    put_zeros(out, 4);
    put_u32(out, audio->sample_rate > 0xffff ? 0 : audio->sample_rate << 16);
    size_t esds = begin_full_box(out, "esds", 0, 0);
    /* 5 bytes of tag and length each: ES (3) > decoder config (13) > specific info; SL config (1)
     */
    put_descriptor(out, 3, 3 + 5 + 13 + 5 + audio->config_bytes + 5 + 1);
    put_u16(out, FMP4_AUDIO);
    put_u8(out, 0);
    put_descriptor(out, 4, 13 + 5 + audio->config_bytes);
    put_u8(out, 0x40); /* MPEG-4 audio */
    put_u8(out, 0x15); /* audio stream */
    put_zeros(out, 3 + 4 + 4);
    put_descriptor(out, 5, audio->config_bytes);
    str_add_bytes(out, audio->config, audio->config_bytes);
    put_descriptor(out, 6, 1);
    put_u8(out, 2);
    end_box(out, esds);
    end_box(out, entry);
}

/* The sample tables of a fragmented file: there, and empty. */
static void put_empty_tables(struct str *out)
{
    static const char *const types[] = {"stts", "stsc", "stco"};
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        size_t box = begin_full_box(out, types[i], 0, 0);
        put_u32(out, 0);
        end_box(out, box);
    }
    size_t stsz = begin_full_box(out, "stsz", 0, 0);
    put_u32(out, 0);
    put_u32(out, 0);
    end_box(out, stsz);
}

static void put_track(struct str *out, const struct fmp4_video *video,
                      const struct fmp4_audio *audio)
{
    size_t trak = begin_box(out, "trak");
    put_tkhd(out, video != NULL ? FMP4_VIDEO : FMP4_AUDIO, video != NULL ? video->width : 0,
             video != NULL ? video->height : 0);
    size_t mdia = begin_box(out, "mdia");
    put_mdhd(out, video != NULL ? FMP4_VIDEO_TIMESCALE : audio->sample_rate);
    put_hdlr(out, video != NULL ? "vide" : "soun", video != NULL ? "Video" : "Sound");
    size_t minf = begin_box(out, "minf");
    size_t header = begin_full_box(out, video != NULL ? "vmhd" : "smhd", 0, video != NULL ? 1 : 0);
    put_zeros(out, video != NULL ? 8 : 4);
    end_box(out, header);
    put_dinf(out);
    size_t stbl = begin_box(out, "stbl");
    size_t stsd = begin_full_box(out, "stsd", 0, 0);
    put_u32(out, 1);
    if (video != NULL) {
        put_video_entry(out, video);
    } else {
        put_audio_entry(out, audio);
    }
    end_box(out, stsd);
    put_empty_tables(out);
    end_box(out, stbl);
    end_box(out, minf);
    end_box(out, mdia);
    end_box(out, trak);
}

static void put_trex(struct str *out, uint32_t track)
{
    size_t box = begin_full_box(out, "trex", 0, 0);
    put_u32(out, track);
    put_u32(out, 1);
    put_zeros(out, 12);
    end_box(out, box);
}

void fmp4_write_init(struct str *out, const struct fmp4_video *video,
                     const struct fmp4_audio *audio)
{
    put_ftyp(out);
    size_t moov = begin_box(out, "moov");
    put_mvhd(out);
    put_track(out, video, NULL);
    if (audio != NULL) {
        put_track(out, NULL, audio);
    }
    size_t mvex = begin_box(out, "mvex");
    put_trex(out, FMP4_VIDEO);
    if (audio != NULL) {
        put_trex(out, FMP4_AUDIO);
    }
    end_box(out, mvex);
    end_box(out, moov);
}

void fmp4_write_start(struct str *out, int64_t start_us)
{
    size_t box = begin_box(out, "uuid");
    str_add_bytes(out, FMP4_START_UUID, sizeof FMP4_START_UUID);
    put_u32(out, 0);
    put_u64(out, (uint64_t)start_us);
    end_box(out, box);
}

/* trun: data offset, then duration, size, flags and signed composition offset of each sample.
 * Returns where the data offset stands, to be filled in when the size of the moof is known. */
static size_t put_run(struct str *out, const struct fmp4_run *run)
{
    size_t traf = begin_box(out, "traf");
    size_t tfhd = begin_full_box(out, "tfhd", 0, 0x20000); /* offsets count from the moof */
    put_u32(out, run->track);
    end_box(out, tfhd);
    size_t tfdt = begin_full_box(out, "tfdt", 1, 0);
    put_u64(out, run->decode_time);
    end_box(out, tfdt);
    size_t trun = begin_full_box(out, "trun", 1, 0xf01);
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
    end_box(out, trun);
    end_box(out, traf);
    return data_offset;
}

void fmp4_write_fragment(struct str *out, uint32_t sequence, const struct fmp4_run *runs,
                         size_t count)
{
    size_t offsets[FMP4_TRACKS];
    count = count < FMP4_TRACKS ? count : FMP4_TRACKS;
    size_t moof = begin_box(out, "moof");
    size_t mfhd = begin_full_box(out, "mfhd", 0, 0);
    put_u32(out, sequence);
    end_box(out, mfhd);
    for (size_t i = 0; i < count; i++) {
        offsets[i] = put_run(out, &runs[i]);
    }
    end_box(out, moof);
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
    size_t mfra = begin_box(out, "mfra");
    size_t tfra = begin_full_box(out, "tfra", 1, 0);
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
    end_box(out, tfra);
    size_t mfro = begin_full_box(out, "mfro", 0, 0);
    put_u32(out, (uint32_t)(out->length + 4 - mfra));
    end_box(out, mfro);
    end_box(out, mfra);
}
