#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "media/nal.h"
#include "media/params.h"
#include "media/sps.h"

static void test_walk_annexb(void **state)
{
    static const uint8_t data[] = {0, 0, 0, 1, 9,    0xf0, 0, 0, 1, 0x65, 1, 2,
                                   0, 0, 0, 1, 0x41, 0,    0, 3, 1, 0,    0};
    static const struct {
        size_t length;
        uint8_t first;
        enum nal_kind kind;
    } rows[] = {{2, 9, NAL_DELIMITER}, {3, 0x65, NAL_SLICE_KEY}, {5, 0x41, NAL_SLICE}};
    struct nal_walk walk = nal_walk(data, sizeof data, 0);
    struct nal nal;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_true(nal_next(&walk, &nal));
        assert_int_equal(nal.length, rows[i].length);
        assert_int_equal(nal.data[0], rows[i].first);
        assert_int_equal(nal_kind(MEDIA_H264, &nal), rows[i].kind);
    }
    assert_false(nal_next(&walk, &nal));
    walk = nal_walk(data, 2, 0);
    assert_false(nal_next(&walk, &nal));
}

static void test_walk_prefixed(void **state)
{
    static const uint8_t data[] = {0, 2, 0x65, 1, 0, 0, 0, 1, 0x01, 0, 9, 1};
    struct nal_walk walk = nal_walk(data, sizeof data, 2);
    struct nal nal;
    assert_true(nal_next(&walk, &nal));
    assert_int_equal(nal.length, 2);
    assert_true(nal_next(&walk, &nal)); /* the empty one between is passed over */
    assert_int_equal(nal.length, 1);
    assert_int_equal(nal_kind(MEDIA_H264, &nal), NAL_SLICE_FREE);
    assert_false(nal_next(&walk, &nal)); /* claims 9 bytes, has 1 */
    assert_false(nal_next(&walk, &nal));
}

static void test_kinds_h265(void **state)
{
    static const struct {
        unsigned type;
        enum nal_kind kind;
    } rows[] = {{0, NAL_SLICE_FREE}, {1, NAL_SLICE},      {19, NAL_SLICE_KEY},
                {21, NAL_SLICE_KEY}, {32, NAL_VPS},       {33, NAL_SPS},
                {34, NAL_PPS},       {35, NAL_DELIMITER}, {39, NAL_OTHER}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint8_t data[2] = {(uint8_t)(rows[i].type << 1), 1};
        struct nal nal = {data, 2};
        assert_int_equal(nal_kind(MEDIA_H265, &nal), rows[i].kind);
    }
}

/* 1920x1080 High, cropped from 1088 (made with x264). */
static const uint8_t sps_1080[] = {0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02,
                                   0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04,
                                   0x00, 0x00, 0x03, 0x00, 0xc8, 0x3c, 0x60, 0xc6, 0x58};
static const uint8_t pps[] = {0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0};

static void test_sps(void **state)
{
    struct sps sps;
    assert_true(sps_read_h264(sps_1080, sizeof sps_1080, &sps));
    assert_int_equal(sps.width, 1920);
    assert_int_equal(sps.height, 1080);
    assert_int_equal(sps.chroma_format, 1);
    assert_int_equal(sps.reorder, 2);
    for (size_t length = 0; length < 10; length++) {
        assert_false(sps_read_h264(sps_1080, length, &sps));
        assert_false(sps_read_h265(sps_1080, length, &sps));
    }
}

static void test_params(void **state)
{
    struct str AUTO_STR access_unit = {0};
    static const uint8_t start[] = {0, 0, 0, 1}, slice[] = {0x65, 1, 2, 3};
    str_add_bytes(&access_unit, start, 4);
    str_add_bytes(&access_unit, sps_1080, sizeof sps_1080);
    str_add_bytes(&access_unit, start, 4);
    str_add_bytes(&access_unit, pps, sizeof pps);
    str_add_bytes(&access_unit, start, 4);
    str_add_bytes(&access_unit, slice, sizeof slice);
    struct params params = {.codec = MEDIA_H264};
    assert_false(params_complete(&params));
    assert_true(params_update(&params, access_unit.data, access_unit.length, 0));
    assert_true(params_complete(&params));
    assert_false(params_update(&params, access_unit.data, access_unit.length, 0));
    struct nal nal = {pps, sizeof pps};
    assert_true(params_hold(&params, &nal));
    nal.length--;
    assert_false(params_hold(&params, &nal));

    struct str AUTO_STR box = {0};
    params_write(&params, &box);
    struct params back = {0};
    unsigned length_bytes;
    assert_true(params_from_extradata(&back, MEDIA_H264, box.data, box.length, &length_bytes));
    assert_true(params_equal(&params, &back));
    assert_int_equal(length_bytes, 4);
    for (size_t length = 0; length < box.length - 4; length++) {
        params_from_extradata(&back, MEDIA_H264, box.data, length, &length_bytes);
    }
    access_unit.data[5] = 0x4d; /* another profile: another SPS */
    assert_true(params_update(&params, access_unit.data, access_unit.length, 0));
    params_finish(&back);
    params_finish(&params);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk_annexb), cmocka_unit_test(test_walk_prefixed),
        cmocka_unit_test(test_kinds_h265),  cmocka_unit_test(test_sps),
        cmocka_unit_test(test_params),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
