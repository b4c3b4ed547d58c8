/*
 * What lights the scene. Two parts: light_at(), the steady light of a place, which is baked into
 * the backdrop and applied to each object where it stands; and the gain grid, which changes from
 * frame to frame (cloud shadows, exposure steps, lamp flicker) and is applied to the whole
 * picture. Everything that changes repeats after the clip's duration, so that a clip can loop.
 */
#ifndef SCENE_LIGHT_H
#define SCENE_LIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "colour.h"
#include "view.h"

enum { LIGHT_GRID_PX = 16, LIGHT_STEPS_MAX = 3, LIGHT_LAMPS_MAX = 3, LIGHT_BOXES_MAX = 16 };

/* A building or wall that throws a shadow; it reaches from the ground to `height_m`. */
struct box {
    double x0, x1, z0, z1, height_m;
};

/* A passing change of the whole picture's brightness. */
struct exposure_step {
    double start_s, length_s, ramp_s, gain;
};

struct light {
    bool night;
    bool infrared; /* night, lit by the camera itself and seen in grey */
    bool sunny;    /* day with cast shadows */
    double sun_x;  /* where a shadow falls, in metres for each metre of height */
    double sun_z;
    struct colour tint;
    double shade;       /* light left in shadow, 0..1 */
    double reach_m;     /* how far the infrared lamp carries */
    double noise_sigma; /* of the sensor, in luma steps */
    double black, contrast;
    double saturation;
    double cloud_depth; /* 0: none */
    double cloud_cells_px;
    int cloud_period; /* in cells: the field repeats */
    int cloud_laps_x, cloud_laps_y;
    uint32_t cloud_seed;
    struct exposure_step steps[LIGHT_STEPS_MAX];
    int step_count;
    struct vec3 lamps[LIGHT_LAMPS_MAX];
    int lamp_count;
    int flickering_lamp; /* -1: none */
    double wind;         /* 0 calm, 1 strong */
    double duration_s;
    struct box boxes[LIGHT_BOXES_MAX];
    int box_count;
};

struct light light_make(struct rng *rng, bool night, double duration_s);
void light_add_box(struct light *light, struct box box);
/* Brightness of a thing on the ground, about 0..1. */
double light_at(const struct light *light, double x_m, double z_m);
/* Is this spot of ground in the sun? Always true without a sun. */
bool light_is_sunlit(const struct light *light, double x_m, double z_m);

/*
 * Fills a grid of gains, one for each corner of LIGHT_GRID_PX squares; light_grid_columns() of
 * them in a row, light_grid_rows() rows.
 */
int light_grid_columns(const struct view *view);
int light_grid_rows(const struct view *view);
void light_gain_grid(const struct light *light, const struct view *view, double time_s,
                     float *grid);

#endif
