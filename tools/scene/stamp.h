/*
 * The clock burnt into the top left corner, for tests that must know which frame they see.
 *
 * A row of STAMP_CELLS square cells, each stamp_cell_px() wide, starts one cell from the left
 * and top edges, inside a black frame one cell wide. White (luma 235) is 1, black (16) is 0:
 *
 *     cell  0       1, always            } tell the row from anything else
 *     cell  1       0, always            }
 *     cells 2..25   frame number, highest bit first
 *     cell  26      1 if the number has an even count of ones (odd parity)
 *     cell  27      1, always
 *
 * Below it stands the same for people: frame number and time, "0001234 00:01:01.70".
 */
#ifndef SCENE_STAMP_H
#define SCENE_STAMP_H

#include "sensor.h"

enum { STAMP_CELLS = 28, STAMP_BITS = 24 };

int stamp_cell_px(int height_px);
void stamp_paint(struct i420 *picture, int frame, double time_s);
/* The frame number, or -1 when there is no stamp or it cannot be read. */
int stamp_read(const struct i420 *picture);

#endif
