/* Limits of failed logins by address: "1/second;5/minute;20/hour" lets at most so many fail in a
 * window that begins with the first of them. Thread-safe. */
#ifndef CORVETTE_HTTP_RATE_H
#define CORVETTE_HTTP_RATE_H

#include <stdint.h>

#include "base/clock.h"

#define RATE_LIMITS_MAX 8
#define RATE_ADDRESSES_MAX 1024 /* remembered; the one quiet for longest is forgotten */

struct rate;

/* NULL and what is not understood limit nothing (the configuration's check has warned). */
struct rate *rate_create(const char *limits);
void rate_destroy(struct rate *rate); /* NULL is fine */

/* Seconds to wait before the address may try again, 0 = now. */
int rate_wait_s(struct rate *rate, const char *address, struct mono now);
/* One more failure. */
void rate_count(struct rate *rate, const char *address, struct mono now);

#endif
