#include "track/look.h"

#include <math.h>
#include <stddef.h>

#define GRID 16           /* samples across and down */
#define GROUP 8           /* bins of one channel in one half */
#define MIDDLE_SHARE 0.7f /* of the box, so that little background counts */

static void count(float *group, uint8_t value)
{
    group[value >> 5] += 1;
}

/* Chroma of outdoor pictures lives in a narrow band around 128: 8 bins of 8 levels around it. */
static void count_chroma(float *group, uint8_t value)
{
    int bin = ((int)value - 96) / 8;
    group[bin < 0 ? 0 : bin >= GROUP ? GROUP - 1 : bin] += 1;
}

void look_take(struct look *look, const uint8_t *picture, int width, int height,
               const struct extent *box)
{
    *look = (struct look){0};
    if (!extent_sane(box, 4) || width < 2 || height < 2) {
        return;
    }
    const uint8_t *u = picture + (size_t)width * (size_t)height;
    int chroma_width = (width + 1) / 2, chroma_height = (height + 1) / 2;
    const uint8_t *v = u + (size_t)chroma_width * (size_t)chroma_height;

    float w = extent_width(box) * MIDDLE_SHARE, h = extent_height(box) * MIDDLE_SHARE;
    float left = (box->x1 + box->x2 - w) / 2, top = (box->y1 + box->y2 - h) / 2;
    unsigned samples[2] = {0};
    for (unsigned row = 0; row < GRID; row++) {
        int y = (int)(top + h * ((float)row + 0.5f) / GRID);
        if (y < 0 || y >= height) {
            continue;
        }
        unsigned half = row >= GRID / 2;
        float *bins = look->bin + half * 3 * GROUP;
        for (unsigned column = 0; column < GRID; column++) {
            int x = (int)(left + w * ((float)column + 0.5f) / GRID);
            if (x < 0 || x >= width) {
                continue;
            }
            size_t at = (size_t)(y / 2) * (size_t)chroma_width + (size_t)(x / 2);
            count(bins, picture[(size_t)y * (size_t)width + (size_t)x]);
            count_chroma(bins + GROUP, u[at]);
            count_chroma(bins + 2 * (size_t)GROUP, v[at]);
            samples[half]++;
        }
    }
    if (samples[0] == 0 || samples[1] == 0) {
        return;
    }
    for (unsigned i = 0; i < LOOK_BINS; i++) {
        look->bin[i] /= (float)samples[i >= LOOK_BINS / 2];
    }
    look->known = true;
}

float look_distance(const struct look *a, const struct look *b)
{
    if (!a->known || !b->known) {
        return 0;
    }
    float common = 0; /* Bhattacharyya coefficient, mean of the groups */
    for (unsigned i = 0; i < LOOK_BINS; i++) {
        common += sqrtf(a->bin[i] * b->bin[i]);
    }
    common /= (float)LOOK_BINS / GROUP;
    return common < 1 ? sqrtf(1 - common) : 0;
}

void look_learn(struct look *look, const struct look *fresh, float share)
{
    if (!fresh->known) {
        return;
    }
    if (!look->known) {
        *look = *fresh;
        return;
    }
    for (unsigned i = 0; i < LOOK_BINS; i++) {
        look->bin[i] += share * (fresh->bin[i] - look->bin[i]);
    }
}
