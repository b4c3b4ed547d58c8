/* Motion detection on the luma plane with the parameters and outward meaning of Frigate's `motion`
 * section. The picture is averaged down to `frame_height` rows, compared with a slowly learned
 * background, and the changed parts are returned as boxes of the detect picture.
 *
 * Where the reference is weak this is better: time constants are in seconds, not frames
 * (frame_alpha keeps its meaning per picture at 5 pictures a second); contrast settles at once; a
 * change of light that leaves the picture's texture as it was (cloud shadow, exposure) is told from
 * things that move; leaves that sway are forgiven; what has come to rest is background after some
 * six seconds; everything but the picture size may change while it runs. One thread at a time.
 */
#ifndef CORVETTE_VISION_MOTION_H
#define CORVETTE_VISION_MOTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vision/geometry.h"

struct motion_options {
    int threshold;              /* 1..255, of the contrast-stretched picture */
    double lightning_threshold; /* part of the picture that may change at once, 0.3..1 */
    bool improve_contrast;
    int contour_area; /* a spot counts when larger than this; square pixels of the motion picture */
    double frame_alpha;          /* background's learning rate per 1/5 s */
    int frame_height;            /* rows of the motion picture; <= 0 means 100 */
    const struct polygon *masks; /* detect pixels; read only during create and set */
    size_t mask_count;
};

#define MOTION_MAX_BOXES 64

struct motion_result {
    struct box boxes[MOTION_MAX_BOXES]; /* detect pixels, largest spot first */
    unsigned count;
    unsigned dropped; /* smaller spots beyond MOTION_MAX_BOXES */
    /* The background is not trustworthy (start, lightning, moved camera): boxes must not choose
     * regions, keep recordings or switch MQTT motion on. */
    bool calibrating;
    double changed;     /* part of the unmasked picture in spots, 0..1 */
    double illuminated; /* part that changed in brightness only and was left out, 0..1 */
};

struct motion;

struct motion *motion_create(int width, int height, const struct motion_options *options);
void motion_destroy(struct motion *motion); /* NULL is fine */

/* New options between two pictures. The background is kept unless frame_height changed. */
void motion_set(struct motion *motion, const struct motion_options *options);
/* Forgets the background and calibrates anew (after a pause, or a camera that was turned). */
void motion_reset(struct motion *motion);

/* Looks at one picture. `time_us` is its capture time on any clock that does not step; a time not
 * later than the last one counts as no time passed. */
void motion_run(struct motion *motion, const uint8_t *luma, int stride, int64_t time_us,
                struct motion_result *result);

#endif
