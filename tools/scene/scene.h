/*
 * The fixed part of the picture: ground, sky, buildings and the things that objects hide behind.
 * What never moves is drawn once into `backdrop`; the props are kept apart as well, so that they
 * can be painted again over the objects behind them.
 */
#ifndef SCENE_SCENE_H
#define SCENE_SCENE_H

#include <cairo.h>
#include <stdbool.h>
#include <stdint.h>

#include "light.h"
#include "rng.h"
#include "view.h"

enum { SCENE_PROPS_MAX = 40 };

enum surface_kind {
    SURFACE_ASPHALT = 1,
    SURFACE_GRASS,
    SURFACE_PAVING,
    SURFACE_GRAVEL,
};

/* A thing standing on the ground, drawn on a picture of its own. */
struct prop {
    cairo_surface_t *picture; /* the prop alone, cut to `bounds` */
    struct rect bounds;
    double x_m, z_m; /* middle of its foot; what is farther than z_m is behind it */
    double half_width_m;
    double height_m;
    bool can_hide;  /* wide and tall enough to stand behind */
    bool sways;     /* foliage: leans with the wind, so it is not in the backdrop */
    double sway_px; /* at the top, in a strong wind */
    double sway_phase;
};

struct scene {
    struct view view;
    struct light light;
    double back_m;      /* where the row of buildings stands */
    double road_near_m; /* cars drive between these */
    double road_far_m;
    enum surface_kind verge; /* beside the road */
    enum surface_kind road;
    bool bays; /* parking bays marked along the road's far side */
    uint32_t texture_seed;
    struct prop props[SCENE_PROPS_MAX]; /* sorted, farthest first */
    int prop_count;
    cairo_surface_t *backdrop;
};

/* Everything the scene owns is freed by scene_finish(). */
void scene_init(struct scene *scene, uint64_t seed, int width_px, int height_px, bool night,
                double duration_s);
void scene_finish(struct scene *scene);

/* Can something this wide walk from one spot to the other without passing through a prop? */
bool scene_way_is_free(const struct scene *scene, struct vec3 from, struct vec3 to,
                       double half_width_m);
/* Paints one prop as it stands at this moment, cut to `clip`. */
void scene_paint_prop(const struct scene *scene, cairo_t *cr, const struct prop *prop,
                      double time_s, struct rect clip);

#endif
