#include "light.h"

#include <math.h>

static const double pi = 3.14159265358979323846;
static const double lamp_reach_m = 4.5; /* half as bright at this distance */

static void make_day(struct light *light, struct rng *rng)
{
    light->sunny = rng_chance(rng, 0.65);
    light->sun_x = rng_range(rng, 0.3, 1.6) * (rng_chance(rng, 0.5) ? 1 : -1);
    light->sun_z = rng_range(rng, -0.6, 0.9);
    light->shade = light->sunny ? rng_range(rng, 0.45, 0.65) : 1;
    const struct colour warm = {1.0, 0.96, 0.88}, cool = {0.84, 0.89, 0.95};
    light->tint =
        colour_mix(warm, cool, light->sunny ? rng_range(rng, 0, 0.4) : rng_range(rng, 0.5, 1));
    light->tint = colour_scale(light->tint, rng_range(rng, 0.75, 1));
    light->noise_sigma = rng_range(rng, 0.8, 2.5);
    light->saturation = rng_range(rng, 0.65, 1.05);
    light->contrast = rng_range(rng, 0.82, 1);
    light->black = rng_range(rng, 0, 14);
    light->cloud_depth = rng_chance(rng, 0.7) ? rng_range(rng, 0.1, light->sunny ? 0.4 : 0.15) : 0;
    light->reach_m = 1e3;
}

static void make_night(struct light *light, struct rng *rng)
{
    light->night = true;
    light->infrared = rng_chance(rng, 0.75);
    light->shade = 1;
    light->tint = light->infrared ? (struct colour){1, 1, 1} : (struct colour){1, 0.82, 0.6};
    light->noise_sigma = rng_range(rng, 2, 5.5);
    light->saturation = light->infrared ? 0 : rng_range(rng, 0.4, 0.7);
    light->contrast = rng_range(rng, 0.62, 0.9);
    light->black = rng_range(rng, 4, 26);
    light->reach_m = light->infrared ? rng_range(rng, 13, 26) : 4;
}

static void make_changes(struct light *light, struct rng *rng)
{
    light->cloud_cells_px = rng_range(rng, 380, 900);
    light->cloud_period = rng_int(rng, 5, 9);
    /* Clouds take some 20 s to cross one cell whatever the clip's length. */
    const int laps = (int)fmax(1, round(light->duration_s / (20.0 * light->cloud_period)));
    light->cloud_laps_x = rng_chance(rng, 0.5) ? laps : -laps;
    light->cloud_laps_y = rng_int(rng, -1, 1);
    light->cloud_seed = rng_next(rng);
    light->wind = rng_range(rng, 0.1, 1);
    light->step_count = rng_int(rng, 0, light->duration_s < 20 ? 1 : 2);
    for (int i = 0; i < light->step_count; i++) {
        struct exposure_step *step = &light->steps[i];
        step->ramp_s = rng_range(rng, 0.3, 1.2);
        step->length_s = fmin(rng_range(rng, 2, 8), light->duration_s / 3);
        step->start_s = rng_range(rng, 0.5, fmax(light->duration_s - step->length_s - 3, 0.6));
        step->gain = rng_range(rng, 0.84, 1.14);
    }
}

struct light light_make(struct rng *rng, bool night, double duration_s)
{
    struct light light = {.duration_s = duration_s, .flickering_lamp = -1};
    if (night) {
        make_night(&light, rng);
    } else {
        make_day(&light, rng);
    }
    make_changes(&light, rng);
    return light;
}

void light_add_box(struct light *light, struct box box)
{
    if (light->box_count < LIGHT_BOXES_MAX) {
        light->boxes[light->box_count++] = box;
    }
}

/* Does the ray from the ground spot towards the sun pass through the box? */
static bool box_shades(const struct box *box, const struct light *light, double x, double z)
{
    double enter = 0, leave = box->height_m; /* measured in height above the ground */
    const double starts[2] = {x, z}, slopes[2] = {-light->sun_x, -light->sun_z};
    const double lows[2] = {box->x0, box->z0}, highs[2] = {box->x1, box->z1};
    for (int axis = 0; axis < 2; axis++) {
        if (fabs(slopes[axis]) < 1e-6) {
            if (starts[axis] < lows[axis] || starts[axis] > highs[axis]) {
                return false;
            }
            continue;
        }
        const double a = (lows[axis] - starts[axis]) / slopes[axis];
        const double b = (highs[axis] - starts[axis]) / slopes[axis];
        enter = fmax(enter, fmin(a, b));
        leave = fmin(leave, fmax(a, b));
    }
    return enter < leave;
}

