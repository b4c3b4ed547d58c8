/* Table reviewsegment: spans of activity a person may want to look at. */
#ifndef CORVETTE_STORE_DB_REVIEW_H
#define CORVETTE_STORE_DB_REVIEW_H

#include "store/store.h"

struct db_review_filter {
    struct db_texts cameras;
    struct db_texts labels; /* of objects or sounds */
    struct db_texts zones;
    bool unreviewed;      /* only those nobody has looked at */
    const char *severity; /* NULL = any */
    double after, before; /* begins after; ended before, or not at all */
    struct db_opt_int limit;
};

/* /api/review, newest first. */
int db_review_list_json(struct db *db, const struct db_review_filter *filter, struct str *out);
/* One item; -ENOENT. */
int db_review_json(struct db *db, const char *id, struct str *out);
/* What is needed to throw one away; release with db_review_row_finish. 0, -ENOENT or -errno. */
struct db_review_row {
    char *id, *camera, *thumb_path;
    double start_time;
    struct db_opt_double end_time; /* absent while it runs */
};
int db_review_get(struct db *db, const char *id, struct db_review_row *row);
void db_review_row_finish(struct db_review_row *row);
#define AUTO_REVIEW_ROW __attribute__((cleanup(db_review_row_finish)))
bool db_review_exists(struct db *db, const char *id);
/* Camera (appended) and span of an item, the end absent while it goes on; -ENOENT. */
int db_review_span(struct db *db, const char *id, struct str *camera, double *start,
                   struct db_opt_double *end);
/* The item whose detections hold an event; -ENOENT. */
int db_review_of_event_json(struct db *db, const char *event_id, struct str *out);
/* Counts of the last 24 hours and of each local day of the last 30; cameras, labels and zones of
 * the filter count. */
int db_review_summary_json(struct db *db, const struct db_review_filter *filter, double now,
                           int utc_offset_s, struct str *out);
/* Unknown ids are passed over. */
void db_review_mark(struct store_work *work, const char *id, bool reviewed);

#endif
