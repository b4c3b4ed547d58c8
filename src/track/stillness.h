/* Has an object moved? The contract's stationary rule on the boxes of its sightings: a mean over
 * the last ten decides quickly, a settled position (percentiles of its first boxes there) guards
 * against jitter of the detector's boxes. */
#ifndef CORVETTE_TRACK_STILLNESS_H
#define CORVETTE_TRACK_STILLNESS_H

#include <stdbool.h>

#include "track/extent.h"

#define STILLNESS_BOXES 10

struct stillness {
    struct extent recent[STILLNESS_BOXES]; /* oldest first */
    unsigned recent_count;
    struct extent sample[STILLNESS_BOXES]; /* of the settled position */
    unsigned sample_count;
    struct extent position; /* 15th percentile of the low, 85th of the high corners of the sample */
};

/* `width`, `height` of the picture: the first position is all of it. */
void stillness_init(struct stillness *stillness, float width, float height);
/* One more sighting. True = it moved; the history starts anew then. */
bool stillness_update(struct stillness *stillness, const struct extent *box, bool is_stationary);

#endif
