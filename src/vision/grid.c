#include "vision/grid.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/jout.h"

/* No region is wider than this many picture widths (a portrait picture's region is its height). */
#define MAX_RELATIVE_SIZE 16.0

static void update_statistics(struct grid_cell *cell)
{
    double sum = 0, squares = 0;
    for (unsigned i = 0; i < cell->count; i++) {
        sum += (double)cell->sizes[i];
    }
    cell->mean = cell->count > 0 ? sum / cell->count : 0;
    for (unsigned i = 0; i < cell->count; i++) {
        double off = (double)cell->sizes[i] - cell->mean;
        squares += off * off;
    }
    cell->std_dev = cell->count > 0 ? sqrt(squares / cell->count) : 0;
}

/* Lets the oldest `count` samples go. */
static void forget(struct grid_cell *cell, unsigned count)
{
    for (unsigned i = count; i < cell->count; i++) {
        cell->sizes[i - count] = cell->sizes[i];
    }
    cell->count -= count;
}

static void add_size(struct grid_cell *cell, double size)
{
    if (cell->count == GRID_SAMPLES) {
        forget(cell, 1);
    }
    cell->sizes[cell->count++] = (float)size;
}

static int cell_index(double position, int length)
{
    double index = length > 0 ? position / length * GRID_SIZE : 0;
    return index < 0 ? 0 : index >= GRID_SIZE ? GRID_SIZE - 1 : (int)index;
}

void grid_clear(struct grid *grid)
{
    memset(grid, 0, sizeof *grid);
}

bool grid_is_empty(const struct grid *grid)
{
    for (int x = 0; x < GRID_SIZE; x++) {
        for (int y = 0; y < GRID_SIZE; y++) {
            if (grid->cells[x][y].count > 0) {
                return false;
            }
        }
    }
    return true;
}

const struct grid_cell *grid_cell_at(const struct grid *grid, int x, int y, int frame_width,
                                     int frame_height)
{
    return &grid->cells[cell_index(x, frame_width)][cell_index(y, frame_height)];
}

void grid_learn(struct grid *grid, struct box box, struct box region, int frame_width,
                int frame_height)
{
    if (frame_width <= 0 || box_width(region) <= 0) {
        return;
    }
    int x = cell_index((box.x1 + box.x2) / 2.0, frame_width);
    int y = cell_index((box.y1 + box.y2) / 2.0, frame_height);
    struct grid_cell *cell = &grid->cells[x][y];
    add_size(cell, fmin((double)box_width(region) / frame_width, MAX_RELATIVE_SIZE));
    update_statistics(cell);
}

void grid_age(struct grid *grid)
{
    for (int x = 0; x < GRID_SIZE; x++) {
        for (int y = 0; y < GRID_SIZE; y++) {
            struct grid_cell *cell = &grid->cells[x][y];
            forget(cell, (cell->count + 7) / 8);
            update_statistics(cell);
        }
    }
}

static bool load_cell(struct grid_cell *cell, const json_t *value)
{
    const json_t *sizes = json_object_get(value, "sizes");
    if (!json_is_object(value) || (sizes != NULL && !json_is_array(sizes))) {
        return false;
    }
    size_t count = json_array_size(sizes);
    for (size_t i = count > GRID_SAMPLES ? count - GRID_SAMPLES : 0; i < count; i++) {
        const json_t *item = json_array_get(sizes, i);
        double size = json_number_value(item);
        if (!json_is_number(item) || !(size > 0) || size > MAX_RELATIVE_SIZE) {
            return false;
        }
        add_size(cell, size);
    }
    update_statistics(cell);
    return true;
}

static bool load_cells(struct grid *grid, const json_t *root, struct err *err)
{
    if (!json_is_array(root) || json_array_size(root) != GRID_SIZE) {
        err_set(err, EINVAL, "the region grid is not an array of %d columns", GRID_SIZE);
        return false;
    }
    for (size_t x = 0; x < GRID_SIZE; x++) {
        const json_t *column = json_array_get(root, x);
        if (!json_is_array(column) || json_array_size(column) != GRID_SIZE) {
            err_set(err, EINVAL, "column %zu of the region grid has not %d cells", x, GRID_SIZE);
            return false;
        }
        for (size_t y = 0; y < GRID_SIZE; y++) {
            if (!load_cell(&grid->cells[x][y], json_array_get(column, y))) {
                err_set(err, EINVAL, "cell %zu,%zu of the region grid is not {sizes: [...]}", x, y);
                return false;
            }
        }
    }
    return true;
}

bool grid_load(struct grid *grid, const char *json, size_t length, struct err *err)
{
    json_error_t why;
    grid_clear(grid);
    json_t *root = json_loadb(json, length, 0, &why);
    if (root == NULL) {
        err_set(err, EINVAL, "the region grid is not JSON: %s", why.text);
        return false;
    }
    bool loaded = load_cells(grid, root, err);
    json_decref(root);
    if (!loaded) {
        grid_clear(grid);
    }
    return loaded;
}

static void write_cell(struct jout *jout, const struct grid_cell *cell, int x, int y)
{
    jout_begin_object(jout);
    jout_key(jout, "sizes");
    jout_begin_array(jout);
    for (unsigned i = 0; i < cell->count; i++) {
        jout_fixed(jout, (double)cell->sizes[i], 4);
    }
    jout_end_array(jout);
    if (cell->count > 0) {
        jout_put_int(jout, "x", x);
        jout_put_int(jout, "y", y);
        jout_put_double(jout, "std_dev", cell->std_dev);
        jout_put_double(jout, "mean", cell->mean);
    }
    jout_end_object(jout);
}

void grid_write(const struct grid *grid, struct str *out)
{
    struct jout jout = {.out = out};
    jout_begin_array(&jout);
    for (int x = 0; x < GRID_SIZE; x++) {
        jout_begin_array(&jout);
        for (int y = 0; y < GRID_SIZE; y++) {
            write_cell(&jout, &grid->cells[x][y], x, y);
        }
        jout_end_array(&jout);
    }
    jout_end_array(&jout);
}
