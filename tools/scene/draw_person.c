/* People: a jointed figure that walks, stands or rides, dressed at random. */
#include <math.h>

#include "body.h"

static const double pi = 3.14159265358979323846;

enum dress { DRESS_TROUSERS = 1, DRESS_SHORTS, DRESS_COAT, DRESS_SKIRT };

struct figure {
    double h;     /* body height */
    double build; /* 1 = average width */
    enum dress dress;
    struct colour skin, hair, top, bottom, shoe, bag;
    bool hat, backpack, striped, long_sleeves;
};

/* The joints of one leg or arm, in body coordinates. */
struct limb_pose {
    struct vec3 joints[3];
};

static struct figure make_figure(const struct actor *actor)
{
    struct rng rng = rng_make(actor->look, 1);
    struct figure figure = {.h = actor->size_m};
    figure.build = rng_range(&rng, 0.85, 1.3);
    figure.dress = (enum dress)rng_int(&rng, DRESS_TROUSERS, DRESS_SKIRT);
    const struct colour pale = {0.93, 0.76, 0.65}, dark = {0.36, 0.24, 0.17};
    figure.skin = colour_mix(pale, dark, rng_range(&rng, 0, 1));
    figure.hair = colour_hsv(0.07, rng_range(&rng, 0, 0.6), rng_range(&rng, 0.05, 0.6));
    figure.top = colour_of_cloth(&rng);
    figure.bottom = rng_chance(&rng, 0.6)
                        ? colour_hsv(0.6, rng_range(&rng, 0, 0.5), rng_range(&rng, 0.1, 0.4))
                        : colour_of_cloth(&rng);
    figure.shoe = colour_scale(colour_of_cloth(&rng), 0.6);
    figure.bag = colour_of_cloth(&rng);
    figure.hat = rng_chance(&rng, 0.25);
    figure.backpack = rng_chance(&rng, 0.25);
    figure.striped = rng_chance(&rng, 0.2);
    figure.long_sleeves = rng_chance(&rng, 0.6);
    return figure;
}

/* A two-part limb hanging from `top`, bent at the middle. Angles: 0 down, positive forward. */
static struct limb_pose hang(struct vec3 top, double upper_m, double lower_m, double upper_angle,
                             double lower_angle)
{
    const struct vec3 middle = {top.x + upper_m * sin(upper_angle),
                                top.y - upper_m * cos(upper_angle), top.z};
    const struct vec3 end = {middle.x + lower_m * sin(lower_angle),
                             middle.y - lower_m * cos(lower_angle), top.z};
    return (struct limb_pose){{top, middle, end}};
}

/* A two-part limb from `top` that reaches `end`; `bend` says to which side the middle goes. */
static struct limb_pose reach(struct vec3 top, struct vec3 end, double part_m, double bend)
{
    const double dx = end.x - top.x, dy = end.y - top.y;
    const double length = fmax(hypot(dx, dy), 1e-6);
    const double side = sqrt(fmax(part_m * part_m - length * length / 4, 0)) * bend;
    const struct vec3 middle = {(top.x + end.x) / 2 - side * dy / length,
                                (top.y + end.y) / 2 + side * dx / length, top.z};
    return (struct limb_pose){{top, middle, end}};
}

static struct limb_pose walking_leg(const struct figure *figure, double phase, double swing,
                                    double left)
{
    const double part_m = 0.245 * figure->h;
    const double thigh = swing * sin(phase);
    /* The knee bends while the leg swings forward. */
    const double knee = swing * 1.3 * fmax(0, cos(phase)) + 0.05;
    const struct vec3 hip = {0, 0.52 * figure->h, left * 0.05 * figure->h * figure->build};
    return hang(hip, part_m, part_m, thigh, thigh - knee);
}

static struct limb_pose walking_arm(const struct figure *figure, double phase, double swing,
                                    double left)
{
    const double angle = -swing * 0.8 * sin(phase);
    const struct vec3 shoulder = {0, 0.81 * figure->h, left * 0.115 * figure->h * figure->build};
    return hang(shoulder, 0.17 * figure->h, 0.17 * figure->h, angle, angle + 0.25 + 0.5 * swing);
}

