/* Pictures and films made out of recordings: decoding and encoding, which is parsing of untrusted
 * bytes and may take long. Each job runs in a process of its own, `corvette: render <kind>`, at low
 * priority; killing it is how a job is cancelled, and whatever happens to it, the server is not
 * touched.
 *
 * The child gets its job, and descriptors of the files, over a socket on descriptor 3; it opens
 * nothing itself. */
#ifndef CORVETTE_RENDER_RENDER_H
#define CORVETTE_RENDER_RENDER_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum render_kind {
    RENDER_PICTURE = 1, /* the picture shown at `at_us` of one file, as PNG, JPEG or WebP */
    RENDER_TIMELAPSE,   /* the key pictures of many files as one H.264 film */
    RENDER_STRIP,       /* pictures and parts of films, each at its place, as MP4 or GIF */
    RENDER_PREVIEW,     /* the same, with time */
};

/* The child's side: argv[0] is "corvette:", then "render". Exit status of the process. */
int render_main(int argc, char **argv);

#endif
