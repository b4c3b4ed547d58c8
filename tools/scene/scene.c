#include "scene.h"

#include <math.h>
#include <stdlib.h>

#include "backdrop.h"

static const double two_pi = 2 * 3.14159265358979323846;

static void choose_view(struct scene *scene, struct rng *rng, int width_px, int height_px)
{
    struct view *view = &scene->view;
    view->width_px = width_px;
    view->height_px = height_px;
    view->focal_px = width_px * rng_range(rng, 0.6, 0.95);
    view->horizon_px = height_px * rng_range(rng, 0.06, 0.3);
    view->height_m = rng_range(rng, 2.7, 4.8);
    view->near_m = view->height_m * view->focal_px / (height_px - view->horizon_px);
    scene->back_m = view->near_m + rng_range(rng, 11, 24);
}

static void choose_layout(struct scene *scene, struct rng *rng)
{
    static const enum surface_kind verges[] = {SURFACE_GRASS, SURFACE_PAVING, SURFACE_ASPHALT,
                                               SURFACE_GRAVEL};
    const double depth_m = scene->back_m - scene->view.near_m;
    const double road_m = rng_range(rng, 5.5, 7);
    scene->road_near_m = scene->view.near_m + (depth_m - road_m) * rng_range(rng, 0.15, 0.75);
    scene->road_far_m = scene->road_near_m + road_m;
    scene->verge = verges[rng_int(rng, 0, 3)];
    scene->road = rng_chance(rng, 0.8) ? SURFACE_ASPHALT : SURFACE_GRAVEL;
    scene->bays = rng_chance(rng, 0.4);
    scene->texture_seed = rng_next(rng);
}

static int compare_far_first(const void *a, const void *b)
{
    const struct prop *left = a, *right = b;
    return (left->z_m < right->z_m) - (left->z_m > right->z_m);
}

void scene_init(struct scene *scene, uint64_t seed, int width_px, int height_px, bool night,
                double duration_s)
{
    struct rng place = rng_make(seed, 1), sky = rng_make(seed, 2), things = rng_make(seed, 3);
    *scene = (struct scene){.light = light_make(&sky, night, duration_s)};
    choose_view(scene, &place, width_px, height_px);
    choose_layout(scene, &place);
    props_place(scene, &things);
    qsort(scene->props, (size_t)scene->prop_count, sizeof *scene->props, compare_far_first);

    scene->backdrop = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width_px, height_px);
    ground_paint(scene, scene->backdrop);
    cairo_t *cr = cairo_create(scene->backdrop);
    buildings_paint_row(scene, &place, cr);
    const struct rect all = {0, 0, width_px, height_px};
    for (int i = 0; i < scene->prop_count; i++) {
        if (!scene->props[i].sways) {
            scene_paint_prop(scene, cr, &scene->props[i], 0, all);
        }
    }
    cairo_destroy(cr);
}

void scene_finish(struct scene *scene)
{
    for (int i = 0; i < scene->prop_count; i++) {
        cairo_surface_destroy(scene->props[i].picture);
    }
    cairo_surface_destroy(scene->backdrop);
    *scene = (struct scene){0};
}

bool scene_way_is_free(const struct scene *scene, struct vec3 from, struct vec3 to,
                       double half_width_m)
{
    for (int i = 0; i < scene->prop_count; i++) {
        const struct prop *prop = &scene->props[i];
        const double margin_m = 0.25 + half_width_m * 0.5;
        if (fmin(from.z, to.z) > prop->z_m + margin_m ||
            fmax(from.z, to.z) < prop->z_m - margin_m) {
            continue;
        }
        /* Where along the way is it as deep as the prop? Level ways count as a whole. */
        const double dz = to.z - from.z;
        double x0 = fmin(from.x, to.x), x1 = fmax(from.x, to.x);
        if (fabs(dz) > 2 * margin_m) {
            const double share = (prop->z_m - from.z) / dz;
            x0 = x1 = from.x + (to.x - from.x) * fmin(fmax(share, 0), 1);
        }
        const double keep_m = prop->half_width_m + half_width_m + 0.1;
        if (x1 > prop->x_m - keep_m && x0 < prop->x_m + keep_m) {
            return false;
        }
    }
    return true;
}

/* Leans to and fro in whole waves over the clip, so that the end meets the start. */
static double sway_at(const struct light *light, const struct prop *prop, double time_s)
{
    const double turn = two_pi * time_s / light->duration_s;
    const double slow = fmax(1, round(light->duration_s / 5.0));
    const double fast = fmax(1, round(light->duration_s / 1.3));
    return light->wind * prop->sway_px *
           (0.6 * sin(slow * turn + prop->sway_phase) +
            0.4 * sin(fast * turn + 2 * prop->sway_phase));
}

void scene_paint_prop(const struct scene *scene, cairo_t *cr, const struct prop *prop,
                      double time_s, struct rect clip)
{
    const struct rect area = rect_intersect(clip, prop->bounds);
    if (rect_is_empty(area)) {
        return;
    }
    cairo_save(cr);
    cairo_rectangle(cr, area.x0, area.y0, area.x1 - area.x0, area.y1 - area.y0);
    cairo_clip(cr);
    if (prop->sways) {
        const double height_px = prop->bounds.y1 - prop->bounds.y0;
        const double lean = sway_at(&scene->light, prop, time_s) / height_px;
        /* A shear that leaves the foot where it is. */
        cairo_matrix_t shear;
        cairo_matrix_init(&shear, 1, 0, -lean, 1, lean * prop->bounds.y1, 0);
        cairo_transform(cr, &shear);
    }
    cairo_set_source_surface(cr, prop->picture, prop->bounds.x0, prop->bounds.y0);
    cairo_pattern_set_filter(cairo_get_source(cr), CAIRO_FILTER_BILINEAR);
    cairo_paint(cr);
    cairo_restore(cr);
}
