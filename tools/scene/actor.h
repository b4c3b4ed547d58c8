/*
 * The objects of a clip. A bicycle carries its rider as a second actor on the same path, so that
 * the truth has a "bicycle" and a "person", each with a box of its own, as in COCO.
 */
#ifndef SCENE_ACTOR_H
#define SCENE_ACTOR_H

#include <cairo.h>

#include "colour.h"
#include "light.h"
#include "path.h"

enum actor_kind {
    ACTOR_PERSON = 1,
    ACTOR_CAR,
    ACTOR_DOG,
    ACTOR_BICYCLE,
};

enum { ACTOR_KINDS = 4 };

struct actor {
    int id; /* from 1 */
    enum actor_kind kind;
    bool rides;    /* a person on a bicycle */
    uint64_t look; /* seeds colours, build and style */
    double size_m; /* height of a person or dog, length of a car, wheel span of a bicycle */
    struct path path;
};

/* Words used in the truth file, as the detector's labels. */
const char *actor_label(enum actor_kind kind);
/* A random size for the kind. */
double actor_random_size_m(enum actor_kind kind, struct rng *rng);
/* An upright cylinder that contains the whole drawing. */
double actor_reach_m(const struct actor *actor);
double actor_height_m(const struct actor *actor);
struct stance actor_stance(const struct actor *actor, double time_s);

/* Paints the actor, fully lit, in picture coordinates. */
void actor_paint(const struct actor *actor, const struct view *view, const struct light *light,
                 const struct stance *stance, double time_s, cairo_t *cr);

#endif
