/* Models from file to boxes, with models written here. 28 x 28 x 3 numbers are 336 rows of 7, the
 * flat output of yolonas: what comes out tells what number each byte became on the way in. */
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "detector/model.h"
#include "onnx_file.h"

#define SIDE 28
#define BYTES (SIDE * SIDE * 3)
#define ROWS (BYTES / 7)

static char path[] = "/tmp/corvette-model-XXXXXX";
static struct cfg_labels labels = {.count = 80};
static struct cfg_detector config;

static int setup(void **state)
{
    config = (struct cfg_detector){.name = (char *)"cpu",
                                   .type = (char *)"cpu",
                                   .num_threads = 3,
                                   .model = {
                                       .path = path,
                                       .width = SIDE,
                                       .height = SIDE,
                                       .input_tensor = CFG_TENSOR_NCHW,
                                       .input_pixel_format = CFG_PIXELS_RGB,
                                       .model_type = CFG_MODEL_YOLONAS,
                                   }};
    return 0;
}

static const struct onnx_shape nchw = {{1, 3, SIDE, SIDE}, 4}, nhwc = {{1, SIDE, SIDE, 3}, 4},
                               rows = {{ROWS, 7}, 2};

static void fails(const char *const *words)
{
    struct err err = ERR_NONE;
    assert_null(model_open(&config, &labels, &err));
    assert_true(err.code != 0);
    for (; *words != NULL; words++) {
        if (strstr(err.text, *words) == NULL) {
            fail_msg("'%s' does not say '%s'", err.text, *words);
        }
    }
}

#define FAILS(...) fails((const char *const[]){path, __VA_ARGS__, NULL})

/* One row of the picture's bytes, the others end the list (class below 0 cannot be made of bytes,
 * so they have score 0). */
static void put_row(uint8_t *input, int row, const uint8_t numbers[7])
{
    memcpy(input + 7 * row, numbers, 7);
}

static void near(float value, double expected)
{
    if (fabs((double)value - expected) > 0.002) {
        fail_msg("%g is not %g", (double)value, expected);
    }
}

/* `byte_value`: what the byte 255 must be after conversion. */
static void detects(double byte_value)
{
    struct err err = ERR_NONE;
    struct model *model = model_open(&config, &labels, &err);
    if (model == NULL) {
        fail_msg("%s", err.text);
    }
    double unit = byte_value / 255.0;
    static uint8_t input[BYTES];
    memset(input, 0, sizeof input);
    /* Integer inputs have scores of 1 and more, which count as 1. */
    put_row(input, 3, (const uint8_t[]){0, 10, 20, 110, 220, 204, 0});
    put_row(input, ROWS - 1, (const uint8_t[]){0, 100, 50, 200, 250, 153, 0});
    struct tensor_box boxes[TENSOR_MAX_BOXES];
    unsigned count = 99;
    for (int repeat = 0; repeat < 3; repeat++) {
        assert_int_equal(model_detect(model, input, boxes, &count, &err), 0);
        assert_int_equal(count, 2);
        int first = boxes[0].x1 < boxes[1].x1 ? 0 : 1;
        near(boxes[first].score, fmin(1.0, 204 * unit));
        near(boxes[first].x1, 10 * unit / SIDE);
        near(boxes[first].y1, 20 * unit / SIDE);
        near(boxes[first].x2, 110 * unit / SIDE);
        near(boxes[first].y2, 220 * unit / SIDE);
        near(boxes[!first].score, fmin(1.0, 153 * unit));
        near(boxes[!first].y2, 250 * unit / SIDE);
    }
    memset(input, 0, sizeof input);
    assert_int_equal(model_detect(model, input, boxes, &count, &err), 0);
    assert_int_equal(count, 0);
    model_interrupt(model);
    assert_true(model_detect(model, input, boxes, &count, &err) < 0);
    model_close(model);
}

