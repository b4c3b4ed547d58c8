#include "track/assign.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The smaller side is `short`, the larger `wide`; strides hide which of them is rows. Column 0 of
 * the wide arrays is the root of the search, real ones count from 1; so for the short side. */
struct problem {
    const float *cost;
    size_t short_count, wide_count;
    size_t short_stride, wide_stride;
    float gate;
    double *short_price, *wide_price, *slack;
    int *owner; /* of a wide item: the short item it is given to, 0 = none */
    int *from;  /* predecessor on the alternating path */
    uint8_t *done;
};

/* Never positive: a forbidden pair is worth as much as staying apart, and is undone at the end. */
static double worth(const struct problem *p, size_t short_item, size_t wide_item)
{
    float cost = p->cost[(short_item - 1) * p->short_stride + (wide_item - 1) * p->wide_stride];
    return cost < p->gate ? (double)cost - (double)p->gate : 0; /* NaN compares false */
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

size_t assign_work_bytes(size_t rows, size_t columns)
{
    size_t side = larger(rows, columns) + 1;
    return side * (3 * sizeof(double) + 2 * sizeof(int) + 1);
}

static void lay_out(struct problem *p, void *work)
{
    size_t side = p->wide_count + 1;
    memset(work, 0, assign_work_bytes(p->short_count, p->wide_count));
    p->short_price = work;
    p->wide_price = p->short_price + side;
    p->slack = p->wide_price + side;
    p->owner = (int *)(void *)(p->slack + side);
    p->from = p->owner + side;
    p->done = (uint8_t *)(p->from + side);
}

/* Grows the search tree from wide item `at` and returns the nearest item not yet in it. */
static size_t scan(struct problem *p, size_t at)
{
    size_t item = (size_t)p->owner[at], nearest = 0;
    double step = INFINITY;
    for (size_t j = 1; j <= p->wide_count; j++) {
        if (p->done[j]) {
            continue;
        }
        double reduced = worth(p, item, j) - p->short_price[item] - p->wide_price[j];
        if (reduced < p->slack[j]) {
            p->slack[j] = reduced;
            p->from[j] = (int)at;
        }
        if (p->slack[j] < step) {
            step = p->slack[j];
            nearest = j;
        }
    }
    for (size_t j = 0; j <= p->wide_count; j++) {
        if (p->done[j]) {
            p->short_price[p->owner[j]] += step;
            p->wide_price[j] -= step;
        } else {
            p->slack[j] -= step;
        }
    }
    return nearest;
}

/* Gives short item `item` a wide one, moving others along the shortest alternating path. */
static void place(struct problem *p, size_t item)
{
    for (size_t j = 0; j <= p->wide_count; j++) {
        p->slack[j] = INFINITY;
        p->done[j] = 0;
    }
    p->owner[0] = (int)item;
    size_t at = 0;
    do {
        p->done[at] = 1;
        at = scan(p, at);
    } while (p->owner[at] != 0);
    while (at != 0) {
        size_t before = (size_t)p->from[at];
        p->owner[at] = p->owner[before];
        at = before;
    }
}

void assign_solve(const float *cost, size_t rows, size_t columns, float gate, int *match,
                  void *work)
{
    for (size_t i = 0; i < rows; i++) {
        match[i] = -1;
    }
    if (rows == 0 || columns == 0) {
        return;
    }
    bool turned = rows > columns;
    struct problem p = {
        .cost = cost,
        .short_count = turned ? columns : rows,
        .wide_count = turned ? rows : columns,
        .short_stride = turned ? 1 : columns,
        .wide_stride = turned ? columns : 1,
        .gate = gate,
    };
    lay_out(&p, work);
    for (size_t i = 1; i <= p.short_count; i++) {
        place(&p, i);
    }
    for (size_t j = 1; j <= p.wide_count; j++) {
        size_t i = (size_t)p.owner[j];
        if (i != 0 && worth(&p, i, j) < 0) {
            match[turned ? j - 1 : i - 1] = (int)(turned ? i - 1 : j - 1);
        }
    }
}
