/* Houses: fronts with windows and doors, drawn as boxes in perspective. */
#include <math.h>

#include "backdrop.h"

/* A vertical rectangle in the world, from (x0, z0) to (x1, z1) and from one height to another. */
struct facade {
    double x0, z0, x1, z1;
};

static struct vec3 facade_point(const struct facade *facade, double along, double height_m)
{
    return (struct vec3){facade->x0 + (facade->x1 - facade->x0) * along, height_m,
                         facade->z0 + (facade->z1 - facade->z0) * along};
}

/* A part of the facade, along 0..1, as a path. */
static void facade_path(const struct view *view, cairo_t *cr, const struct facade *facade,
                        double along0, double along1, double low_m, double high_m)
{
    const struct vec3 corners[4] = {
        facade_point(facade, along0, low_m), facade_point(facade, along1, low_m),
        facade_point(facade, along1, high_m), facade_point(facade, along0, high_m)};
    cairo_new_path(cr);
    for (int i = 0; i < 4; i++) {
        const struct point at = view_project(view, corners[i]);
        cairo_line_to(cr, at.x, at.y);
    }
    cairo_close_path(cr);
}

/* Rows of bricks or boards, drawn as faint lines, denser texture than that turns to mush. */
static void paint_courses(const struct scene *scene, struct rng *rng, cairo_t *cr,
                          const struct facade *facade, double height_m)
{
    const double step_m = rng_range(rng, 0.2, 0.5);
    cairo_set_line_width(cr, 1);
    cairo_set_source_rgba(cr, 0, 0, 0, rng_range(rng, 0.05, 0.22));
    for (double h = step_m; h < height_m; h += step_m) {
        const struct point a = view_project(&scene->view, facade_point(facade, 0, h));
        const struct point b = view_project(&scene->view, facade_point(facade, 1, h));
        cairo_move_to(cr, a.x, a.y);
        cairo_line_to(cr, b.x, b.y);
    }
    cairo_stroke(cr);
}

static void paint_stains(const struct scene *scene, struct rng *rng, cairo_t *cr,
                         const struct facade *facade, double height_m)
{
    for (int i = 0; i < 14; i++) {
        const double along = rng_range(rng, 0, 0.9), low = rng_range(rng, 0, height_m * 0.8);
        facade_path(&scene->view, cr, facade, along, along + rng_range(rng, 0.02, 0.2), low,
                    low + rng_range(rng, 0.2, 2));
        const double shade = rng_chance(rng, 0.6) ? 0 : 1;
        cairo_set_source_rgba(cr, shade, shade, shade, rng_range(rng, 0.02, 0.08));
        cairo_fill(cr);
    }
}

static void paint_window(const struct scene *scene, struct rng *rng, cairo_t *cr,
                         const struct facade *facade, double along, double width, double low_m,
                         double high_m)
{
    const struct view *view = &scene->view;
    facade_path(view, cr, facade, along, along + width, low_m, high_m);
    colour_use(cr, (struct colour){0.85, 0.84, 0.8}, 1);
    cairo_set_line_width(cr, fmax(1.5, 0.08 * view_px_per_m(view, facade->z0)));
    cairo_stroke_preserve(cr);
    const bool lit = scene->light.night && rng_chance(rng, 0.2);
    struct colour glass = colour_hsv(0.58, 0.2, rng_range(rng, 0.12, 0.45));
    if (lit) {
        glass = (struct colour){1, 0.9, 0.65};
    }
    colour_use(cr, glass, 1);
    cairo_fill(cr);
    const double middle = along + width / 2;
    facade_path(view, cr, facade, middle - width * 0.03, middle + width * 0.03, low_m, high_m);
    colour_use(cr, (struct colour){0.8, 0.79, 0.75}, 1);
    cairo_fill(cr);
}

static void paint_openings(const struct scene *scene, struct rng *rng, cairo_t *cr,
                           const struct facade *facade, double height_m)
{
    const double length_m = hypot(facade->x1 - facade->x0, facade->z1 - facade->z0);
    const int columns = (int)fmax(1, length_m / rng_range(rng, 2.2, 4));
    const int floors = (int)fmax(1, height_m / 3);
    const int door = rng_int(rng, 0, columns - 1);
    const double width = rng_range(rng, 0.9, 1.5) / length_m;
    for (int floor_index = 0; floor_index < floors; floor_index++) {
        for (int column = 0; column < columns; column++) {
            const double along = (column + 0.5) / columns - width / 2;
            const double base = floor_index * 3.0;
            if (floor_index == 0 && column == door) {
                facade_path(&scene->view, cr, facade, along, along + 1.0 / length_m, 0, 2.1);
                colour_use(cr, colour_scale(colour_of_cloth(rng), 0.7), 1);
                cairo_fill(cr);
            } else if (base + 2.3 < height_m) {
                paint_window(scene, rng, cr, facade, along, width, base + 1, base + 2.3);
            }
        }
    }
}

