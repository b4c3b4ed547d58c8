/* The sample tables of a clip's track while they grow: run-length where MP4's own form is, so that
 * a day of video takes a few bytes a sample. */
#ifndef CORVETTE_MEDIA_CLIP_TABLES_H
#define CORVETTE_MEDIA_CLIP_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct clip_run {
    uint32_t count, value;
};

struct clip_chunk {
    uint64_t offset; /* within mdat */
    uint32_t samples;
    uint32_t entry; /* from 1 */
};

struct clip_track {
    uint32_t timescale; /* of the first file; 0 = no such track */
    int width, height;
    struct str entries; /* sample entries, each once */
    unsigned entry_count;
    int64_t shown_from; /* media time the edit begins at */
    uint64_t duration;
    size_t sample_count;
    struct clip_run *durations, *offsets; /* stts, ctts */
    size_t duration_count, duration_capacity, offset_count, offset_capacity;
    bool has_offsets;
    uint32_t *sizes, *keys; /* stsz, stss */
    size_t size_capacity, key_count, key_capacity;
    struct clip_chunk *chunks; /* stsc, stco */
    size_t chunk_count, chunk_capacity;
};

void clip_track_finish(struct clip_track *track);

/* Number (from 1) of a sample entry, added when it is new. */
unsigned clip_track_entry(struct clip_track *track, const void *entry, size_t bytes);
/* Where the next sample will be decoded. */
int64_t clip_track_time(const struct clip_track *track);
/* The next sample shall be decoded at that time: the one before lasts longer or shorter. A time
 * that is further back than that has no effect. */
void clip_track_seek(struct clip_track *track, int64_t time);
void clip_track_sample(struct clip_track *track, uint32_t bytes, uint32_t duration,
                       int32_t composition, bool key);
/* The last `samples` ones lie together at that place of mdat. */
void clip_track_chunk(struct clip_track *track, uint64_t offset, uint32_t samples, unsigned entry);

/* stts, ctts, stss, stsc, stsz and stco or co64; mdat's bytes begin at `data_offset` of the file
 * and are `data_bytes` long. The length does not depend on data_offset. */
void clip_track_write(const struct clip_track *track, uint64_t data_offset, uint64_t data_bytes,
                      struct str *out);

#endif
