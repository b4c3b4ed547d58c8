/* Which picture of an object is its best: the contract's thumbnail rule. */
#ifndef CORVETTE_TRACK_BEST_H
#define CORVETTE_TRACK_BEST_H

#include <stdbool.h>
#include <stddef.h>

#include "track/extent.h"

#define ATTRIBUTES_MAX 8 /* per object and picture */

struct attribute {
    const char *label; /* "face", "license_plate", ...; memory of the label table */
    float score;
    struct extent box;
};

struct attributes {
    struct attribute items[ATTRIBUTES_MAX];
    size_t count;
};

struct candidate {
    const char *label; /* of the object */
    float score;
    struct extent box;
    const struct attributes *attributes; /* in that picture */
};

/* In this order: a person with a larger face (a car with a larger plate) wins, and one with a face
 * gives way to no other; a box on the picture's border never replaces one that is not; then a score
 * better by 0.05 or an area larger by a tenth. */
bool best_is_better(const struct candidate *fresh, const struct candidate *kept, float width,
                    float height);

#endif
