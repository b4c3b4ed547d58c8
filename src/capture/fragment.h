/* What passes from the input's thread to the recorder's: the packets of a fragment, and the
 * description of the stream they belong to. */
#ifndef CORVETTE_CAPTURE_FRAGMENT_H
#define CORVETTE_CAPTURE_FRAGMENT_H

#include <libavcodec/packet.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/str.h"
#include "media/fmp4.h"
#include "media/params.h"

/* Shared by all fragments of an unchanged stream; reference counted. */
struct stream_spec {
    atomic_int references;
    struct params params;
    unsigned length_bytes; /* of the packets' NAL units, 0 = Annex B */
    struct str init;       /* ftyp and moov */
    uint32_t audio_rate;   /* 0: no sound */
};

struct stream_spec *spec_take(struct stream_spec *spec);
void spec_drop(struct stream_spec *spec); /* NULL is fine */

struct fragment_item {
    AVPacket *packet;
    bool audio;
};

struct fragment {
    struct fragment *next;
    struct stream_spec *spec; /* NULL: only says that the segment ends */
    bool opens;               /* begins a new segment */
    bool key;                 /* its first picture is a key picture */
    struct fragment_item *items;
    size_t count, capacity;
    size_t video_count, bytes;
    int64_t first_us, last_us; /* decode times of its first and last picture */
    int64_t end_us;            /* decode time of the picture after it */
    int64_t received_us;       /* CLOCK_MONOTONIC of its first packet */
    int64_t touched_us;        /* of its last picture */
};

struct fragment *fragment_create(struct stream_spec *spec);
void fragment_add(struct fragment *fragment, AVPacket *packet, bool audio);
void fragment_free(struct fragment *fragment); /* NULL is fine */

/* Room for a fragment's bytes on their way to the file: reused from one to the next. */
struct fragment_layout {
    struct fmp4_sample *samples;
    size_t sample_count, sample_capacity;
    struct nal *pieces;
    size_t piece_count, piece_capacity;
    struct iovec *parts;
    uint8_t *prefixes;
    size_t parts_capacity, prefixes_capacity;
    struct str head;
};
void fragment_layout_finish(struct fragment_layout *layout);

/* Where a file's tracks have got to. */
struct fragment_place {
    int64_t base_us; /* decode time of the file's first picture: media time zero */
    uint32_t sequence;
    uint64_t video_begin; /* of the fragment laid out last, in ticks */
    uint64_t video_time;  /* where the next fragment begins, in ticks */
    uint64_t audio_time;
    bool audio_begun;
    uint64_t video_samples, audio_samples;
};

/* Lays the fragment out as moof, mdat header and samples (4-byte NAL lengths, parameter sets that
 * the init section holds left out). Returns the number of parts; 0 when there is no picture in it.
 * `place` advances. The parts point into the packets: they must stay until written. */
size_t fragment_lay_out(const struct fragment *fragment, struct fragment_place *place,
                        struct fragment_layout *layout);

#endif
