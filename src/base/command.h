/* Other programs run for their answer: a text goes in, what they write comes out, all within bounds
 * of time and size. Calls block; any thread. Each child is reaped here. */
#ifndef CORVETTE_BASE_COMMAND_H
#define CORVETTE_BASE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define COMMAND_INPUT_MAX 32768 /* less than a pipe holds: writing it never waits */

struct command {
    const char *program;     /* path */
    const char *const *argv; /* its name for itself, then arguments, then NULL */
    struct str input; /* for its stdin, at most COMMAND_INPUT_MAX; freed by command_finish() */
    int fd;           /* becomes its descriptor 3; -1 = none; stays the caller's */
    /* The results. */
    struct str out, err; /* stdout and stderr, cut at `output_max` */
    int code;            /* exit status; 128 + signal; -errno when it could not be started */
    bool ended;          /* by itself; else it was killed when the time was over, or on stop */
    /* private */
    int pid, out_fd, err_fd;
};

struct command_bounds {
    int64_t timeout_us;
    size_t output_max; /* bytes, of each of both */
    /* Asked several times a second; true: whoever waits has no use for it any more. May be NULL. */
    bool (*stop)(void *context);
    void *context;
};

/* Runs them all at once and returns when the last has ended or was killed. */
void command_run(struct command *commands, size_t count, const struct command_bounds *bounds);
void command_finish(struct command *command);

#endif
