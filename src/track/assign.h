/* Optimal assignment of rows to columns by shortest augmenting paths (Jonker and Volgenant's form
 * of the Hungarian method), O(n^2 m), with a gate. */
#ifndef CORVETTE_TRACK_ASSIGN_H
#define CORVETTE_TRACK_ASSIGN_H

#include <stddef.h>

/* `cost[row * columns + column]`; a pair at or above `gate` (or not a number) is forbidden. Finds
 * the pairs that minimise the sum of (cost - gate): leaving a pair apart costs `gate`, so no
 * far-fetched pair is made only to free a column. `match[row]` = column or -1. Memory comes from
 * `work`, which must have assign_work_bytes() and be aligned for double. */
size_t assign_work_bytes(size_t rows, size_t columns);
void assign_solve(const float *cost, size_t rows, size_t columns, float gate, int *match,
                  void *work);

#endif
