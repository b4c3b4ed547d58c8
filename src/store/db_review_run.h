/* Table reviewsegment as the pipeline writes it, and table corvette_review: until when the items
 * that still run were known to be active, for the start after a crash. */
#ifndef CORVETTE_STORE_DB_REVIEW_RUN_H
#define CORVETTE_STORE_DB_REVIEW_RUN_H

#include "store/store.h"

/* Texts belong to the caller; writing copies them. */
struct db_review {
    const char *id, *camera;
    double start_time;
    struct db_opt_double end_time; /* absent while it runs */
    const char *severity;          /* "alert", "detection" */
    const char *thumb_path;        /* canonical */
    const char *data_json;
    double last_activity;
};

/* Inserts, or updates all but has_been_reviewed. */
void db_review_put(struct store_work *work, const struct db_review *review);
/* A running item, nothing else of which has changed, was still active then. */
void db_review_active(struct store_work *work, const char *id, double last_activity);
/* Ends a running item. */
void db_review_end(struct store_work *work, const char *id, double end_time);
/* At start: forgets activity of items that do not run. */
void db_review_tidy(struct store_work *work);

/* The items that run, newest first. What was never kept (another program wrote the row) is taken
 * from the ends of the item's events, or is its start; never later than `now`. 0 or -errno. */
typedef void (*db_review_fn)(void *context, const struct db_review *review);
int db_review_running(struct db *db, double now, db_review_fn fn, void *context);

#endif
