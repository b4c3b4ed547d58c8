/* Sky and ground: the only part of the scene that is computed pixel by pixel. */
#include <math.h>
#include <stddef.h>

#include "backdrop.h"

static const struct colour asphalt = {0.36, 0.36, 0.37};
static const struct colour paving = {0.58, 0.55, 0.51};
static const struct colour gravel = {0.60, 0.55, 0.47};
static const struct colour grass = {0.29, 0.40, 0.19};
static const struct colour line_white = {0.82, 0.82, 0.80};
static const struct colour kerb = {0.68, 0.67, 0.64};

static struct colour surface_colour(const struct scene *scene, enum surface_kind kind, double x,
                                    double z)
{
    const uint32_t seed = scene->texture_seed;
    const double patches = noise_fractal(x * 0.35, z * 0.35, 3, seed);
    const double grain = noise_at(x * 14, z * 14, seed + 9);
    switch (kind) {
    case SURFACE_ASPHALT: {
        const double crack = fabs(noise_fractal(x * 0.6, z * 0.6, 3, seed + 3) - 0.5);
        const double worn = crack < 0.008 ? 0.75 : 1;
        return colour_scale(asphalt, worn * (0.75 + 0.35 * patches + 0.2 * grain));
    }
    case SURFACE_GRASS: {
        const struct colour dry = {0.47, 0.45, 0.25};
        const double blades = noise_at(x * 30, z * 8, seed + 5);
        return colour_scale(colour_mix(grass, dry, patches * patches),
                            0.65 + 0.3 * blades + 0.25 * grain);
    }
    case SURFACE_PAVING: {
        const double row = floor(z / 0.5);
        const double in_x = x / 0.5 + (fmod(row, 2) != 0 ? 0.5 : 0);
        const double joint = fmin(in_x - floor(in_x), z / 0.5 - row) < 0.06 ? 0.75 : 1;
        const double slab = noise_at(floor(in_x) * 3.7, row * 5.3, seed + 7);
        return colour_scale(paving, joint * (0.7 + 0.2 * slab + 0.2 * patches + 0.1 * grain));
    }
    case SURFACE_GRAVEL:
        return colour_scale(gravel, 0.6 + 0.3 * patches + 0.35 * grain);
    }
    return asphalt;
}

/* Lane dashes in the middle, bay lines at the far side, kerbs at both edges. */
static bool marking_at(const struct scene *scene, double x, double z, struct colour *colour)
{
    const double middle = (scene->road_near_m + scene->road_far_m) / 2;
    if (scene->road == SURFACE_GRAVEL) {
        return false;
    }
    *colour = line_white;
    if (!scene->bays && fabs(z - middle) < 0.08) {
        return x / 3 - floor(x / 3) < 0.5;
    }
    if (scene->bays && z > scene->road_far_m - 2.2 && z < scene->road_far_m) {
        return fabs(x / 5.4 - round(x / 5.4)) * 5.4 < 0.06;
    }
    *colour = kerb;
    return fabs(z - scene->road_near_m) < 0.1 || fabs(z - scene->road_far_m) < 0.1;
}

static struct colour ground_colour(const struct scene *scene, double x, double z)
{
    const bool on_road = z > scene->road_near_m && z < scene->road_far_m;
    struct colour colour;
    if (!marking_at(scene, x, z, &colour)) {
        colour = surface_colour(scene, on_road ? scene->road : scene->verge, x, z);
    } else {
        colour = colour_scale(colour, 0.8 + 0.2 * noise_at(x * 5, z * 5, scene->texture_seed));
    }
    /* The strip in front of the houses is paved in every scene. */
    if (z > scene->back_m - 1.2 && !on_road) {
        colour = surface_colour(scene, SURFACE_PAVING, x, z);
    }
    return colour;
}

static struct colour sky_colour(const struct scene *scene, double x_px, double y_px)
{
    const double up = 1 - y_px / fmax(scene->view.horizon_px, 1);
    if (scene->light.night) {
        const struct colour low = {0.10, 0.09, 0.09}, high = {0.02, 0.02, 0.03};
        return colour_mix(low, high, fmin(up, 1));
    }
    const struct colour low = {0.80, 0.84, 0.88};
    const struct colour high =
        scene->light.sunny ? (struct colour){0.42, 0.60, 0.85} : (struct colour){0.70, 0.73, 0.77};
    const struct colour cloud = {0.93, 0.93, 0.93};
    const double cover = noise_fractal(x_px / 220, y_px / 70, 4, scene->texture_seed + 11);
    return colour_mix(colour_mix(low, high, fmin(fmax(up, 0), 1)), cloud,
                      fmin(fmax((cover - 0.45) * 3, 0), 0.9));
}

static uint32_t pack(struct colour colour)
{
    const uint32_t r = (uint32_t)(fmin(colour.r, 1) * 255);
    const uint32_t g = (uint32_t)(fmin(colour.g, 1) * 255);
    const uint32_t b = (uint32_t)(fmin(colour.b, 1) * 255);
    return 0xff000000U | r << 16 | g << 8 | b;
}

static struct colour lit_ground(const struct scene *scene, double x_px, double y_px)
{
    const struct vec3 at = view_ground(&scene->view, x_px, y_px);
    const struct colour colour = ground_colour(scene, at.x, at.z);
    /* Two shadow samples a little apart soften the edge. */
    const double light =
        (light_at(&scene->light, at.x, at.z) + light_at(&scene->light, at.x + 0.08, at.z + 0.08)) /
        2;
    return colour_scale(colour, light);
}

void ground_paint(const struct scene *scene, cairo_surface_t *picture)
{
    cairo_surface_flush(picture);
    unsigned char *pixels = cairo_image_surface_get_data(picture);
    const int stride = cairo_image_surface_get_stride(picture);
    for (int y = 0; y < scene->view.height_px; y++) {
        uint32_t *row = (uint32_t *)(void *)(pixels + (ptrdiff_t)y * stride);
        for (int x = 0; x < scene->view.width_px; x++) {
            const bool is_sky = y <= scene->view.horizon_px + 1;
            row[x] = pack(is_sky ? sky_colour(scene, x, y) : lit_ground(scene, x + 0.5, y + 0.5));
        }
    }
    cairo_surface_mark_dirty(picture);
}
