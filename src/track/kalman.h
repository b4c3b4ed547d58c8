/* Constant-velocity filter of a box: the four corner coordinates each with position and velocity,
 * independent of one another, in real time. Noise constants are those of the contract's tracker
 * (defined per picture at 5 pictures a second) turned into seconds, so at a steady 5 fps the
 * numbers are the contract's and at any other or irregular rate the motion stays right. */
#ifndef CORVETTE_TRACK_KALMAN_H
#define CORVETTE_TRACK_KALMAN_H

#include "track/extent.h"

struct kalman_axis {
    float position, velocity; /* pixels, pixels per second */
    float var_position, covariance, var_velocity;
};

struct kalman {
    struct kalman_axis axis[4]; /* x1, y1, x2, y2 */
};

void kalman_init(struct kalman *kalman, const struct extent *box);
/* Where it will be `dt_s` after the last update; changes nothing. */
struct extent kalman_predict(const struct kalman *kalman, double dt_s);
/* A measurement `dt_s` (>= 0) after the last one. */
void kalman_update(struct kalman *kalman, const struct extent *box, double dt_s);
/* Velocity of the bottom centre, pixels per second. */
void kalman_velocity(const struct kalman *kalman, float *vx, float *vy);

#endif
