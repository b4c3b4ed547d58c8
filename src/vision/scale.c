#include "vision/scale.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "vision/hot.h"

#define GROUP 8

/* Bytes 2i, 2i+1 of a vector are read as one 16-bit number, the first byte low. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "written for little-endian machines");

typedef uint8_t bytes16 __attribute__((vector_size(16)));
typedef uint16_t words8 __attribute__((vector_size(16)));
typedef uint8_t bytes8 __attribute__((vector_size(8)));

void scale_lines_set(struct scale_lines *lines, const struct scale_plane *plane)
{
    size_t width = (size_t)plane->columns.count;
    size_t source = (size_t)(plane->columns.source_to - plane->columns.source_from);
    if (lines->line_capacity < width) {
        lines->lines[0] = mem_grow(lines->lines[0], width, 1);
        lines->lines[1] = mem_grow(lines->lines[1], width, 1);
        lines->line_capacity = width;
    }
    if (lines->mixed_capacity < source + 1) {
        lines->mixed = mem_grow(lines->mixed, source + 1, sizeof *lines->mixed);
        lines->sums = mem_grow(lines->sums, source + 1, sizeof *lines->sums);
        lines->mixed_capacity = source + 1;
    }
    lines->row[0] = lines->row[1] = -1;
}

void scale_lines_finish(struct scale_lines *lines)
{
    free(lines->lines[0]);
    free(lines->lines[1]);
    free(lines->mixed);
    free(lines->sums);
    *lines = (struct scale_lines){0};
}

/* --- bilinear ----------------------------------------------------------------------------- */

static inline bytes16 pick_bytes(bytes16 from, bytes16 which)
{
#if defined(__clang__)
    bytes16 out;
    for (int i = 0; i < 16; i++) {
        out[i] = from[which[i]];
    }
    return out;
#else
    return __builtin_shuffle(from, which);
#endif
}

/* `count` outputs, at least eight, by groups. */
VISION_HOT static void across_groups(uint8_t *out, const uint8_t *row,
                                     const struct scale_group *groups, int count)
{
    for (int g = 0; g * GROUP < count; g++) {
        int at = (g + 1) * GROUP > count ? count - GROUP : g * GROUP;
        bytes16 bytes, pick;
        words8 left, right;
        memcpy(&bytes, row + groups[g].offset, sizeof bytes);
        memcpy(&pick, groups[g].pick, sizeof pick);
        memcpy(&left, groups[g].left, sizeof left);
        memcpy(&right, groups[g].right, sizeof right);
        words8 pairs = (words8)pick_bytes(bytes, pick);
        words8 sum = (pairs & 0xff) * left + (pairs >> 8) * right + SCALE_UNIT / 2;
        bytes8 narrow = __builtin_convertvector(sum / SCALE_UNIT, bytes8);
        memcpy(out + at, &narrow, sizeof narrow);
    }
}

/* The same for planes or outputs too narrow for groups. */
static void across_few(uint8_t *out, const uint8_t *row, const struct scale_axis *axis)
{
    for (int i = axis->live_from; i < axis->live_to; i++) {
        const int16_t *weights = axis->weights + (ptrdiff_t)i * axis->taps;
        int sum = SCALE_UNIT / 2;
        for (int k = 0; k < axis->taps; k++) {
            sum += row[axis->start[i] + k] * weights[k];
        }
        out[i] = (uint8_t)(sum / SCALE_UNIT);
    }
}

/* The live outputs of one source row. */
static void scale_across(uint8_t *out, const uint8_t *row, const struct scale_axis *axis,
                         int length)
{
    int live = axis->live_to - axis->live_from;
    if (axis->is_copy) {
        memcpy(out + axis->live_from, row + axis->source_from, (size_t)live);
    } else if (live >= GROUP && length >= 16) {
        across_groups(out + axis->live_from, row, axis->groups, live);
    } else {
        across_few(out, row, axis);
    }
}

/* Halves go down here, as they went up on the way across: together neither is favoured. */
VISION_HOT static void blend(uint8_t *restrict out, const uint8_t *restrict a,
                             const uint8_t *restrict b, int weight_a, int weight_b, int count)
{
    uint16_t wa = (uint16_t)weight_a, wb = (uint16_t)weight_b;
    for (int i = 0; i < count; i++) {
        uint16_t sum = (uint16_t)(a[i] * wa + b[i] * wb + SCALE_UNIT / 2 - 1);
        out[i] = (uint8_t)(sum / SCALE_UNIT);
    }
}

/* Source row `row` scaled across: remembered, or made now in place of the older one. */
static const uint8_t *line_of(const struct scale_plane *plane, struct scale_lines *lines,
                              const uint8_t *source, int stride, int row)
{
    int slot = row & 1;
    if (lines->row[slot] != row) {
        scale_across(lines->lines[slot], source + (ptrdiff_t)row * stride, &plane->columns,
                     plane->columns.length);
        lines->row[slot] = row;
    }
    return lines->lines[slot];
}

static void bilinear_row(const struct scale_plane *plane, struct scale_lines *lines,
                         const uint8_t *source, int stride, int y, uint8_t *out)
{
    const struct scale_axis *columns = &plane->columns, *rows = &plane->rows;
    const int16_t *weights = rows->weights + (ptrdiff_t)y * rows->taps;
    int row = rows->start[y], from = columns->live_from, live = columns->live_to - from;
    bool is_one = rows->taps == 1 || weights[0] == 0 || weights[1] == 0;
    if (is_one) {
        row += rows->taps == 2 && weights[0] == 0;
        if (columns->is_copy) {
            scale_across(out, source + (ptrdiff_t)row * stride, columns, columns->length);
            return;
        }
        memcpy(out + from, line_of(plane, lines, source, stride, row) + from, (size_t)live);
        return;
    }
    const uint8_t *a = line_of(plane, lines, source, stride, row);
    const uint8_t *b = line_of(plane, lines, source, stride, row + 1);
    blend(out + from, a + from, b + from, weights[0], weights[1], live);
}

