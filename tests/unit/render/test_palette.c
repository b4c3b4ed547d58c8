/* Palettes of GIFs: few colours come out as they are, many stay near. */
#include "../cmocka_all.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "render/palette.h"

#define SIDE 64
#define PIXELS ((size_t)SIDE * SIDE)

static const uint8_t *color_of(const struct palette *palette, uint8_t index)
{
    assert_true(index < palette->count);
    return palette->colors[index];
}

static void few_colors_stay_apart(void **state)
{
    static const uint8_t wanted[4][3] = {{0, 0, 0}, {255, 0, 0}, {0, 198, 66}, {255, 255, 255}};
    AUTO_FREE struct palette *palette = palette_create();
    AUTO_FREE uint8_t *rgb = mem_alloc(PIXELS * 3), *out = mem_alloc(PIXELS);
    for (size_t i = 0; i < PIXELS; i++) {
        memcpy(&rgb[i * 3], wanted[i / 16 % 4], 3);
    }
    palette_see(palette, rgb, PIXELS);
    palette_choose(palette);
    assert_int_equal(palette->count, 4);
    palette_map(palette, rgb, SIDE, SIDE, out, SIDE);
    for (size_t i = 0; i < PIXELS; i++) {
        const uint8_t *color = color_of(palette, out[i]);
        for (int c = 0; c < 3; c++) {
            assert_in_range(abs(color[c] - wanted[i / 16 % 4][c]), 0, 7);
        }
    }
}

/* The tone of a flat part is kept on average although the palette has no such colour. */
static void many_colors_stay_near(void **state)
{
    AUTO_FREE struct palette *palette = palette_create();
    AUTO_FREE uint8_t *rgb = mem_alloc(PIXELS * 3), *out = mem_alloc(PIXELS);
    uint32_t random = 1;
    for (int i = 0; i < 40; i++) {
        for (size_t j = 0; j < PIXELS * 3; j++) {
            random = random * 1664525u + 1013904223u;
            rgb[j] = (uint8_t)(random >> 24);
        }
        palette_see(palette, rgb, PIXELS);
    }
    palette_choose(palette);
    assert_int_equal(palette->count, PALETTE_MAX);
    for (int level = 20; level < 240; level += 13) {
        long sums[3] = {0};
        for (size_t i = 0; i < PIXELS; i++) {
            rgb[i * 3] = rgb[i * 3 + 1] = rgb[i * 3 + 2] = (uint8_t)level;
        }
        palette_map(palette, rgb, SIDE, SIDE, out, SIDE);
        for (size_t i = 0; i < PIXELS; i++) {
            for (int c = 0; c < 3; c++) {
                sums[c] += color_of(palette, out[i])[c];
            }
        }
        for (int c = 0; c < 3; c++) {
            assert_in_range(labs(sums[c] / (long)PIXELS - level), 0, 40);
        }
    }
}

static void rows_may_be_padded(void **state)
{
    AUTO_FREE struct palette *palette = palette_create();
    AUTO_FREE uint8_t *rgb = mem_alloc(PIXELS * 3), *out = mem_alloc((size_t)SIDE * 80);
    memset(out, 7, (size_t)SIDE * 80);
    palette_see(palette, rgb, PIXELS);
    palette_choose(palette);
    assert_int_equal(palette->count, 1);
    palette_map(palette, rgb, SIDE, SIDE, out, 80);
    for (int y = 0; y < SIDE; y++) {
        assert_int_equal(out[y * 80 + SIDE - 1], 0);
        assert_int_equal(out[y * 80 + SIDE], 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_colors_stay_apart),
        cmocka_unit_test(many_colors_stay_near),
        cmocka_unit_test(rows_may_be_padded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
