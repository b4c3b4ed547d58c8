/*
 * Puts the scene and the cast together, one moment at a time: the picture as light enters the
 * lens, and what can truly be seen in it.
 */
#ifndef SCENE_STAGE_H
#define SCENE_STAGE_H

#include "cast.h"
#include "scene.h"

/* One object in one frame. */
struct sighting {
    const struct actor *actor;
    struct rect box; /* of the whole object, hidden parts too, cut to the picture */
    double visible;  /* share of its pixels inside the picture that nothing hides */
    bool moving;
};

struct stage {
    struct scene scene;
    struct cast cast;
    cairo_surface_t *picture; /* RGB24, valid after stage_render() */
    cairo_surface_t *scratch; /* one object at a time; clear between objects */
    unsigned char *owners;    /* for each pixel, the actor whose pixel it is, by index + 1 */
    struct sighting sightings[CAST_MAX];
    int sighting_count;
};

void stage_init(struct stage *stage, uint64_t seed, int width_px, int height_px, bool night,
                const struct cast_wish *wish);
void stage_finish(struct stage *stage);
void stage_render(struct stage *stage, double time_s);

#endif
