/*
 * The camera: world metres to picture pixels. World x runs right, y up, z away from the camera;
 * the ground is y = 0. The lens is shifted, not tilted, so upright things stay upright and the
 * scale depends on z alone.
 */
#ifndef SCENE_VIEW_H
#define SCENE_VIEW_H

#include <cairo.h>
#include <stdbool.h>

struct vec3 {
    double x, y, z;
};

struct point {
    double x, y;
};

/* Whole pixels, x1 and y1 excluded. */
struct rect {
    int x0, y0, x1, y1;
};

struct view {
    int width_px, height_px;
    double focal_px;
    double horizon_px; /* row of the horizon, from the top */
    double height_m;   /* of the camera above the ground */
    double near_m;     /* z of the ground at the bottom edge */
};

struct point view_project(const struct view *view, struct vec3 at);
double view_px_per_m(const struct view *view, double z_m);
/* Half the width of the world that the picture shows at this depth. */
double view_half_width_m(const struct view *view, double z_m);
/* The ground under a pixel below the horizon. */
struct vec3 view_ground(const struct view *view, double x_px, double y_px);
/* Pixels that an upright box around `foot` can touch, cut to the picture. */
struct rect view_bounds(const struct view *view, struct vec3 foot, double radius_m,
                        double height_m);

bool rect_is_empty(struct rect rect);
struct rect rect_intersect(struct rect a, struct rect b);
struct rect rect_unite(struct rect a, struct rect b);

#endif
