#include "render/palette.h"

#include "base/mem.h"

#define PATTERN_DEPTH 14 /* levels: a little more than a cell is wide */

struct palette *palette_create(void)
{
    return mem_alloc(sizeof(struct palette));
}

static unsigned cell_of(int red, int green, int blue)
{
    return (unsigned)(red >> 3 << 10 | green >> 3 << 5 | blue >> 3);
}

static int part_of(unsigned cell, int axis)
{
    return (int)(cell >> (10 - 5 * axis) & 31);
}

void palette_see(struct palette *palette, const uint8_t *rgb, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++, rgb += 3) {
        palette->seen[cell_of(rgb[0], rgb[1], rgb[2])]++;
    }
}

/* ------------------------------------------------------------------ median cut */

/* Part of the colour cube that becomes one colour: low..high of each axis, both inclusive. */
struct cut {
    int low[3], high[3];
    uint64_t pixels;
    double worth; /* of being cut again; 0: cannot be */
    int axis;     /* the longest */
};

typedef void (*cell_fn)(void *context, unsigned cell, uint32_t pixels);

static void each_cell(const struct palette *palette, const struct cut *cut, cell_fn fn,
                      void *context)
{
    for (int r = cut->low[0]; r <= cut->high[0]; r++) {
        for (int g = cut->low[1]; g <= cut->high[1]; g++) {
            for (int b = cut->low[2]; b <= cut->high[2]; b++) {
                unsigned cell = (unsigned)(r << 10 | g << 5 | b);
                if (palette->seen[cell] > 0) {
                    fn(context, cell, palette->seen[cell]);
                }
            }
        }
    }
}

static void stretch(void *context, unsigned cell, uint32_t pixels)
{
    struct cut *cut = context;
    cut->pixels += pixels;
    for (int axis = 0; axis < 3; axis++) {
        int at = part_of(cell, axis);
        cut->low[axis] = at < cut->low[axis] ? at : cut->low[axis];
        cut->high[axis] = at > cut->high[axis] ? at : cut->high[axis];
    }
}

/* Draws the cut together around what is in it. */
static void tighten(const struct palette *palette, struct cut *cut)
{
    struct cut tight = {.low = {31, 31, 31}};
    each_cell(palette, cut, stretch, &tight);
    for (int axis = 1; axis < 3; axis++) {
        int longest = tight.high[tight.axis] - tight.low[tight.axis];
        tight.axis = tight.high[axis] - tight.low[axis] > longest ? axis : tight.axis;
    }
    int length = tight.high[tight.axis] - tight.low[tight.axis];
    tight.worth = (double)tight.pixels * length * length;
    *cut = tight;
}

struct slices {
    int axis;
    uint64_t pixels[32];
};

static void add_slice(void *context, unsigned cell, uint32_t pixels)
{
    struct slices *slices = context;
    slices->pixels[part_of(cell, slices->axis)] += pixels;
}

/* In two, with about as many pixels in each. */
static void split(const struct palette *palette, struct cut *cut, struct cut *other)
{
    struct slices slices = {.axis = cut->axis};
    each_cell(palette, cut, add_slice, &slices);
    uint64_t below = 0;
    int at = cut->low[cut->axis];
    while (at < cut->high[cut->axis] - 1 && (below + slices.pixels[at]) * 2 <= cut->pixels) {
        below += slices.pixels[at++];
    }
    *other = *cut;
    cut->high[cut->axis] = at;
    other->low[cut->axis] = at + 1;
    tighten(palette, cut);
    tighten(palette, other);
}

struct mean {
    uint64_t sums[3], pixels;
};

static void add_mean(void *context, unsigned cell, uint32_t pixels)
{
    struct mean *mean = context;
    mean->pixels += pixels;
    for (int axis = 0; axis < 3; axis++) {
        int level = part_of(cell, axis) << 3 | part_of(cell, axis) >> 2;
        mean->sums[axis] += (uint64_t)level * pixels;
    }
}

/* ------------------------------------------------------------------ */

static uint8_t find_nearest(const struct palette *palette, unsigned cell)
{
    int best = 0, best_distance = INT32_MAX;
    for (int i = 0; i < palette->count; i++) {
        int distance = 0;
        static const int weights[3] = {2, 4, 1}; /* roughly how bright each looks */
        for (int axis = 0; axis < 3; axis++) {
            int level = part_of(cell, axis) << 3 | part_of(cell, axis) >> 2;
            int d = level - palette->colors[i][axis];
            distance += weights[axis] * d * d;
        }
        if (distance < best_distance) {
            best = i;
            best_distance = distance;
        }
    }
    return (uint8_t)best;
}

void palette_choose(struct palette *palette)
{
    struct cut cuts[PALETTE_MAX] = {{.high = {31, 31, 31}}};
    int count = 1;
    tighten(palette, &cuts[0]);
    while (count < PALETTE_MAX) {
        int widest = 0;
        for (int i = 1; i < count; i++) {
            widest = cuts[i].worth > cuts[widest].worth ? i : widest;
        }
        if (cuts[widest].worth <= 0) {
            break;
        }
        split(palette, &cuts[widest], &cuts[count++]);
    }
    palette->count = count;
    for (int i = 0; i < count; i++) {
        struct mean mean = {0};
        each_cell(palette, &cuts[i], add_mean, &mean);
        for (int axis = 0; axis < 3 && mean.pixels > 0; axis++) {
            palette->colors[i][axis] = (uint8_t)(mean.sums[axis] / mean.pixels);
        }
    }
    for (unsigned cell = 0; cell < PALETTE_CELLS; cell++) {
        palette->nearest[cell] = find_nearest(palette, cell);
    }
}

static int clamp(int level)
{
    return level < 0 ? 0 : level > 255 ? 255 : level;
}

void palette_map(const struct palette *palette, const uint8_t *rgb, int width, int height,
                 uint8_t *out, int stride)
{
    /* Bayer's order: neighbours differ as much as they can. */
    static const int order[4][4] = {{0, 8, 2, 10}, {12, 4, 14, 6}, {3, 11, 1, 9}, {15, 7, 13, 5}};
    for (int y = 0; y < height; y++) {
        uint8_t *to = out + (ptrdiff_t)y * stride;
        for (int x = 0; x < width; x++, rgb += 3) {
            int more = (order[y & 3][x & 3] * 2 - 15) * PATTERN_DEPTH / 32;
            to[x] = palette->nearest[cell_of(clamp(rgb[0] + more), clamp(rgb[1] + more),
                                             clamp(rgb[2] + more))];
        }
    }
}
