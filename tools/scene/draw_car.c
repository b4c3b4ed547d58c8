/*
 * Cars: a side outline, as wide as a car, whose roof is narrower than its waist. Every strip of
 * the hull is a face of its own, so the same car can be seen from any direction.
 */
#include <math.h>

#include "body.h"

static const double pi = 3.14159265358979323846;

enum { OUTLINE_POINTS = 12 };

/* One point of the outline: share of the length from the rear, height, how far it is inset. */
struct outline_point {
    double along, up_m, inset_m;
};

/* Points run from the rear bumper over the roof to the front bumper. */
struct car_style {
    struct outline_point outline[OUTLINE_POINTS];
};

/* clang-format off */
static const struct car_style car_styles[] = {
    /* hatchback */
    {{{0.01, 0.28, 0.04}, {0.00, 0.62, 0.00}, {0.02, 0.92, 0.02}, {0.07, 0.98, 0.06},
      {0.16, 1.45, 0.22}, {0.50, 1.50, 0.22}, {0.72, 0.98, 0.06}, {0.76, 0.94, 0.05},
      {0.95, 0.78, 0.07}, {0.99, 0.62, 0.08}, {1.00, 0.45, 0.04}, {0.98, 0.26, 0.06}}},
    /* saloon */
    {{{0.01, 0.28, 0.04}, {0.00, 0.62, 0.02}, {0.02, 0.92, 0.05}, {0.17, 0.97, 0.06},
      {0.29, 1.40, 0.22}, {0.54, 1.43, 0.22}, {0.72, 0.95, 0.06}, {0.75, 0.92, 0.05},
      {0.96, 0.74, 0.08}, {0.99, 0.60, 0.08}, {1.00, 0.45, 0.04}, {0.98, 0.26, 0.06}}},
    /* off-roader */
    {{{0.01, 0.36, 0.04}, {0.00, 0.75, 0.00}, {0.01, 1.08, 0.02}, {0.03, 1.14, 0.04},
      {0.09, 1.70, 0.18}, {0.56, 1.74, 0.18}, {0.71, 1.16, 0.05}, {0.74, 1.12, 0.04},
      {0.96, 1.00, 0.05}, {0.99, 0.80, 0.06}, {1.00, 0.50, 0.03}, {0.98, 0.34, 0.05}}},
    /* van */
    {{{0.01, 0.30, 0.03}, {0.00, 0.75, 0.00}, {0.01, 1.10, 0.02}, {0.02, 1.16, 0.03},
      {0.05, 1.88, 0.14}, {0.70, 1.92, 0.14}, {0.85, 1.16, 0.05}, {0.87, 1.12, 0.04},
      {0.97, 0.95, 0.06}, {0.99, 0.78, 0.06}, {1.00, 0.48, 0.03}, {0.98, 0.28, 0.05}}},
};
/* clang-format on */

static const double half_width_m = 0.88;

/* Points of the outline that bound the windows. A strip is called after its first point. */
enum { REAR_LAMPS = 1, WAIST_REAR = 3, ROOF_REAR, ROOF_FRONT, WAIST_FRONT, HEADLAMPS = 9 };

struct car {
    const struct outline_point *outline;
    double length_m;
    struct colour paint, glass;
    double wheel_m; /* radius */
    bool braking;
};

static struct vec3 hull_point(const struct car *car, int index, double side)
{
    const struct outline_point *at = &car->outline[index];
    return (struct vec3){(at->along - 0.5) * car->length_m, at->up_m,
                         side * (half_width_m - at->inset_m)};
}

static struct vec3 between(struct vec3 a, struct vec3 b, double share)
{
    return (struct vec3){a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share,
                         a.z + (b.z - a.z) * share};
}

/* Does a face turn towards the camera? Its points run clockwise as seen from outside. */
static bool faces_camera(const struct body *body, const struct vec3 *points, int count)
{
    double area = 0;
    for (int i = 0; i < count; i++) {
        const struct vec3 p = points[i], q = points[(i + 1) % count];
        const struct point a = body_to_px(body, p.x, p.y, p.z);
        const struct point b = body_to_px(body, q.x, q.y, q.z);
        area += a.x * b.y - b.x * a.y;
    }
    return area > 0;
}

/* How bright a strip of the hull is, by how far it looks up and towards the front. */
static double strip_light(const struct car *car, int index)
{
    const struct outline_point *a = &car->outline[index], *b = &car->outline[index + 1];
    const double rise = b->up_m - a->up_m, run = (b->along - a->along) * car->length_m;
    return 0.72 + 0.4 * run / fmax(hypot(rise, run), 1e-6);
}

