/* Table timeline: what happened to an object, in steps. No key; rows are found by source_id. */
#ifndef CORVETTE_STORE_DB_TIMELINE_H
#define CORVETTE_STORE_DB_TIMELINE_H

#include "store/store.h"

struct db_timeline {
    double timestamp;
    const char *camera;
    const char *source;     /* "tracked_object", "audio", "api" */
    const char *source_id;  /* event id; NULL allowed */
    const char *class_type; /* visible, entered_zone, stationary, active, attribute, gone, ... */
    const char *data_json;
};
void db_timeline_add(struct store_work *work, const struct db_timeline *row);
/* The same, unless the event `source_id` names is gone again by then. */
void db_timeline_add_of_event(struct store_work *work, const struct db_timeline *row);

/* /api/timeline; camera "all" and source_id NULL = no filter; limit as in SQL, negative = none. */
int db_timeline_list_json(struct db *db, const char *camera, const char *source_id, int64_t limit,
                          struct str *out);

struct db_timeline_filter {
    struct db_texts cameras, labels;
    struct db_opt_double after, before;
    int64_t limit;
    int utc_offset_s; /* of the asked zone */
};
int db_timeline_hourly_json(struct db *db, const struct db_timeline_filter *filter,
                            struct str *out);

#endif
