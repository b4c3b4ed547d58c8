/* What the tracker needs to know of a label. One struct per distinct label of a model, made once,
 * so that two labels are the same exactly when their pointers are. */
#ifndef CORVETTE_TRACK_LABEL_H
#define CORVETTE_TRACK_LABEL_H

#include <stdbool.h>

struct track_label {
    const char *name;
    unsigned family;    /* labels that detectors mix up share a number; 0 = stands alone */
    double max_still_s; /* stationary.max_frames in seconds: forgotten after; 0 = never */
};

/* Family number of a label name: vehicles, two-wheelers, small and large animals. */
unsigned label_family(const char *name);
/* The same, or of one family. */
bool label_fits(const struct track_label *a, const struct track_label *b);

#endif
