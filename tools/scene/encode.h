/* H.264 into a file; the container follows from the file name (.mp4, .mkv, .ts). */
#ifndef SCENE_ENCODE_H
#define SCENE_ENCODE_H

#include "sensor.h"

struct encode_settings {
    int width_px, height_px;
    int fps;
    int gop_frames;
    int b_frames;
    int crf;
    int bitrate_kbps;   /* 0: constant quality by `crf` */
    const char *preset; /* x264's */
};

struct encoder; /* opaque */

/* NULL after printing why. */
struct encoder *encoder_open(const char *path, const struct encode_settings *settings);
bool encoder_write(struct encoder *encoder, const struct i420 *picture);
/* Writes what is left and frees everything; false when the file is not complete. */
bool encoder_close(struct encoder *encoder);

#endif
