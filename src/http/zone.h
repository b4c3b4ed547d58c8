/* Time zones by name, without touching the process's own: the offset of any IANA zone at a moment,
 * read from the system's zone files. */
#ifndef CORVETTE_HTTP_ZONE_H
#define CORVETTE_HTTP_ZONE_H

#include <stddef.h>

#include "base/clock.h"

/* Seconds east of UTC. Names in any case ("utc", "europe/berlin"). 0, or -EINVAL: no such zone. */
int zone_offset(const char *name, struct wall when, int *offset_s);

/* The same from a zone file's content; for tests. */
int zone_offset_in(const void *data, size_t length, struct wall when, int *offset_s);

#endif
