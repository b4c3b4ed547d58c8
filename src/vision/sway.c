#include "vision/sway.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "vision/hot.h"

/* Leaves begin to differ every second or two, which makes them restless within some ten seconds;
 * that is forgotten in half a minute's rest. Someone who comes by every ten seconds leaves a cell
 * calm: his legs count once. */
#define HABIT_TAU_US 20e6
#define RESTLESS_HZ 0.12F
#define ONE_PASS_MS 1000.0F
/* How far things sway, in cells: 1/100 of the picture's height. */
#define REACH 1

void sway_init(struct sway *sway, int width, int height)
{
    *sway = (struct sway){.width = width, .height = height};
    sway->habit_hz = mem_array((size_t)width * (size_t)height, sizeof *sway->habit_hz);
    sway->since_ms = mem_array((size_t)width * (size_t)height, sizeof *sway->since_ms);
    sway->was = mem_alloc((size_t)width * (size_t)height);
}

void sway_finish(struct sway *sway)
{
    free(sway->habit_hz);
    free(sway->since_ms);
    free(sway->was);
    *sway = (struct sway){0};
}

void sway_clear(struct sway *sway)
{
    size_t count = (size_t)sway->width * (size_t)sway->height;
    memset(sway->habit_hz, 0, count * sizeof *sway->habit_hz);
    memset(sway->since_ms, 0, count * sizeof *sway->since_ms);
    memset(sway->was, 0, count);
}

/* `begin`: what one begin adds to the habit; `keep`: what is left of it after this step. */
VISION_HOT static void remember(float *restrict habit_hz, float *restrict since_ms,
                                uint8_t *restrict was, const uint8_t *restrict changed, float begin,
                                float keep, float step_ms, int count)
{
    for (int i = 0; i < count; i++) {
        float since = since_ms[i] + step_ms;
        int counts = (since >= ONE_PASS_MS) & changed[i] & !was[i];
        habit_hz[i] = keep * habit_hz[i] + begin * (float)counts;
        since_ms[i] = since * (float)(1 - counts);
    }
    memcpy(was, changed, (size_t)count);
}

static float held(float value, float low, float high)
{
    return value < low ? low : value > high ? high : value;
}

/* Whether the neighbourhood's background spans what the cell shows. */
static bool is_sway(const struct sway *sway, const float *now, const float *background, int x,
                    int y, struct sway_level l)
{
    int left = x > REACH ? x - REACH : 0, top = y > REACH ? y - REACH : 0;
    int right = x + REACH < sway->width ? x + REACH : sway->width - 1;
    int bottom = y + REACH < sway->height ? y + REACH : sway->height - 1;
    float least = background[y * sway->width + x], most = least;
    for (int v = top; v <= bottom; v++) {
        for (int u = left; u <= right; u++) {
            float value = background[v * sway->width + u];
            least = value < least ? value : least;
            most = value > most ? value : most;
        }
    }
    float value = held(now[y * sway->width + x], l.low, l.high);
    return value >= held(least, l.low, l.high) - l.level &&
           value <= held(most, l.low, l.high) + l.level;
}

/* The first set cell from x on, or `width`. Most rows have none: they are skipped by eight. */
static int next_set(const uint8_t *row, int x, int width)
{
    uint64_t eight;
    while (x + 8 <= width && (memcpy(&eight, row + x, 8), eight == 0)) {
        x += 8;
    }
    while (x < width && !row[x]) {
        x++;
    }
    return x;
}

int sway_forgive(struct sway *sway, uint8_t *changed, const float *now, const float *background,
                 struct sway_level level, int64_t step_us)
{
    int forgiven = 0, count = sway->width * sway->height;
    remember(sway->habit_hz, sway->since_ms, sway->was, changed, (float)(1e6 / HABIT_TAU_US),
             (float)exp(-(double)step_us / HABIT_TAU_US), (float)step_us / 1000, count);
    for (int y = 0; y < sway->height; y++) {
        const float *habit_hz = sway->habit_hz + (ptrdiff_t)y * sway->width;
        uint8_t *row = changed + (ptrdiff_t)y * sway->width;
        for (int x = next_set(row, 0, sway->width); x < sway->width;
             x = next_set(row, x + 1, sway->width)) {
            if (habit_hz[x] > RESTLESS_HZ && is_sway(sway, now, background, x, y, level)) {
                row[x] = 0;
                forgiven++;
            }
        }
    }
    return forgiven;
}
