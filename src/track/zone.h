/* One object in one zone: in after `inertia`, "entered" after `loitering_time` more, both in
 * seconds. Presence is a reservoir: time inside fills it up to the inertia, time outside empties
 * it, so a box that flickers over the border neither enters nor loses its loitering time; once the
 * reservoir is empty the object has left and loitering starts from nothing. */
#ifndef CORVETTE_TRACK_ZONE_H
#define CORVETTE_TRACK_ZONE_H

#include <stdbool.h>

struct zone_presence {
    float presence_s, loiter_s;
    bool in; /* present and loitered long enough, in this picture */
};

/* `inside`: the test point is in the polygon and the zone's filter agrees. `dt_s` is the time since
 * the last picture. Returns presence->in. */
bool zone_update(struct zone_presence *presence, bool inside, float dt_s, float inertia_s,
                 float loitering_s);

#endif
