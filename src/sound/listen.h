/* From a model's scores to what a camera listens for. Pure. */
#ifndef CORVETTE_SOUND_LISTEN_H
#define CORVETTE_SOUND_LISTEN_H

#include <stddef.h>

#include "config/config.h"

#define LISTEN_MAX 20 /* of the best scores are looked at, as in Frigate */

struct listen_hit {
    const char *label; /* of the label list */
    float score;
};

/* The labels of the best LISTEN_MAX scores of at least 0.5 that the camera listens for and that are
 * above their threshold; a label that stands for several scores counts once, with its best. Best
 * first; the number of them. Scores without a label are nothing. */
size_t listen_pick(const float *scores, size_t count, const struct cfg_labels *labels,
                   const struct cfg_audio *audio, struct listen_hit hits[LISTEN_MAX]);

#endif
