/* A camera and its pictures for the tests of analyse: a grey yard in which a bright box moves. */
#ifndef CORVETTE_TESTS_ANALYSE_CAMERA_H
#define CORVETTE_TESTS_ANALYSE_CAMERA_H

#include <string.h>

#include "analyse/labels.h"
#include "ring/frames.h"
#include "vision/geometry.h"

#define TEST_WIDTH 640
#define TEST_HEIGHT 480
#define TEST_PICTURE_BYTES (TEST_WIDTH * TEST_HEIGHT * 3 / 2)

static char test_person[] = "person", test_car[] = "car", test_face[] = "face", test_cup[] = "cup";
static char *test_names[] = {test_person, test_car, test_face, test_cup, test_car};
static char *test_tracked[] = {test_person, test_car, test_face};
static const struct cfg_labels test_labels = {test_names, 5};

/* Frigate's defaults at 5 fps. */
static inline struct cfg_camera test_camera(void)
{
    struct cfg_camera camera = {.name = test_cup};
    camera.detect.enabled = true;
    camera.detect.fps = 5;
    camera.detect.min_initialized = 2;
    camera.detect.max_disappeared = 25;
    camera.detect.stationary.interval = 50;
    camera.detect.stationary.threshold = 50;
    camera.motion.enabled = true;
    camera.motion.threshold = 30;
    camera.motion.lightning_threshold = 0.8;
    camera.motion.improve_contrast = true;
    camera.motion.contour_area = 10;
    camera.motion.frame_alpha = 0.01;
    camera.motion.frame_height = 100;
    camera.objects.track = (struct cfg_list){test_tracked, 3};
    return camera;
}

/* A yard with some texture, and a box of its own brightness unless it is empty. */
static inline void test_paint(uint8_t *picture, struct box box)
{
    for (int y = 0; y < TEST_HEIGHT; y++) {
        for (int x = 0; x < TEST_WIDTH; x++) {
            bool inside = x >= box.x1 && x < box.x2 && y >= box.y1 && y < box.y2;
            picture[y * TEST_WIDTH + x] =
                (uint8_t)(inside ? 220 : 70 + (x / 40 * 7 + y / 40 * 13) % 60);
        }
    }
    memset(picture + TEST_WIDTH * TEST_HEIGHT, 128, TEST_WIDTH * TEST_HEIGHT / 2);
}

#endif