/* --- averaging ---------------------------------------------------------------------------- */

VISION_HOT static void mix_two(int16_t *restrict out, const uint8_t *restrict a,
                               const uint8_t *restrict b, int weight_a, int weight_b, int count)
{
    uint16_t wa = (uint16_t)weight_a, wb = (uint16_t)weight_b;
    for (int i = 0; i < count; i++) {
        out[i] = (int16_t)(uint16_t)(a[i] * wa + b[i] * wb);
    }
}

VISION_HOT static void mix_two_more(int16_t *restrict out, const uint8_t *restrict a,
                                    const uint8_t *restrict b, int weight_a, int weight_b,
                                    int count)
{
    uint16_t wa = (uint16_t)weight_a, wb = (uint16_t)weight_b;
    for (int i = 0; i < count; i++) {
        out[i] = (int16_t)(uint16_t)(out[i] + a[i] * wa + b[i] * wb);
    }
}

/* The rows of output row y, weighted and summed, samples source_from..source_to. */
static void mix_rows(const struct scale_plane *plane, int16_t *mixed, const uint8_t *source,
                     int stride, int y)
{
    const struct scale_axis *rows = &plane->rows;
    const int16_t *weights = rows->weights + (ptrdiff_t)y * rows->taps;
    int count = plane->columns.source_to - plane->columns.source_from;
    const uint8_t *row = source + (ptrdiff_t)rows->start[y] * stride + plane->columns.source_from;
    for (int k = 0; k < rows->taps; k += 2) {
        const uint8_t *a = row + (ptrdiff_t)k * stride;
        bool is_pair = k + 1 < rows->taps;
        const uint8_t *b = is_pair ? a + stride : a;
        int weight_b = is_pair ? weights[k + 1] : 0;
        (k == 0 ? mix_two : mix_two_more)(mixed, a, b, weights[k], weight_b, count);
    }
}

/* Sum of `mixed` up to an edge, given as sample and 1/65536ths of it. */
static inline int sum_up_to(const struct scale_lines *lines, int64_t edge)
{
    int whole = (int)(edge >> 16), part = (int)(edge & 0xffff);
    return lines->sums[whole] + (int)(((int64_t)lines->mixed[whole] * part) >> 16);
}

/* Averages of the mixed row: differences of its running sum at the outputs' edges. What hangs over
 * the plane is left out of the average. */
static void average_across(const struct scale_plane *plane, struct scale_lines *lines, uint8_t *out)
{
    const struct scale_axis *axis = &plane->columns;
    int samples = axis->source_to - axis->source_from, sum = 0;
    for (int i = 0; i < samples; i++) {
        lines->sums[i] = sum;
        sum += lines->mixed[i];
    }
    lines->sums[samples] = sum;
    lines->mixed[samples] = 0;
    /* Edges step with 32 fraction bits, so that the error over a row stays below a 1/65536th. */
    int64_t end = (int64_t)samples << 16, step = (int64_t)(axis->step * 0x1p32);
    int64_t position =
        (int64_t)((axis->origin - axis->source_from + axis->live_from * axis->step) * 0x1p32);
    int64_t edge = position < 0 ? 0 : position >> 16;
    int before = sum_up_to(lines, edge);
    double whole_part = 1 / (axis->step * SCALE_UNIT);
    for (int i = axis->live_from; i < axis->live_to; i++) {
        position += step;
        int64_t next = position >> 16 > end ? end : position >> 16;
        int after = sum_up_to(lines, next);
        bool is_border = i == axis->live_from || i == axis->live_to - 1;
        double part = is_border ? 0x1p16 / ((double)(next - edge) * SCALE_UNIT) : whole_part;
        out[i] = (uint8_t)((after - before) * part + 0.5);
        before = after;
        edge = next;
    }
}

/* Wider than tall shrinking is rare: no vectors. */
static void pairs_across(const struct scale_plane *plane, const int16_t *mixed, uint8_t *out)
{
    const struct scale_axis *axis = &plane->columns;
    for (int i = axis->live_from; i < axis->live_to; i++) {
        const int16_t *weights = axis->weights + (ptrdiff_t)i * axis->taps;
        int sum = SCALE_UNIT * SCALE_UNIT / 2;
        for (int k = 0; k < axis->taps; k++) {
            sum += mixed[axis->start[i] + k - axis->source_from] * weights[k];
        }
        out[i] = (uint8_t)(sum / (SCALE_UNIT * SCALE_UNIT));
    }
}

void scale_plane_row(const struct scale_plane *plane, struct scale_lines *lines,
                     const uint8_t *source, int stride, int y, uint8_t black, uint8_t *out)
{
    const struct scale_axis *columns = &plane->columns;
    if (y < plane->rows.live_from || y >= plane->rows.live_to || columns->live_to == 0) {
        memset(out, black, (size_t)columns->count);
        return;
    }
    memset(out, black, (size_t)columns->live_from);
    memset(out + columns->live_to, black, (size_t)(columns->count - columns->live_to));
    if (!columns->is_average && !plane->rows.is_average) {
        bilinear_row(plane, lines, source, stride, y, out);
        return;
    }
    mix_rows(plane, lines->mixed, source, stride, y);
    if (columns->is_average) {
        average_across(plane, lines, out);
    } else {
        pairs_across(plane, lines->mixed, out);
    }
}
