/* Regions cut into tensors, against plain double arithmetic and against libswscale. */
#include "../cmocka_all.h"

#include <libswscale/swscale.h>
#include <string.h>

#include "picture.h"
#include "vision/tensor.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
    int width, height; /* of the picture */
    struct box region;
    int out_width, out_height;
} cuts[] = {
    {640, 360, {100, 40, 420, 360}, 320, 320},    /* as it is */
    {640, 360, {101, 39, 421, 359}, 320, 320},    /* from an odd corner */
    {640, 360, {33, 7, 193, 167}, 320, 320},      /* up */
    {640, 360, {200, 100, 231, 131}, 300, 300},   /* far up */
    {1280, 720, {100, 40, 740, 680}, 320, 320},   /* 2:1, even */
    {1280, 720, {101, 41, 741, 681}, 320, 320},   /* 2:1, odd */
    {1280, 720, {3, 5, 463, 465}, 320, 320},      /* between */
    {1280, 720, {280, 0, 1000, 720}, 320, 320},   /* averaging */
    {1280, 720, {1, 1, 719, 719}, 96, 96},        /* much averaging */
    {640, 360, {-50, -30, 270, 290}, 320, 320},   /* over the left and upper edge */
    {640, 360, {400, 200, 720, 520}, 320, 320},   /* over the right and lower edge */
    {640, 360, {0, 0, 640, 640}, 320, 320},       /* the whole, black below */
    {640, 360, {-100, -240, 740, 600}, 160, 160}, /* the whole, black all around */
    {641, 359, {0, 0, 641, 641}, 320, 320},       /* an odd picture */
    {641, 359, {321, 39, 641, 359}, 320, 320},    /* its last row and column */
    {320, 240, {0, 0, 320, 320}, 320, 320},
    {320, 240, {0, 0, 320, 320}, 416, 416},
    {640, 360, {20, 30, 340, 350}, 300, 200}, /* not square */
    {1280, 720, {0, 0, 1280, 720}, 320, 640}, /* averaged across, stretched down */
    {1280, 720, {0, 0, 600, 720}, 600, 100},  /* the other way */
    {640, 360, {10, 10, 330, 330}, 5, 7},     /* a tiny model */
    {16, 16, {0, 0, 16, 16}, 320, 320},       /* a tiny picture */
    {3, 5, {-4, -4, 12, 12}, 64, 64},
    {1, 1, {0, 0, 1, 1}, 8, 8},
};

static const enum tensor_pixels pixel_kinds[] = {TENSOR_PIXELS_RGB, TENSOR_PIXELS_BGR,
                                                 TENSOR_PIXELS_YUV};
static const enum tensor_layout layouts[] = {TENSOR_NHWC, TENSOR_NCHW};

/* Byte of channel c of pixel x, y. */
static uint8_t tensor_at(const struct tensor_format *f, const uint8_t *tensor, int x, int y, int c)
{
    return f->layout == TENSOR_NHWC ? tensor[(y * f->width + x) * 3 + c]
                                    : tensor[(c * f->height + y) * f->width + x];
}

/* The three values a pixel should have, in the tensor's order. */
static void expected_pixel(const struct yuv_view *view, struct box region,
                           const struct tensor_format *f, int x, int y, double out[3])
{
    double step_x = (double)box_width(region) / f->width, yuv[3];
    double step_y = (double)box_height(region) / f->height;
    picture_sample(view, region.x1 + x * step_x, step_x, region.y1 + y * step_y, step_y, yuv);
    if (f->pixels == TENSOR_PIXELS_YUV) {
        memcpy(out, yuv, sizeof yuv);
        return;
    }
    rgb_of(yuv, out);
    if (f->pixels == TENSOR_PIXELS_BGR) {
        double red = out[0];
        out[0] = out[2];
        out[2] = red;
    }
}

/* Every sample is rounded three times (across, down, and its weights to 128ths), which matters at
 * hard edges; blue is twice its chroma. */
static void cut_matches(size_t row, enum tensor_pixels pixels, enum tensor_layout layout)
{
    struct tensor_format f = {cuts[row].out_width, cuts[row].out_height, pixels, layout};
    struct tensor_cutter *cutter = tensor_cutter_create(&f);
    uint8_t *tensor = malloc(tensor_bytes(&f));
    struct deviation d = {0};
    struct picture p;
    picture_draw(&p, cuts[row].width, cuts[row].height, row % 2 ? 11 : 0);
    memset(tensor, 0xaa, tensor_bytes(&f));
    tensor_cut(cutter, &p.view, cuts[row].region, tensor);
    for (int y = 0; y < f.height; y++) {
        for (int x = 0; x < f.width; x++) {
            double should[3];
            expected_pixel(&p.view, cuts[row].region, &f, x, y, should);
            for (int c = 0; c < 3; c++) {
                deviation_add(&d, tensor_at(&f, tensor, x, y, c), should[c]);
            }
        }
    }
    bool is_yuv = pixels == TENSOR_PIXELS_YUV;
    double mean = d.sum / (double)d.count;
    if (d.most > (is_yuv ? 2 : 4) || mean > (is_yuv ? 0.5 : 0.9)) {
        fail_msg("cut %zu pixels %d layout %d: off by %.2f at most, %.3f on average", row, pixels,
                 layout, d.most, mean);
    }
    picture_free(&p);
    free(tensor);
    tensor_cutter_destroy(cutter);
}

