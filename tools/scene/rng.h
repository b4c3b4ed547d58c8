/*
 * Seeded randomness: every picture and every plan comes from these, so that a seed fixes a clip.
 * A stream is independent of the others, so that adding a draw in one place (a bush) does not
 * change another (who walks by).
 */
#ifndef SCENE_RNG_H
#define SCENE_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
    uint64_t state;
};

struct rng rng_make(uint64_t seed, uint64_t stream);
uint32_t rng_next(struct rng *rng);
double rng_range(struct rng *rng, double low, double high);
int rng_int(struct rng *rng, int low, int high); /* both ends included */
bool rng_chance(struct rng *rng, double probability);
double rng_gauss(struct rng *rng);

/* Smooth noise in 0..1 over the plane; lattice cells are 1 x 1. */
double noise_at(double x, double y, uint32_t seed);
/* The same, repeating after `period` cells in both directions. */
double noise_tiled(double x, double y, int period, uint32_t seed);
/* Octaves of noise_at(), each twice as fine and half as strong; 0..1. */
double noise_fractal(double x, double y, int octaves, uint32_t seed);

#endif
