/* Monotonic time measures durations and deadlines; wall time names things. They are different
 * types so that the compiler keeps them apart. */
#ifndef CORVETTE_BASE_CLOCK_H
#define CORVETTE_BASE_CLOCK_H

#include <stdint.h>

struct mono {
    int64_t us;
};
struct wall {
    int64_t us;
}; /* since the epoch, UTC */

struct mono mono_now(void);
struct wall wall_now(void);

static inline double wall_seconds(struct wall wall)
{
    return (double)wall.us / 1e6;
}
static inline struct wall wall_from_seconds(double s)
{
    return (struct wall){(int64_t)(s * 1e6 + 0.5)};
}
static inline int64_t mono_since_us(struct mono then)
{
    return mono_now().us - then.us;
}

/* CLOCK_MONOTONIC is one clock for all processes, so a struct mono may be shared between them. */

#endif
