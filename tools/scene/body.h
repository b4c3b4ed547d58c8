/*
 * Bodies in three dimensions: points given forward, up and to the left of where somebody stands
 * are turned, put on the ground and projected, so that one description serves every direction of
 * walking.
 */
#ifndef SCENE_BODY_H
#define SCENE_BODY_H

#include "actor.h"

struct body {
    const struct view *view;
    struct stance stance;
    cairo_t *cr;
    double sun_side; /* -1 light from the left of the picture, 1 from the right, 0 none */
};

struct vec3 body_to_world(const struct body *body, double forward, double up, double left);
struct point body_to_px(const struct body *body, double forward, double up, double left);
double body_px_per_m(const struct body *body);
/* Is the left side of the body the one nearer to the camera? */
bool body_left_is_near(const struct body *body);

/* A limb: thick line through points (forward, up, left), round at the ends, lit from one side. */
void body_limb(const struct body *body, const struct vec3 *points, int count, double width_m,
               struct colour colour);
/* A ball, or an upright egg when height differs from width. */
void body_ball(const struct body *body, struct vec3 centre, double width_m, double height_m,
               struct colour colour);
/* A filled polygon. */
void body_shape(const struct body *body, const struct vec3 *points, int count,
                struct colour colour);

void person_paint(const struct actor *actor, const struct body *body, double time_s);
void car_paint(const struct actor *actor, const struct body *body);
void dog_paint(const struct actor *actor, const struct body *body, double time_s);
void bicycle_paint(const struct actor *actor, const struct body *body);

/* Where a rider's feet and hands meet the bicycle; shared by the two drawings. */
extern const double bicycle_wheel_m; /* radius */
extern const double bicycle_crank_up_m;
double bicycle_pedal_angle(double walked_m);

#endif
