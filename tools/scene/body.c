#include "body.h"

#include <math.h>

static const double two_pi = 2 * 3.14159265358979323846;

struct vec3 body_to_world(const struct body *body, double forward, double up, double left)
{
    const struct stance *stance = &body->stance;
    return (struct vec3){stance->foot.x + forward * stance->heading_x - left * stance->heading_z,
                         stance->foot.y + up,
                         stance->foot.z + forward * stance->heading_z + left * stance->heading_x};
}

struct point body_to_px(const struct body *body, double forward, double up, double left)
{
    return view_project(body->view, body_to_world(body, forward, up, left));
}

double body_px_per_m(const struct body *body)
{
    return view_px_per_m(body->view, body->stance.foot.z);
}

bool body_left_is_near(const struct body *body)
{
    return body->stance.heading_x < 0;
}

static void limb_path(const struct body *body, const struct vec3 *points, int count, double dx_px)
{
    cairo_new_path(body->cr);
    for (int i = 0; i < count; i++) {
        const struct point at = body_to_px(body, points[i].x, points[i].y, points[i].z);
        cairo_line_to(body->cr, at.x + dx_px, at.y);
    }
}

void body_limb(const struct body *body, const struct vec3 *points, int count, double width_m,
               struct colour colour)
{
    const double width_px = width_m * body_px_per_m(body);
    cairo_set_line_cap(body->cr, CAIRO_LINE_CAP_ROUND);
    cairo_set_line_join(body->cr, CAIRO_LINE_JOIN_ROUND);
    limb_path(body, points, count, 0);
    cairo_set_line_width(body->cr, width_px);
    colour_use(body->cr, colour_scale(colour, 0.82), 1);
    cairo_stroke(body->cr);
    if (width_px < 4) {
        return; /* too thin to show a lit side */
    }
    limb_path(body, points, count, body->sun_side * width_px * 0.2);
    cairo_set_line_width(body->cr, width_px * 0.45);
    colour_use(body->cr, colour_scale(colour, 1.18), 0.7);
    cairo_stroke(body->cr);
}

void body_ball(const struct body *body, struct vec3 centre, double width_m, double height_m,
               struct colour colour)
{
    cairo_t *cr = body->cr;
    const struct point at = body_to_px(body, centre.x, centre.y, centre.z);
    const double px_per_m = body_px_per_m(body);
    const double lit_x = 0.35 * body->sun_side;
    cairo_pattern_t *round = cairo_pattern_create_radial(lit_x, -0.35, 0.1, 0, 0, 1.1);
    const struct colour lit = colour_scale(colour, 1.15), dark = colour_scale(colour, 0.7);
    cairo_pattern_add_color_stop_rgb(round, 0, lit.r, lit.g, lit.b);
    cairo_pattern_add_color_stop_rgb(round, 1, dark.r, dark.g, dark.b);
    cairo_save(cr);
    cairo_translate(cr, at.x, at.y);
    cairo_scale(cr, width_m / 2 * px_per_m, height_m / 2 * px_per_m);
    cairo_new_path(cr);
    cairo_arc(cr, 0, 0, 1, 0, two_pi);
    cairo_set_source(cr, round);
    cairo_fill(cr);
    cairo_restore(cr);
    cairo_pattern_destroy(round);
}

void body_shape(const struct body *body, const struct vec3 *points, int count, struct colour colour)
{
    limb_path(body, points, count, 0);
    cairo_close_path(body->cr);
    colour_use(body->cr, colour, 1);
    cairo_fill(body->cr);
}
