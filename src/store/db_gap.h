/* Table corvette_gap: every second of a camera that was not recorded, and why. Gaps of a camera do
 * not overlap each other, nor recordings. */
#ifndef CORVETTE_STORE_DB_GAP_H
#define CORVETTE_STORE_DB_GAP_H

#include "base/jout.h"
#include "store/store.h"

/* Shorter than this is no gap: clocks and frame rates are not exact. */
#define DB_GAP_LEAST_S 0.5

struct db_gap {
    const char *camera;
    double start, end;
    const char *cause, *detail;
};

/* Enters a gap as far as nothing was recorded then; what was known of that time before is replaced.
 * One that goes on where the last of the same cause ended makes that longer. */
void db_gap_put(struct store_work *work, const struct db_gap *gap);
/* Forgets gaps that ended before that time. */
void db_gap_forget(struct store_work *work, const char *camera, double before);

/* For db_recording.c, on the writer's thread: a recording covers that span, so no gap does; the
 * time since the last one that nobody has accounted for was a stop. Rows changed or -errno. */
int db_gap_recorded(struct db *db, const char *camera, double start, double end);

/* Gaps that overlap a span, ascending, as JSON objects into an open list. 0 or -errno. */

int db_gap_list_json(struct db *db, const char *camera, double after, double before,
                     struct jout *json);
/* The newest gap: 1, 0 (none) or -errno; the texts must be of at least these sizes. */
int db_gap_newest(struct db *db, const char *camera, double *end, char cause[32], char detail[128]);
/* End of the newest recording there ever was; absent when there was none. */
struct db_opt_double db_gap_recorded_until(struct db *db, const char *camera);

#endif
