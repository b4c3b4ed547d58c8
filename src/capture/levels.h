/* How loud the last chunks of sound were, to say it of a span of time. Pure. */
#ifndef CORVETTE_CAPTURE_LEVELS_H
#define CORVETTE_CAPTURE_LEVELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEVELS_MAX 256 /* four minutes; the oldest go first */

struct levels_entry {
    int64_t middle_us; /* wall time */
    float dbfs;
    bool loud;
};

struct levels {
    struct levels_entry entries[LEVELS_MAX];
    size_t first, count;
};

void levels_add(struct levels *levels, int64_t middle_us, double dbfs, bool loud);

/* Rounded mean of the loud chunks whose middle lies in the span, or of all when none is loud; 0
 * when there is none at all. Digital silence has no level and does not count. Never 0 otherwise:
 * that would mean silence. */
int levels_mean(const struct levels *levels, int64_t start_us, int64_t end_us);

#endif
