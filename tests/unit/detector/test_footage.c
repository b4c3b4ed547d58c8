/* Real models on real footage, when CORVETTE_TEST_DATA names a folder that has them. Where people
 * and cars stand was read off the pictures by eye. */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "detector/model.h"
#include "vision/tensor.h"

#define SKIPPED 77 /* meson's exit status for it */

enum { PERSON = 0, CAR = 2, TRUCK = 7, NONE = -1 };

struct setup {
    const char *file;
    enum cfg_model_type type;
    int side;
    enum cfg_pixels pixels;
};

static const struct setup yolox = {"yolox_nano_416.onnx", CFG_MODEL_YOLOX, 416, CFG_PIXELS_BGR};
static const struct setup v8_int8 = {"agpl-format-tests-only/yolov8n_int8_640.onnx",
                                     CFG_MODEL_YOLO_GENERIC, 640, CFG_PIXELS_RGB};

static const char *folder;
static const struct cfg_labels labels = {.count = 80};

struct eye {
    struct cfg_detector config;
    struct model *model;
    struct tensor_cutter *cutter;
    uint8_t *tensor;
    struct tensor_box boxes[TENSOR_MAX_BOXES];
    unsigned count;
};

static void eye_open(struct eye *eye, const struct setup *setup)
{
    *eye = (struct eye){0};
    eye->config = (struct cfg_detector){
        .name = (char *)"cpu",
        .type = (char *)"cpu",
        .num_threads = 2,
        .model = {.path = mem_printf("%s/models/%s", folder, setup->file),
                  .width = setup->side,
                  .height = setup->side,
                  .input_tensor = CFG_TENSOR_NCHW,
                  .input_pixel_format = setup->pixels,
                  .model_type = setup->type},
    };
    const struct tensor_format format = {setup->side, setup->side,
                                         (enum tensor_pixels)setup->pixels, TENSOR_NCHW};
    struct err err = ERR_NONE;
    eye->model = model_open(&eye->config, &labels, &err);
    if (eye->model == NULL) {
        fail_msg("%s", err.text);
    }
    eye->cutter = tensor_cutter_create(&format);
    eye->tensor = mem_alloc(tensor_bytes(&format));
}

static void eye_close(struct eye *eye)
{
    model_close(eye->model);
    tensor_cutter_destroy(eye->cutter);
    free(eye->tensor);
    free(eye->config.model.path);
}

/* Looks at the whole picture, made square; boxes come out in its pixels. */
static void eye_look(struct eye *eye, const uint8_t *picture, int width, int height)
{
    int side = width > height ? width : height;
    struct yuv_view view = yuv_view(picture, width, height);
    struct err err = ERR_NONE;
    tensor_cut(eye->cutter, &view, (struct box){0, 0, side, side}, eye->tensor);
    assert_int_equal(model_detect(eye->model, eye->tensor, eye->boxes, &eye->count, &err), 0);
    for (unsigned i = 0; i < eye->count; i++) {
        struct tensor_box *b = &eye->boxes[i];
        b->x1 *= (float)side;
        b->y1 *= (float)side;
        b->x2 *= (float)side;
        b->y2 *= (float)side;
    }
}

static double overlap(const struct tensor_box *b, const int want[4])
{
    struct box found = {(int)b->x1, (int)b->y1, (int)b->x2, (int)b->y2};
    return box_iou(found, (struct box){want[0], want[1], want[2], want[3]});
}

static void sees(const struct eye *eye, int label, int other_label, const int want[4])
{
    for (unsigned i = 0; i < eye->count; i++) {
        int found = (int)eye->boxes[i].label;
        if ((found == label || found == other_label) && overlap(&eye->boxes[i], want) > 0.5) {
            return;
        }
    }
    fail_msg("%s: no object %d at %d,%d", eye->config.model.path, label, want[0], want[1]);
}

static unsigned number_of(const struct eye *eye, int label)
{
    unsigned count = 0;
    for (unsigned i = 0; i < eye->count; i++) {
        count += eye->boxes[i].label == (uint32_t)label;
    }
    return count;
}

