/* The capture role: one process per camera that holds the camera's connections, records and decodes
 * for detection. (The role itself is `capture_role` of ipc/worker.h.) */
#ifndef CORVETTE_CAPTURE_CAPTURE_H
#define CORVETTE_CAPTURE_CAPTURE_H

#include <stdio.h>

#include "base/err.h"
#include "config/config.h"

enum capture_args_kind {
    CAPTURE_ARGS_GLOBAL = 1, /* ffmpeg.global_args */
    CAPTURE_ARGS_INPUT,      /* input_args */
    CAPTURE_ARGS_HWACCEL,    /* hwaccel_args */
    CAPTURE_ARGS_DETECT,     /* output_args.detect */
    CAPTURE_ARGS_RECORD,     /* output_args.record */
};

/* `argument` as written ("-vf"); `why` a sentence's end ("is not known", "needs a value"). */
typedef void (*capture_complain_fn)(void *context, const char *argument, const char *why);

/* For check-config: names each option of an expanded list that capture cannot honour. */
void capture_args_check(enum capture_args_kind kind, const struct cfg_list *list,
                        capture_complain_fn complain, void *context);

/* For the command line: opens the URL as a camera would be and prints its streams (codec, size,
 * rate). 0, or -errno with a sentence. */
int capture_probe(const char *url, const struct cfg_list *input_args, FILE *out, struct err *err);

/* Processes of their own, started by the server for its API: `corvette: ffprobe` and
 * `corvette: vainfo`, which answer on stdout, or say on stderr why not. Exit statuses.
 *
 * ffprobe reads from stdin, one per line: the protocols libavformat may use, comma-separated; the
 * URL, or "-" for the file on descriptor 3; input arguments, expanded. What it writes is the JSON
 * that the program of that name would. */
int capture_ffprobe_main(void);
int capture_vainfo_main(void);

#endif
