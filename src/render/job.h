/* The server's side of rendering: starts a process, hands it the files it asks for, waits. Calls
 * block; whoever calls has a thread for it. */
#ifndef CORVETTE_RENDER_JOB_H
#define CORVETTE_RENDER_JOB_H

#include <stdbool.h>

#include "render/render.h"

enum render_format { RENDER_PNG = 1, RENDER_JPEG, RENDER_WEBP };

/* The picture on screen `at_us` after the first picture of the file, appended; `height` 0 keeps
 * its size. 0, or -errno with a sentence (-EAGAIN: too many at once). */
int render_picture(int fd, int64_t at_us, enum render_format format, int height, struct str *out,
                   struct err *err);

enum render_source {
    RENDER_ALL = 1, /* every picture of a recorded file or film */
    RENDER_KEYS,    /* its key pictures: each is decoded by itself */
    RENDER_STILL,   /* the file is one WebP */
};

/* What of a file is to be shown. Times in it count from its first picture. */
struct render_part {
    int64_t from_us, to_us;
    /* A strip only: */
    enum render_source source;
    int64_t at_us;   /* where in the strip it begins */
    double speed;    /* times faster; not of a still */
    int64_t step_us; /* pictures closer than this to the one before are left out, in its time */
};

struct render_films {
    size_t files;
    /* Opens a file for reading: fd or -errno (it is left out), and sets the part. */
    int (*open_file)(void *context, size_t index, struct render_part *part);
    /* Called several times per second; false cancels. */
    bool (*progress)(void *context, unsigned permille);
    void *context;
};

/* Both write to the empty file `out`. 0, or -errno with a sentence: -ECANCELED, -EPIPE when the
 * process died. */

/* MP4 of key pictures, `speed` times faster, with `rate` pictures per second. */
int render_timelapse(const struct render_films *films, double speed, double rate, int out,
                     struct err *err);

enum render_strip_format { RENDER_MP4 = 1, RENDER_GIF /* that loops */ };

struct render_strip {
    enum render_strip_format format;
    int width, height; /* 0: those of the first picture */
    int64_t step_us;   /* pictures closer than this to the one before are left out */
    int64_t end_us;    /* until then the last one is shown */
    int64_t bit_rate;  /* MP4: bits per second */
    bool background;   /* nobody waits: low priority */
};
/* Each picture is shown from its own time on: MP4 (H.264 baseline, a key picture every 40) or GIF.
 * -ENODATA: there was no picture in any of the files. */
int render_strip(const struct render_films *films, const struct render_strip *strip, int out,
                 struct err *err);

/* "-vf setpts=0.04*PTS -r 30": how much faster, and pictures per second. False when there is more
 * in it than that, which is not heeded; what is missing keeps these defaults. */
bool render_timelapse_args(const char *args, double *speed, double *rate);

#endif
