/* The camera's sensor: turns the rendered picture into noisy I420 (BT.601, limited range). */
#ifndef SCENE_SENSOR_H
#define SCENE_SENSOR_H

#include <stddef.h>
#include <stdint.h>

#include "stage.h"

struct i420 {
    int width_px, height_px;
    uint8_t *planes[3];
    int strides[3];
};

struct sensor; /* opaque: buffers and the noise table */

struct sensor *sensor_create(const struct scene *scene, uint64_t seed);
void sensor_destroy(struct sensor *sensor);
/* The picture's width and height must be even. */
void sensor_develop(struct sensor *sensor, const struct stage *stage, double time_s, int frame,
                    struct i420 *out);

struct i420 *i420_create(int width_px, int height_px);
void i420_destroy(struct i420 *picture);
size_t i420_bytes(const struct i420 *picture);

#endif
