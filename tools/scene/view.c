#include "view.h"

#include <math.h>

/* Nothing nearer is drawn; it also keeps the projection finite. */
static const double z_min_m = 0.5;

double view_px_per_m(const struct view *view, double z_m)
{
    return view->focal_px / fmax(z_m, z_min_m);
}

struct point view_project(const struct view *view, struct vec3 at)
{
    const double scale = view_px_per_m(view, at.z);
    return (struct point){view->width_px / 2.0 + at.x * scale,
                          view->horizon_px + (view->height_m - at.y) * scale};
}

double view_half_width_m(const struct view *view, double z_m)
{
    return view->width_px / 2.0 / view_px_per_m(view, z_m);
}

struct vec3 view_ground(const struct view *view, double x_px, double y_px)
{
    const double below_px = fmax(y_px - view->horizon_px, 0.5);
    const double z_m = view->height_m * view->focal_px / below_px;
    return (struct vec3){(x_px - view->width_px / 2.0) * z_m / view->focal_px, 0, z_m};
}

struct rect view_bounds(const struct view *view, struct vec3 foot, double radius_m, double height_m)
{
    const double front_z = foot.z - radius_m, back_z = foot.z + radius_m;
    const double front = view_px_per_m(view, front_z), back = view_px_per_m(view, back_z);
    const double centre = view->width_px / 2.0;
    const double left = fmin((foot.x - radius_m) * front, (foot.x - radius_m) * back);
    const double right = fmax((foot.x + radius_m) * front, (foot.x + radius_m) * back);
    const double rise = view->height_m - height_m;
    const double top = view->horizon_px + fmin(rise * front, rise * back);
    const double bottom = view->horizon_px + view->height_m * front;
    const struct rect all = {0, 0, view->width_px, view->height_px};
    const double limit = 1e6; /* well inside int, far outside any picture */
    const struct rect found = {
        (int)floor(fmax(centre + left, -limit)) - 2, (int)floor(fmax(top, -limit)) - 2,
        (int)ceil(fmin(centre + right, limit)) + 2, (int)ceil(fmin(bottom, limit)) + 3};
    return rect_intersect(all, found);
}

bool rect_is_empty(struct rect rect)
{
    return rect.x1 <= rect.x0 || rect.y1 <= rect.y0;
}

struct rect rect_intersect(struct rect a, struct rect b)
{
    return (struct rect){a.x0 > b.x0 ? a.x0 : b.x0, a.y0 > b.y0 ? a.y0 : b.y0,
                         a.x1 < b.x1 ? a.x1 : b.x1, a.y1 < b.y1 ? a.y1 : b.y1};
}

struct rect rect_unite(struct rect a, struct rect b)
{
    if (rect_is_empty(a)) {
        return b;
    }
    if (rect_is_empty(b)) {
        return a;
    }
    return (struct rect){a.x0 < b.x0 ? a.x0 : b.x0, a.y0 < b.y0 ? a.y0 : b.y0,
                         a.x1 > b.x1 ? a.x1 : b.x1, a.y1 > b.y1 ? a.y1 : b.y1};
}