static void test_number_types(void **state)
{
    static const struct {
        enum onnx_number number;
        double byte_value;
    } cases[] = {{ONNX_F32, 1.0}, {ONNX_F16, 1.0}, {ONNX_U8, 255.0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        onnx_file_write(path, cases[i].number, nchw, rows, rows);
        detects(cases[i].byte_value);
    }
}

static void test_layouts_and_unknown_sizes(void **state)
{
    const struct onnx_shape any = {{0, 3, 0, 0}, 4}, some = {{0, 7}, 2};
    onnx_file_write(path, ONNX_F32, any, rows, rows);
    detects(1.0);
    onnx_file_write(path, ONNX_F32, nchw, some, rows); /* output only known when it has run */
    detects(1.0);
    onnx_file_write(path, ONNX_F16, any, some, rows);
    detects(1.0);
    config.model.input_tensor = CFG_TENSOR_NHWC;
    onnx_file_write(path, ONNX_F32, nhwc, rows, rows);
    detects(1.0);
}

static void test_labels_outside_the_map(void **state)
{
    config.model.model_type = CFG_MODEL_YOLONAS;
    onnx_file_write(path, ONNX_U8, nchw, rows, rows);
    struct err err = ERR_NONE;
    struct model *model = model_open(&config, &labels, &err);
    static uint8_t input[BYTES];
    memset(input, 0, sizeof input);
    put_row(input, 0, (const uint8_t[]){0, 1, 1, 20, 20, 1, 79});
    put_row(input, 1, (const uint8_t[]){0, 1, 1, 20, 20, 1, 80});
    struct tensor_box boxes[TENSOR_MAX_BOXES];
    unsigned count;
    assert_int_equal(model_detect(model, input, boxes, &count, &err), 0);
    assert_int_equal(count, 1);
    assert_int_equal(boxes[0].label, 79);
    assert_int_equal(model_foreign(model), 1);
    model_close(model);
}

static void test_wrong_input(void **state)
{
    onnx_file_write(path, ONNX_F32, nchw, rows, rows);
    config.model.width = 320;
    FAILS("'images' float32 [1,3,28,28]", "configured nchw [1,3,28,320]",
          "input_tensor: nchw, width: 28, height: 28");
    config.model.width = SIDE;
    config.model.input_tensor = CFG_TENSOR_NHWC;
    FAILS("configured nhwc [1,28,28,3]", "input_tensor: nchw");
    const struct onnx_shape flat = {{1, BYTES}, 2};
    onnx_file_write(path, ONNX_F32, flat, rows, rows);
    FAILS("[1,2352]");
}

static void test_wrong_output(void **state)
{
    const struct onnx_shape square = {{48, 49}, 2};
    onnx_file_write(path, ONNX_F32, nchw, square, square);
    FAILS("yolonas", "output [48,49]");
    onnx_file_write(path, ONNX_F32, nchw, rows, rows);
    config.model.model_type = CFG_MODEL_YOLOX;
    FAILS("yolox at 28x28", "output [336,7]");
    config.model.model_type = CFG_MODEL_SSD;
    FAILS("ssd", "output [336,7]");
    config.model.model_type = CFG_MODEL_YOLO_GENERIC;
    FAILS("yolo-generic", "output [336,7]");
}

static void test_no_model_file(void **state)
{
    unlink(path);
    FAILS("No such file");
    FILE *file = fopen(path, "w");
    fputs("this is no model", file);
    fclose(file);
    FAILS("ONNX Runtime refuses it");
    assert_int_equal(truncate(path, 0), 0);
    FAILS("ONNX Runtime refuses it");
    onnx_file_write(path, ONNX_F32, nchw, rows, rows);
    assert_int_equal(truncate(path, 100), 0); /* half a copy */
    FAILS("ONNX Runtime refuses it");
    config.model.path = (char *)"/";
    struct err err = ERR_NONE;
    assert_null(model_open(&config, &labels, &err));
}

int main(void)
{
    log_set_level(LOG_CRITICAL);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_number_types, setup),
        cmocka_unit_test_setup(test_layouts_and_unknown_sizes, setup),
        cmocka_unit_test_setup(test_labels_outside_the_map, setup),
        cmocka_unit_test_setup(test_wrong_input, setup),
        cmocka_unit_test_setup(test_wrong_output, setup),
        cmocka_unit_test_setup(test_no_model_file, setup),
    };
    int failed = cmocka_run_group_tests_name("detector/model", tests, NULL, NULL);
    unlink(path);
    return failed;
}
