/* Tells a change of light from things that move: where a cloud's shadow falls or the exposure
 * steps, every pixel becomes about a * background + b and the texture stays; a thing that comes
 * between covers the texture. Internal to src/vision. */
#ifndef CORVETTE_VISION_LIGHT_H
#define CORVETTE_VISION_LIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "vision/spots.h"

struct light_picture {
    const float *now, *background; /* levels 0..255 */
    int width, height;
    float noise; /* deviation of a resting pixel */
    float level; /* a difference above this is a change */
};

struct light_change {
    float gain; /* of what is above black */
};

#define LIGHT_BLACK 16.0F

/* Whether the picture as a whole follows one change of light that is worth taking over (exposure,
 * sun): most cells fit it. Looks at every third cell. */
bool light_whole(const struct light_picture *picture, const uint8_t *masked,
                 struct light_change *change);

/* What the change makes of a background level. */
static inline float light_apply(const struct light_change *change, float background)
{
    float lit = change->gain * (background - LIGHT_BLACK) + LIGHT_BLACK;
    return lit < 0 ? 0 : lit > 255 ? 255 : lit;
}

/* Whether the spot is a change of light only, for the most part. */
bool light_explains(const struct light_picture *picture, const struct spots *spots, int spot,
                    const uint8_t *changed, struct light_change *change);

/* Whether one pixel is what the change makes of its background, or on the way there (the soft edge
 * of a shadow). */
static inline bool light_fits(const struct light_change *change, float now, float background,
                              float level)
{
    float lit = light_apply(change, background);
    float low = lit < background ? lit : background, high = lit < background ? background : lit;
    return now >= low - level && now <= high + level;
}

#endif
