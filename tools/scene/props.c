/* The things objects pass behind: walls, fences, pillars, bushes, trees, containers, lamp posts. */
#include <math.h>
#include <stddef.h>

#include "backdrop.h"

/* Paints one kind of prop; the prop's place and size are set. */
typedef void prop_painter(const struct scene *scene, struct rng *rng, cairo_t *cr,
                          const struct prop *prop);

struct prop_kind {
    prop_painter *paint;
    double half_width_m[2]; /* smallest and largest */
    double height_m[2];
    double weight; /* how often, against the others */
    bool can_hide;
    bool sways;
};

static struct point at_height(const struct scene *scene, const struct prop *prop, double dx_m,
                              double height_m)
{
    return view_project(&scene->view, (struct vec3){prop->x_m + dx_m, height_m, prop->z_m});
}

static void upright_path(const struct scene *scene, cairo_t *cr, const struct prop *prop,
                         double left_m, double right_m, double low_m, double high_m)
{
    const struct point a = at_height(scene, prop, left_m, high_m);
    const struct point b = at_height(scene, prop, right_m, low_m);
    cairo_rectangle(cr, a.x, a.y, b.x - a.x, b.y - a.y);
}

static struct colour stone_colour(struct rng *rng)
{
    return colour_hsv(rng_range(rng, 0.02, 0.15), rng_range(rng, 0.05, 0.4),
                      rng_range(rng, 0.35, 0.75));
}

static void paint_wall(const struct scene *scene, struct rng *rng, cairo_t *cr,
                       const struct prop *prop)
{
    const struct colour colour = stone_colour(rng);
    const double w = prop->half_width_m, h = prop->height_m;
    const double course_m = 0.18, brick_m = 0.42;
    upright_path(scene, cr, prop, -w, w, 0, h);
    colour_use(cr, colour_scale(colour, 0.75), 1);
    cairo_fill(cr);
    int row = 0;
    for (double low = 0; low < h - 0.1; low += course_m, row++) {
        for (double x = -w - (row % 2) * brick_m / 2; x < w; x += brick_m) {
            const double left = fmax(x, -w), right = fmin(x + brick_m - 0.03, w);
            if (right <= left) {
                continue;
            }
            upright_path(scene, cr, prop, left, right, low, fmin(low + course_m - 0.025, h));
            colour_use(cr, colour_scale(colour, rng_range(rng, 0.85, 1.15)), 1);
            cairo_fill(cr);
        }
    }
    upright_path(scene, cr, prop, -w - 0.05, w + 0.05, h - 0.08, h);
    colour_use(cr, colour_scale(colour, 1.25), 1);
    cairo_fill(cr);
}

static void paint_fence(const struct scene *scene, struct rng *rng, cairo_t *cr,
                        const struct prop *prop)
{
    const struct colour colour =
        rng_chance(rng, 0.5) ? (struct colour){0.45, 0.33, 0.22} : stone_colour(rng);
    const double w = prop->half_width_m, h = prop->height_m;
    const double board_m = rng_range(rng, 0.08, 0.14), gap_m = rng_range(rng, 0.03, 0.16);
    for (double x = -w; x < w - board_m; x += board_m + gap_m) {
        upright_path(scene, cr, prop, x, x + board_m, 0.05, h);
        colour_use(cr, colour_scale(colour, rng_range(rng, 0.8, 1.15)), 1);
        cairo_fill(cr);
    }
    for (int rail = 0; rail < 2; rail++) {
        const double low = rail == 0 ? 0.2 : h - 0.3;
        upright_path(scene, cr, prop, -w, w, low, low + 0.09);
        colour_use(cr, colour_scale(colour, 0.8), 1);
        cairo_fill(cr);
    }
}

/* A column shaded round by a gradient across it. */
static void paint_column(const struct scene *scene, cairo_t *cr, const struct prop *prop,
                         double half_width_m, double height_m, struct colour colour)
{
    const struct point left = at_height(scene, prop, -half_width_m, 0);
    const struct point right = at_height(scene, prop, half_width_m, 0);
    cairo_pattern_t *round = cairo_pattern_create_linear(left.x, 0, right.x, 0);
    const struct colour lit = colour_scale(colour, 1.2), dark = colour_scale(colour, 0.55);
    cairo_pattern_add_color_stop_rgb(round, 0, dark.r, dark.g, dark.b);
    cairo_pattern_add_color_stop_rgb(round, 0.4, lit.r, lit.g, lit.b);
    cairo_pattern_add_color_stop_rgb(round, 1, dark.r, dark.g, dark.b);
    upright_path(scene, cr, prop, -half_width_m, half_width_m, 0, height_m);
    cairo_set_source(cr, round);
    cairo_fill(cr);
    cairo_pattern_destroy(round);
}

