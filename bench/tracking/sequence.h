/* What was in the picture at each moment: the truth of a generated scene, or what a tracker said.
 * As a file one JSON object a line:
 *
 *     {"time":0.6,"objects":[{"id":3,"label":"person","box":[x1,y1,x2,y2],"visible":0.871,
 *      "moving":true}]}
 *
 * `id` is a number or a text; `visible` (1 when absent), `moving` and `confirmed` (both true when
 * absent) are optional. */
#ifndef CORVETTE_BENCH_SEQUENCE_H
#define CORVETTE_BENCH_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "track/extent.h"

/* Texts by number. */
struct names {
    char **items;
    size_t count, capacity;
};

unsigned names_number(struct names *names, const char *text); /* added when new */
void names_finish(struct names *names);

struct seen {
    unsigned id; /* of the sequence's `ids` */
    unsigned label;
    struct extent box;
    float visible; /* share of it that nothing hides */
    bool moving;
    bool confirmed; /* a tracker's: announced, not a false positive */
};

struct moment {
    double time;
    struct seen *items;
    size_t count, capacity;
};

struct sequence {
    struct names ids;
    struct moment *moments; /* rising times */
    size_t count, capacity;
};

/* `labels` is shared between the sequences that are to be compared. */
bool sequence_read(struct sequence *sequence, struct names *labels, const char *path,
                   struct err *err);
struct moment *sequence_add(struct sequence *sequence, double time);
void moment_add(struct moment *moment, const struct seen *seen);
void sequence_finish(struct sequence *sequence);

#endif
