/* Long work shows that it goes on: count, rate, time left. On a terminal one line that changes,
 * else a line in the log every ten seconds. */
#ifndef CORVETTE_FOOTAGE_PROGRESS_H
#define CORVETTE_FOOTAGE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what;     /* "files read" */
    uint64_t done, total; /* total 0 = not known */
    int64_t begun_us, told_us;
    bool terminal, shown;
};

void progress_begin(struct progress *progress, const char *what, uint64_t total);
void progress_step(struct progress *progress, uint64_t done);
void progress_end(struct progress *progress);

#endif