/* The light where the wall stands, with the foot a little darker than the top. */
static void shade_facade(const struct scene *scene, cairo_t *cr, const struct facade *facade,
                         double height_m, double facing)
{
    const double x = (facade->x0 + facade->x1) / 2, z = (facade->z0 + facade->z1) / 2;
    const double light = scene->light.night ? light_at(&scene->light, x, z - 0.5) : facing;
    facade_path(&scene->view, cr, facade, 0, 1, 0, height_m);
    cairo_set_source_rgba(cr, 0, 0, 0, 1 - light);
    cairo_fill(cr);
    facade_path(&scene->view, cr, facade, 0, 1, 0, 0.35);
    cairo_set_source_rgba(cr, 0, 0, 0, 0.2);
    cairo_fill(cr);
}

static void paint_facade(const struct scene *scene, struct rng *rng, cairo_t *cr,
                         const struct facade *facade, double height_m, struct colour colour,
                         double facing)
{
    facade_path(&scene->view, cr, facade, 0, 1, 0, height_m);
    colour_use(cr, colour, 1);
    cairo_fill(cr);
    paint_stains(scene, rng, cr, facade, height_m);
    paint_courses(scene, rng, cr, facade, height_m);
    paint_openings(scene, rng, cr, facade, height_m);
    shade_facade(scene, cr, facade, height_m, facing);
}

static struct colour wall_colour(struct rng *rng)
{
    const double kind = rng_range(rng, 0, 1);
    if (kind < 0.35) {
        return colour_hsv(rng_range(rng, 0.01, 0.06), rng_range(rng, 0.3, 0.6),
                          rng_range(rng, 0.4, 0.65)); /* brick */
    }
    return colour_hsv(rng_range(rng, 0.05, 0.18), rng_range(rng, 0.02, 0.3),
                      rng_range(rng, 0.5, 0.92)); /* plaster */
}

void building_paint_box(const struct scene *scene, struct rng *rng, cairo_t *cr,
                        const struct box *box)
{
    const struct colour colour = wall_colour(rng);
    const bool sun_from_left = scene->light.sun_x > 0;
    const double side_light = 0.7;
    if (box->x0 > 0) {
        const struct facade side = {box->x0, box->z1, box->x0, box->z0};
        paint_facade(scene, rng, cr, &side, box->height_m, colour, sun_from_left ? 1 : side_light);
    }
    if (box->x1 < 0) {
        const struct facade side = {box->x1, box->z0, box->x1, box->z1};
        paint_facade(scene, rng, cr, &side, box->height_m, colour, sun_from_left ? side_light : 1);
    }
    const struct facade front = {box->x0, box->z0, box->x1, box->z0};
    paint_facade(scene, rng, cr, &front, box->height_m, colour,
                 scene->light.sun_z > 0 ? 0.98 : 0.72);
}

/* A stretch of the row: a house, or trees in a gap. */
struct plot {
    struct box box;
    bool is_gap;
};

enum { PLOTS_MAX = 32 };

static int divide_row(const struct scene *scene, struct rng *rng, struct plot *plots)
{
    const double edge = view_half_width_m(&scene->view, scene->back_m) + 2;
    int count = 0;
    double x = -edge - rng_range(rng, 0, 6);
    while (x < edge && count < PLOTS_MAX) {
        struct plot *plot = &plots[count++];
        plot->box = (struct box){x, x + rng_range(rng, 6, 16), scene->back_m, scene->back_m + 8,
                                 rng_range(rng, 3, 9.5)};
        plot->is_gap = rng_chance(rng, 0.2);
        x = plot->box.x1;
    }
    return count;
}

static void paint_gap(const struct scene *scene, struct rng *rng, cairo_t *cr,
                      const struct box *box)
{
    const double light = scene->light.night ? 0.2 : 0.85;
    const struct colour leaf = {0.2 * light, 0.32 * light, 0.14 * light};
    const double radius_px = 1.8 * view_px_per_m(&scene->view, scene->back_m);
    const int clumps = 6;
    for (int i = 0; i < clumps; i++) {
        const struct vec3 at = {box->x0 + (box->x1 - box->x0) * (i + 0.5) / clumps,
                                rng_range(rng, 1, 3.5), scene->back_m + 2};
        foliage_paint_clump(cr, rng, view_project(&scene->view, at), radius_px, leaf);
    }
}

static void paint_plot(const struct scene *scene, struct rng *rng, cairo_t *cr,
                       const struct plot *plot)
{
    if (plot->is_gap) {
        paint_gap(scene, rng, cr, &plot->box);
    } else {
        building_paint_box(scene, rng, cr, &plot->box);
    }
}

void buildings_paint_row(const struct scene *scene, struct rng *rng, cairo_t *cr)
{
    struct plot plots[PLOTS_MAX];
    const int count = divide_row(scene, rng, plots);
    /* From both ends inwards: a house hides the side wall of its outer neighbour. */
    int left = 0, right = count - 1;
    while (left <= right) {
        if (plots[left].box.x1 < 0) {
            paint_plot(scene, rng, cr, &plots[left++]);
        } else {
            paint_plot(scene, rng, cr, &plots[right--]);
        }
    }
}
