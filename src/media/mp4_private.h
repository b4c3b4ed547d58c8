/* What the parts of the MP4 reader share while they go over a file. */
#ifndef CORVETTE_MEDIA_MP4_PRIVATE_H
#define CORVETTE_MEDIA_MP4_PRIVATE_H

#include "media/box.h"
#include "media/mp4.h"

#define MP4_SAMPLES_MAX                                                       \
    (4u << 20) /* of a track: 38 hours at 30 a second; against mangled counts \
                */

/* No time of a file is further from zero: three thousand years in 90 kHz, and sums do not overflow.
 */
#define MP4_TIME_MAX (INT64_C(1) << 53)

struct mp4_defaults {
    uint32_t duration, bytes, flags;
};

struct mp4_reading {
    uint32_t id;
    bool has_edit;
    int64_t edit_from; /* media time, timescale of the track */
    uint64_t delay;    /* empty edits before it, timescale of the movie */
    struct mp4_defaults defaults;
};

struct mp4_reader {
    struct box_source source;
    struct mp4 *mp4;
    uint32_t movie_timescale;
    struct mp4_reading readings[MP4_KINDS];
};

/* Fills the samples from stbl as far as they lie within the file; a table that contradicts itself
 * ends them early (mp4->truncated). */
void mp4_read_tables(struct mp4_reader *reader, struct box_span stbl, struct mp4_track *track);

/* Takes the samples of a moof whose mdat must follow whole; false when it does not, or makes no
 * sense. */
bool mp4_read_fragment(struct mp4_reader *reader, struct box_span moof, uint64_t offset,
                       uint64_t mdat_offset);

#endif
