/* Packets of one stream (and its sound) into recording segments, without re-encoding.
 *
 * Two threads. The input's thread hands packets over (recorder_video, recorder_audio: no disk, no
 * waiting); they gather in fragments of at most 1 s, cut at every key picture. The recorder's own
 * thread writes whole fragments, syncs and renames. Between them is a queue bounded by QUEUE_BYTES
 * and QUEUE_FRAGMENTS; when the disk is so slow that it is full, new fragments are dropped until
 * there is room again at a key picture, and counted (packets_dropped).
 *
 * Segments are cut at the first key picture after `segment_us`, at a change of the stream's
 * parameters, at a step of the wall clock and when the connection ends. Consecutive segments lack
 * no frame and do not overlap: the end of one is the start of the next. At most SYNC_US of what was
 * received is not on disk. */
#ifndef CORVETTE_CAPTURE_RECORDER_H
#define CORVETTE_CAPTURE_RECORDER_H

#include <libavcodec/packet.h>
#include <stdbool.h>
#include <stdint.h>

#include "capture/gaps.h"
#include "capture/segment.h"
#include "media/nal.h"
#include "ring/board.h"

struct recorder;

/* On the recorder's thread. */
typedef void (*recorder_done_fn)(void *context, const struct segment_info *info);

/* The disk has too little room: so many bytes are wanted; `error` of the write that failed, 0 =
 * none yet. */
typedef void (*recorder_need_fn)(void *context, uint64_t bytes, int error);

struct recorder_options {
    const char *camera;
    const char *media_dir;
    int64_t segment_us;
    struct board_capture *counters;
    recorder_done_fn done;
    gaps_report_fn gap;    /* any thread; NULL: nobody asks */
    recorder_need_fn need; /* on the recorder's thread; NULL: nobody asks */
    void *context;
};

/* Starts the thread, which first adopts what an earlier process left. */
struct recorder *recorder_create(const struct recorder_options *options);
/* Finishes the open segment, waits for the disk, frees everything. NULL is fine. */
void recorder_destroy(struct recorder *recorder);
/* As far as the disk allows within the time: true when everything is written and recorder_destroy()
 * will not wait. */
bool recorder_finish(struct recorder *recorder, int64_t timeout_us);

/* What keeps the stream from being recorded, until something is again (gaps.h). Any thread. */
void recorder_cause(struct recorder *recorder, enum gap_cause cause, const char *detail);
/* From time to time, any thread. */
void recorder_tick(struct recorder *recorder);

/* 0, or the errno of a write that failed, until one succeeds. Any thread. */
int recorder_error(const struct recorder *recorder);

/* ---- the input's thread; packets' pts and dts are wall microseconds, dts rising ---- */

/* A new connection. `extradata` may be empty: the stream then carries its parameter sets. */
void recorder_set_video(struct recorder *recorder, enum media_codec codec, const void *extradata,
                        size_t bytes);
/* Sound of this connection from now on (AAC; `config` is the AudioSpecificConfig), or rate 0 for
 * none. */
void recorder_set_audio(struct recorder *recorder, uint32_t rate, unsigned channels,
                        const void *config, size_t bytes);
/* Takes over the packet's content. `jumped`: the wall clock was stepped, this key picture begins a
 * new line. Returns false while it waits for a key picture (the packet is not recorded). */
bool recorder_video(struct recorder *recorder, AVPacket *packet, bool jumped);
void recorder_audio(struct recorder *recorder, AVPacket *packet); /* duration in samples */
/* The connection is gone: closes the open segment. */
void recorder_break(struct recorder *recorder);

#endif