/* A part of a strip of the hull: across -1..1, and from one share of its length to another. */
static void strip_part(const struct car *car, const struct body *body, int index, double from,
                       double to, double left, double right, struct colour colour)
{
    const struct vec3 a0 = hull_point(car, index, 1), a1 = hull_point(car, index + 1, 1);
    const struct vec3 b0 = hull_point(car, index, -1), b1 = hull_point(car, index + 1, -1);
    const struct vec3 l0 = between(a0, a1, from), l1 = between(a0, a1, to);
    const struct vec3 r0 = between(b0, b1, from), r1 = between(b0, b1, to);
    const double s = (1 - left) / 2, t = (1 - right) / 2;
    const struct vec3 corners[4] = {between(l0, r0, s), between(l1, r1, s), between(l1, r1, t),
                                    between(l0, r0, t)};
    body_shape(body, corners, 4, colour);
}

static void paint_lamps(const struct car *car, const struct body *body, int index)
{
    const struct colour head = {0.95, 0.95, 0.88}, plate = {0.85, 0.85, 0.8};
    const struct colour tail =
        car->braking ? (struct colour){1, 0.15, 0.1} : (struct colour){0.55, 0.06, 0.05};
    const bool front = index > WAIST_FRONT;
    const struct colour lamp = front ? head : tail;
    strip_part(car, body, index, 0.15, 0.85, 0.95, 0.55, lamp);
    strip_part(car, body, index, 0.15, 0.85, -0.55, -0.95, lamp);
    if (front) {
        const struct colour grille = {0.08, 0.08, 0.09};
        strip_part(car, body, index, 0.2, 0.8, 0.4, -0.4, grille);
    } else {
        strip_part(car, body, index, 0.3, 0.8, 0.28, -0.28, plate);
    }
}

static void paint_strip(const struct car *car, const struct body *body, int index)
{
    const struct vec3 corners[4] = {hull_point(car, index, 1), hull_point(car, index + 1, 1),
                                    hull_point(car, index + 1, -1), hull_point(car, index, -1)};
    if (!faces_camera(body, corners, 4)) {
        return;
    }
    body_shape(body, corners, 4, colour_scale(car->paint, strip_light(car, index)));
    if (index == WAIST_REAR || index == ROOF_FRONT) {
        strip_part(car, body, index, 0.1, 0.92, 0.9, -0.9, car->glass);
        strip_part(car, body, index, 0.3, 0.6, 0.8, 0.1, colour_scale(car->glass, 1.35));
    } else if (index == REAR_LAMPS || index == HEADLAMPS) {
        paint_lamps(car, body, index);
    } else if (index < REAR_LAMPS || index > HEADLAMPS) {
        const struct colour bumper = {0.12, 0.12, 0.13};
        strip_part(car, body, index, 0, 0.9, 1, -1, colour_mix(car->paint, bumper, 0.6));
    }
}

static void paint_wheel(const struct car *car, const struct body *body, double along, double side)
{
    enum { WHEEL_POINTS = 18 };
    static const struct {
        double share;
        struct colour colour;
    } rings[] = {
        {1.22, {0.05, 0.05, 0.05}}, /* arch */
        {1.0, {0.09, 0.09, 0.09}},
        {0.62, {0.62, 0.62, 0.64}},
        {0.2, {0.2, 0.2, 0.2}},
    };
    const double centre = (along - 0.5) * car->length_m;
    const double turn = body->stance.walked_m / car->wheel_m;
    struct vec3 points[WHEEL_POINTS];
    for (int ring = 0; ring < 4; ring++) {
        const double radius = car->wheel_m * rings[ring].share;
        for (int i = 0; i < WHEEL_POINTS; i++) {
            const double angle = 2 * pi * i / WHEEL_POINTS;
            points[i] = (struct vec3){centre + radius * cos(angle),
                                      car->wheel_m + radius * sin(angle), side * half_width_m};
            if (ring == 0) {
                points[i].y = fmax(points[i].y, car->outline[0].up_m - 0.06);
            }
        }
        body_shape(body, points, WHEEL_POINTS, rings[ring].colour);
    }
    for (int spoke = 0; spoke < 3; spoke++) {
        const double angle = -turn + pi * spoke / 3, reach = 0.55 * car->wheel_m;
        const double dx = reach * cos(angle), dy = reach * sin(angle);
        const struct vec3 bar[2] = {{centre - dx, car->wheel_m - dy, side * half_width_m},
                                    {centre + dx, car->wheel_m + dy, side * half_width_m}};
        body_limb(body, bar, 2, 0.045, (struct colour){0.35, 0.35, 0.37});
    }
}

