#include "cmocka_all.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "detector/convert.h"
#include "detector/decode.h"

static struct boxes boxes;
static struct tensor_box best[TENSOR_MAX_BOXES];

static struct decode_outputs outputs_of(int width, int height)
{
    return (struct decode_outputs){.width = width, .height = height};
}

static void add_output(struct decode_outputs *outputs, const char *name, const float *data,
                       unsigned rank, int64_t a, int64_t b, int64_t c, int64_t d)
{
    outputs->items[outputs->count++] =
        (struct decode_tensor){.name = name, .rank = rank, .dims = {a, b, c, d}, .data = data};
}

static unsigned run(decode_fn decode, const struct decode_outputs *outputs)
{
    struct err err = ERR_NONE;
    boxes.label_count = 0;
    boxes_clear(&boxes);
    assert_int_equal(decode(outputs, &boxes, &err), 0);
    return boxes_best(&boxes, best);
}

static void refused(decode_fn decode, const struct decode_outputs *outputs, const char *expected)
{
    struct err err = ERR_NONE;
    boxes_clear(&boxes);
    assert_true(decode(outputs, &boxes, &err) < 0);
    assert_non_null(strstr(err.text, expected));
    assert_int_equal(boxes.count, 0);
}

static void near(float value, float expected)
{
    assert_true(fabsf(value - expected) < 1e-5f);
}

static void box_is(const struct tensor_box *box, uint32_t label, float score, float x1, float y1,
                   float x2, float y2)
{
    assert_int_equal(box->label, label);
    near(box->score, score);
    near(box->x1, x1);
    near(box->y1, y1);
    near(box->x2, x2);
    near(box->y2, y2);
}

static void test_yolox(void **state)
{
    /* 64x32: grids 8x4, 4x2, 2x1 */
    enum { CELLS = 32 + 8 + 2, LENGTH = 5 + 3 };
    float data[CELLS * LENGTH] = {0};
    assert_int_equal(decode_cells(64, 32), CELLS);
    float *row = data + (32 + 4 + 3) * LENGTH; /* stride 16, line 1, column 3 */
    memcpy(row, (float[]){0.5f, 0.25f, logf(2), logf(1), 0.8f, 0.1f, 0.9f, 0.2f},
           LENGTH * sizeof(float));
    row = data + 9 * LENGTH; /* stride 8, line 1, column 1: 0.6 * 0.6 is too little */
    memcpy(row, (float[]){0, 0, 0, 0, 0.6f, 0.6f, 0, 0}, LENGTH * sizeof(float));
    row = data + 41 * LENGTH; /* stride 32, line 0, column 1 */
    memcpy(row, (float[]){0, 0.5f, 0, 0, 1, 0, 0, 0.5f}, LENGTH * sizeof(float));

    struct decode_outputs outputs = outputs_of(64, 32);
    add_output(&outputs, "output", data, 3, 1, CELLS, LENGTH, 0);
    assert_int_equal(run(decode_yolox, &outputs), 2);
    /* centre (56, 20), size 32x16 */
    box_is(&best[0], 1, 0.72f, 40 / 64.0f, 12 / 32.0f, 72 / 64.0f, 28 / 32.0f);
    box_is(&best[1], 2, 0.5f, 16 / 64.0f, 0, 48 / 64.0f, 1);

    outputs.items[0].dims[1]++;
    refused(decode_yolox, &outputs, "[1,42,5+classes]");
    outputs.items[0].dims[1]--;
    outputs.items[0].rank = 4;
    refused(decode_yolox, &outputs, "yolox at 64x32");
    outputs.items[0].rank = 3;
    outputs.count = 2;
    refused(decode_yolox, &outputs, "one output");
}

