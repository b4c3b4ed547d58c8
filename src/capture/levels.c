#include "capture/levels.h"

#include <math.h>

void levels_add(struct levels *levels, int64_t middle_us, double dbfs, bool loud)
{
    if (levels->count == LEVELS_MAX) {
        levels->first = (levels->first + 1) % LEVELS_MAX;
        levels->count--;
    }
    levels->entries[(levels->first + levels->count++) % LEVELS_MAX] =
        (struct levels_entry){.middle_us = middle_us, .dbfs = (float)dbfs, .loud = loud};
}

int levels_mean(const struct levels *levels, int64_t start_us, int64_t end_us)
{
    double sum[2] = {0};
    unsigned counts[2] = {0};
    for (size_t i = 0; i < levels->count; i++) {
        const struct levels_entry *entry = &levels->entries[(levels->first + i) % LEVELS_MAX];
        if (entry->middle_us >= start_us && entry->middle_us < end_us && entry->dbfs < 0) {
            sum[entry->loud] += (double)entry->dbfs;
            counts[entry->loud]++;
        }
    }
    bool loud = counts[true] > 0;
    if (counts[loud] == 0) {
        return 0;
    }
    long mean = lround(sum[loud] / counts[loud]);
    return mean < 0 ? (int)mean : -1;
}
