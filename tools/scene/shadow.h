/* What an object does to the light around it: its shadow, and a car's headlights at night. */
#ifndef SCENE_SHADOW_H
#define SCENE_SHADOW_H

#include "actor.h"
#include "scene.h"

/*
 * Paints the shadow of the actor whose picture is in `figure` (within `area`) on the ground.
 * Returns the pixels touched.
 */
struct rect shadow_paint(const struct scene *scene, const struct actor *actor,
                         const struct stance *stance, cairo_surface_t *figure, struct rect area,
                         cairo_t *cr);
struct rect headlights_paint(const struct scene *scene, const struct actor *actor,
                             const struct stance *stance, cairo_t *cr);

#endif
