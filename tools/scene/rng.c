#include "rng.h"

#include <math.h>

static uint64_t mix64(uint64_t value)
{
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31);
}

struct rng rng_make(uint64_t seed, uint64_t stream)
{
    return (struct rng){mix64(seed + 0x9e3779b97f4a7c15ULL) ^ mix64(~stream)};
}

uint32_t rng_next(struct rng *rng)
{
    rng->state += 0x9e3779b97f4a7c15ULL; /* splitmix64 */
    return (uint32_t)(mix64(rng->state) >> 32);
}

double rng_range(struct rng *rng, double low, double high)
{
    return low + (high - low) * (rng_next(rng) * (1.0 / 4294967296.0));
}

int rng_int(struct rng *rng, int low, int high)
{
    const uint32_t span = (uint32_t)(high - low) + 1;
    return low + (int)(((uint64_t)rng_next(rng) * span) >> 32);
}

bool rng_chance(struct rng *rng, double probability)
{
    return rng_range(rng, 0, 1) < probability;
}

double rng_gauss(struct rng *rng)
{
    /* The sum of twelve uniforms is close enough to a bell for sensor noise. */
    double sum = -6;
    for (int i = 0; i < 12; i++) {
        sum += rng_range(rng, 0, 1);
    }
    return sum;
}

static double lattice(int x, int y, uint32_t seed)
{
    uint32_t h = (uint32_t)x * 0x8da6b343U ^ (uint32_t)y * 0xd8163841U ^ seed * 0xcb1ab31fU;
    h = (h ^ (h >> 15)) * 0x2c1b3c6dU;
    h = (h ^ (h >> 12)) * 0x297a2d39U;
    return (h >> 8) * (1.0 / 16777216.0);
}

static int wrap(int value, int period)
{
    if (period == 0) {
        return value;
    }
    const int rest = value % period;
    return rest < 0 ? rest + period : rest;
}

double noise_tiled(double x, double y, int period, uint32_t seed)
{
    const double fx = floor(x), fy = floor(y);
    const double u = x - fx, v = y - fy;
    const double su = u * u * (3 - 2 * u), sv = v * v * (3 - 2 * v);
    const int x0 = wrap((int)fx, period), x1 = wrap((int)fx + 1, period);
    const int y0 = wrap((int)fy, period), y1 = wrap((int)fy + 1, period);
    const double top = lattice(x0, y0, seed) * (1 - su) + lattice(x1, y0, seed) * su;
    const double bottom = lattice(x0, y1, seed) * (1 - su) + lattice(x1, y1, seed) * su;
    return top * (1 - sv) + bottom * sv;
}

double noise_at(double x, double y, uint32_t seed)
{
    return noise_tiled(x, y, 0, seed);
}

double noise_fractal(double x, double y, int octaves, uint32_t seed)
{
    double sum = 0, weight = 0.5, total = 0;
    for (int i = 0; i < octaves; i++) {
        sum += weight * noise_at(x, y, seed + (uint32_t)i);
        total += weight;
        x *= 2;
        y *= 2;
        weight /= 2;
    }
    return sum / total;
}
