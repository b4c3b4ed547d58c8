/* Motion and loudness over time, out of the recordings, in bins. */
#ifndef CORVETTE_STORE_DB_ACTIVITY_H
#define CORVETTE_STORE_DB_ACTIVITY_H

#include "store/store.h"

struct db_activity_filter {
    struct db_texts cameras;
    double after, before; /* rows wholly between */
    int64_t scale_s;      /* width of a bin, at least 1 */
};

#define DB_ACTIVITY_BINS_MAX 1000000

/* 0, -errno, or -E2BIG: the bins would be more than that. */
int db_activity_motion_json(struct db *db, const struct db_activity_filter *filter,
                            struct str *out);
int db_activity_audio_json(struct db *db, const struct db_activity_filter *filter, struct str *out);

#endif
