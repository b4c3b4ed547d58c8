/* Pictures of a codec that has no place in our recordings (MJPEG, ...) into H.264, where the
 * recording's arguments ask for an encoder. Costs what encoding costs. One thread. */
#ifndef CORVETTE_CAPTURE_TRANSCODE_H
#define CORVETTE_CAPTURE_TRANSCODE_H

#include <libavcodec/avcodec.h>
#include <stdbool.h>
#include <stdint.h>

#include "capture/args.h"

struct transcode;

/* NULL when it cannot be (said in the log). `frame_us`: expected interval of pictures. */
struct transcode *transcode_open(const AVCodecParameters *parameters,
                                 const struct capture_args *args, int64_t frame_us);
void transcode_close(struct transcode *transcode); /* NULL is fine */

/* Times are wall microseconds on both sides. `emit` takes the packet's content over; `extradata`
 * belongs to the stream it is part of and is new with each change of the pictures' size. */
typedef void (*transcode_emit_fn)(void *context, AVPacket *packet, const uint8_t *extradata,
                                  int bytes);
void transcode_packet(struct transcode *transcode, const AVPacket *packet, transcode_emit_fn emit,
                      void *context);

#endif