static void paint_leg(const struct figure *figure, const struct body *body,
                      const struct limb_pose *leg, double shade)
{
    const double w = 0.078 * figure->h * figure->build;
    const bool bare = figure->dress == DRESS_SHORTS || figure->dress == DRESS_SKIRT;
    const struct colour cloth = colour_scale(figure->bottom, shade);
    const struct colour below = bare ? colour_scale(figure->skin, shade) : cloth;
    const struct vec3 *j = leg->joints;
    body_limb(body, j + 1, 2, w * 0.78, below);
    body_limb(body, j, 2, w, cloth);
    const struct vec3 foot[2] = {{j[2].x - 0.01, j[2].y + 0.03, j[2].z},
                                 {j[2].x + 0.1 * figure->h, j[2].y + 0.015, j[2].z}};
    body_limb(body, foot, 2, 0.042 * figure->h, colour_scale(figure->shoe, shade));
}

static void paint_arm(const struct figure *figure, const struct body *body,
                      const struct limb_pose *arm, double shade)
{
    const double w = 0.056 * figure->h * figure->build;
    const struct colour sleeve = colour_scale(figure->top, shade);
    const struct colour skin = colour_scale(figure->skin, shade);
    body_limb(body, arm->joints + 1, 2, w * 0.85, figure->long_sleeves ? sleeve : skin);
    body_limb(body, arm->joints, 2, w, sleeve);
    body_ball(body, arm->joints[2], w * 1.05, w * 1.05, skin);
}

/* A slab from the hips (at `low`) to the shoulders, leaning forward by `lean` metres. */
static void paint_torso(const struct figure *figure, const struct body *body, double low,
                        double lean, struct colour colour)
{
    const double h = figure->h, b = figure->build;
    const double depth = 0.075 * h * b, hip = 0.075 * h * b, shoulder = 0.1 * h * b;
    const double high = low + 0.28 * h;
    /* Seen from any side, a torso is as wide as its corner posts: draw them, then fill between. */
    for (int corner = 0; corner < 4; corner++) {
        const double left = corner & 1 ? 1 : -1, front = (corner & 2 ? 1 : -1) * depth * 0.35;
        const struct vec3 post[2] = {{front, low + 0.04 * h, left * hip * 0.6},
                                     {front + lean, high - 0.04 * h, left * shoulder * 0.65}};
        body_limb(body, post, 2, 0.105 * h * b, colour);
    }
    if (figure->striped) {
        for (int i = 1; i < 5; i++) {
            const double at = low + i * 0.055 * h, x = lean * i / 5;
            const double w = shoulder * 0.75;
            const struct vec3 band[2] = {{x, at, -w}, {x, at, w}};
            body_limb(body, band, 2, 0.02 * h, colour_scale(figure->bag, 1.2));
        }
    }
}

static void paint_head(const struct figure *figure, const struct body *body, struct vec3 neck)
{
    const double h = figure->h;
    const struct vec3 stem[2] = {neck, {neck.x + 0.01 * h, neck.y + 0.05 * h, 0}};
    body_limb(body, stem, 2, 0.055 * h, figure->skin);
    const struct vec3 centre = {neck.x + 0.015 * h, neck.y + 0.105 * h, 0};
    const struct vec3 back = {centre.x - 0.018 * h, centre.y + 0.018 * h, 0};
    body_ball(body, back, 0.115 * h, 0.125 * h, figure->hair);
    const struct vec3 face = {centre.x + 0.014 * h, centre.y - 0.008 * h, 0};
    /* Someone walking away shows hair, not face. */
    if (body->stance.heading_z < 0.6) {
        body_ball(body, face, 0.088 * h, 0.118 * h, figure->skin);
    }
    if (figure->hat) {
        const struct vec3 brim[2] = {{centre.x - 0.04 * h, centre.y + 0.045 * h, 0},
                                     {centre.x + 0.085 * h, centre.y + 0.04 * h, 0}};
        const struct vec3 crown = {centre.x, centre.y + 0.055 * h, 0};
        body_ball(body, crown, 0.12 * h, 0.07 * h, figure->bag);
        body_limb(body, brim, 2, 0.02 * h, figure->bag);
    }
}

static void paint_skirt(const struct figure *figure, const struct body *body, double low,
                        double reach_m)
{
    const double h = figure->h, w = 0.085 * h * figure->build;
    const bool coat = figure->dress == DRESS_COAT;
    const struct colour colour = coat ? figure->top : figure->bottom;
    const double hem = coat ? 0.3 * h : 0.33 * h;
    for (int i = -2; i <= 2; i++) {
        const struct vec3 fold[2] = {{0, low + 0.05 * h, i * w * 0.3},
                                     {i * 0.25 * reach_m, hem, i * w * 0.45}};
        body_limb(body, fold, 2, 0.09 * h * figure->build, colour);
    }
}

