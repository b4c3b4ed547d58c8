/* Rows of Y, U, V samples (one of each per pixel) to rows of R, G, B: BT.601, limited range.
 * Internal to src/vision. */
#ifndef CORVETTE_VISION_COLOR_H
#define CORVETTE_VISION_COLOR_H

#include <stdint.h>

/* High half of a 16-bit product: the form compilers turn into one vector instruction. */
static inline int16_t color_mul_high(int16_t a, int16_t b)
{
    return (int16_t)((a * b) >> 16);
}

static inline uint8_t color_clip(int16_t value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* Samples are shifted left by 7 and multiplied by coefficient * 8192 / 65536, which leaves four
 * fraction bits; each product's truncation costs half a unit on average, hence 9 and not 8. */
static inline void color_pixel(uint8_t y, uint8_t u, uint8_t v, uint8_t *r, uint8_t *g, uint8_t *b)
{
    int16_t luma = color_mul_high((int16_t)((y - 16) * 128), 9539); /* 1.164383 */
    int16_t cu = (int16_t)((u - 128) * 128), cv = (int16_t)((v - 128) * 128);
    int16_t red = (int16_t)(luma + color_mul_high(cv, 13075) + 9);  /* 1.596027 */
    int16_t green = (int16_t)(luma - color_mul_high(cu, 3209) -     /* 0.391762 */
                              color_mul_high(cv, 6660) + 7);        /* 0.812968 */
    int16_t blue = (int16_t)(luma + color_mul_high(cu, 16525) + 9); /* 2.017232 */
    *r = color_clip((int16_t)(red >> 4));
    *g = color_clip((int16_t)(green >> 4));
    *b = color_clip((int16_t)(blue >> 4));
}

#endif