/* Pictures of a clip as I420, through the ffmpeg program; its options before and after the input.
 */
static FILE *footage(const char *clip, const char *before, const char *after)
{
    char *command = mem_printf("ffmpeg -nostdin -v error %s -i '%s/footage/%s' %s "
                               "-f rawvideo -pix_fmt yuv420p -",
                               before, folder, clip, after);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    free(command);
    return pipe;
}

static bool next_picture(FILE *pipe, uint8_t *picture, int width, int height)
{
    return fread(picture, yuv_bytes(width, height), 1, pipe) == 1;
}

static void test_people_on_the_campus(void **state)
{
    enum { WIDTH = 768, HEIGHT = 576 };
    static uint8_t picture[WIDTH * HEIGHT * 3 / 2];
    static const struct setup *const setups[] = {&yolox, &v8_int8};
    for (size_t i = 0; i < sizeof setups / sizeof setups[0]; i++) {
        FILE *pipe = footage("campus-people.mp4", "", "-frames:v 1");
        assert_true(next_picture(pipe, picture, WIDTH, HEIGHT));
        pclose(pipe);
        struct eye eye;
        eye_open(&eye, setups[i]);
        eye_look(&eye, picture, WIDTH, HEIGHT);
        sees(&eye, PERSON, NONE, (const int[]){253, 219, 283, 308});
        sees(&eye, PERSON, NONE, (const int[]){499, 157, 530, 233});
        sees(&eye, PERSON, NONE, (const int[]){640, 240, 685, 321});
        sees(&eye, CAR, TRUCK, (const int[]){651, 43, 724, 100});
        sees(&eye, CAR, TRUCK, (const int[]){735, 50, 768, 95});
        assert_in_range(number_of(&eye, PERSON), 3, 5);
        eye_close(&eye);
    }
}

static void test_people_all_along(void **state)
{
    enum { WIDTH = 768, HEIGHT = 576 };
    static uint8_t picture[WIDTH * HEIGHT * 3 / 2];
    struct eye eye;
    eye_open(&eye, &yolox);
    FILE *pipe = footage("campus-people.mp4", "-r 1 -skip_frame nokey", "-frames:v 12");
    unsigned pictures = 0, persons = 0;
    while (pictures < 12 && next_picture(pipe, picture, WIDTH, HEIGHT)) {
        eye_look(&eye, picture, WIDTH, HEIGHT);
        assert_true(number_of(&eye, PERSON) >= 2);
        persons += number_of(&eye, PERSON);
        pictures++;
    }
    pclose(pipe);
    assert_int_equal(pictures, 12);
    assert_in_range(persons, 12 * 4, 12 * 9); /* 5 to 9 people walk there */
    eye_close(&eye);
}

/* A room that is empty at first; at 30 s a man stands at the table. */
static void test_room_with_and_without_a_person(void **state)
{
    enum { WIDTH = 768, HEIGHT = 432 };
    static uint8_t picture[WIDTH * HEIGHT * 3 / 2];
    static const struct {
        const char *seek;
        unsigned persons;
    } moments[] = {{"-ss 2", 0}, {"-ss 30", 1}};
    struct eye eye;
    eye_open(&eye, &yolox);
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        FILE *pipe = footage("indoor-person.mp4", moments[i].seek, "-frames:v 1");
        assert_true(next_picture(pipe, picture, WIDTH, HEIGHT));
        pclose(pipe);
        eye_look(&eye, picture, WIDTH, HEIGHT);
        assert_int_equal(number_of(&eye, PERSON), moments[i].persons);
    }
    eye_close(&eye);
}

int main(void)
{
    folder = getenv("CORVETTE_TEST_DATA");
    if (folder == NULL) {
        puts("CORVETTE_TEST_DATA is not set");
        return SKIPPED;
    }
    log_set_level(LOG_CRITICAL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_people_on_the_campus),
        cmocka_unit_test(test_people_all_along),
        cmocka_unit_test(test_room_with_and_without_a_person),
    };
    return cmocka_run_group_tests_name("detector/footage", tests, NULL, NULL);
}
