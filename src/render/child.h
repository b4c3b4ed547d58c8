/* Inside a render process: decoding a recorded file's pictures, and the kinds of jobs. */
#ifndef CORVETTE_RENDER_CHILD_H
#define CORVETTE_RENDER_CHILD_H

#include <libavcodec/avcodec.h>

#include "base/err.h"
#include "media/mp4.h"
#include "render/wire.h"

/* One file and its decoder. */
struct reel {
    int fd;
    struct mp4 mp4;
    int64_t *shown; /* when each picture of the video track is shown, from the first one, us */
    AVCodecContext *decoder;
    AVPacket *packet;
    AVFrame *frame;
};

/* Takes the descriptor over, also when it fails: 0, or -errno with a sentence. */
int reel_open(struct reel *reel, int fd, struct err *err);
void reel_close(struct reel *reel);
/* Gives one sample to the decoder. 0 or -errno. */
int reel_feed(struct reel *reel, size_t sample);
/* The next decoded picture is in reel->frame, its pts being the number of its sample: 1; 0 when
 * the decoder wants more; -errno. */
int reel_take(struct reel *reel);
/* Nothing more comes: what is in the decoder comes out. reel_restart() to go on. */
void reel_drain(struct reel *reel);
void reel_restart(struct reel *reel);
/* The last sample shown by then that is a key picture; the first sample when there is none. */
size_t reel_key_at(const struct reel *reel, int64_t at_us);

/* Asks the server for a file: descriptor or -errno. */
int child_want(uint32_t index, struct render_message *file);

int child_picture(const struct render_message *task, int out, struct err *err);
int child_timelapse(const struct render_message *task, int out, struct err *err);
int child_strip(const struct render_message *task, int out, struct err *err);

#endif
