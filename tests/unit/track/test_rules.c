/* Zones, best picture, stillness, labels and looks: the small rules. */
#include <stdlib.h>
#include <string.h>

#include "../cmocka_all.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "track/best.h"
#include "track/label.h"
#include "track/look.h"
#include "track/stillness.h"
#include "track/zone.h"

/* '#' = inside, '.' = outside, one character per picture at 5 fps; expected: 'i' = in the zone. */
static void test_zone_patterns(void **state)
{
    static const struct {
        const char *seen, *expected;
        float inertia_s, loitering_s;
    } cases[] = {
        {"##########", "..iiiiiiii", 0.6f, 0},     /* third picture, as with inertia 3 */
        {"#.#.#.#.#.", "..........", 0.6f, 0},     /* flicker never enters */
        {"###.###..###", "..i.iii...ii", 0.6f, 0}, /* out at once, back soon is in sooner */
        {"###....###", "..i......i", 0.6f, 0},     /* gone for longer than the inertia: anew */
        {"##########", "iiiiiiiiii", 0.2f, 0},     /* inertia of one picture */
        {"##########", "......iiii", 0.6f, 1},     /* five pictures of loitering from the third */
        {"#######.####", "......i.iiii", 0.6f, 1}, /* a flicker keeps the loitering time */
        {"#######...#########", "......i.........iii", 0.6f, 1}, /* leaving resets it */
    };
    for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
        struct zone_presence presence = {0};
        for (size_t i = 0; cases[c].seen[i] != '\0'; i++) {
            bool in = zone_update(&presence, cases[c].seen[i] == '#', 0.2f, cases[c].inertia_s,
                                  cases[c].loitering_s);
            if (in != (cases[c].expected[i] == 'i')) {
                fail_msg("case %zu, picture %zu: %d", c, i, in);
            }
        }
    }
}

/* Dropped pictures change nothing: two of 0.4 s are worth four of 0.2 s. */
static void test_zone_counts_seconds(void **state)
{
    struct zone_presence presence = {0};
    assert_false(zone_update(&presence, true, 0.4f, 0.6f, 2));
    assert_false(zone_update(&presence, true, 0.4f, 0.6f, 2));
    for (unsigned i = 0; i < 3; i++) {
        assert_false(zone_update(&presence, true, 0.4f, 0.6f, 2));
    }
    assert_true(zone_update(&presence, true, 0.4f, 0.6f, 2));
}

#define FACE(x)                           \
    {                                     \
        {{"face", 0.8f, {0, 0, x, x}}}, 1 \
    }
#define PLATE(x)                                   \
    {                                              \
        {{"license_plate", 0.8f, {0, 0, x, x}}}, 1 \
    }