static void paint_backpack(const struct figure *figure, const struct body *body, double low,
                           double lean)
{
    const double h = figure->h;
    const struct vec3 pack[2] = {{-0.1 * h + lean * 0.4, low + 0.1 * h, 0},
                                 {-0.1 * h + lean * 0.8, low + 0.22 * h, 0}};
    body_limb(body, pack, 2, 0.13 * h, figure->bag);
}

static void paint_upper(const struct figure *figure, const struct body *body, double low,
                        double lean)
{
    const bool pack_in_front = body->stance.heading_z > 0;
    if (figure->backpack && !pack_in_front) {
        paint_backpack(figure, body, low, lean);
    }
    paint_torso(figure, body, low, lean, figure->top);
    if (figure->backpack && pack_in_front) {
        paint_backpack(figure, body, low, lean);
    }
    paint_head(figure, body, (struct vec3){lean * 1.1, low + 0.29 * figure->h, 0});
}

static void paint_walker(const struct figure *figure, const struct body *body, double time_s)
{
    const double speed = body->stance.speed_mps;
    const double stride_m = (0.42 + 0.1 * fmin(speed, 3)) * figure->h;
    const double phase = body->stance.walked_m / stride_m * pi;
    const double swing = fmin(0.2 + 0.28 * speed, 0.9) * fmin(speed / 0.3, 1);
    const double near = body_left_is_near(body) ? 1 : -1;
    const struct limb_pose near_leg = walking_leg(figure, phase, swing, near);
    const struct limb_pose far_leg = walking_leg(figure, phase + pi, swing, -near);
    const struct limb_pose near_arm = walking_arm(figure, phase, swing, near);
    const struct limb_pose far_arm = walking_arm(figure, phase + pi, swing, -near);

    /* The lower foot touches the ground. */
    struct body risen = *body;
    risen.stance.foot.y -= fmin(near_leg.joints[2].y, far_leg.joints[2].y);
    const double lean = 0.02 * figure->h + 0.03 * speed * figure->h * 0.5 +
                        (speed < 0.05 ? 0.012 * sin(time_s * 1.7) : 0);
    paint_arm(figure, &risen, &far_arm, 0.75);
    paint_leg(figure, &risen, &far_leg, 0.75);
    paint_leg(figure, &risen, &near_leg, 1);
    if (figure->dress == DRESS_COAT || figure->dress == DRESS_SKIRT) {
        paint_skirt(figure, &risen, 0.5 * figure->h, 0.2 * swing);
    }
    paint_upper(figure, &risen, 0.5 * figure->h, lean);
    paint_arm(figure, &risen, &near_arm, 1);
}

static void paint_rider(const struct figure *figure, const struct body *body)
{
    const double h = figure->h, angle = bicycle_pedal_angle(body->stance.walked_m);
    const double near = body_left_is_near(body) ? 1 : -1;
    const double seat = 0.98, crank = bicycle_crank_up_m;
    struct limb_pose legs[2], arms[2];
    for (int i = 0; i < 2; i++) {
        const double left = (i == 0 ? near : -near);
        const double turn = angle + (i == 0 ? 0 : pi);
        const struct vec3 hip = {-0.2, seat, left * 0.09};
        const struct vec3 pedal = {0.17 * cos(turn), crank + 0.06 - 0.17 * sin(turn), left * 0.1};
        legs[i] = reach(hip, pedal, 0.25 * h, 1);
        const struct vec3 shoulder = {0.12, seat + 0.3 * h - 0.06, left * 0.15};
        const struct vec3 grip = {0.42, 1.02, left * 0.24};
        arms[i] = reach(shoulder, grip, 0.17 * h, -1);
    }
    paint_leg(figure, body, &legs[1], 0.75);
    paint_arm(figure, body, &arms[1], 0.75);
    paint_leg(figure, body, &legs[0], 1);
    struct body seated = *body;
    seated.stance.foot.x -= 0.2 * body->stance.heading_x;
    seated.stance.foot.z -= 0.2 * body->stance.heading_z;
    paint_upper(figure, &seated, seat - 0.05, 0.3);
    paint_arm(figure, body, &arms[0], 1);
}

void person_paint(const struct actor *actor, const struct body *body, double time_s)
{
    const struct figure figure = make_figure(actor);
    if (actor->rides) {
        paint_rider(&figure, body);
    } else {
        paint_walker(&figure, body, time_s);
    }
}
