/* The labels of the model as one camera sees them: what is done with each, its filter in pixels,
 * how its boxes are merged. Made once per camera; entries do not move. */
#ifndef CORVETTE_ANALYSE_LABELS_H
#define CORVETTE_ANALYSE_LABELS_H

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "track/label.h"
#include "vision/nms.h"

enum label_use { LABEL_IGNORED = 0, LABEL_TRACKED, LABEL_ATTRIBUTE };

struct label_entry {
    struct track_label label; /* name points into the struct cfg_labels given */
    enum label_use use;
    struct detection_filter filter;
};

struct labels {
    struct label_entry *entries; /* one per distinct name */
    struct merge_rule *rules;    /* by entry */
    size_t entry_count;
    unsigned *of_model; /* entry of a model's label number */
    size_t model_count;
    struct polygon *polygons; /* all masks of all filters */
    struct point *points;
};

/* `names` and `camera` must outlive it. `width`, `height`: the detect picture. */
struct labels *labels_create(const struct cfg_labels *names, const struct cfg_camera *camera,
                             int width, int height);
void labels_destroy(struct labels *labels); /* NULL is fine */

/* Entry of a model's label number, NULL when it is out of range or ignored. */
const struct label_entry *labels_of_model(const struct labels *labels, uint32_t number);

#endif
