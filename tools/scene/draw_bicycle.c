/* Bicycles: two spoked wheels, a frame, saddle, handlebar and turning pedals. */
#include <math.h>

#include "body.h"

static const double pi = 3.14159265358979323846;

const double bicycle_wheel_m = 0.34;
const double bicycle_crank_up_m = 0.28;

double bicycle_pedal_angle(double walked_m)
{
    return walked_m / bicycle_wheel_m * 0.4; /* geared down */
}

static void paint_wheel(const struct body *body, double at, double turn)
{
    enum { RIM_POINTS = 21, SPOKES = 6 };
    const struct colour tyre = {0.07, 0.07, 0.07}, steel = {0.6, 0.6, 0.62};
    struct vec3 rim[RIM_POINTS];
    for (int i = 0; i < RIM_POINTS; i++) {
        const double angle = 2 * pi * i / (RIM_POINTS - 1);
        rim[i] = (struct vec3){at + bicycle_wheel_m * cos(angle),
                               bicycle_wheel_m + bicycle_wheel_m * sin(angle), 0};
    }
    for (int i = 0; i < SPOKES; i++) {
        const double angle = turn + pi * i / SPOKES;
        const double dx = 0.31 * cos(angle), dy = 0.31 * sin(angle);
        const struct vec3 spoke[2] = {{at - dx, bicycle_wheel_m - dy, 0},
                                      {at + dx, bicycle_wheel_m + dy, 0}};
        body_limb(body, spoke, 2, 0.008, steel);
    }
    body_limb(body, rim, RIM_POINTS, 0.045, tyre);
}

static void paint_frame(const struct body *body, double half, struct colour colour)
{
    const double axle = bicycle_wheel_m, crank = bicycle_crank_up_m;
    const struct vec3 rear = {-half, axle, 0}, bottom = {-0.05, crank, 0};
    const struct vec3 seat = {-0.2, 0.8, 0}, head = {half - 0.2, 0.82, 0};
    const struct vec3 front = {half, axle, 0};
    const struct vec3 tubes[] = {rear, bottom, seat, rear};
    const struct vec3 rest[] = {seat, head, bottom};
    const struct vec3 fork[] = {{head.x - 0.03, 0.95, 0}, head, front};
    body_limb(body, tubes, 4, 0.032, colour);
    body_limb(body, rest, 3, 0.04, colour);
    body_limb(body, fork, 3, 0.035, colour);
}

static void paint_fittings(const struct body *body, double half)
{
    const struct colour black = {0.08, 0.08, 0.08}, steel = {0.55, 0.55, 0.57};
    const struct vec3 post[2] = {{-0.2, 0.8, 0}, {-0.22, 0.92, 0}};
    const struct vec3 saddle[2] = {{-0.34, 0.94, 0}, {-0.1, 0.93, 0}};
    const struct vec3 bar[2] = {{half - 0.15, 1.0, -0.26}, {half - 0.15, 1.0, 0.26}};
    const struct vec3 stem[2] = {{half - 0.23, 0.93, 0}, {half - 0.15, 1.0, 0}};
    body_limb(body, post, 2, 0.03, steel);
    body_limb(body, saddle, 2, 0.06, black);
    body_limb(body, stem, 2, 0.03, steel);
    body_limb(body, bar, 2, 0.035, black);
    const double angle = bicycle_pedal_angle(body->stance.walked_m);
    const double dx = 0.17 * cos(angle), dy = -0.17 * sin(angle);
    const struct vec3 cranks[2] = {{-0.05 - dx, bicycle_crank_up_m - dy, -0.08},
                                   {-0.05 + dx, bicycle_crank_up_m + dy, 0.08}};
    body_limb(body, cranks, 2, 0.03, steel);
}

void bicycle_paint(const struct actor *actor, const struct body *body)
{
    struct rng rng = rng_make(actor->look, 3);
    const struct colour colour =
        rng_chance(&rng, 0.7) ? colour_hsv(rng_range(&rng, 0, 1), 0.8, rng_range(&rng, 0.4, 0.9))
                              : colour_of_cloth(&rng);
    const double half = actor->size_m / 2, turn = body->stance.walked_m / bicycle_wheel_m;
    paint_wheel(body, -half, -turn);
    paint_wheel(body, half, -turn);
    paint_frame(body, half, colour);
    paint_fittings(body, half);
}
