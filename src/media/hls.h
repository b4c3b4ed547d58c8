/* Recorded files as HLS media segments (RFC 8216; fragmented MP4 as of ISO/IEC 14496-12).
 *
 * Our own segments go out as they lie: only the decode time of each fragment is patched, so that
 * the timeline of a playlist has no jump. Plain MP4 is repackaged: one moof in front that describes
 * the samples where they lie, then the file's own mdat bytes. */
#ifndef CORVETTE_MEDIA_HLS_H
#define CORVETTE_MEDIA_HLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "media/rope.h"

#define HLS_TIMESCALE 90000 /* of `base` */

/* Appends to the rope the media segment made of the file `name` (read through `fd`, the caller's;
 * as much of it as is whole now), its decode time zero at `base`. 0 or -errno with a sentence. */
int hls_segment(int fd, const char *name, uint64_t base, struct rope *rope, struct err *err);
/* Appends the init section (ftyp, moov with mvex) that fits hls_segment() of the same file. */
int hls_init(int fd, struct str *out, struct err *err);

/* What a master playlist says of a stream. */
struct hls_stream {
    char codecs[80]; /* RFC 6381: "avc1.640028,mp4a.40.2" */
    int width, height;
    double fps;
    uint64_t bits_per_second;
    bool has_video, has_audio;
};
int hls_describe(int fd, struct hls_stream *stream, struct err *err);

/* A number of the parameters a decoder must be set up with (the init section): the same for files
 * that can follow each other without a discontinuity; never 0. 0 or -errno with a sentence. */
int hls_parameters(int fd, uint64_t *parameters, struct err *err);
/* The same from an init section in memory: ftyp and moov of a segment of ours as they lie. */
uint64_t hls_init_parameters(const void *init, size_t bytes);

#endif
