/* What the three kinds of shared memory have alike: made sealed, and looked at with suspicion. */
#ifndef CORVETTE_RING_SHARED_H
#define CORVETTE_RING_SHARED_H

#include <stdbool.h>
#include <stddef.h>

/* Maps the whole of a memfd whose size can no longer change. NULL with errno: EBADF, EINVAL (not a
 * sealed memfd, or smaller than `least_bytes`), ENOMEM. `*bytes` is its size. */
void *shared_map(int memfd, bool writable, size_t least_bytes, size_t *bytes);

#endif
