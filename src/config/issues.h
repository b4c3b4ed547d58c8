/* Collecting complaints, and where in the configuration they belong. */
#ifndef CORVETTE_CONFIG_ISSUES_H
#define CORVETTE_CONFIG_ISSUES_H

#include "config/config.h"

/* A place in the document: a chain on the stack from the key up to the root (NULL). Text is made
 * of it only when there is something to say. */
struct cfg_path {
    const struct cfg_path *up;
    const char *key; /* NULL: an item of a list */
    size_t index;
};

/* Text of the user's on one line and not too long, passwords in addresses masked. */
void cfg_add_quoted(const char *value, struct str *out);

/* "cameras.back.ffmpeg.inputs.0.path" */
void cfg_path_add(const struct cfg_path *path, struct str *out);

/* `line` 0: none; `path` NULL: the document. The message is one sentence without a full stop.
 * Both kinds are bounded; what is beyond is announced once. */
void cfg_error(struct cfg_issues *issues, int line, const struct cfg_path *path, const char *format,
               ...) __attribute__((format(printf, 4, 5)));
void cfg_warn(struct cfg_issues *issues, int line, const struct cfg_path *path, const char *format,
              ...) __attribute__((format(printf, 4, 5)));

/* The candidate most like a mistyped word. Start with {.word = ...}, offer each candidate, then ask
 * for the best: NULL when none is near enough to be what was meant. */
struct cfg_nearest {
    const char *word;
    const char *best;
    unsigned distance;
};
void cfg_nearest_offer(struct cfg_nearest *nearest, const char *candidate);
const char *cfg_nearest_best(const struct cfg_nearest *nearest);

bool cfg_has_errors(const struct cfg_issues *issues);

#endif
