/* The samples of a recorded file, whoever wrote it: our fragmented segments (fmp4.h) and the plain
 * MP4 of an existing Frigate folder (moov before or after mdat) read into the same tables
 * (ISO/IEC 14496-12). Only what recordings hold is understood: one video track (avc1/avc3,
 * hvc1/hev1, mp4v and jpeg go through as they are), one audio track (mp4a, others as they are);
 * further tracks are ignored.
 *
 * Pure: works on descriptors the caller owns; every number out of the file is checked. */
#ifndef CORVETTE_MEDIA_MP4_H
#define CORVETTE_MEDIA_MP4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "media/nal.h"

struct mp4_sample {
    uint64_t offset; /* in the file */
    uint32_t bytes;
    uint32_t duration;   /* timescale */
    int32_t composition; /* presentation minus decode time, timescale */
    bool key;
};

enum mp4_kind { MP4_VIDEO, MP4_AUDIO, MP4_KINDS };

struct mp4_track {
    uint32_t timescale; /* 0: the file has no such track */
    enum media_codec codec;
    int width, height;
    uint32_t sample_rate;
    unsigned channels;
    /* The whole sample entry box (avc1, hvc1, mp4a, ...) as it can be put into an stsd of ours;
     * hev1 is renamed hvc1 where its parameter sets are all in hvcC. */
    uint8_t *entry;
    size_t entry_bytes;
    /* Media time of this track at the instant the file's first picture is shown: edit lists and
     * composition offsets are in it. Sound may begin before or after that. */
    int64_t shown_from;
    int64_t first_decode; /* decode time of samples[0] */
    struct mp4_sample *samples;
    size_t count, capacity;
    uint64_t duration; /* sum of the samples' */
};

struct mp4 {
    bool fragmented;
    bool truncated; /* cut off: what is whole is here */
    bool has_start; /* our start stamp */
    int64_t start_us;
    uint64_t file_bytes;
    struct mp4_track tracks[MP4_KINDS];
};

/* 0, or -errno with a sentence: -EBADMSG when it is no MP4 with samples we can use. Samples that
 * reach beyond the end of the file are left out. Release with mp4_finish(). */
int mp4_read_fd(int fd, struct mp4 *mp4, struct err *err);
void mp4_finish(struct mp4 *mp4);
#define AUTO_MP4 __attribute__((cleanup(mp4_finish)))

/* Seconds of the video track (of the only track without video). */
double mp4_duration(const struct mp4 *mp4);

#endif
