/* How well a tracker's sequence tells the truth: CLEAR MOT and identity measures, and whether each
 * visit gave exactly one event.
 *
 * A truth object counts while at least `min_visible` of it can be seen; what a tracker says of one
 * that is hidden more than that is neither right nor wrong. Boxes match from IoU 0.5 and the same
 * label. Times of the two sequences must agree to within `tolerance_s`. */
#ifndef CORVETTE_BENCH_SCORE_H
#define CORVETTE_BENCH_SCORE_H

#include "sequence.h"

struct score_options {
    float min_visible; /* 0..1 */
    float min_side;    /* pixels: truth objects smaller than that are not asked for */
    double tolerance_s;
    double gap_s;       /* a truth object hidden for longer comes back as a new visit */
    double min_visit_s; /* shorter visits need no event */
    double truth_start; /* what to add to the truth's times */
    bool list;          /* print every switch of identity */
    double loop_s;      /* the truth repeats after so long; 0 = it does not */
};

struct score {
    size_t moments;
    size_t truth, hits, misses, false_alarms, switches;
    double mota, idf1, mean_iou;
    size_t visits, events, doubles, missed_visits, ghosts;
};

void score_compute(const struct sequence *truth, const struct sequence *said,
                   const struct score_options *options, struct score *score);

#endif
