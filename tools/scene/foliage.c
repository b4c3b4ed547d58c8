/* Leaves: many small ellipses, darker below and inside, lighter on top. */
#include <math.h>

#include "backdrop.h"

static const double two_pi = 2 * 3.14159265358979323846;

static void paint_leaf(cairo_t *cr, struct point at, double angle, double length_px)
{
    cairo_save(cr);
    cairo_translate(cr, at.x, at.y);
    cairo_rotate(cr, angle);
    cairo_scale(cr, length_px, length_px * 0.5);
    cairo_arc(cr, 0, 0, 1, 0, two_pi);
    cairo_restore(cr);
    cairo_fill(cr);
}

void foliage_paint_clump(cairo_t *cr, struct rng *rng, struct point centre, double radius_px,
                         struct colour leaf)
{
    const double leaf_px = fmax(radius_px * 0.1, 1.6);
    const int count = 260;
    for (int i = 0; i < count; i++) {
        /* Early leaves lie deep inside and are dark; the last ones lie on top in the light. */
        const double depth = (double)i / count;
        const double angle = rng_range(rng, 0, two_pi);
        const double reach = sqrt(rng_range(rng, 0, 1)) * (1 - 0.12 * depth);
        const struct point at = {centre.x + radius_px * reach * cos(angle),
                                 centre.y + radius_px * reach * sin(angle) * 0.85};
        const double up = (centre.y - at.y) / radius_px;
        const double shade = 0.45 + 0.45 * depth + 0.25 * up + rng_range(rng, -0.12, 0.12);
        colour_use(cr, colour_scale(leaf, fmax(shade, 0.25)), 1);
        paint_leaf(cr, at, rng_range(rng, 0, two_pi), leaf_px * rng_range(rng, 0.7, 1.4));
    }
}
