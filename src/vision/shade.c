#include "vision/shade.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "vision/hot.h"
#include "vision/light.h"

/* Cells of a block. The field is that of 3 x 3 blocks: about 90 pixels of a 1280x720 picture, the
 * softness of a cloud's shadow. */
#define BLOCK 4
/* Without anything to see the gain is 1; this much, in cells of middle grey, speaks for that. */
#define PRIOR_CELLS 0.5F
#define PRIOR_LEVEL 64.0F
/* Most that the light changes between two pictures without being a step (see light_whole()). */
#define LEAST_GAIN 0.75F
#define MOST_GAIN 1.33F

static int blocks_of(int cells)
{
    return (cells + BLOCK - 1) / BLOCK;
}

static struct shade_sums sums_of(size_t count)
{
    return (struct shade_sums){.shared = mem_array(count, sizeof(float)),
                               .power = mem_array(count, sizeof(float))};
}

void shade_init(struct shade *shade, int width, int height)
{
    *shade = (struct shade){
        .width = width, .height = height, .columns = blocks_of(width), .rows = blocks_of(height)};
    size_t blocks = (size_t)shade->columns * (size_t)shade->rows;
    shade->blocks = sums_of(blocks);
    shade->upper = sums_of((size_t)width);
    shade->lower = sums_of((size_t)width);
    shade->gain = mem_array(blocks, sizeof(float));
}

static void drop(struct shade_sums *sums)
{
    free(sums->shared);
    free(sums->power);
}

void shade_finish(struct shade *shade)
{
    drop(&shade->blocks);
    drop(&shade->upper);
    drop(&shade->lower);
    free(shade->gain);
    *shade = (struct shade){0};
}

/* Where a cell lies between the middles of two blocks (the nearest one, at the borders). */
struct place {
    int before, after;
    float share; /* of `after` */
};

static struct place place_of(int cell, int blocks)
{
    int before = (cell - BLOCK / 2 + BLOCK) / BLOCK - 1;
    float share = ((float)((cell + BLOCK / 2) % BLOCK) + 0.5F) / BLOCK;
    return (struct place){.before = before < 0 ? 0 : before,
                          .after = before + 1 < blocks ? before + 1 : blocks - 1,
                          .share = share};
}

static bool is_first_between(int cell)
{
    return cell == 0 || (cell + BLOCK / 2) % BLOCK == 0;
}

/* First cell after `cell` that lies between other blocks. */
static int end_between(int cell, int cells)
{
    int end = cell + BLOCK - (cell + BLOCK / 2) % BLOCK;
    return end < cells ? end : cells;
}

/* Adds one row of cells to the sums of its columns: background * now and background squared, both
 * over black, of the cells that rest; the part `share` of it for the lower blocks. */
VISION_HOT static void add_row(struct shade_sums upper, struct shade_sums lower,
                               const float *restrict background, const float *restrict now,
                               const uint8_t *restrict moving, const uint8_t *restrict masked,
                               float level, float share, int width)
{
    float *restrict shared = upper.shared, *restrict power = upper.power;
    float *restrict shared_lower = lower.shared, *restrict power_lower = lower.power;
    for (int x = 0; x < width; x++) {
        float off = now[x] - background[x];
        float b = off < level ? background[x] - LIGHT_BLACK : 0;
        b = -off < level ? b : 0;
        b = (moving[x] | masked[x]) == 0 ? b : 0;
        float both = b * (now[x] - LIGHT_BLACK), square = b * b;
        shared[x] += (1 - share) * both;
        power[x] += (1 - share) * square;
        shared_lower[x] += share * both;
        power_lower[x] += share * square;
    }
}

static void add_to_blocks(struct shade *shade, int row, const struct shade_sums *sums)
{
    float *shared = shade->blocks.shared + (ptrdiff_t)row * shade->columns;
    float *power = shade->blocks.power + (ptrdiff_t)row * shade->columns;
    for (int x = 0, end; x < shade->width; x = end) {
        struct place p = place_of(x, shade->columns);
        float all_shared = 0, all_power = 0, after_shared = 0, after_power = 0;
        end = end_between(x, shade->width);
        for (float share = p.share; x < end; x++, share += 1.0F / BLOCK) {
            all_shared += sums->shared[x];
            all_power += sums->power[x];
            after_shared += share * sums->shared[x];
            after_power += share * sums->power[x];
        }
        shared[p.before] += all_shared - after_shared;
        power[p.before] += all_power - after_power;
        shared[p.after] += after_shared;
        power[p.after] += after_power;
    }
}