static void cuts_match_plain_arithmetic(void **state)
{
    for (size_t row = 0; row < COUNT_OF(cuts); row++) {
        for (size_t k = 0; k < COUNT_OF(pixel_kinds); k++) {
            for (size_t l = 0; l < COUNT_OF(layouts); l++) {
                cut_matches(row, pixel_kinds[k], layouts[l]);
            }
        }
    }
}

/* One cutter for many regions and pictures: what it keeps must not leak from one to the next. */
static void a_cutter_can_be_used_again(void **state)
{
    struct tensor_format f = {160, 160, TENSOR_PIXELS_RGB, TENSOR_NHWC};
    struct tensor_cutter *shared = tensor_cutter_create(&f);
    uint8_t *first = malloc(tensor_bytes(&f)), *again = malloc(tensor_bytes(&f));
    struct dice dice = {11};
    for (int round = 0; round < 40; round++) {
        struct picture p;
        int width = roll(&dice, 1, 700), height = roll(&dice, 1, 500);
        int side = roll(&dice, 1, 900), x = roll(&dice, -side, width),
            y = roll(&dice, -side, height);
        struct box region = {x, y, x + side, y + side};
        struct tensor_cutter *own = tensor_cutter_create(&f);
        picture_draw(&p, width, height, 3);
        tensor_cut(shared, &p.view, region, first);
        tensor_cut(own, &p.view, region, again);
        assert_memory_equal(first, again, tensor_bytes(&f));
        tensor_cutter_destroy(own);
        picture_free(&p);
    }
    free(first);
    free(again);
    tensor_cutter_destroy(shared);
}

static void nothing_to_see_is_black(void **state)
{
    static const struct box regions[] = {
        {10, 10, 10, 50},    {10, 10, 50, 10},    {50, 50, 10, 10},   {-400, 0, -80, 320},
        {700, 0, 1020, 320}, {0, -400, 320, -80}, {0, 400, 320, 720}, {INT32_MIN, 0, -1, 100},
    };
    struct tensor_format f = {64, 64, TENSOR_PIXELS_RGB, TENSOR_NCHW};
    struct tensor_cutter *cutter = tensor_cutter_create(&f);
    uint8_t tensor[64 * 64 * 3];
    struct picture p;
    picture_draw(&p, 640, 360, 0);
    for (size_t i = 0; i < COUNT_OF(regions); i++) {
        memset(tensor, 0xaa, sizeof tensor);
        tensor_cut(cutter, &p.view, regions[i], tensor);
        for (size_t k = 0; k < sizeof tensor; k++) {
            assert_int_equal(tensor[k], 0);
        }
    }
    picture_free(&p);
    tensor_cutter_destroy(cutter);
    tensor_cutter_destroy(NULL);
}

static double psnr(const uint8_t *a, const uint8_t *b, size_t bytes)
{
    double sum = 0;
    for (size_t i = 0; i < bytes; i++) {
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return sum > 0 ? 10 * log10(255.0 * 255 * (double)bytes / sum) : INFINITY;
}

/* Chroma siting and the filter's width differ, so the likeness has a limit. */
static void looks_as_swscale_makes_it(void **state)
{
    static const struct {
        int side, model;
        double least_db;
    } rows[] = {{320, 320, 38}, {640, 320, 34}, {480, 320, 34}, {160, 320, 36}, {720, 320, 32}};
    struct picture p;
    picture_draw(&p, 1280, 720, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tensor_format f = {rows[i].model, rows[i].model, TENSOR_PIXELS_RGB, TENSOR_NHWC};
        struct tensor_cutter *cutter = tensor_cutter_create(&f);
        uint8_t *ours = malloc(tensor_bytes(&f)), *theirs = malloc(tensor_bytes(&f) + 64);
        struct SwsContext *sws =
            sws_getContext(rows[i].side, rows[i].side, AV_PIX_FMT_YUV420P, rows[i].model,
                           rows[i].model, AV_PIX_FMT_RGB24,
                           SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, NULL, NULL, NULL);
        uint8_t *out[4] = {theirs};
        int out_strides[4] = {rows[i].model * 3};
        tensor_cut(cutter, &p.view, (struct box){0, 0, rows[i].side, rows[i].side}, ours);
        sws_scale(sws, p.view.planes, p.view.strides, 0, rows[i].side, out, out_strides);
        double db = psnr(ours, theirs, tensor_bytes(&f));
        if (db < rows[i].least_db) {
            fail_msg("%d to %d: %.1f dB", rows[i].side, rows[i].model, db);
        }
        sws_freeContext(sws);
        tensor_cutter_destroy(cutter);
        free(ours);
        free(theirs);
    }
    picture_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_match_plain_arithmetic),
        cmocka_unit_test(a_cutter_can_be_used_again),
        cmocka_unit_test(nothing_to_see_is_black),
        cmocka_unit_test(looks_as_swscale_makes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
