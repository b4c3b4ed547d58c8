/* The parts of the backdrop; scene.c calls them from far to near. */
#ifndef SCENE_BACKDROP_H
#define SCENE_BACKDROP_H

#include "scene.h"

/* Sky and ground, pixel by pixel, with road, verge, markings and the shadows of buildings. */
void ground_paint(const struct scene *scene, cairo_surface_t *picture);

/* The row of house fronts at scene->back_m, with trees in the gaps. */
void buildings_paint_row(const struct scene *scene, struct rng *rng, cairo_t *cr);
/* One house as a box, front and the side that the camera sees. */
void building_paint_box(const struct scene *scene, struct rng *rng, cairo_t *cr,
                        const struct box *box);

/* Adds the props of a scene; their pictures belong to the scene. */
void props_place(struct scene *scene, struct rng *rng);

/* Paints a clump of leaves inside a circle. */
void foliage_paint_clump(cairo_t *cr, struct rng *rng, struct point centre, double radius_px,
                         struct colour leaf);

#endif