static void paint_pillar(const struct scene *scene, struct rng *rng, cairo_t *cr,
                         const struct prop *prop)
{
    const struct colour colour = stone_colour(rng);
    paint_column(scene, cr, prop, prop->half_width_m, prop->height_m, colour);
    upright_path(scene, cr, prop, -prop->half_width_m - 0.07, prop->half_width_m + 0.07,
                 prop->height_m - 0.2, prop->height_m);
    colour_use(cr, colour_scale(colour, 1.1), 1);
    cairo_fill(cr);
}

static void paint_lamp_post(const struct scene *scene, struct rng *rng, cairo_t *cr,
                            const struct prop *prop)
{
    (void)rng;
    const struct colour steel = {0.32, 0.34, 0.34};
    paint_column(scene, cr, prop, prop->half_width_m, prop->height_m, steel);
    const struct point head = at_height(scene, prop, 0, prop->height_m);
    const double px_per_m = view_px_per_m(&scene->view, prop->z_m);
    cairo_arc(cr, head.x, head.y, 0.22 * px_per_m, 0, 7);
    colour_use(cr, scene->light.night ? (struct colour){1, 1, 0.95} : steel, 1);
    cairo_fill(cr);
}

static void paint_container(const struct scene *scene, struct rng *rng, cairo_t *cr,
                            const struct prop *prop)
{
    const struct colour colour = colour_of_cloth(rng);
    const double w = prop->half_width_m, h = prop->height_m;
    upright_path(scene, cr, prop, -w, w, 0.08, h);
    colour_use(cr, colour, 1);
    cairo_fill(cr);
    for (double x = -w; x < w; x += 0.25) {
        upright_path(scene, cr, prop, x, x + 0.06, 0.12, h - 0.2);
        colour_use(cr, colour_scale(colour, 0.8), 1);
        cairo_fill(cr);
    }
    upright_path(scene, cr, prop, -w - 0.05, w + 0.05, h - 0.18, h);
    colour_use(cr, colour_scale(colour, 0.6), 1);
    cairo_fill(cr);
}

static void paint_bush(const struct scene *scene, struct rng *rng, cairo_t *cr,
                       const struct prop *prop)
{
    const double px_per_m = view_px_per_m(&scene->view, prop->z_m);
    const struct colour leaf = colour_hsv(rng_range(rng, 0.2, 0.36), rng_range(rng, 0.3, 0.65),
                                          rng_range(rng, 0.25, 0.45));
    const double radius_m = prop->height_m * 0.5;
    const int clumps = (int)fmax(2, prop->half_width_m * 2 / radius_m + 1);
    for (int i = 0; i < clumps; i++) {
        const double along = (i + 0.5) / clumps * 2 - 1;
        const double dx = along * (prop->half_width_m - radius_m * 0.6);
        const double height_m = radius_m * rng_range(rng, 0.85, 1.05);
        foliage_paint_clump(cr, rng, at_height(scene, prop, dx, height_m), radius_m * px_per_m,
                            leaf);
    }
}

static void paint_tree(const struct scene *scene, struct rng *rng, cairo_t *cr,
                       const struct prop *prop)
{
    const double px_per_m = view_px_per_m(&scene->view, prop->z_m);
    const struct colour bark = {0.30, 0.24, 0.18};
    const struct colour leaf =
        colour_hsv(rng_range(rng, 0.18, 0.34), rng_range(rng, 0.3, 0.6), rng_range(rng, 0.28, 0.5));
    paint_column(scene, cr, prop, 0.16, prop->height_m * 0.7, bark);
    for (int i = 0; i < 6; i++) {
        const double dx = rng_range(rng, -1.3, 1.3);
        const double height_m = prop->height_m * rng_range(rng, 0.62, 1);
        foliage_paint_clump(cr, rng, at_height(scene, prop, dx, height_m),
                            rng_range(rng, 0.7, 1.1) * px_per_m, leaf);
    }
}

static const struct prop_kind prop_kinds[] = {
    {paint_wall, {1.2, 2.4}, {0.9, 1.9}, 1.2, true, false},
    {paint_fence, {1.2, 3.0}, {0.9, 1.6}, 1.2, true, false},
    {paint_pillar, {0.25, 0.5}, {2.2, 4.5}, 1.0, true, false},
    {paint_container, {0.5, 1.1}, {1.0, 1.5}, 0.8, true, false},
    {paint_bush, {0.7, 1.8}, {0.9, 1.8}, 1.6, true, true},
    {paint_tree, {0.3, 0.4}, {4.0, 6.5}, 0.9, false, true},
};
static const struct prop_kind lamp_post = {paint_lamp_post, {0.06, 0.08}, {4.0, 5.5}, 0,
                                           false,           false};

static const struct prop_kind *choose_kind(struct rng *rng)
{
    const int count = (int)(sizeof prop_kinds / sizeof *prop_kinds);
    double total = 0;
    for (int i = 0; i < count; i++) {
        total += prop_kinds[i].weight;
    }
    double left = rng_range(rng, 0, total);
    for (int i = 0; i < count - 1; i++) {
        left -= prop_kinds[i].weight;
        if (left < 0) {
            return &prop_kinds[i];
        }
    }
    return &prop_kinds[count - 1];
}

