/* Scaling and copying of I420 pictures, and their way to and from packed colours, against plain
 * double arithmetic. */
#include "../cmocka_all.h"

#include <string.h>

#include "picture.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static int half(int length)
{
    return (length + 1) / 2;
}

static const struct {
    int width, height;
    struct box area;
    int out_width, out_height;
} scalings[] = {
    {640, 360, {0, 0, 640, 360}, 320, 180},
    {640, 360, {0, 0, 640, 360}, 175, 99},
    {640, 360, {0, 0, 640, 360}, 800, 450},
    {640, 360, {101, 51, 301, 251}, 175, 175},
    {640, 360, {-40, -20, 260, 280}, 150, 150},
    {640, 360, {500, 200, 800, 500}, 300, 300},
    {641, 361, {0, 0, 641, 361}, 321, 181},
    {641, 361, {0, 0, 641, 361}, 641, 361},
    {641, 361, {1, 1, 101, 101}, 100, 100},
    {320, 240, {0, 0, 320, 240}, 1, 1},
    {320, 240, {0, 0, 320, 240}, 3, 240},
    {5, 3, {0, 0, 5, 3}, 40, 30},
    {1, 1, {0, 0, 1, 1}, 5, 5},
    {16, 16, {2, 2, 14, 14}, 7, 5},
    {1920, 1080, {300, 100, 1500, 1000}, 175, 131},
};

/* What a scaled picture's chroma sample should be: those of its two luma rows and the columns
 * around its own, which is where it sits. */
static double expected_chroma(const struct yuv_view *view, struct box area, double step_x,
                              double step_y, int plane, int x, int y)
{
    double from_x = area.x1 + (2 * x - 0.5) * step_x, from_y = area.y1 + 2 * y * step_y, yuv[3];
    picture_sample(view, from_x, 2 * step_x, from_y, 2 * step_y, yuv);
    return yuv[plane];
}

/* At the picture's own edge the reference decides by luma where black begins. */
static bool is_near_edge(const struct yuv_view *view, double x, double step_x, double y,
                         double step_y)
{
    double reach_x = 2 * step_x + 2, reach_y = 2 * step_y + 2;
    return fabs(x) < reach_x || fabs(y) < reach_y || fabs(x - view->width) < reach_x ||
           fabs(y - view->height) < reach_y;
}

static void scaling_matches_plain_arithmetic(void **state)
{
    for (size_t row = 0; row < COUNT_OF(scalings); row++) {
        struct box area = scalings[row].area;
        int width = scalings[row].out_width, height = scalings[row].out_height;
        double step_x = (double)box_width(area) / width, step_y = (double)box_height(area) / height;
        uint8_t *bytes = malloc(yuv_bytes(width, height));
        struct yuv_canvas canvas = yuv_canvas(bytes, width, height);
        struct deviation luma = {0}, chroma = {0};
        struct picture p;
        picture_draw(&p, scalings[row].width, scalings[row].height, row % 2 ? 7 : 0);
        memset(bytes, 0xaa, yuv_bytes(width, height));
        yuv_scale(&p.view, area, &canvas);
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                double yuv[3];
                picture_sample(&p.view, area.x1 + x * step_x, step_x, area.y1 + y * step_y, step_y,
                               yuv);
                deviation_add(&luma, canvas.planes[0][y * width + x], yuv[0]);
            }
        }
        for (int y = 0; y < half(height); y++) {
            for (int x = 0; x < half(width); x++) {
                for (int plane = 1; plane < 3; plane++) {
                    if (!is_near_edge(&p.view, area.x1 + 2 * x * step_x, step_x,
                                      area.y1 + (2 * y + 1) * step_y, step_y)) {
                        deviation_add(&chroma, canvas.planes[plane][y * half(width) + x],
                                      expected_chroma(&p.view, area, step_x, step_y, plane, x, y));
                    }
                }
            }
        }
        if (luma.most > 2 || chroma.most > 2) {
            fail_msg("row %zu: luma off by %.2f, chroma by %.2f", row, luma.most, chroma.most);
        }
        picture_free(&p);
        free(bytes);
    }
}

