/* A sentence for the user beside a code for the program. Functions that can fail for reasons a
 * user must act on take a `struct err *` (never NULL) and return false or -errno; deep code that
 * fails only for the caller to handle returns 0/-errno alone. */
#ifndef CORVETTE_BASE_ERR_H
#define CORVETTE_BASE_ERR_H

#include <stdbool.h>

struct err {
    int code; /* 0 = no error; otherwise a positive errno-like number */
    char text[480];
};

#define ERR_NONE ((struct err){0})

/* Sets code and sentence; returns -code so that `return err_set(err, EINVAL, "...")` reads well. */
int err_set(struct err *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " before the sentence already there; returns -code. */
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Name for logs: "No such file or directory" for -ENOENT or ENOENT. Static or thread-local memory.
 */
const char *err_name(int code);

#endif
