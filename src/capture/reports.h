/* What capture tells the server: finished segments, gaps, want of room. A report waits while the
 * server is away, in order and up to a bound; what falls out is told by the files themselves. Any
 * thread may add; the loop's thread sends. */
#ifndef CORVETTE_CAPTURE_REPORTS_H
#define CORVETTE_CAPTURE_REPORTS_H

#include <stdbool.h>

#include "capture/gaps.h"
#include "capture/segment.h"
#include "ipc/worker.h"

struct reports;

struct reports *reports_create(struct worker *worker);
void reports_destroy(struct reports *reports); /* NULL is fine */

void reports_segment(struct reports *reports, const struct segment_info *info);
void reports_gap(struct reports *reports, const struct gap_info *gap);
void reports_need(struct reports *reports, uint64_t bytes, int error);

/* Sends what is waiting; true when all of it went. */
bool reports_send(struct reports *reports);

#endif
