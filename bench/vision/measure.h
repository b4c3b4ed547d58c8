/* Times a function: the best and the median of many calls, in microseconds. The best is what ratios
 * are made of: on a machine shared with others it is the one number that repeats. */
#ifndef CORVETTE_BENCH_VISION_MEASURE_H
#define CORVETTE_BENCH_VISION_MEASURE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MEASURE_CALLS 400

static inline double measure_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

struct measure {
    double best_us, median_us;
};

static inline int measure_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static inline struct measure measure_run(void (*fn)(void *context), void *context)
{
    static double times[MEASURE_CALLS];
    for (int i = 0; i < 20; i++) {
        fn(context);
    }
    for (int i = 0; i < MEASURE_CALLS; i++) {
        double start = measure_now_us();
        fn(context);
        times[i] = measure_now_us() - start;
    }
    qsort(times, MEASURE_CALLS, sizeof times[0], measure_compare);
    return (struct measure){times[0], times[MEASURE_CALLS / 2]};
}

/* The floor: every byte read once, by words. */
static inline uint64_t measure_read_all(const uint8_t *data, size_t bytes)
{
    uint64_t sum = 0, word;
    for (size_t i = 0; i + sizeof word <= bytes; i += sizeof word) {
        memcpy(&word, data + i, sizeof word);
        sum += word;
    }
    return sum;
}

/* Something like a camera's picture: smooth shapes and noise, the same every time. */
static inline void measure_fill(uint8_t *data, size_t bytes, int width)
{
    uint32_t seed = 12345;
    for (size_t i = 0; i < bytes; i++) {
        seed = seed * 1664525u + 1013904223u;
        int x = (int)(i % (size_t)width), y = (int)(i / (size_t)width);
        data[i] = (uint8_t)(40 + ((x * 3 + y * 5) / 16) % 160 + (int)(seed >> 29));
    }
}

#endif