static void clear(struct shade_sums *sums, size_t count)
{
    memset(sums->shared, 0, count * sizeof(float));
    memset(sums->power, 0, count * sizeof(float));
}

/* Each cell counts in the four blocks around it with the weights with which it will later take
 * their gains. (Only with the same weights both ways does following settle: plain sums of blocks
 * would swing up.) */
static void sum_blocks(struct shade *shade, const float *background, const float *now,
                       const uint8_t *moving, const uint8_t *masked, float level)
{
    size_t width = (size_t)shade->width;
    clear(&shade->blocks, (size_t)shade->columns * (size_t)shade->rows);
    for (int y = 0; y < shade->height; y++) {
        struct place p = place_of(y, shade->rows);
        ptrdiff_t row = (ptrdiff_t)y * shade->width;
        if (is_first_between(y)) {
            clear(&shade->upper, width);
            clear(&shade->lower, width);
        }
        add_row(shade->upper, shade->lower, background + row, now + row, moving + row, masked + row,
                level, p.share, shade->width);
        if (y + 1 == shade->height || is_first_between(y + 1)) {
            add_to_blocks(shade, p.before, &shade->upper);
            add_to_blocks(shade, p.after, &shade->lower);
        }
    }
}

/* Every value becomes a half of itself and quarters of its neighbours, both ways; `row` holds one
 * row. Nothing beyond the borders. */
static void smooth(float *values, float *restrict row, int columns, int rows)
{
    memset(row, 0, (size_t)columns * sizeof *row); /* the row above, as it was */
    for (int y = 0; y < rows; y++) {
        float *value = values + (ptrdiff_t)y * columns;
        const float *below = value + columns;
        bool is_last = y + 1 == rows;
        for (int x = 0; x < columns; x++) {
            float was = value[x];
            value[x] = 0.5F * was + 0.25F * (row[x] + (is_last ? 0 : below[x]));
            row[x] = was;
        }
        float left = 0;
        for (int x = 0; x < columns; x++) {
            float was = value[x], right = x + 1 < columns ? value[x + 1] : 0;
            value[x] = 0.5F * was + 0.25F * (left + right);
            left = was;
        }
    }
}

/* The least squares gain of each block and its neighbours, and the part of it that is taken. */
static void find_gains(struct shade *shade, float part)
{
    float prior = PRIOR_CELLS * PRIOR_LEVEL * PRIOR_LEVEL;
    smooth(shade->blocks.shared, shade->upper.shared, shade->columns, shade->rows);
    smooth(shade->blocks.power, shade->upper.shared, shade->columns, shade->rows);
    for (int i = 0; i < shade->columns * shade->rows; i++) {
        float gain = (shade->blocks.shared[i] + prior) / (shade->blocks.power[i] + prior);
        gain = gain < LEAST_GAIN ? LEAST_GAIN : gain > MOST_GAIN ? MOST_GAIN : gain;
        shade->gain[i] = 1 + part * (gain - 1);
    }
}

/* A row of blocks over the columns of cells, linear between the blocks' middles. */
static void spread(const struct shade *shade, int row, float *out)
{
    const float *gain = shade->gain + (ptrdiff_t)row * shade->columns;
    for (int x = 0, end; x < shade->width; x = end) {
        struct place p = place_of(x, shade->columns);
        float slope = gain[p.after] - gain[p.before];
        end = end_between(x, shade->width);
        for (float share = p.share; x < end; x++, share += 1.0F / BLOCK) {
            out[x] = gain[p.before] + share * slope;
        }
    }
}

VISION_HOT static void apply_row(float *restrict background, const float *restrict upper,
                                 const float *restrict lower, float share, int width)
{
    for (int x = 0; x < width; x++) {
        float gain = upper[x] + share * (lower[x] - upper[x]);
        float lit = gain * (background[x] - LIGHT_BLACK) + LIGHT_BLACK;
        background[x] = lit < 0 ? 0 : lit > 255 ? 255 : lit;
    }
}

void shade_follow(struct shade *shade, float *background, const float *now, const uint8_t *moving,
                  const uint8_t *masked, float level, float part)
{
    sum_blocks(shade, background, now, moving, masked, level);
    find_gains(shade, part);
    for (int y = 0; y < shade->height; y++) {
        struct place p = place_of(y, shade->rows);
        if (is_first_between(y)) {
            spread(shade, p.before, shade->upper.shared);
            spread(shade, p.after, shade->lower.shared);
        }
        apply_row(background + (ptrdiff_t)y * shade->width, shade->upper.shared,
                  shade->lower.shared, p.share, shade->width);
    }
}