/* Darkens what is painted so far to the light where the prop stands. */
static void apply_light(const struct scene *scene, cairo_t *cr, const struct prop *prop)
{
    const double light = light_at(&scene->light, prop->x_m, prop->z_m - 0.2);
    cairo_set_operator(cr, CAIRO_OPERATOR_ATOP);
    cairo_set_source_rgba(cr, 0, 0, 0, 1 - light);
    cairo_paint(cr);
    cairo_set_operator(cr, CAIRO_OPERATOR_OVER);
}

static void paint_picture(const struct scene *scene, struct rng *rng, struct prop *prop,
                          const struct prop_kind *kind)
{
    /* Leaves and caps reach a little beyond the body. */
    const double reach_m = prop->half_width_m + (kind->sways ? 2.6 : 0.4);
    const struct vec3 foot = {prop->x_m, 0, prop->z_m};
    prop->bounds = view_bounds(&scene->view, foot, reach_m, prop->height_m + 1.4);
    if (rect_is_empty(prop->bounds)) {
        return;
    }
    prop->picture = cairo_image_surface_create(
        CAIRO_FORMAT_ARGB32, prop->bounds.x1 - prop->bounds.x0, prop->bounds.y1 - prop->bounds.y0);
    cairo_t *cr = cairo_create(prop->picture);
    cairo_translate(cr, -prop->bounds.x0, -prop->bounds.y0);
    kind->paint(scene, rng, cr, prop);
    apply_light(scene, cr, prop);
    cairo_destroy(cr);
}

/* Props keep off the road and off each other, so that there is always a way around them. */
static bool place_is_free(const struct scene *scene, const struct prop *prop)
{
    if (prop->z_m > scene->road_near_m - 0.7 && prop->z_m < scene->road_far_m + 0.7) {
        return false;
    }
    for (int i = 0; i < scene->prop_count; i++) {
        const struct prop *other = &scene->props[i];
        const double apart = fabs(other->x_m - prop->x_m);
        if (apart < other->half_width_m + prop->half_width_m + 1.2 &&
            fabs(other->z_m - prop->z_m) < 1.5) {
            return false;
        }
    }
    return true;
}

static bool add_prop(struct scene *scene, struct rng *rng, const struct prop_kind *kind, double x_m,
                     double z_m)
{
    struct prop prop = {.x_m = x_m, .z_m = z_m, .can_hide = kind->can_hide, .sways = kind->sways};
    prop.half_width_m = rng_range(rng, kind->half_width_m[0], kind->half_width_m[1]);
    prop.height_m = rng_range(rng, kind->height_m[0], kind->height_m[1]);
    prop.sway_px = 0.05 * prop.height_m * view_px_per_m(&scene->view, z_m);
    prop.sway_phase = rng_range(rng, 0, 6.28);
    if (scene->prop_count == SCENE_PROPS_MAX || !place_is_free(scene, &prop)) {
        return false;
    }
    paint_picture(scene, rng, &prop, kind);
    if (prop.picture == NULL) {
        return false;
    }
    light_add_box(&scene->light, (struct box){x_m - prop.half_width_m, x_m + prop.half_width_m,
                                              z_m - 0.1, z_m + 0.1, prop.height_m});
    scene->props[scene->prop_count++] = prop;
    return true;
}

static void place_lamps(struct scene *scene, struct rng *rng)
{
    struct light *light = &scene->light;
    const int wanted = light->infrared ? rng_int(rng, 0, 1) : rng_int(rng, 1, 3);
    int placed = 0;
    for (int i = 0; i < wanted * 4 && placed < wanted; i++) {
        const double z = rng_range(rng, scene->view.near_m + 2, scene->back_m - 1);
        const double x = rng_range(rng, -0.7, 0.7) * view_half_width_m(&scene->view, z);
        if (!add_prop(scene, rng, &lamp_post, x, z)) {
            continue;
        }
        placed++;
        if (light->night) {
            light->lamps[light->lamp_count++] = (struct vec3){x, 0, z};
        }
    }
    if (light->lamp_count > 0 && rng_chance(rng, 0.4)) {
        light->flickering_lamp = rng_int(rng, 0, light->lamp_count - 1);
    }
}

void props_place(struct scene *scene, struct rng *rng)
{
    place_lamps(scene, rng);
    const int wanted = rng_int(rng, 4, 9);
    for (int i = 0; i < wanted * 3 && scene->prop_count < wanted; i++) {
        /* Near props fill much of the picture, so most stand farther away. */
        const double depth = 1 - pow(rng_range(rng, 0, 1), 1.5);
        const double near_m = scene->view.near_m + 0.8;
        const double z = near_m + (scene->back_m - 1.5 - near_m) * depth;
        const double x = rng_range(rng, -1, 1) * view_half_width_m(&scene->view, z);
        add_prop(scene, rng, choose_kind(rng), x, z);
    }
}
