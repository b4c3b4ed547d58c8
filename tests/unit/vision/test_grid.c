/* The learned region grid: Frigate's JSON both ways, bounds, ageing. */
#include "../cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "draw.h"
#include "vision/grid.h"

static const struct err no_error = {0};

static void learning_fills_the_cell_of_the_centre(void **state)
{
    struct grid grid;
    grid_clear(&grid);
    assert_true(grid_is_empty(&grid));
    grid_learn(&grid, (struct box){300, 200, 340, 280}, (struct box){160, 80, 480, 400}, 1280, 720);
    grid_learn(&grid, (struct box){300, 200, 340, 280}, (struct box){0, 0, 640, 640}, 1280, 720);
    assert_false(grid_is_empty(&grid));
    const struct grid_cell *cell = &grid.cells[2][2]; /* 320/160, 240/90 */
    assert_int_equal(cell->count, 2);
    assert_true(fabs(cell->mean - 0.375) < 1e-6);
    assert_true(fabs(cell->std_dev - 0.125) < 1e-6); /* of the population */
    assert_ptr_equal(grid_cell_at(&grid, 320, 240, 1280, 720), cell);
    assert_int_equal(grid_cell_at(&grid, 0, 719, 1280, 720) - &grid.cells[0][0], 7);
    /* Positions at or past the border belong to the last cell. */
    assert_ptr_equal(grid_cell_at(&grid, 1280, 900, 1280, 720), &grid.cells[7][7]);
    assert_ptr_equal(grid_cell_at(&grid, -5, -5, 1280, 720), &grid.cells[0][0]);
}

static void json_has_the_reference_shape(void **state)
{
    struct grid grid;
    AUTO_STR struct str text = {0};
    json_error_t why;
    grid_clear(&grid);
    grid_learn(&grid, (struct box){1270, 0, 1278, 10}, (struct box){960, 0, 1280, 320}, 1280, 720);
    grid_write(&grid, &text);
    assert_true(strstr(str_text(&text), "{\"sizes\":[0.25],\"x\":7,\"y\":0,\"std_dev\":0.0,"
                                        "\"mean\":0.25}") != NULL);
    json_t *root = json_loads(str_text(&text), 0, &why);
    assert_non_null(root);
    assert_int_equal(json_array_size(root), GRID_SIZE);
    for (size_t x = 0; x < GRID_SIZE; x++) {
        assert_int_equal(json_array_size(json_array_get(root, x)), GRID_SIZE);
        for (size_t y = 0; y < GRID_SIZE; y++) {
            json_t *cell = json_array_get(json_array_get(root, x), y);
            bool is_filled = x == 7 && y == 0;
            assert_int_equal(json_array_size(json_object_get(cell, "sizes")), is_filled);
            assert_int_equal(json_object_size(cell), is_filled ? 5 : 1);
        }
    }
    json_decref(root);
}

static void written_grids_read_back(void **state)
{
    struct dice dice = {11};
    for (int round = 0; round < 20; round++) {
        struct grid grid, again;
        struct err err = no_error;
        AUTO_STR struct str text = {0};
        grid_clear(&grid);
        for (int i = roll(&dice, 0, 8000); i > 0; i--) {
            struct box box = roll_box(&dice, 1920, 1080);
            grid_learn(&grid, box, (struct box){0, 0, roll(&dice, 320, 1920), 1}, 1920, 1080);
        }
        grid_write(&grid, &text);
        assert_true(text.length < 65536); /* fits the message that carries it */
        assert_true(grid_load(&again, text.data, text.length, &err));
        for (int x = 0; x < GRID_SIZE; x++) {
            for (int y = 0; y < GRID_SIZE; y++) {
                const struct grid_cell *a = &grid.cells[x][y], *b = &again.cells[x][y];
                assert_int_equal(a->count, b->count);
                assert_true(a->count <= GRID_SAMPLES);
                assert_true(fabs(a->mean - b->mean) < 1e-4);
                assert_true(fabs(a->std_dev - b->std_dev) < 1e-3);
                for (unsigned i = 0; i < a->count; i++) {
                    assert_true(fabsf(a->sizes[i] - b->sizes[i]) <= 0.5001e-4F);
                }
            }
        }
    }
}

