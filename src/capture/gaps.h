/* Accounts for the time in which nothing was recorded: told what is recorded and what is in the
 * way, it reports each stretch between with its cause. Any thread; one per recorder.
 *
 * A stretch is reported when it ends, and while it lasts in pieces, so that a camera that is away
 * can be seen to be away, and little is unknown when the process dies. */
#ifndef CORVETTE_CAPTURE_GAPS_H
#define CORVETTE_CAPTURE_GAPS_H

#include <stdint.h>

#include "ipc/messages.h"

#define GAPS_DETAIL 100
#define GAPS_PIECE_US 30000000 /* how long a stretch lasts before a piece of it is reported */

struct gap_info {
    int64_t start_us, end_us; /* wall */
    enum gap_cause cause;
    char detail[GAPS_DETAIL];
};
typedef void (*gaps_report_fn)(void *context, const struct gap_info *gap);

struct gaps;

/* Nothing is recorded from now on, as there is no connection yet. */
struct gaps *gaps_create(gaps_report_fn report, void *context);
void gaps_destroy(struct gaps *gaps); /* NULL is fine */

/* What is in the way from now on, as long as nothing is recorded. */
void gaps_cause(struct gaps *gaps, enum gap_cause cause, const char *detail);
/* That stretch (wall time) is in a file now. */
void gaps_recorded(struct gaps *gaps, int64_t start_us, int64_t end_us);
/* From time to time: reports a piece of what lasts. */
void gaps_tick(struct gaps *gaps);

#endif
