/* Table event: what sending an event to Frigate+ needs and leaves behind. */
#ifndef CORVETTE_STORE_DB_EVENT_PLUS_H
#define CORVETTE_STORE_DB_EVENT_PLUS_H

#include "store/store.h"

/* Release with db_event_plus_finish(). */
struct db_event_plus {
    char *camera, *label;
    bool ended;
    char *plus_id; /* NULL: not sent; never "" */
    bool false_positive;
    bool has_box; /* events of before 0.13 have none */
    double box[4], region[4];
    double score;                                  /* the best there is */
    char *model_hash, *model_type, *detector_type; /* or NULL */
};
void db_event_plus_finish(struct db_event_plus *event);
#define AUTO_EVENT_PLUS __attribute__((cleanup(db_event_plus_finish)))

/* 0, -ENOENT or -errno. */
int db_event_plus_get(struct db *db, const char *id, struct db_event_plus *event);

/* The event was sent; `false_positive`: as a mistake. */
void db_event_plus_sent(struct store_work *work, const char *id, const char *plus_id,
                        bool false_positive);

#endif
