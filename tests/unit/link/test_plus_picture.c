#include "../cmocka_all.h"

#include <arpa/inet.h>
#include <errno.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "link/plus_picture.h"

/* Stripes of one pixel, black and white, over a gray that grows downwards. */
static uint8_t value(int x, int y, int height)
{
    int base = 60 + 120 * y / height;
    return (uint8_t)(x % 2 == 0 ? base - 40 : base + 40);
}

static void make_png(int width, int height, struct str *out)
{
    AUTO_FREE uint8_t *pixels = mem_array((size_t)width * (size_t)height, 3);
    for (int i = 0; i < width * height; i++) {
        memset(&pixels[i * 3], value(i % width, i / width, height), 3);
    }
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)width,
                       .height = (png_uint_32)height,
                       .format = PNG_FORMAT_RGB};
    png_alloc_size_t size = 0;
    assert_true(png_image_write_get_memory_size(image, size, 0, pixels, 0, NULL));
    str_reserve(out, size);
    assert_true(png_image_write_to_memory(&image, out->data, &size, 0, pixels, 0, NULL));
    out->length = size;
}

static uint8_t *decode(const struct str *jpeg, int *width, int *height)
{
    tjhandle handle = tjInitDecompress();
    int sampling, colours;
    assert_int_equal(tjDecompressHeader3(handle, (const unsigned char *)jpeg->data, jpeg->length,
                                         width, height, &sampling, &colours),
                     0);
    uint8_t *pixels = mem_array((size_t)*width * (size_t)*height, 3);
    assert_int_equal(tjDecompress2(handle, (const unsigned char *)jpeg->data, jpeg->length, pixels,
                                   *width, 0, *height, TJPF_RGB, 0),
                     0);
    tjDestroy(handle);
    return pixels;
}

static void check_sizes(int width, int height, const int expected[PLUS_SIZES][2])
{
    AUTO_STR struct str png = {0};
    AUTO_PLUS_PICTURES struct plus_pictures pictures = {0};
    struct err err = ERR_NONE;
    make_png(width, height, &png);
    assert_int_equal(plus_pictures_make(png.data, png.length, &pictures, &err), 0);
    for (int i = 0; i < PLUS_SIZES; i++) {
        int w, h;
        free(decode(&pictures.jpeg[i], &w, &h));
        assert_int_equal(w, expected[i][0]);
        assert_int_equal(h, expected[i][1]);
    }
}

static void test_sizes(void **state)
{
    check_sizes(3840, 2160, (const int[][2]){{1920, 1080}, {640, 360}, {200, 112}});
    check_sizes(1921, 1080, (const int[][2]){{1920, 1079}, {640, 359}, {200, 112}});
    check_sizes(300, 900, (const int[][2]){{300, 900}, {213, 640}, {66, 200}});
    check_sizes(1, 1, (const int[][2]){{1, 1}, {1, 1}, {1, 1}});
    check_sizes(4000, 3, (const int[][2]){{1920, 1}, {640, 1}, {200, 1}});
}

/* Stripes finer than a pixel of the result are their mean, at any ratio. */
static void test_areas(void **state)
{
    static const int widths[] = {1280, 1281, 1900, 1919};
    for (size_t k = 0; k < ARRAY_SIZE(widths); k++) {
        AUTO_STR struct str png = {0};
        AUTO_PLUS_PICTURES struct plus_pictures pictures = {0};
        struct err err = ERR_NONE;
        int width, height, source_height = widths[k] / 2;
        make_png(widths[k], source_height, &png);
        assert_int_equal(plus_pictures_make(png.data, png.length, &pictures, &err), 0);
        AUTO_FREE uint8_t *pixels = decode(&pictures.jpeg[PLUS_THUMBNAIL], &width, &height);
        for (int y = 2; y < height - 2; y++) {
            int expected = 60 + 120 * (2 * y + 1) / (2 * height);
            for (int x = 0; x < width; x++) {
                assert_in_range(pixels[(y * width + x) * 3], (unsigned)expected - 14,
                                (unsigned)expected + 14);
            }
        }
    }
}

static void test_no_pictures(void **state)
{
    AUTO_STR struct str png = {0};
    make_png(64, 64, &png);
    AUTO_FREE char *huge = mem_dup(png.data, png.length);
    memcpy(huge + 16, "\x00\x0f\x42\x40\x00\x0f\x42\x40", 8); /* 10^6 x 10^6 */
    uint32_t sum = htonl((uint32_t)crc32(0, (const unsigned char *)huge + 12, 17));
    memcpy(huge + 29, &sum, sizeof sum);
    const struct {
        const void *data;
        size_t length;
    } bad[] = {
        {NULL, 0}, {"GIF89a", 6}, {png.data, 20}, {png.data, png.length / 2}, {huge, png.length}};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        AUTO_PLUS_PICTURES struct plus_pictures pictures = {0};
        struct err err = ERR_NONE;
        assert_int_equal(plus_pictures_make(bad[i].data, bad[i].length, &pictures, &err), -EBADMSG);
        assert_true(err.text[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_areas),
        cmocka_unit_test(test_no_pictures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
