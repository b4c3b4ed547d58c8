/* Table corvette_stream_change: the segments (by the time they begin) whose stream parameters
 * differ from those of the segment before. Players need a discontinuity there. */
#ifndef CORVETTE_STORE_DB_STREAM_H
#define CORVETTE_STORE_DB_STREAM_H

#include "store/store.h"

void db_stream_mark(struct store_work *work, const char *camera, double start_time, bool changed);

/* For db_recording.c, on the writer's thread: the newest recording of a camera has these
 * parameters; marks it when the one before had others. 0 or -errno. */
int db_stream_recorded(struct db *db, const char *camera, double start_time, uint64_t parameters);

/* Times of changes of a camera in a span, ascending. `times` is malloc'd; 0 or -errno. */
int db_stream_changes(struct db *db, const char *camera, double after, double before,
                      double **times, size_t *count);

#endif
