/* Table recordings: one row per segment file. The file is the truth, the row indexes it. */
#ifndef CORVETTE_STORE_DB_RECORDING_H
#define CORVETTE_STORE_DB_RECORDING_H

#include "store/store.h"

struct db_recording {
    const char *id; /* "<start>-<6 of a-z0-9>" */
    const char *camera;
    const char *path; /* canonical: /media/frigate/recordings/... */
    double start_time, end_time;
    double duration;    /* seconds */
    double segment_mib; /* column segment_size, 1 decimal */
    struct db_opt_int objects, motion, regions, dbfs;
    uint64_t parameters; /* of the newest recording's stream, hls_parameters(); 0 = unknown */
};

/* Inserts; a row with the same path is replaced (its id stays). */
void db_recording_put(struct store_work *work, const struct db_recording *recording);
void db_recording_delete(struct store_work *work, const char *id);

bool db_recording_has_path(struct db *db, const char *path);
/* When a row's segment begins and how long it is; false: there is no such row. */
bool db_recording_times(struct db *db, const char *path, double *start, double *duration);
/* End of the newest segment of a camera, absent when it has none. */
struct db_opt_double db_recording_newest(struct db *db, const char *camera);

/* Rows that overlap a span begin at most this long before it: the longest segment there can be
 * (Frigate's and our bound). It keeps the walk over an index as short as the span. */
#define DB_RECORDING_LONGEST_S 600.0

/* Rows of a camera that overlap after..before, ascending; return false to end. The texts live for
 * the call only. Camera NULL: all cameras. */
typedef bool (*db_recording_fn)(void *context, const struct db_recording *recording);
int db_recording_each(struct db *db, const char *camera, double after, double before,
                      db_recording_fn fn, void *context);
/* The rows of a query that yields these columns first, for queries in other files of this folder.
 */
#define DB_RECORDING_COLUMNS                                                                     \
    "id, camera, path, start_time, end_time, duration, segment_size, objects, motion, regions, " \
    "dBFS "
int db_recording_rows(struct db_query *query, db_recording_fn fn, void *context);

/* When the same begin and how long they are, out of an index alone: several times as fast, for
 * lists of thousands. */
typedef void (*db_recording_time_fn)(void *context, double start_time, double duration);
int db_recording_each_time(struct db *db, const char *camera, double after, double before,
                           db_recording_time_fn fn, void *context);
/* Path of the row that begins then, appended; false when there is none. */
bool db_recording_path(struct db *db, const char *camera, double start_time, struct str *path);

/* /api/<camera>/recordings. */
int db_recording_list_json(struct db *db, const char *camera, double after, double before,
                           struct str *out);
/* MiB a camera's recordings take (absent: it has none), and MiB per hour it records lately. */
int db_recording_usage(struct db *db, const char *camera, struct db_opt_double *mib,
                       double *mib_per_hour);
int db_recording_summary_json(struct db *db, const char *camera, int utc_offset_s, struct str *out);

#endif
