/* The boxes above the samples: ftyp and moov, for our fragmented files, for clips and for init
 * sections alike. */
#ifndef CORVETTE_MEDIA_MOVIE_H
#define CORVETTE_MEDIA_MOVIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define MOVIE_TIMESCALE 1000 /* of a fragmented file's mvhd, where nothing is measured in it */

struct movie_track {
    uint32_t id;
    bool audio;
    int width, height;
    uint32_t timescale;
    const void *entries; /* sample entry boxes, one after the other */
    size_t entries_bytes;
    unsigned entry_count;
    /* Clips only; all zero in a fragmented file, whose times are in its fragments. */
    uint64_t duration;        /* of the samples, timescale */
    uint64_t shown_duration;  /* of the edit, timescale of the movie */
    int64_t shown_from;       /* media time at which the edit begins */
    const struct str *tables; /* stts, ctts, stss, stsz, stsc, stco as they go into stbl */
};

struct movie {
    uint32_t timescale;
    uint64_t duration; /* 0 in a fragmented file */
    bool fragmented;   /* with mvex */
    const struct movie_track *tracks;
    size_t track_count;
};

void movie_write(struct str *out, const struct movie *movie);

#endif
