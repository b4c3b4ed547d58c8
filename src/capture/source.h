/* One connection to a camera (or a file played as one), through libavformat or, for RTSP over TCP,
 * through a session of our own: opened, read packet by packet with blocking calls on the input's
 * thread, given up when nothing comes for a while or the stop flag is set. Files are paced by their
 * own times, and looped without a break in them. */
#ifndef CORVETTE_CAPTURE_SOURCE_H
#define CORVETTE_CAPTURE_SOURCE_H

#include <libavformat/avformat.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "capture/args.h"

/* Set by the main thread; waits end at once. */
struct stopper {
    atomic_bool stopped;
    int event_fd; /* becomes readable */
};
int stopper_init(struct stopper *stopper); /* 0 or -errno */
void stopper_stop(struct stopper *stopper);
void stopper_finish(struct stopper *stopper);
/* Waits; true when stopped. */
bool stopper_wait(const struct stopper *stopper, int64_t timeout_us);

struct source;

/* NULL with a sentence (without the URL: it may hold a password). */
struct source *source_open(const char *url, const struct capture_args *args,
                           struct stopper *stopper, struct err *err);
void source_close(struct source *source); /* NULL is fine */

/* Next packet of any stream; `arrival` is when it was there. 0, or -errno with a sentence: the
 * connection is of no more use. Times are in the stream's time base and rise over the loops of a
 * file. */
int source_read(struct source *source, AVPacket *packet, struct mono *arrival, struct err *err);

/* Streams stay until the next source_read(), which may open a file or picture anew. */
AVStream *source_stream(const struct source *source, int index);
int source_stream_count(const struct source *source);
/* First video / audio stream, or NULL as long as none is known. */
AVStream *source_video(const struct source *source);
AVStream *source_audio(const struct source *source);
/* The container has decode times of its own (files, RTMP): no RTP, no bare pictures. */
bool source_has_dts(const struct source *source);
/* RTP packets that never came, so far; 0 where nothing counts them. */
uint64_t source_lost(const struct source *source);
/* Its pictures carry no times at all (MJPEG over HTTP, single JPEGs). */
bool source_lacks_times(const struct source *source);

#endif