static void same_size_is_a_copy(void **state)
{
    struct picture p;
    picture_draw(&p, 641, 361, 9);
    static const struct box areas[] = {{0, 0, 641, 361}, {100, 50, 321, 173}, {640, 360, 641, 361}};
    for (size_t i = 0; i < COUNT_OF(areas); i++) {
        int width = box_width(areas[i]), height = box_height(areas[i]);
        uint8_t *bytes = malloc(yuv_bytes(width, height));
        struct yuv_canvas canvas = yuv_canvas(bytes, width, height);
        yuv_scale(&p.view, areas[i], &canvas);
        for (int plane = 0; plane < 3; plane++) {
            int shift = plane > 0, w = plane ? half(width) : width,
                h = plane ? half(height) : height;
            for (int y = 0; y < h; y++) {
                const uint8_t *from =
                    p.view.planes[plane] + (areas[i].x1 >> shift) +
                    (ptrdiff_t)((areas[i].y1 >> shift) + y) * p.view.strides[plane];
                assert_memory_equal(canvas.planes[plane] + y * canvas.strides[plane], from,
                                    (size_t)w);
            }
        }
        free(bytes);
    }
    picture_free(&p);
}

static void an_empty_area_is_black(void **state)
{
    static const struct box areas[] = {
        {5, 5, 5, 9}, {9, 9, 5, 5}, {-90, 0, -10, 40}, {0, 90, 40, 99}};
    struct picture p;
    uint8_t bytes[33 * 17 + 2 * 17 * 9];
    picture_draw(&p, 64, 48, 0);
    assert_int_equal(sizeof bytes, yuv_bytes(33, 17));
    for (size_t i = 0; i < COUNT_OF(areas); i++) {
        struct yuv_canvas canvas = yuv_canvas(bytes, 33, 17);
        yuv_fill(&canvas, 200, 1, 2);
        yuv_scale(&p.view, areas[i], &canvas);
        for (size_t k = 0; k < sizeof bytes; k++) {
            assert_int_equal(bytes[k], k < 33 * 17 ? YUV_BLACK_LUMA : YUV_BLACK_CHROMA);
        }
    }
    picture_free(&p);
}

static void packed_colours_match_plain_arithmetic(void **state)
{
    for (size_t row = 0; row < COUNT_OF(scalings); row++) {
        struct box area = scalings[row].area;
        int width = scalings[row].out_width, height = scalings[row].out_height;
        int stride = 4 * width + 8;
        double step_x = (double)box_width(area) / width, step_y = (double)box_height(area) / height;
        uint8_t *out = malloc((size_t)stride * (size_t)height);
        struct deviation d = {0};
        struct picture p;
        picture_draw(&p, scalings[row].width, scalings[row].height, 0);
        memset(out, 0xaa, (size_t)stride * (size_t)height);
        yuv_to_bgrx(&p.view, area, out, width, height, stride);
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                double yuv[3], rgb[3];
                const uint8_t *pixel = out + y * stride + 4 * x;
                picture_sample(&p.view, area.x1 + x * step_x, step_x, area.y1 + y * step_y, step_y,
                               yuv);
                rgb_of(yuv, rgb);
                for (int c = 0; c < 3; c++) {
                    deviation_add(&d, pixel[2 - c], rgb[c]);
                }
                assert_int_equal(pixel[3], 255);
            }
            for (int x = 4 * width; x < stride; x++) { /* the padding is not ours */
                assert_int_equal(out[y * stride + x], 0xaa);
            }
        }
        if (d.most > 4 || d.sum / (double)d.count > 0.9) {
            fail_msg("row %zu: off by %.2f, %.3f on average", row, d.most, d.sum / (double)d.count);
        }
        picture_free(&p);
        free(out);
    }
}

/* Every luma with every pair of chroma in steps: within a level and a half of the formula. */
static void colours_match_the_formula(void **state)
{
    for (int y = 0; y < 256; y++) {
        for (int u = 0; u < 256; u += 5) {
            for (int v = 0; v < 256; v += 5) {
                const uint8_t yuv[3] = {(uint8_t)y, (uint8_t)u, (uint8_t)v};
                const double exact[3] = {y, u, v};
                uint8_t rgb[3];
                double should[3];
                yuv_to_rgb(yuv, rgb);
                rgb_of(exact, should);
                for (int c = 0; c < 3; c++) {
                    assert_true(fabs(rgb[c] - should[c]) <= 1.5);
                }
            }
        }
    }
}

