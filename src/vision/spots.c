#include "vision/spots.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

void spots_init(struct spots *spots, int width, int height)
{
    /* Runs need a gap between them. Each may be a label and a spot of its own. */
    int capacity = (width + 1) / 2 * height;
    size_t n = (size_t)capacity;
    *spots = (struct spots){.capacity = capacity};
    spots->items = mem_array(n, sizeof *spots->items);
    spots->parts = mem_array(n, sizeof *spots->parts);
    spots->runs = mem_array(n, sizeof *spots->runs);
    spots->parent = mem_array(n, sizeof *spots->parent);
    spots->number = mem_array(n, sizeof *spots->number);
}

void spots_finish(struct spots *spots)
{
    free(spots->items);
    free(spots->parts);
    free(spots->runs);
    free(spots->parent);
    free(spots->number);
    *spots = (struct spots){0};
}

static int root_of(const struct spots *spots, int label)
{
    while (spots->parent[label] != label) {
        label = spots->parent[label];
    }
    return label;
}

/* Makes one spot of two; the older label stays, so that spots keep the order of their first pixel.
 */
static int unite(struct spots *spots, int a, int b)
{
    a = root_of(spots, a);
    b = root_of(spots, b);
    if (a == b) {
        return a;
    }
    int keep = min_int(a, b), gone = max_int(a, b);
    struct spot *into = &spots->parts[keep];
    const struct spot *from = &spots->parts[gone];
    into->x1 = min_int(into->x1, from->x1);
    into->y1 = min_int(into->y1, from->y1);
    into->x2 = max_int(into->x2, from->x2);
    into->y2 = max_int(into->y2, from->y2);
    into->pixels += from->pixels;
    into->area2 += from->area2;
    spots->parent[gone] = keep;
    return keep;
}

/* Twice the outline area between a run and one in the row above, where they overlap by a column or
 * more: whole squares of four middles, and half ones where only one of the two runs goes on. */
static int area2_between(const struct spot_run *above, const struct spot_run *run)
{
    int shared = min_int(above->to, run->to) - max_int(above->from, run->from);
    if (shared < 1) {
        return 0;
    }
    return 2 * (shared - 1) + (above->from != run->from) + (above->to != run->to);
}

/* Gives a new run the spot of the runs it touches in the row above (from index `above` on). Returns
 * the first of them that may still touch the next run. */
static int attach(struct spots *spots, int above, int above_end, struct spot_run *run)
{
    const struct spot_run *runs = spots->runs;
    int label = -1, area2 = 0;
    while (above < above_end && runs[above].to < run->from) {
        above++;
    }
    for (int i = above; i < above_end && runs[i].from <= run->to; i++) {
        label = label < 0 ? root_of(spots, runs[i].label) : unite(spots, label, runs[i].label);
        area2 += area2_between(&runs[i], run);
    }
    if (label < 0) {
        label = run->label; /* offered by the caller: its own index, not used by any other run */
        spots->parent[label] = label;
        spots->parts[label] = (struct spot){run->from, run->y, run->to - 1, run->y, 0, 0};
    }
    struct spot *spot = &spots->parts[label];
    spot->x1 = min_int(spot->x1, run->from);
    spot->x2 = max_int(spot->x2, run->to - 1);
    spot->y2 = run->y;
    spot->pixels += run->to - run->from;
    spot->area2 += area2;
    run->label = label;
    return above;
}

/* Next run of a row at or after x; false at its end. Empty stretches are skipped by eight. */
static int next_run(const uint8_t *row, int width, int x, struct spot_run *run)
{
    while (x < width && !row[x]) {
        uint64_t eight;
        if (x + 8 <= width && (memcpy(&eight, row + x, 8), eight == 0)) {
            x += 8;
        } else {
            x++;
        }
    }
    run->from = x;
    while (x < width && row[x]) {
        x++;
    }
    run->to = x;
    return run->to > run->from;
}

void spots_find(struct spots *spots, const uint8_t *picture, int width, int height)
{
    int above = 0, above_end = 0;
    spots->run_count = spots->count = 0;
    for (int y = 0; y < height; y++) {
        int first = spots->run_count;
        struct spot_run run = {.y = y};
        for (int x = 0; next_run(picture + (ptrdiff_t)y * width, width, x, &run); x = run.to) {
            run.label = spots->run_count;
            above = attach(spots, above, above_end, &run);
            spots->runs[spots->run_count++] = run;
        }
        above = first;
        above_end = spots->run_count;
    }
    for (int i = 0; i < spots->run_count; i++) {
        if (spots->runs[i].label == i && spots->parent[i] == i) {
            spots->number[i] = spots->count;
            spots->items[spots->count++] = spots->parts[i];
        }
    }
}

int spots_of_run(const struct spots *spots, const struct spot_run *run)
{
    return spots->number[root_of(spots, run->label)];
}
