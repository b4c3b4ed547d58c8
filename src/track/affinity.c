#include "track/affinity.h"

#include <math.h>

/* Measured with bench/tracking/run.py. Distances are in units of the object's size. */
#define GATE 2.5f            /* nothing farther is a match */
#define GATE_STATIONARY 0.6f /* what stood still has not jumped */
#define COST_LABEL 0.3f      /* another label of the family */
#define COST_NEW 0.3f        /* a track of a moment gives way to a proven one */
#define COST_MISSING_PER_S 0.4f
#define COST_MISSING_MAX 1.2f
#define COST_LOOK 2.5f    /* nothing in common in looks */
#define WIDTH_WEIGHT 0.3f /* a walking person's width doubles and halves with each step */
#define WANDER_FIRST 0.5f /* of a track of one sighting: nothing is known of its speed */
#define WANDER_LEAST 0.08f
#define WANDER_MOST 0.6f
#define WANDER_SHARE 0.2f
#define WANDER_PER_S 0.05f /* of being missing */
#define SIZE_SHARE 0.25f

/* How far from the sighting the track passes, in units of its size. In sight that is its
 * prediction; out of sight the whole way from where it was last seen to where it would be at its
 * old speed: it may have gone on, slowed down or stopped behind something. Vertically the nearer of
 * head and foot counts, since either may be hidden. */
static float way_cost(const struct track *track, const struct outlook *outlook,
                      const struct extent *seen)
{
    struct extent to = outlook->ahead, from = track->missing_s > 0 ? track->box : to;
    float from_x = (from.x1 + from.x2) / 2, way_x = (to.x1 + to.x2) / 2 - from_x;
    float way_y = to.y2 - from.y2;
    float x = (seen->x1 + seen->x2) / 2 - from_x;
    float foot = seen->y2 - from.y2, head = seen->y1 - (from.y2 - track->mean_height);
    float scale_x = fmaxf(track->mean_width, track->mean_height / 2);
    float scale_y = fmaxf(track->mean_height, track->mean_width / 2);
    float length = way_x * way_x + way_y * way_y;
    float along = length > 1 ? fminf(fmaxf((x * way_x + foot * way_y) / length, 0), 1) : 1;
    float dx = (x - along * way_x) / scale_x;
    float dy = fminf(fabsf(foot - along * way_y), fabsf(head - along * way_y)) / scale_y;
    return sqrtf(dx * dx + dy * dy);
}

/* Natural logarithm of how much larger the larger one is; of two known sizes the nearer counts. */
static float size_cost(float seen, float last, float mean)
{
    return fminf(fabsf(logf(seen / last)), fabsf(logf(seen / mean)));
}

/* Distance and size against how far this track's sightings usually are from where they were
 * expected: a thing that stood still has hardly jumped, one that swings has. Heavy-tailed on
 * purpose. */
static float surprise(const struct track *track, float away)
{
    float wander = track->wander + WANDER_PER_S * (float)track->missing_s;
    float times = away / wander;
    return logf(1 + times * times / 2) + logf(wander / WANDER_LEAST);
}

static float distance(const struct track *track, const struct outlook *outlook,
                      const struct extent *seen)
{
    float way = way_cost(track, outlook, seen);
    float width =
        WIDTH_WEIGHT * size_cost(extent_width(seen), extent_width(&track->box), track->mean_width);
    float height = size_cost(extent_height(seen), extent_height(&track->box), track->mean_height);
    return sqrtf(way * way + width * width + height * height);
}

float affinity_cost(const struct track *track, const struct outlook *outlook,
                    const struct sighting *sighting)
{
    if (!label_fits(track->label, sighting->label)) {
        return INFINITY;
    }
    float away = distance(track, outlook, &sighting->box);
    if (!(away < (outlook->stationary ? GATE_STATIONARY : GATE))) {
        return INFINITY;
    }
    float missing = COST_MISSING_PER_S * (float)track->missing_s;
    return surprise(track, away) + (track->label == sighting->label ? 0 : COST_LABEL) +
           (track->stage == TRACK_NEW ? COST_NEW : 0) + fminf(missing, COST_MISSING_MAX) +
           COST_LOOK * look_distance(&track->look, &sighting->look);
}

void affinity_learn(struct track *track, const struct outlook *outlook, const struct extent *seen)
{
    bool first = track->hits == 0;
    if (first) {
        track->wander = WANDER_FIRST;
    } else {
        track->wander += WANDER_SHARE * (distance(track, outlook, seen) - track->wander);
        track->wander = fminf(fmaxf(track->wander, WANDER_LEAST), WANDER_MOST);
    }
    float share = first ? 1 : SIZE_SHARE;
    track->mean_width += share * (extent_width(seen) - track->mean_width);
    track->mean_height += share * (extent_height(seen) - track->mean_height);
}
