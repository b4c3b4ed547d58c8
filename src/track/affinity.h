/* How well a sighting fits a track: the costs of the assignment. Pure. */
#ifndef CORVETTE_TRACK_AFFINITY_H
#define CORVETTE_TRACK_AFFINITY_H

#include "track/tracker.h"

/* What is expected of a track at the time of the sighting. */
struct outlook {
    bool stationary;
    struct extent ahead; /* where it would be at its old speed */
};

/* Rising with unlikeliness; infinite for what cannot be. Boxes must be sane. */
float affinity_cost(const struct track *track, const struct outlook *outlook,
                    const struct sighting *sighting);

/* Before track->box becomes `seen`: how steady the track is, and how large. */
void affinity_learn(struct track *track, const struct outlook *outlook, const struct extent *seen);

#endif
