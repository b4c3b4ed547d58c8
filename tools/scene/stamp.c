#include "stamp.h"

#include <stdio.h>
#include <string.h>

enum { WHITE = 235, BLACK = 16, MIDDLE = 126, GREY = 128, GLYPH_ROWS = 5, GLYPH_COLUMNS = 3 };

/* Rows from the top, three bits each, for '0'..'9' and ':' (the character after '9'). */
static const unsigned char glyphs[][GLYPH_ROWS] = {
    {7, 5, 5, 5, 7}, {2, 6, 2, 2, 7}, {7, 1, 7, 4, 7}, {7, 1, 7, 1, 7},
    {5, 5, 7, 1, 1}, {7, 4, 7, 1, 7}, {7, 4, 7, 5, 7}, {7, 1, 2, 2, 2},
    {7, 5, 7, 5, 7}, {7, 5, 7, 1, 7}, {0, 2, 0, 2, 0},
};
static const unsigned char dot[GLYPH_ROWS] = {0, 0, 0, 0, 2};
static const unsigned char blank[GLYPH_ROWS] = {0, 0, 0, 0, 0};

int stamp_cell_px(int height_px)
{
    const int cell = height_px / 60 / 2 * 2;
    return cell < 6 ? 6 : cell;
}

static void fill(struct i420 *picture, int x, int y, int width, int height, int luma)
{
    for (int row = y; row < y + height && row < picture->height_px; row++) {
        for (int column = x; column < x + width && column < picture->width_px; column++) {
            picture->planes[0][row * picture->strides[0] + column] = (uint8_t)luma;
            picture->planes[1][row / 2 * picture->strides[1] + column / 2] = GREY;
            picture->planes[2][row / 2 * picture->strides[2] + column / 2] = GREY;
        }
    }
}

static unsigned parity_of(unsigned number)
{
    unsigned ones = 0;
    for (; number != 0; number >>= 1) {
        ones += number & 1;
    }
    return (ones & 1) ^ 1;
}

/* The cells as bits, cell 0 highest. */
static unsigned cells_of(unsigned frame)
{
    frame &= (1U << STAMP_BITS) - 1;
    return 1U << (STAMP_CELLS - 1) | frame << 2 | parity_of(frame) << 1 | 1U;
}

static const unsigned char *glyph_of(char letter)
{
    if (letter >= '0' && letter <= ':') {
        return glyphs[letter - '0'];
    }
    return letter == '.' ? dot : blank;
}

static void paint_text(struct i420 *picture, int x, int y, int dot_px, const char *text)
{
    for (; *text != '\0'; text++, x += (GLYPH_COLUMNS + 1) * dot_px) {
        const unsigned char *rows = glyph_of(*text);
        for (int i = 0; i < GLYPH_ROWS * GLYPH_COLUMNS; i++) {
            const int row = i / GLYPH_COLUMNS, column = i % GLYPH_COLUMNS;
            if (rows[row] >> (GLYPH_COLUMNS - 1 - column) & 1) {
                fill(picture, x + column * dot_px, y + row * dot_px, dot_px, dot_px, WHITE);
            }
        }
    }
}

void stamp_paint(struct i420 *picture, int frame, double time_s)
{
    const int cell = stamp_cell_px(picture->height_px);
    const unsigned bits = cells_of((unsigned)frame);
    fill(picture, 0, 0, (STAMP_CELLS + 2) * cell, 5 * cell, BLACK);
    for (int i = 0; i < STAMP_CELLS; i++) {
        if (bits >> (STAMP_CELLS - 1 - i) & 1) {
            fill(picture, (i + 1) * cell, cell, cell, cell, WHITE);
        }
    }
    const int seconds = (int)time_s;
    char text[48];
    snprintf(text, sizeof text, "%07d %02d:%02d:%05.2f", frame, seconds / 3600, seconds / 60 % 60,
             time_s - seconds / 60 * 60);
    const int dot_px = cell / 3 < 1 ? 1 : cell / 3;
    paint_text(picture, cell, 3 * cell - dot_px, dot_px, text);
}

int stamp_read(const struct i420 *picture)
{
    const int cell = stamp_cell_px(picture->height_px);
    unsigned bits = 0;
    for (int i = 0; i < STAMP_CELLS; i++) {
        const int x = (i + 1) * cell + cell / 2, y = cell + cell / 2;
        bits = bits << 1 | (picture->planes[0][y * picture->strides[0] + x] > MIDDLE ? 1U : 0U);
    }
    const unsigned frame = bits >> 2 & ((1U << STAMP_BITS) - 1);
    return bits == cells_of(frame) ? (int)frame : -1;
}