static void test_best_rules(void **state)
{
    static const struct attributes none, small_face = FACE(10), large_face = FACE(20),
                                         small_plate = PLATE(10), large_plate = PLATE(20);
    static const struct extent middle = {100, 100, 200, 200}, larger = {100, 100, 220, 200},
                               little_larger = {100, 100, 205, 200}, edge = {0, 100, 150, 250},
                               bottom = {100, 300, 200, 479}, right = {500, 100, 639, 200};
    static const struct {
        const char *label;
        float fresh_score;
        const struct extent *fresh;
        const struct attributes *fresh_attributes;
        float kept_score;
        const struct extent *kept;
        const struct attributes *kept_attributes;
        bool better;
    } cases[] = {
        {"person", 0.80f, &middle, &none, 0.80f, &middle, &none, false},
        {"person", 0.86f, &middle, &none, 0.80f, &middle, &none, true},
        {"person", 0.84f, &middle, &none, 0.80f, &middle, &none, false},
        {"person", 0.70f, &larger, &none, 0.80f, &middle, &none, true},
        {"person", 0.80f, &little_larger, &none, 0.80f, &middle, &none, false},
        /* the border */
        {"person", 0.99f, &edge, &none, 0.50f, &middle, &none, false},
        {"person", 0.99f, &bottom, &none, 0.50f, &middle, &none, false},
        {"person", 0.99f, &right, &none, 0.50f, &middle, &none, false},
        {"person", 0.90f, &edge, &none, 0.50f, &bottom, &none, true},
        /* faces and plates */
        {"person", 0.50f, &middle, &small_face, 0.90f, &larger, &none, true},
        {"person", 0.50f, &middle, &large_face, 0.90f, &larger, &small_face, true},
        {"person", 0.99f, &larger, &small_face, 0.50f, &middle, &large_face, false},
        {"person", 0.99f, &larger, &none, 0.50f, &middle, &small_face, false},
        {"person", 0.50f, &edge, &small_face, 0.90f, &middle, &none, true},
        {"car", 0.50f, &middle, &small_plate, 0.90f, &larger, &none, true},
        {"car", 0.99f, &larger, &none, 0.50f, &middle, &large_plate, false},
        {"car", 0.50f, &middle, &small_face, 0.90f, &middle, &none, false},
        {"dog", 0.50f, &middle, &large_face, 0.90f, &middle, &none, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct candidate fresh = {cases[i].label, cases[i].fresh_score, *cases[i].fresh,
                                  cases[i].fresh_attributes};
        struct candidate kept = {cases[i].label, cases[i].kept_score, *cases[i].kept,
                                 cases[i].kept_attributes};
        if (best_is_better(&fresh, &kept, 640, 480) != cases[i].better) {
            fail_msg("case %zu", i);
        }
    }
}

static void test_stillness(void **state)
{
    struct stillness stillness;
    stillness_init(&stillness, 640, 480);
    struct extent box = {100, 100, 200, 200};
    for (unsigned i = 0; i < 30; i++) { /* jitter of 2 px is no motion */
        float d = (float)(i % 3) - 1;
        struct extent seen = {box.x1 + 2 * d, box.y1 - d, box.x2 + d, box.y2 + 2 * d};
        assert_false(stillness_update(&stillness, &seen, i > 20));
    }
    struct extent away = {160, 100, 260, 200}; /* IoU 0.25 */
    unsigned moved_after = 0;
    for (unsigned i = 1; i <= 10 && moved_after == 0; i++) {
        moved_after = stillness_update(&stillness, &away, true) ? i : 0;
    }
    assert_in_range(moved_after, 1, 6);
    /* one wild box is not a move of a parked car */
    stillness_init(&stillness, 640, 480);
    for (unsigned i = 0; i < 20; i++) {
        assert_false(stillness_update(&stillness, &box, false));
    }
    struct extent wild = {100, 100, 200, 300};
    assert_false(stillness_update(&stillness, &wild, true));
    assert_false(stillness_update(&stillness, &box, true));
    /* a jump far away is one at once */
    struct extent far_away = {400, 300, 500, 400};
    assert_true(stillness_update(&stillness, &far_away, true));
}

static void test_families(void **state)
{
    assert_int_equal(label_family("car"), label_family("truck"));
    assert_int_not_equal(label_family("car"), label_family("bicycle"));
    assert_int_equal(label_family("person"), 0);
    assert_int_equal(label_family("never heard of"), 0);
}

static uint8_t *plain_picture(int width, int height, uint8_t y, uint8_t u, uint8_t v)
{
    size_t luma = (size_t)width * (size_t)height;
    size_t chroma = (size_t)((width + 1) / 2) * (size_t)((height + 1) / 2);
    uint8_t *picture = mem_alloc(luma + 2 * chroma);
    for (size_t i = 0; i < luma + 2 * chroma; i++) {
        picture[i] = i < luma ? y : i < luma + chroma ? u : v;
    }
    return picture;
}

static void test_looks(void **state)
{
    AUTO_FREE uint8_t *red = plain_picture(65, 49, 100, 100, 200);
    AUTO_FREE uint8_t *blue = plain_picture(65, 49, 100, 200, 100);
    struct extent box = {10, 10, 40, 40}, hanging_over = {-20, -20, 90, 90},
                  outside = {200, 200, 240, 240}, empty = {10, 10, 10, 40};
    struct look a, b, c;
    look_take(&a, red, 65, 49, &box);
    look_take(&b, red, 65, 49, &hanging_over);
    look_take(&c, blue, 65, 49, &box);
    assert_true(a.known && b.known && c.known);
    assert_float_equal(look_distance(&a, &b), 0, 1e-3);
    assert_true(look_distance(&a, &c) > 0.5f);
    for (unsigned i = 0; i < 40; i++) {
        look_learn(&a, &c, 0.15f);
    }
    assert_true(look_distance(&a, &c) < 0.1f);
    look_take(&b, red, 65, 49, &outside);
    assert_false(b.known);
    look_take(&b, red, 65, 49, &empty);
    assert_false(b.known);
    assert_float_equal(look_distance(&a, &b), 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zone_patterns), cmocka_unit_test(test_zone_counts_seconds),
        cmocka_unit_test(test_best_rules),    cmocka_unit_test(test_stillness),
        cmocka_unit_test(test_families),      cmocka_unit_test(test_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
