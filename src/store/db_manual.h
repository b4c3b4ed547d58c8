/* What events made by hand need beyond db_event.h. */
#ifndef CORVETTE_STORE_DB_MANUAL_H
#define CORVETTE_STORE_DB_MANUAL_H

#include "store/store.h"

/* The longest an event made over the API stays open when nobody ends it; at start-up, too. */
#define DB_MANUAL_LONGEST_S 86400.0

/* SQL: whether an event was made over the API, 0 whatever else stands in its data: one bad row must
 * not keep the others from being read. (CASE, because AND may look at both its sides.) */
#define DB_MANUAL_OVER_API \
    "coalesce(CASE WHEN json_valid(data) THEN json_extract(data, '$.type') = 'api' END, 0)"

/* Any event; an unknown id changes nothing. */
void db_manual_end(struct store_work *work, const char *id, double end_time);
/* The recordings there are of a span count an active object more. */
void db_manual_claim(struct store_work *work, const char *camera, double start, double end);

struct db_manual_row {
    const char *id, *camera, *label, *sub_label; /* sub_label NULL when none */
    double start_time;
    struct db_opt_double end_time; /* absent while open */
    bool has_clip;
};
typedef void (*db_manual_fn)(void *context, const struct db_manual_row *row);
/* Events made over the API that are open or end after `now`. The texts live for the call. */
int db_manual_running(struct db *db, double now, db_manual_fn fn, void *context);

#endif
