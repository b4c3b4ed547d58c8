/* Colours as three doubles in 0..1, and cairo calls that take them. */
#ifndef SCENE_COLOUR_H
#define SCENE_COLOUR_H

#include <cairo.h>

#include "rng.h"

struct colour {
    double r, g, b;
};

struct colour colour_scale(struct colour colour, double factor);
struct colour colour_mix(struct colour a, struct colour b, double share_of_b);
/* Hue 0..1 around the circle. */
struct colour colour_hsv(double hue, double saturation, double value);
/* What people wear: mostly dull, sometimes bright, sometimes nearly black or white. */
struct colour colour_of_cloth(struct rng *rng);

void colour_use(cairo_t *cr, struct colour colour, double alpha);

#endif
