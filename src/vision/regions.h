/* Chooses the squares of the picture that are shown to the detector. A region is x1, y1, x2, y2
 * with x2, y2 exclusive (x2 - x1 is its size); one larger than the picture starts at 0 and hangs
 * over. Pure; any thread. */
#ifndef CORVETTE_VISION_REGIONS_H
#define CORVETTE_VISION_REGIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vision/geometry.h"
#include "vision/grid.h"

#define REGIONS_MAX 16        /* per picture */
#define REGIONS_MAX_BOXES 256 /* clustered at once; more are dropped and counted */

/* Multipliers of a box's longer side. */
#define REGIONS_AROUND_OBJECT 1.35
#define REGIONS_AROUND_MOTION 2.0

struct regions_options {
    int frame_width, frame_height;
    int min_region; /* the larger side of the model's input */
    unsigned limit; /* most regions for one picture; 0 or more than REGIONS_MAX: REGIONS_MAX */
};

struct regions {
    struct box items[REGIONS_MAX];
    unsigned count;
    unsigned dropped; /* wanted but over the limit */
};

/* What one picture needs looked at. */
struct regions_want {
    const struct box *objects; /* tracked objects to re-check, and detections without a track yet */
    size_t object_count;
    const struct box *motion; /* leave out while calibrating */
    size_t motion_count;
    const struct grid *grid; /* or NULL */
    bool startup;            /* first picture: also look where objects usually are */
    uint64_t turn;           /* rises by one per picture */
};

/* Square around a box: the longer side times multiplier, in steps of 4, at least min_region,
 * centred and then shifted into the picture. */
struct box regions_around(const struct regions_options *options, struct box box, double multiplier);
/* How far the members of a box's cluster may reach. */
struct box regions_boundary(struct box box, int min_region);

/* Groups boxes that share one region well: greedy in list order; a box joins when it is inside the
 * first one's boundary and, where the common region grows over min_region, each member still covers
 * 5 % of it. Writes the cluster number of box i to cluster_of[i]; returns the number of clusters.
 */
unsigned regions_cluster(const struct regions_options *options, const struct box *boxes,
                         size_t count, uint16_t *cluster_of);

/* All regions of one picture. Order: clusters of objects, clusters of motion not already inside one
 * of those, then start-up regions (the 8 most populated grid cells, or the whole picture in tiles
 * as long as nothing was learned). Over the limit the clusters of one kind take turns (`turn`), so
 * that none starves: objects before motion, motion before start-up; what is left out counts as
 * dropped. */
void regions_choose(const struct regions_options *options, const struct regions_want *want,
                    struct regions *regions);

#endif
