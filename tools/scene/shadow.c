#include "shadow.h"

#include <math.h>

static struct rect whole_picture(const struct scene *scene)
{
    return (struct rect){0, 0, scene->view.width_px, scene->view.height_px};
}

/* A soft dark or bright ellipse on the ground. */
static struct rect paint_spot(const struct scene *scene, cairo_t *cr, struct point at,
                              double radius_px, double flatness, double shade, double alpha)
{
    cairo_pattern_t *soft = cairo_pattern_create_radial(0, 0, 0, 0, 0, 1);
    cairo_pattern_add_color_stop_rgba(soft, 0, shade, shade, shade * 0.95, alpha);
    cairo_pattern_add_color_stop_rgba(soft, 1, shade, shade, shade * 0.95, 0);
    cairo_save(cr);
    cairo_translate(cr, at.x, at.y);
    cairo_scale(cr, radius_px, radius_px * flatness);
    cairo_rectangle(cr, -1, -1, 2, 2);
    cairo_set_source(cr, soft);
    cairo_fill(cr);
    cairo_restore(cr);
    cairo_pattern_destroy(soft);
    const double limit = 1e5;
    const struct rect spot = {
        (int)fmax(at.x - radius_px - 1, -limit), (int)fmax(at.y - radius_px * flatness - 1, -limit),
        (int)fmin(at.x + radius_px + 2, limit), (int)fmin(at.y + radius_px * flatness + 2, limit)};
    return rect_intersect(spot, whole_picture(scene));
}

/* How flat a circle on the ground looks at this depth. */
static double ground_flatness(const struct scene *scene, double z_m)
{
    return fmin(scene->view.height_m / fmax(z_m, 1), 1);
}

/* Laid-down silhouette: each pixel moves by its height above the foot, times the sun's slope. */
static struct rect paint_cast_shadow(const struct scene *scene, const struct stance *stance,
                                     cairo_surface_t *figure, struct rect area, cairo_t *cr)
{
    const struct light *light = &scene->light;
    const double foot_px = view_project(&scene->view, stance->foot).y;
    double rise = light->sun_z * ground_flatness(scene, stance->foot.z);
    if (fabs(rise) < 0.08) {
        rise = rise < 0 ? -0.08 : 0.08; /* a shadow seen edge-on still has some width */
    }
    cairo_matrix_t lay;
    cairo_matrix_init(&lay, 1, 0, -light->sun_x, rise, light->sun_x * foot_px,
                      foot_px * (1 - rise));
    const double up_px = foot_px - area.y0, down_px = foot_px - area.y1;
    const double shift[2] = {light->sun_x * up_px, light->sun_x * down_px};
    const struct rect touched = {area.x0 + (int)floor(fmin(shift[0], shift[1])) - 1,
                                 (int)floor(foot_px - fmax(rise * up_px, rise * down_px)) - 1,
                                 area.x1 + (int)ceil(fmax(shift[0], shift[1])) + 1,
                                 (int)ceil(foot_px - fmin(rise * up_px, rise * down_px)) + 1};
    const struct rect clip = rect_intersect(touched, whole_picture(scene));
    if (rect_is_empty(clip)) {
        return clip;
    }
    cairo_save(cr);
    cairo_rectangle(cr, clip.x0, clip.y0, clip.x1 - clip.x0, clip.y1 - clip.y0);
    cairo_clip(cr);
    cairo_transform(cr, &lay);
    cairo_rectangle(cr, area.x0, area.y0, area.x1 - area.x0, area.y1 - area.y0);
    cairo_clip(cr);
    cairo_set_source_rgba(cr, 0, 0, 0.03, 1 - light->shade);
    cairo_mask_surface(cr, figure, 0, 0);
    cairo_restore(cr);
    return clip;
}

struct rect shadow_paint(const struct scene *scene, const struct actor *actor,
                         const struct stance *stance, cairo_surface_t *figure, struct rect area,
                         cairo_t *cr)
{
    struct rect touched = {0, 0, 0, 0};
    if (scene->light.sunny && light_is_sunlit(&scene->light, stance->foot.x, stance->foot.z)) {
        touched = paint_cast_shadow(scene, stance, figure, area, cr);
    }
    /* The dark at the foot, where no light from the sky reaches. */
    const double radius_m = actor->kind == ACTOR_CAR ? actor->size_m * 0.56 : 0.45;
    const struct point at = view_project(&scene->view, stance->foot);
    const double radius_px = radius_m * view_px_per_m(&scene->view, stance->foot.z);
    return rect_unite(touched, paint_spot(scene, cr, at, radius_px,
                                          ground_flatness(scene, stance->foot.z), 0, 0.4));
}

struct rect headlights_paint(const struct scene *scene, const struct actor *actor,
                             const struct stance *stance, cairo_t *cr)
{
    struct rect touched = {0, 0, 0, 0};
    if (!scene->light.night || actor->kind != ACTOR_CAR || stance->speed_mps < 0.05) {
        return touched;
    }
    const double front_m = actor->size_m / 2, lamp_up_m = 0.65, beam_m = front_m + 3;
    const double px_per_m = view_px_per_m(&scene->view, stance->foot.z);
    cairo_save(cr);
    cairo_set_operator(cr, CAIRO_OPERATOR_ADD);
    const struct vec3 pool = {stance->foot.x + beam_m * stance->heading_x, 0,
                              stance->foot.z + beam_m * stance->heading_z};
    touched = paint_spot(scene, cr, view_project(&scene->view, pool), 3 * px_per_m,
                         ground_flatness(scene, pool.z), 1, 0.3);
    if (stance->heading_z < 0.35) {
        for (int side = -1; side <= 1; side += 2) {
            const struct vec3 lamp = {
                stance->foot.x + front_m * stance->heading_x - side * 0.6 * stance->heading_z,
                lamp_up_m,
                stance->foot.z + front_m * stance->heading_z + side * 0.6 * stance->heading_x};
            const double glare_m = stance->heading_z < -0.5 ? 0.7 : 0.35;
            touched = rect_unite(touched, paint_spot(scene, cr, view_project(&scene->view, lamp),
                                                     glare_m * px_per_m, 1, 1, 0.8));
        }
    }
    cairo_restore(cr);
    return touched;
}
