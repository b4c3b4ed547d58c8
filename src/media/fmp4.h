/* Recording segments: fragmented MP4 (ISO/IEC 14496-12), written by appending only and read back
 * even when the end is missing.
 *
 * A file is: ftyp moov | uuid | (moof mdat)* | mfra. What ends at the `|` is the init section; it
 * is the same for all segments of an unchanged stream. The `uuid` box holds the wall-clock time of
 * media time zero, so a file tells by itself when it was recorded:
 *
 *     16 bytes  FMP4_START_UUID
 *      4 bytes  version and flags, 0
 *      8 bytes  microseconds since the epoch (UTC), signed, of media time zero
 *
 * Media time starts at zero: the first video sample has decode and presentation time 0, sound
 * follows on the same line. Composition offsets are signed (trun version 1). `mfra` lists the
 * fragments that begin with a key picture; it is there when the segment was finished cleanly and
 * nothing depends on it.
 *
 * The functions are pure: they work on byte buffers and file descriptors the caller owns. */
#ifndef CORVETTE_MEDIA_FMP4_H
#define CORVETTE_MEDIA_FMP4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "media/nal.h"

#define FMP4_VIDEO 1 /* track ids */
#define FMP4_AUDIO 2
#define FMP4_TRACKS 2
#define FMP4_VIDEO_TIMESCALE 90000

extern const uint8_t FMP4_START_UUID[16];

/* ------------------------------------------------------------------ writing */

struct fmp4_video {
    enum media_codec codec; /* MEDIA_H264 (avc1) or MEDIA_H265 (hvc1) */
    int width, height;
    const void *config; /* payload of avcC / hvcC */
    size_t config_bytes;
};

struct fmp4_audio {
    uint32_t sample_rate; /* also the track's timescale */
    unsigned channels;
    const void *config; /* AudioSpecificConfig */
    size_t config_bytes;
};

/* ftyp and moov; `audio` NULL for none. */
void fmp4_write_init(struct str *out, const struct fmp4_video *video,
                     const struct fmp4_audio *audio);
void fmp4_write_start(struct str *out, int64_t start_us);

/* Times in the track's timescale. */
struct fmp4_sample {
    uint32_t bytes, duration;
    int32_t offset; /* presentation minus decode time */
    bool key;
};

struct fmp4_run {
    uint32_t track; /* FMP4_VIDEO, FMP4_AUDIO */
    uint64_t decode_time;
    const struct fmp4_sample *samples;
    size_t count; /* at least 1 */
};

/* moof and the header of mdat; the samples' bytes must follow, run after run. `sequence` is 1 for
 * the first fragment of a file. */
void fmp4_write_fragment(struct str *out, uint32_t sequence, const struct fmp4_run *runs,
                         size_t count);

/* A fragment that begins with a key picture: where its moof lies, and its video decode time. */
struct fmp4_entry {
    uint64_t offset, decode_time;
};
void fmp4_write_index(struct str *out, const struct fmp4_entry *entries, size_t count);

/* ------------------------------------------------------------------ reading */

struct fmp4_track {
    uint32_t id, timescale;
    enum media_codec codec; /* 0: none of ours */
    int width, height;      /* video */
    uint32_t sample_rate;   /* audio */
    unsigned channels;
    uint64_t config_offset; /* of the payload of avcC / hvcC / esds, 0 = none */
    uint32_t config_bytes;
    /* Sum over whole fragments, in the timescale. */
    uint64_t end_time; /* decode time after the last sample */
    uint64_t samples;
};

/* One moof + mdat. Per track (index into tracks[]) what a server must know to patch the decode
 * time. */
struct fmp4_fragment {
    uint64_t offset, bytes;
    bool key; /* begins with a key picture */
    struct fmp4_part {
        uint32_t samples;     /* 0: the track has none here, and nothing below counts */
        uint64_t decode_time; /* in the timescale */
        uint64_t duration;
        uint64_t tfdt_offset; /* in the file, of the decode time itself */
        bool tfdt_wide;       /* 8 bytes, else 4 */
        int32_t first_offset; /* presentation minus decode time of the first sample */
    } parts[FMP4_TRACKS];
};

struct fmp4_index {
    bool has_start;
    int64_t start_us;     /* wall time of media time zero; valid with has_start */
    uint64_t init_bytes;  /* ftyp and moov, from the file's beginning */
    uint64_t whole_bytes; /* up to the end of the last whole fragment; the file may be longer */
    uint64_t file_bytes;
    bool truncated; /* something that is not whole follows */
    /* Of the video track (of the only track, without video), in seconds. What a file shows is the
     * time from start_us + first_offset on, for duration. */
    double duration, first_offset;
    struct fmp4_track tracks[FMP4_TRACKS];
    size_t track_count;
    struct fmp4_fragment *fragments;
    size_t fragment_count, fragment_capacity;
};

/* 0, or -errno with a sentence: -EBADMSG when it is not a fragmented MP4 with a whole init section.
 * A file cut anywhere after that is read up to its last whole fragment. Release with fmp4_finish().
 */
int fmp4_read_fd(int fd, struct fmp4_index *index, struct err *err);
int fmp4_read_memory(const void *data, size_t bytes, struct fmp4_index *index, struct err *err);
void fmp4_finish(struct fmp4_index *index);

/* The video track, or NULL. */
const struct fmp4_track *fmp4_video_track(const struct fmp4_index *index);
const struct fmp4_track *fmp4_audio_track(const struct fmp4_index *index);

#endif