static void test_yolo_both_ways(void **state)
{
    enum { CELLS = 256 + 64 + 16, CLASSES = 6, CHANNELS = 4 + CLASSES }; /* 128x128 */
    static float rows[CELLS * CHANNELS], channels[CELLS * CHANNELS];
    static const struct {
        int cell;
        float numbers[CHANNELS];
    } given[] = {
        {0, {8, 16, 8, 16, 0.1f, 0.9f, 0.5f, 0, 0, 0}}, /* one box: the best class */
        {200, {64, 64, 32, 16, 0, 0, 0, 0, 0, 0.45f}},
        {335, {120, 120, 16, 16, 0.6f, 0.6f, 0, 0, 0, 0}}, /* a tie: the lower label */
        {100, {1, 1, 1, 1, 0.39f, 0.39f, 0, 0, 0, 0}},
        {101, {1, 1, 1, 1, NAN, NAN, NAN, NAN, NAN, NAN}},
    };
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        for (int c = 0; c < CHANNELS; c++) {
            rows[given[i].cell * CHANNELS + c] = given[i].numbers[c];
            channels[c * CELLS + given[i].cell] = given[i].numbers[c];
        }
    }
    for (int transposed = 0; transposed < 2; transposed++) {
        struct decode_outputs outputs = outputs_of(128, 128);
        if (transposed) {
            add_output(&outputs, "output0", rows, 3, 1, CELLS, CHANNELS, 0);
        } else {
            add_output(&outputs, "output0", channels, 3, 1, CHANNELS, CELLS, 0);
        }
        assert_int_equal(run(decode_yolo, &outputs), 3);
        box_is(&best[0], 1, 0.9f, 4 / 128.0f, 8 / 128.0f, 12 / 128.0f, 24 / 128.0f);
        box_is(&best[1], 0, 0.6f, 112 / 128.0f, 112 / 128.0f, 1, 1);
        box_is(&best[2], 5, 0.45f, 48 / 128.0f, 56 / 128.0f, 80 / 128.0f, 72 / 128.0f);
    }
    struct decode_outputs wrong = outputs_of(160, 128);
    add_output(&wrong, "output0", channels, 3, 1, CHANNELS, CELLS, 0);
    refused(decode_yolo, &wrong, "[1,4+classes,420]");
}

static void test_yolonas(void **state)
{
    const float flat[] = {
        0, 10, 20, 30, 40, 0.9f,  2,  /**/
        0, 0,  0,  50, 50, 0.39f, 2,  /* too weak */
        0, 50, 50, 90, 70, 0.5f,  0,  /**/
        0, 0,  0,  0,  0,  0,     -1, /* the end */
        0, 10, 20, 30, 40, 0.9f,  3,
    };
    struct decode_outputs outputs = outputs_of(100, 200);
    add_output(&outputs, "flat", flat, 2, 5, 7, 0, 0);
    assert_int_equal(run(decode_yolonas, &outputs), 2);
    box_is(&best[0], 2, 0.9f, 0.1f, 0.1f, 0.3f, 0.2f);
    box_is(&best[1], 0, 0.5f, 0.5f, 0.25f, 0.9f, 0.35f);
    outputs.items[0] = (struct decode_tensor){.rank = 4, .dims = {1, 1, 5, 7}, .data = flat};
    assert_int_equal(run(decode_yolonas, &outputs), 2);
    outputs.items[0].dims[2] = 0; /* nothing found */
    assert_int_equal(run(decode_yolonas, &outputs), 0);

    const float corners[] = {10, 20, 30, 40, 50, 50, 90, 70};
    const float scores[] = {0.1f, 0.2f, 0.3f, 0.6f, 0.4f, 0.7f};
    for (int order = 0; order < 2; order++) {
        outputs = outputs_of(100, 200);
        if (order == 0) {
            add_output(&outputs, "pred_bboxes", corners, 3, 1, 2, 4, 0);
        }
        add_output(&outputs, "pred_scores", scores, 3, 1, 2, 3, 0);
        if (order == 1) {
            add_output(&outputs, "pred_bboxes", corners, 3, 1, 2, 4, 0);
        }
        assert_int_equal(run(decode_yolonas, &outputs), 1);
        box_is(&best[0], 2, 0.7f, 0.5f, 0.25f, 0.9f, 0.35f);
    }
    outputs.items[0].dims[1] = 3;
    refused(decode_yolonas, &outputs, "[N,7] or two");
}