static void old_samples_make_room(void **state)
{
    struct grid grid;
    grid_clear(&grid);
    for (int i = 0; i < 3 * GRID_SAMPLES; i++) {
        grid_learn(&grid, (struct box){0, 0, 2, 2}, (struct box){0, 0, 100 + i, 1}, 1000, 1000);
    }
    const struct grid_cell *cell = &grid.cells[0][0];
    assert_int_equal(cell->count, GRID_SAMPLES);
    assert_true(fabsf(cell->sizes[0] - (100 + 2 * GRID_SAMPLES) / 1000.0F) < 1e-6F);
    grid_age(&grid);
    assert_int_equal(cell->count, GRID_SAMPLES - GRID_SAMPLES / 8);
    assert_true(fabsf(cell->sizes[0] - (100 + 2 * GRID_SAMPLES + GRID_SAMPLES / 8) / 1000.0F) <
                1e-6F);
    for (int day = 0; day < 60; day++) {
        grid_age(&grid);
    }
    assert_true(grid_is_empty(&grid)); /* everything goes in the end */
    assert_true(cell->mean == 0 && cell->std_dev == 0);
}

/* A grid as Frigate writes it, one cell replaced by `cell`. */
static char *grid_with(const char *cell)
{
    struct str text = {0};
    for (int x = 0; x < GRID_SIZE; x++) {
        str_add(&text, x == 0 ? "[" : ", ");
        for (int y = 0; y < GRID_SIZE; y++) {
            str_add(&text, y == 0 ? "[" : ", ");
            str_add(&text, x == 3 && y == 5 ? cell : "{\"sizes\": []}");
        }
        str_add(&text, "]");
    }
    str_add(&text, "]");
    return str_steal(&text);
}

static void reads_what_frigate_wrote(void **state)
{
    struct grid grid;
    struct err err = no_error;
    AUTO_FREE char *text = grid_with("{\"sizes\": [0.25, 0.5, 1], \"x\": 3, \"y\": 5, "
                                     "\"std_dev\": 9.0, \"mean\": 9.0}");
    assert_true(grid_load(&grid, text, strlen(text), &err));
    assert_int_equal(grid.cells[3][5].count, 3);
    /* The numbers are worked out anew, not believed. */
    assert_true(fabs(grid.cells[3][5].mean - 1.75 / 3) < 1e-6);
    assert_int_equal(grid.cells[5][3].count, 0);

    /* The reference never trims its lists. */
    AUTO_STR struct str many = {0};
    str_add(&many, "{\"sizes\": [");
    for (int i = 0; i < 5000; i++) {
        str_addf(&many, "%s%.4f", i ? "," : "", 0.1 + i / 10000.0);
    }
    str_add(&many, "]}");
    AUTO_FREE char *long_text = grid_with(many.data);
    assert_true(grid_load(&grid, long_text, strlen(long_text), &err));
    assert_int_equal(grid.cells[3][5].count, GRID_SAMPLES);
    assert_true(fabsf(grid.cells[3][5].sizes[GRID_SAMPLES - 1] - 0.5999F) < 1e-5F);
}

static void refuses_what_is_no_grid(void **state)
{
    static const char *const cells[] = {
        "[]",
        "null",
        "{\"sizes\": 3}",
        "{\"sizes\": [\"a\"]}",
        "{\"sizes\": [-0.1]}",
        "{\"sizes\": [0]}",
        "{\"sizes\": [1e300]}",
        "{\"sizes\": [[]]}",
    };
    static const char *const texts[] = {"",  "{}", "[]",  "[[],[],[],[],[],[],[],[]]",
                                        "[", "7",  "\xff"};
    struct grid grid;
    for (size_t i = 0; i < ARRAY_SIZE(cells); i++) {
        struct err err = no_error;
        AUTO_FREE char *text = grid_with(cells[i]);
        assert_false(grid_load(&grid, text, strlen(text), &err));
        assert_true(err.code != 0 && err.text[0] != 0);
        assert_true(grid_is_empty(&grid));
    }
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct err err = no_error;
        assert_false(grid_load(&grid, texts[i], strlen(texts[i]), &err));
        assert_true(err.code != 0 && err.text[0] != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learning_fills_the_cell_of_the_centre),
        cmocka_unit_test(json_has_the_reference_shape),
        cmocka_unit_test(written_grids_read_back),
        cmocka_unit_test(old_samples_make_room),
        cmocka_unit_test(reads_what_frigate_wrote),
        cmocka_unit_test(refuses_what_is_no_grid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