bool light_is_sunlit(const struct light *light, double x_m, double z_m)
{
    if (!light->sunny) {
        return true;
    }
    for (int i = 0; i < light->box_count; i++) {
        if (box_shades(&light->boxes[i], light, x_m, z_m)) {
            return false;
        }
    }
    return true;
}

static double night_light(const struct light *light, double x_m, double z_m)
{
    double sum = 0.16;
    if (light->infrared) {
        const double r = hypot(x_m * 1.3, z_m) / light->reach_m;
        sum += 0.8 * exp(-r * r);
    }
    for (int i = 0; i < light->lamp_count; i++) {
        const double d = hypot(x_m - light->lamps[i].x, z_m - light->lamps[i].z) / lamp_reach_m;
        sum += 0.7 / (1 + d * d);
    }
    return fmin(sum, 1);
}

double light_at(const struct light *light, double x_m, double z_m)
{
    if (light->night) {
        return night_light(light, x_m, z_m);
    }
    return light_is_sunlit(light, x_m, z_m) ? 1 : light->shade;
}

int light_grid_columns(const struct view *view)
{
    return view->width_px / LIGHT_GRID_PX + 2;
}

int light_grid_rows(const struct view *view)
{
    return view->height_px / LIGHT_GRID_PX + 2;
}

static double exposure_at(const struct light *light, double time_s)
{
    double gain = 1;
    for (int i = 0; i < light->step_count; i++) {
        const struct exposure_step *step = &light->steps[i];
        const double in = (time_s - step->start_s) / step->ramp_s;
        const double out = (step->start_s + step->length_s - time_s) / step->ramp_s;
        gain *= 1 + (step->gain - 1) * fmin(fmax(fmin(in, out), 0), 1);
    }
    return gain;
}

/* A failing lamp: mostly on, with short dips at irregular moments. */
static double flicker_at(const struct light *light, double time_s)
{
    const double turn = 2 * pi * time_s / light->duration_s;
    const double wave = sin(turn * 7) + sin(turn * 17 + 1) + sin(turn * 41 + 2);
    return wave > 1.6 ? -0.5 : 0.04 * wave;
}

/* Clouds drift by whole periods of their field in the clip, so they return to where they began. */
static double cloud_gain(const struct light *light, double x_px, double y_px, double lap)
{
    if (light->cloud_depth <= 0) {
        return 1;
    }
    /* The ground is seen at a slant, which makes cloud shadows flat. */
    const double cover = noise_tiled(x_px / light->cloud_cells_px + lap * light->cloud_laps_x,
                                     2 * y_px / light->cloud_cells_px + lap * light->cloud_laps_y,
                                     light->cloud_period, light->cloud_seed);
    return 1 - light->cloud_depth * fmin(fmax((cover - 0.4) * 2.5, 0), 1);
}

/* The failing lamp's pool of light on the ground, in picture coordinates. */
struct pool {
    struct point centre;
    double radius_px;
    double flicker; /* 0: steady */
};

static struct pool find_pool(const struct light *light, const struct view *view, double time_s)
{
    if (light->flickering_lamp < 0) {
        return (struct pool){.radius_px = 1};
    }
    const struct vec3 foot = light->lamps[light->flickering_lamp];
    return (struct pool){
        .centre = view_project(view, (struct vec3){foot.x, 0, foot.z}),
        .radius_px = lamp_reach_m * view_px_per_m(view, foot.z),
        .flicker = flicker_at(light, time_s),
    };
}

static double pool_gain(const struct pool *pool, double x_px, double y_px)
{
    const double d = hypot(x_px - pool->centre.x, 2 * (y_px - pool->centre.y)) / pool->radius_px;
    return 1 + pool->flicker / (1 + d * d);
}

void light_gain_grid(const struct light *light, const struct view *view, double time_s, float *grid)
{
    const int columns = light_grid_columns(view), rows = light_grid_rows(view);
    const double exposure = exposure_at(light, time_s);
    const double lap = light->cloud_period * time_s / light->duration_s;
    const struct pool pool = find_pool(light, view, time_s);
    for (int row = 0; row < rows; row++) {
        for (int column = 0; column < columns; column++) {
            const double x_px = column * LIGHT_GRID_PX, y_px = row * LIGHT_GRID_PX;
            grid[row * columns + column] = (float)(exposure * cloud_gain(light, x_px, y_px, lap) *
                                                   pool_gain(&pool, x_px, y_px));
        }
    }
}