static void colours_come_back(void **state)
{
    for (int r = 0; r < 256; r += 15) {
        for (int g = 0; g < 256; g += 15) {
            for (int b = 0; b < 256; b += 15) {
                const uint8_t rgb[3] = {(uint8_t)r, (uint8_t)g, (uint8_t)b};
                uint8_t yuv[3], again[3];
                yuv_of_rgb(rgb, yuv);
                assert_true(yuv[0] >= 16 && yuv[0] <= 235);
                assert_true(yuv[1] >= 16 && yuv[1] <= 240 && yuv[2] >= 16 && yuv[2] <= 240);
                yuv_to_rgb(yuv, again);
                for (int c = 0; c < 3; c++) {
                    assert_true(abs(again[c] - rgb[c]) <= 3);
                }
            }
        }
    }
}

/* Packed and back: luma exact to rounding, chroma where colours are smooth. */
static void a_picture_comes_back(void **state)
{
    static const struct {
        int width, height;
    } sizes[] = {{320, 240}, {321, 241}, {1, 1}, {2, 3}, {7, 1}};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        int width = sizes[i].width, height = sizes[i].height, stride = 4 * width + 12;
        uint8_t *pixels = malloc((size_t)stride * (size_t)height);
        uint8_t *bytes = malloc(yuv_bytes(width, height));
        struct yuv_canvas canvas = yuv_canvas(bytes, width, height);
        struct deviation d[3] = {{0}};
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                uint8_t *pixel = pixels + y * stride + 4 * x;
                pixel[0] = (uint8_t)(60 + x / 3 % 120);
                pixel[1] = (uint8_t)(90 + y / 3 % 90);
                pixel[2] = (uint8_t)(200 - x / 4 % 100);
                pixel[3] = 255;
            }
        }
        yuv_from_bgrx(pixels, stride, &canvas);
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                const uint8_t *pixel = pixels + y * stride + 4 * x;
                const double r = pixel[2], g = pixel[1], b = pixel[0];
                double luma = 16 + (0.299 * r + 0.587 * g + 0.114 * b) * 219 / 255;
                double u = 128 + (b - (0.299 * r + 0.587 * g + 0.114 * b)) / 1.772 * 224 / 255;
                double v = 128 + (r - (0.299 * r + 0.587 * g + 0.114 * b)) / 1.402 * 224 / 255;
                deviation_add(&d[0], canvas.planes[0][y * canvas.strides[0] + x], luma);
                deviation_add(&d[1], canvas.planes[1][y / 2 * canvas.strides[1] + x / 2], u);
                deviation_add(&d[2], canvas.planes[2][y / 2 * canvas.strides[2] + x / 2], v);
            }
        }
        assert_true(d[0].most <= 1);
        assert_true(d[1].most <= 2.5 && d[2].most <= 2.5);
        free(pixels);
        free(bytes);
    }
}

static void views_and_canvases_agree(void **state)
{
    uint8_t bytes[7 * 5 + 2 * 4 * 3];
    assert_int_equal(sizeof bytes, yuv_bytes(7, 5));
    struct yuv_canvas canvas = yuv_canvas(bytes, 7, 5);
    struct yuv_view view = yuv_view(bytes, 7, 5), same = yuv_canvas_view(&canvas);
    yuv_fill(&canvas, 1, 2, 3);
    for (size_t i = 0; i < sizeof bytes; i++) {
        assert_int_equal(bytes[i], i < 35 ? 1 : i < 47 ? 2 : 3);
    }
    for (int plane = 0; plane < 3; plane++) {
        assert_ptr_equal(view.planes[plane], same.planes[plane]);
        assert_int_equal(view.strides[plane], same.strides[plane]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scaling_matches_plain_arithmetic),
        cmocka_unit_test(same_size_is_a_copy),
        cmocka_unit_test(an_empty_area_is_black),
        cmocka_unit_test(packed_colours_match_plain_arithmetic),
        cmocka_unit_test(colours_match_the_formula),
        cmocka_unit_test(colours_come_back),
        cmocka_unit_test(a_picture_comes_back),
        cmocka_unit_test(views_and_canvases_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
