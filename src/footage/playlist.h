/* HLS playlists of recorded segments (RFC 8216). Pure.
 *
 * A segment's name tells all that is needed to serve it: which one it is (the millisecond it
 * begins) and where it lies on the playlist's timeline. So whatever comes or goes in the database
 * while somebody plays, an address means the same picture. */
#ifndef CORVETTE_FOOTAGE_PLAYLIST_H
#define CORVETTE_FOOTAGE_PLAYLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "media/hls.h"

struct playlist_segment {
    double start, duration; /* seconds since the epoch; seconds */
    bool changed;           /* its parameters differ from those of the segment before */
};

/* One variant: names the media playlist "index-v1[-a1].m3u8". `query`: what the request had after
 * its '?', put behind every address; NULL for none. */
void playlist_master(const struct hls_stream *stream, const char *query, struct str *out);

/* The media playlist; the segments' timeline is them laid end to end. */
void playlist_media(const struct playlist_segment *segments, size_t count, bool has_audio,
                    const char *query, struct str *out);

enum playlist_file {
    PLAYLIST_MASTER = 1,
    PLAYLIST_MEDIA,
    PLAYLIST_INIT,
    PLAYLIST_SEGMENT,
};
struct playlist_name {
    enum playlist_file file;
    int64_t start_ms; /* INIT, SEGMENT: which recorded segment */
    uint64_t base;    /* SEGMENT: where it begins on the timeline, HLS_TIMESCALE */
};
/* What an address asks for; false when it is none of ours. */
bool playlist_parse(const char *name, struct playlist_name *parsed);

#endif
