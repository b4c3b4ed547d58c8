/* Files are the truth: recordings on disk that have no row get one. A first pass at start looks at
 * what can be missing after a crash (from each camera's newest row on); then the whole tree is
 * walked once, newest day first, at the lowest priority. Rows without files are left alone here.
 *
 * Hidden files (names beginning with a dot) are segments still being written; files younger than
 * half a minute may have their message on the way: neither is touched. */
#ifndef CORVETTE_FOOTAGE_ADOPT_H
#define CORVETTE_FOOTAGE_ADOPT_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "store/store.h"

struct adopt;

struct adopt_state {
    uint64_t seen;       /* files looked at */
    uint64_t adopted;    /* rows made */
    uint64_t unreadable; /* files that are no recording of known length */
    bool scanning;
    bool complete; /* the whole tree was walked */
};

/* Starts the thread. The arguments must outlive it. */
struct adopt *adopt_create(const struct config *config, struct store *store, const char *data_dir);
/* Stops within a file's reading. NULL is fine. */
void adopt_destroy(struct adopt *adopt);
/* Any thread: look at the recent files once more, in a minute. */
void adopt_again(struct adopt *adopt);
void adopt_get_state(struct adopt *adopt, struct adopt_state *state);

/* One file's start and length as a recording. `start` comes in as the time its name tells, and is
 * replaced by what the file itself says where it does. 0 or -errno (-EBADMSG: no such thing). */
int adopt_read(const char *path, double *start, double *duration, uint64_t *bytes);

#endif
