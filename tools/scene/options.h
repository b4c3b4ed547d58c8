#ifndef SCENE_OPTIONS_H
#define SCENE_OPTIONS_H

#include <stdint.h>

#include "cast.h"
#include "encode.h"

struct options {
    uint64_t seed;
    int fps;
    int width_px, height_px;
    bool night;
    bool stamp;
    double gop_s;
    struct cast_wish wish;
    struct encode_settings encode;
    const char *output_path; /* NULL: no encoded file */
    const char *truth_path;  /* NULL: none; "-": standard output */
    const char *raw_path;    /* likewise */
};

enum options_verdict {
    OPTIONS_RUN = 1,
    OPTIONS_HELP, /* help was printed: leave with success */
    OPTIONS_BAD,  /* what is wrong was printed: leave with failure */
};

enum options_verdict options_parse(struct options *options, int argc, char **argv);

#endif
