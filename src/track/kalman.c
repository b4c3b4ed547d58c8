#include "track/kalman.h"

/* Contract, per picture at 5 fps: R 3.4, Q 0.1, first variances 10 (position) and 1 (velocity). A
 * velocity in pixels per picture is five times that per second, its variance 25 times. */
#define REFERENCE_FPS 5.0f
#define MEASUREMENT_VARIANCE 3.4f
#define POSITION_NOISE_PER_S (0.1f * REFERENCE_FPS)
#define VELOCITY_NOISE_PER_S (0.1f * REFERENCE_FPS * REFERENCE_FPS * REFERENCE_FPS)
#define FIRST_VAR_POSITION 10.0f
#define FIRST_VAR_VELOCITY (1.0f * REFERENCE_FPS * REFERENCE_FPS)

static void axis_init(struct kalman_axis *axis, float position)
{
    *axis = (struct kalman_axis){.position = position,
                                 .var_position = FIRST_VAR_POSITION,
                                 .var_velocity = FIRST_VAR_VELOCITY};
}

static void axis_update(struct kalman_axis *axis, float measured, float dt)
{
    float position = axis->position + axis->velocity * dt;
    float var_position = axis->var_position + 2 * axis->covariance * dt +
                         axis->var_velocity * dt * dt + POSITION_NOISE_PER_S * dt;
    float covariance = axis->covariance + axis->var_velocity * dt;
    float var_velocity = axis->var_velocity + VELOCITY_NOISE_PER_S * dt;

    /* R > 0 and every variance stays >= 0, so this is never a division by zero. */
    float innovation_variance = var_position + MEASUREMENT_VARIANCE;
    float gain_position = var_position / innovation_variance;
    float gain_velocity = covariance / innovation_variance;
    float error = measured - position;

    axis->position = position + gain_position * error;
    axis->velocity += gain_velocity * error;
    axis->var_position = (1 - gain_position) * var_position;
    axis->covariance = (1 - gain_position) * covariance;
    axis->var_velocity = var_velocity - gain_velocity * covariance;
}

void kalman_init(struct kalman *kalman, const struct extent *box)
{
    axis_init(&kalman->axis[0], box->x1);
    axis_init(&kalman->axis[1], box->y1);
    axis_init(&kalman->axis[2], box->x2);
    axis_init(&kalman->axis[3], box->y2);
}

struct extent kalman_predict(const struct kalman *kalman, double dt_s)
{
    const struct kalman_axis *a = kalman->axis;
    float dt = (float)dt_s;
    return (struct extent){a[0].position + a[0].velocity * dt, a[1].position + a[1].velocity * dt,
                           a[2].position + a[2].velocity * dt, a[3].position + a[3].velocity * dt};
}

void kalman_update(struct kalman *kalman, const struct extent *box, double dt_s)
{
    float dt = dt_s > 0 ? (float)dt_s : 0;
    axis_update(&kalman->axis[0], box->x1, dt);
    axis_update(&kalman->axis[1], box->y1, dt);
    axis_update(&kalman->axis[2], box->x2, dt);
    axis_update(&kalman->axis[3], box->y2, dt);
}

void kalman_velocity(const struct kalman *kalman, float *vx, float *vy)
{
    *vx = (kalman->axis[0].velocity + kalman->axis[2].velocity) / 2;
    *vy = kalman->axis[3].velocity;
}
