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

struct render_film {
    size_t files;
    double speed, rate; /* times faster, pictures per second */
    /* Opens a file for reading: fd or -errno (it is left out), and which part is to be shown. */
    int (*open_file)(void *context, size_t index, int64_t *from_us, int64_t *to_us);
    /* Called several times per second; false cancels. */
    bool (*progress)(void *context, unsigned permille);
    void *context;
};

/* Writes an MP4 to the empty file `out`. 0, or -errno with a sentence: -ECANCELED, -EPIPE when the
 * process died. */
int render_timelapse(const struct render_film *film, int out, struct err *err);

/* "-vf setpts=0.04*PTS -r 30": how much faster, and pictures per second. False when there is more
 * in it than that, which is not heeded; what is missing keeps these defaults. */
bool render_timelapse_args(const char *args, double *speed, double *rate);

#endif