static void paint_side_windows(const struct car *car, const struct body *body, double side)
{
    const struct vec3 a = hull_point(car, WAIST_REAR, side);
    const struct vec3 b = hull_point(car, ROOF_REAR, side);
    const struct vec3 c = hull_point(car, ROOF_FRONT, side);
    const struct vec3 d = hull_point(car, WAIST_FRONT, side);
    const double splits[4] = {0.06, 0.34, 0.66, 0.95};
    for (int pane = 0; pane < 3; pane++) {
        const double from = splits[pane] + 0.02, to = splits[pane + 1] - 0.02;
        const struct vec3 corners[4] = {between(between(a, d, from), between(b, c, from), 0.1),
                                        between(between(a, d, from), between(b, c, from), 0.86),
                                        between(between(a, d, to), between(b, c, to), 0.86),
                                        between(between(a, d, to), between(b, c, to), 0.1)};
        body_shape(body, corners, 4, car->glass);
    }
}

static void paint_door_lines(const struct car *car, const struct body *body, double side)
{
    const double low = car->outline[0].up_m + 0.1, high = car->outline[3].up_m - 0.05;
    const struct colour dark = colour_scale(car->paint, 0.55);
    for (int i = 0; i < 3; i++) {
        const double x = (0.3 + 0.2 * i - 0.5) * car->length_m, w = side * half_width_m;
        const struct vec3 line[2] = {{x, low, w}, {x, high, w}};
        body_limb(body, line, 2, 0.018, dark);
    }
    const double x = (0.27 - 0.5) * car->length_m, w = side * half_width_m;
    const struct vec3 sill[2] = {{x, low - 0.05, w}, {-x, low - 0.05, w}};
    body_limb(body, sill, 2, 0.07, colour_scale(car->paint, 0.6));
}

static void paint_side(const struct car *car, const struct body *body, double side)
{
    struct vec3 points[OUTLINE_POINTS];
    for (int i = 0; i < OUTLINE_POINTS; i++) {
        const int index = side > 0 ? OUTLINE_POINTS - 1 - i : i;
        points[i] = hull_point(car, index, side);
    }
    if (!faces_camera(body, points, OUTLINE_POINTS)) {
        return;
    }
    body_shape(body, points, OUTLINE_POINTS, colour_scale(car->paint, 0.85));
    paint_door_lines(car, body, side);
    paint_side_windows(car, body, side);
    paint_wheel(car, body, 0.19, side);
    paint_wheel(car, body, 0.81, side);
}

static struct colour car_colour(struct rng *rng)
{
    const double kind = rng_range(rng, 0, 1);
    if (kind < 0.55) {
        return colour_hsv(0.6, rng_range(rng, 0, 0.08), rng_range(rng, 0.08, 0.92));
    }
    return colour_hsv(rng_range(rng, 0, 1), rng_range(rng, 0.4, 0.85), rng_range(rng, 0.25, 0.8));
}

/* The dark below the car, and the wheels of the far side seen under it. */
static void paint_underside(const struct car *car, const struct body *body)
{
    const double reach = car->length_m * 0.46, w = half_width_m * 0.92;
    const struct vec3 under[4] = {
        {-reach, 0.02, w}, {reach, 0.02, w}, {reach, 0.02, -w}, {-reach, 0.02, -w}};
    body_shape(body, under, 4, (struct colour){0.04, 0.04, 0.05});
    for (int corner = 0; corner < 4; corner++) {
        const double x = (corner & 1 ? 0.31 : -0.31) * car->length_m;
        const double side = (corner & 2 ? 0.75 : -0.75);
        const struct vec3 tyre[2] = {{x, 0.12, side}, {x, 0.4, side}};
        body_limb(body, tyre, 2, 0.22, (struct colour){0.07, 0.07, 0.07});
    }
}

/* Strips from the far end to the near one. */
static void paint_strips(const struct car *car, const struct body *body)
{
    const bool front_is_far = body->stance.heading_z > 0;
    for (int i = 0; i < OUTLINE_POINTS - 1; i++) {
        paint_strip(car, body, front_is_far ? OUTLINE_POINTS - 2 - i : i);
    }
}

void car_paint(const struct actor *actor, const struct body *body)
{
    struct rng rng = rng_make(actor->look, 4);
    const struct car_style *style = &car_styles[rng_int(&rng, 0, 3)];
    struct car car = {.outline = style->outline, .length_m = actor->size_m};
    car.paint = car_colour(&rng);
    car.glass = colour_hsv(0.57, rng_range(&rng, 0.1, 0.3), rng_range(&rng, 0.1, 0.32));
    car.wheel_m = rng_range(&rng, 0.3, 0.35);
    car.braking = body->stance.speed_mps > 0.05 && body->stance.speed_mps < 2;
    paint_underside(&car, body);
    paint_strips(&car, body);
    paint_side(&car, body, 1);
    paint_side(&car, body, -1);
}
