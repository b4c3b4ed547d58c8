/* Dogs: four legs, body, head with snout and ears, and a wagging tail. */
#include <math.h>

#include "body.h"

static const double pi = 3.14159265358979323846;

struct breed {
    double h;      /* height of the back */
    double length; /* of the body, against its height */
    double thick;
    bool hanging_ears, patched;
    struct colour coat, patch;
};

static struct breed make_breed(const struct actor *actor)
{
    static const struct colour coats[] = {{0.12, 0.10, 0.09},
                                          {0.45, 0.30, 0.17},
                                          {0.75, 0.60, 0.40},
                                          {0.88, 0.85, 0.80},
                                          {0.40, 0.38, 0.36}};
    struct rng rng = rng_make(actor->look, 2);
    struct breed breed = {.h = actor->size_m * 0.8};
    breed.length = rng_range(&rng, 1.0, 1.35);
    breed.thick = rng_range(&rng, 0.85, 1.25);
    breed.hanging_ears = rng_chance(&rng, 0.5);
    breed.patched = rng_chance(&rng, 0.4);
    breed.coat = colour_scale(coats[rng_int(&rng, 0, 4)], rng_range(&rng, 0.8, 1.15));
    breed.patch = coats[rng_int(&rng, 0, 4)];
    return breed;
}

static void paint_dog_leg(const struct breed *breed, const struct body *body, double at,
                          double left, double phase, double swing, bool hind, double shade)
{
    const double h = breed->h, part = 0.29 * h;
    const double angle = swing * sin(phase), lift = swing * 0.9 * fmax(0, cos(phase));
    const double upper = angle + (hind ? 0.25 : -0.1);
    const double lower = angle - lift - (hind ? 0.35 : -0.1);
    const struct vec3 top = {at, 0.62 * h, left};
    const struct vec3 knee = {top.x + part * sin(upper), top.y - part * cos(upper), left};
    const struct vec3 paw = {knee.x + part * sin(lower), fmax(knee.y - part * cos(lower), 0.02),
                             left};
    const struct vec3 toe = {paw.x + 0.06 * h, paw.y, left};
    const struct vec3 thigh[2] = {top, knee}, shin[3] = {knee, paw, toe};
    const struct colour colour = colour_scale(breed->coat, shade);
    body_limb(body, shin, 3, 0.085 * h * breed->thick, colour);
    body_limb(body, thigh, 2, (hind ? 0.17 : 0.13) * h * breed->thick, colour);
}

static void paint_dog_head(const struct breed *breed, const struct body *body, double front)
{
    const double h = breed->h;
    const struct colour dark = {0.06, 0.05, 0.05};
    const struct vec3 neck[2] = {{front - 0.05 * h, 0.85 * h, 0}, {front + 0.2 * h, 1.1 * h, 0}};
    body_limb(body, neck, 2, 0.24 * h * breed->thick, breed->coat);
    const struct vec3 skull = {front + 0.25 * h, 1.17 * h, 0};
    const struct vec3 snout[2] = {{front + 0.3 * h, 1.12 * h, 0}, {front + 0.5 * h, 1.07 * h, 0}};
    for (int side = -1; side <= 1; side += 2) {
        const double tip_up = breed->hanging_ears ? 1.05 : 1.42;
        const double root_up = breed->hanging_ears ? 1.26 : 1.22;
        const struct vec3 ear[2] = {{front + 0.19 * h, root_up * h, side * 0.1 * h},
                                    {front + 0.14 * h, tip_up * h, side * 0.13 * h}};
        body_limb(body, ear, 2, 0.085 * h, colour_scale(breed->coat, 0.75));
    }
    body_ball(body, skull, 0.27 * h, 0.26 * h, breed->coat);
    body_limb(body, snout, 2, 0.12 * h, colour_scale(breed->coat, 0.92));
    body_ball(body, snout[1], 0.07 * h, 0.07 * h, dark);
}

static void paint_tail(const struct breed *breed, const struct body *body, double back,
                       double time_s)
{
    const double h = breed->h, wag = 0.15 * h * sin(time_s * 9);
    const struct vec3 tail[3] = {{back, 0.88 * h, 0},
                                 {back - 0.18 * h, 1.0 * h, wag * 0.5},
                                 {back - 0.26 * h, 1.2 * h, wag}};
    body_limb(body, tail, 3, 0.075 * h, breed->coat);
}

void dog_paint(const struct actor *actor, const struct body *body, double time_s)
{
    const struct breed breed = make_breed(actor);
    const double h = breed.h, half = breed.length * h * 0.5;
    const double speed = body->stance.speed_mps;
    const double phase = body->stance.walked_m / (0.75 * h) * pi;
    const double swing = fmin(0.3 + 0.15 * speed, 0.75) * fmin(speed / 0.3, 1);
    const double near = body_left_is_near(body) ? 1 : -1;
    const double left = 0.1 * h * breed.thick * near;
    const bool comes_closer = body->stance.heading_z < 0;

    paint_dog_leg(&breed, body, half * 0.8, -left, phase + pi, swing, false, 0.7);
    paint_dog_leg(&breed, body, -half * 0.8, -left, phase, swing, true, 0.7);
    if (!comes_closer) {
        paint_dog_head(&breed, body, half);
    } else {
        paint_tail(&breed, body, -half, time_s);
    }
    const struct vec3 trunk[3] = {
        {-half * 0.85, 0.77 * h, 0}, {0, 0.74 * h, 0}, {half * 0.85, 0.76 * h, 0}};
    body_limb(body, trunk, 3, 0.36 * h * breed.thick, breed.coat);
    if (breed.patched) {
        body_ball(body, (struct vec3){-half * 0.2, 0.8 * h, left}, 0.4 * h, 0.24 * h, breed.patch);
    }
    paint_dog_leg(&breed, body, half * 0.8, left, phase, swing, false, 1);
    paint_dog_leg(&breed, body, -half * 0.8, left, phase + pi, swing, true, 1);
    if (comes_closer) {
        paint_dog_head(&breed, body, half);
    } else {
        paint_tail(&breed, body, -half, time_s);
    }
}
