/* The learned region grid of a camera: 8 x 8 cells, each with the region widths (relative to the
 * picture's width) in which objects centred there were found. It says how large a region around
 * motion should be, and where to look first after a start.
 *
 * As JSON it has Frigate's shape: an array indexed [x][y] of {sizes, x, y, std_dev, mean} (the last
 * four only when sizes is not empty). Each cell keeps the newest GRID_SAMPLES sizes; grid_age()
 * lets old ones go. Plain data, no pointers; one thread at a time. */
#ifndef CORVETTE_VISION_GRID_H
#define CORVETTE_VISION_GRID_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "vision/geometry.h"

#define GRID_SIZE 8
/* 64 samples of 4 decimals keep a full grid's JSON under 40 KB (IPC messages hold 64 KB). */
#define GRID_SAMPLES 64

struct grid_cell {
    float sizes[GRID_SAMPLES]; /* oldest first */
    unsigned count;
    double mean, std_dev; /* of sizes; 0 while empty */
};

struct grid {
    struct grid_cell cells[GRID_SIZE][GRID_SIZE]; /* [x][y] */
};

void grid_clear(struct grid *grid);
/* Reads Frigate's JSON; lists longer than GRID_SAMPLES keep their newest. False with a sentence,
 * and a cleared grid, when it is not a grid. */
bool grid_load(struct grid *grid, const char *json, size_t length, struct err *err);
/* Appends the JSON. */
void grid_write(const struct grid *grid, struct str *out);

/* Learns where a real object was and how large a region suits it: `region` goes, by its width, into
 * the cell of the box's centre. Call it at the end of an event for the boxes of its timeline, with
 * regions_around(options, box, REGIONS_AROUND_OBJECT) as the region. */
void grid_learn(struct grid *grid, struct box box, struct box region, int frame_width,
                int frame_height);
/* Once a day: every cell forgets the oldest eighth of its samples, so that places which fell out of
 * use lose their weight. */
void grid_age(struct grid *grid);

bool grid_is_empty(const struct grid *grid);
const struct grid_cell *grid_cell_at(const struct grid *grid, int x, int y, int frame_width,
                                     int frame_height);

#endif
