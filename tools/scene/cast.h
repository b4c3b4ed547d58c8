/* Who appears in a clip, when, and on which way through the scene. */
#ifndef SCENE_CAST_H
#define SCENE_CAST_H

#include "actor.h"
#include "scene.h"

enum { CAST_MAX = 96 };

struct cast_wish {
    int counts[ACTOR_KINDS]; /* by kind - 1; used when `counted` */
    bool counted;
    double per_minute; /* used otherwise: objects a minute, kinds at random */
    bool loopable;     /* nobody is there at the start or at the end */
    double duration_s;
};

struct cast {
    struct actor actors[CAST_MAX];
    int count;
};

/* An object for which no free way is found is left out. */
void cast_make(struct cast *cast, const struct scene *scene, uint64_t seed,
               const struct cast_wish *wish);

#endif