static void test_ssd_four(void **state)
{
    const float corners[] = {0.1f, 0.2f, 0.3f, 0.4f, 0, 0, 1, 1, 0.5f, 0.5f, 0.6f, 0.7f};
    const float classes[] = {0, 2, 90}, scores[] = {0.8f, 0.7f, 0.6f}, two[] = {2}, three[] = {3};
    struct decode_outputs outputs = outputs_of(300, 300);
    add_output(&outputs, "a", corners, 3, 1, 3, 4, 0);
    add_output(&outputs, "b", classes, 2, 1, 3, 0, 0);
    add_output(&outputs, "c", scores, 2, 1, 3, 0, 0);
    add_output(&outputs, "d", two, 1, 1, 0, 0, 0);
    assert_int_equal(run(decode_ssd, &outputs), 2);
    box_is(&best[0], 0, 0.8f, 0.2f, 0.1f, 0.4f, 0.3f); /* x and y the other way round */
    box_is(&best[1], 2, 0.7f, 0, 0, 1, 1);
    outputs.items[3].data = three;
    assert_int_equal(run(decode_ssd, &outputs), 3);
    assert_int_equal(best[2].label, 90);

    /* Named outputs come in any order, with others between them. */
    struct decode_outputs named = outputs_of(300, 300);
    add_output(&named, "detection_anchor_indices", scores, 2, 1, 3, 0, 0);
    add_output(&named, "detection_scores:0", scores, 2, 1, 3, 0, 0);
    add_output(&named, "num_detections", three, 1, 1, 0, 0, 0);
    add_output(&named, "detection_classes:0", classes, 2, 1, 3, 0, 0);
    add_output(&named, "detection_boxes:0", corners, 3, 1, 3, 4, 0);
    assert_int_equal(run(decode_ssd, &named), 3);
    box_is(&best[0], 0, 0.8f, 0.2f, 0.1f, 0.4f, 0.3f);

    outputs.items[1].dims[1] = 2;
    refused(decode_ssd, &outputs, "[1,N,4]");
    outputs.count = 3;
    refused(decode_ssd, &outputs, "[1,1,N,7]");
}

static void test_ssd_rows(void **state)
{
    const float rows[] = {
        0,  1, 0.9f, 0.1f, 0.2f, 0.3f, 0.4f, /**/
        0,  5, 0.3f, 0.1f, 0.2f, 0.3f, 0.4f, /* too weak */
        -1, 1, 0.9f, 0.5f, 0.5f, 0.9f, 0.9f, /* the end */
    };
    struct decode_outputs outputs = outputs_of(300, 300);
    add_output(&outputs, "DetectionOutput", rows, 4, 1, 1, 3, 7);
    assert_int_equal(run(decode_ssd, &outputs), 1);
    box_is(&best[0], 1, 0.9f, 0.1f, 0.2f, 0.3f, 0.4f);
    outputs.items[0].dims[3] = 6;
    refused(decode_ssd, &outputs, "[1,1,N,7]");
}

static void test_table(void **state)
{
    for (int type = CFG_MODEL_SSD; type <= CFG_MODEL_YOLO_GENERIC; type++) {
        const struct decode_row *row = decode_find((enum cfg_model_type)type);
        assert_non_null(row);
        assert_int_equal(row->type, type);
    }
    assert_null(decode_find((enum cfg_model_type)0));
}

static void test_convert(void **state)
{
    enum { COUNT = 1000 + 7 }; /* no multiple of a vector */
    static uint8_t in[COUNT];
    static float out[COUNT], back[COUNT];
    static uint16_t half[COUNT], table[256];
    for (int i = 0; i < COUNT; i++) {
        in[i] = (uint8_t)(i * 7);
    }
    convert_u8_to_f32(in, out, COUNT, 1.0f / 255.0f);
    convert_f16_table(table, 1.0f / 255.0f);
    convert_u8_to_f16(in, half, COUNT, table);
    convert_f16_to_f32(half, back, COUNT);
    for (int i = 0; i < COUNT; i++) {
        near(out[i], (float)in[i] / 255.0f);
        assert_true(fabsf(back[i] - (float)in[i] / 255.0f) < 0.0005f);
    }
    assert_int_equal(table[0], 0);
    assert_int_equal(table[255], 0x3c00); /* 1.0 */
    convert_f16_table(table, 1.0f);
    assert_int_equal(table[255], 0x5bf8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yolox),    cmocka_unit_test(test_yolo_both_ways),
        cmocka_unit_test(test_yolonas),  cmocka_unit_test(test_ssd_four),
        cmocka_unit_test(test_ssd_rows), cmocka_unit_test(test_table),
        cmocka_unit_test(test_convert),
    };
    return cmocka_run_group_tests_name("detector/decode", tests, NULL, NULL);
}
