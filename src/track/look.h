/* What an object looks like: a small histogram of brightness and colour of the middle of its box,
 * as a cue for telling two objects apart when they cross. */
#ifndef CORVETTE_TRACK_LOOK_H
#define CORVETTE_TRACK_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "track/extent.h"

#define LOOK_BINS 48 /* upper and lower half, each 8 of Y, 8 of U, 8 of V */

struct look {
    bool known;
    float bin[LOOK_BINS]; /* each group of 8 sums to 1 */
};

/* `picture` is planar I420 as in ring/frames.h. Not known when the box has nothing inside. */
void look_take(struct look *look, const uint8_t *picture, int width, int height,
               const struct extent *box);
/* 0 alike .. 1 nothing in common; 0 when either is not known: no reason against. */
float look_distance(const struct look *a, const struct look *b);
/* Moves `look` towards `fresh` by `share` (0..1). */
void look_learn(struct look *look, const struct look *fresh, float share);

#endif
