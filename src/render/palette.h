/* A palette for a set of pictures, and pictures in its colours. Pure; RGB pictures have no padding
 * between rows. */
#ifndef CORVETTE_RENDER_PALETTE_H
#define CORVETTE_RENDER_PALETTE_H

#include <stddef.h>
#include <stdint.h>

/* One place of a GIF's 256 is left for "as before". */
#define PALETTE_MAX 255
#define PALETTE_CELLS (1 << 15) /* colours told apart: 5 bits each of red, green and blue */

struct palette {
    int count;
    uint8_t colors[PALETTE_MAX][3];
    uint32_t seen[PALETTE_CELLS];
    uint8_t nearest[PALETTE_CELLS];
};

struct palette *palette_create(void);
/* Counts a picture's colours. */
void palette_see(struct palette *palette, const uint8_t *rgb, size_t pixels);
/* Chooses the colours: after all pictures were seen. */
void palette_choose(struct palette *palette);
/* Indices of a picture, patterned so that flat parts keep their tone. The pattern stands still:
 * what does not change in the picture does not change here. */
void palette_map(const struct palette *palette, const uint8_t *rgb, int width, int height,
                 uint8_t *out, int stride);

#endif
