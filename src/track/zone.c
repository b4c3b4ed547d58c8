#include "track/zone.h"

#include <math.h>

/* Sums of frame times are not exact; a hundredth of a frame at 5 fps decides nothing. */
#define EPSILON_S 0.002f

bool zone_update(struct zone_presence *presence, bool inside, float dt_s, float inertia_s,
                 float loitering_s)
{
    presence->in = false;
    if (!inside) {
        presence->presence_s -= dt_s;
        if (presence->presence_s <= EPSILON_S) {
            presence->presence_s = 0;
            presence->loiter_s = 0;
        }
        return false;
    }
    presence->presence_s = fminf(presence->presence_s + dt_s, inertia_s);
    if (presence->presence_s >= inertia_s - EPSILON_S) {
        presence->loiter_s += dt_s;
        presence->in = presence->loiter_s >= loitering_s - EPSILON_S;
    }
    return presence->in;
}
