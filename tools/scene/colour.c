#include "colour.h"

#include <math.h>

static double clamp01(double value)
{
    return fmin(fmax(value, 0), 1);
}

struct colour colour_scale(struct colour colour, double factor)
{
    return (struct colour){clamp01(colour.r * factor), clamp01(colour.g * factor),
                           clamp01(colour.b * factor)};
}

struct colour colour_mix(struct colour a, struct colour b, double share_of_b)
{
    const double share_of_a = 1 - share_of_b;
    return (struct colour){a.r * share_of_a + b.r * share_of_b, a.g * share_of_a + b.g * share_of_b,
                           a.b * share_of_a + b.b * share_of_b};
}

struct colour colour_hsv(double hue, double saturation, double value)
{
    const double turn = (hue - floor(hue)) * 6;
    const double r = clamp01(fabs(turn - 3) - 1);
    const double g = clamp01(2 - fabs(turn - 2));
    const double b = clamp01(2 - fabs(turn - 4));
    return (struct colour){value * (1 - saturation * (1 - r)), value * (1 - saturation * (1 - g)),
                           value * (1 - saturation * (1 - b))};
}

struct colour colour_of_cloth(struct rng *rng)
{
    const double kind = rng_range(rng, 0, 1);
    const double hue = rng_range(rng, 0, 1);
    if (kind < 0.25) {
        return colour_hsv(hue, rng_range(rng, 0, 0.3), rng_range(rng, 0.05, 0.2));
    }
    if (kind < 0.4) {
        return colour_hsv(hue, rng_range(rng, 0, 0.1), rng_range(rng, 0.75, 0.95));
    }
    if (kind < 0.75) {
        return colour_hsv(hue, rng_range(rng, 0.1, 0.45), rng_range(rng, 0.2, 0.65));
    }
    return colour_hsv(hue, rng_range(rng, 0.5, 0.9), rng_range(rng, 0.35, 0.9));
}

void colour_use(cairo_t *cr, struct colour colour, double alpha)
{
    cairo_set_source_rgba(cr, colour.r, colour.g, colour.b, alpha);
}
