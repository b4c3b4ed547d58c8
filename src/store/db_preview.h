/* Table previews: one row per small film of a camera's hour. The file is the truth, the row indexes
 * it. */
#ifndef CORVETTE_STORE_DB_PREVIEW_H
#define CORVETTE_STORE_DB_PREVIEW_H

#include "store/store.h"

struct db_preview {
    const char *id; /* "<camera>_<end time>" */
    const char *camera;
    const char *path; /* canonical: /media/frigate/clips/previews/<camera>/<start>-<end>.mp4 */
    double start_time, end_time, duration;
};

/* Inserts, or replaces the row of the same id. */
void db_preview_put(struct store_work *work, const struct db_preview *preview);
void db_preview_delete(struct store_work *work, const char *id);

/* /api/preview: those that begin or end within after..before, or span it; camera NULL: all. Sets
 * how many. */
int db_preview_list_json(struct db *db, const char *camera, double after, double before,
                         struct str *out, size_t *count);

/* Rows of a camera (NULL: all) that overlap after..before, ascending. The texts live for the call
 * only. */
typedef void (*db_preview_fn)(void *context, const struct db_preview *preview);
int db_preview_each(struct db *db, const char *camera, double after, double before,
                    db_preview_fn fn, void *context);

/* Quarters of an hour (start_time / 900) with recordings and how many seconds of them, by camera,
 * ascending. Out of the sums while they can be used, else out of the rows. */
typedef void (*db_preview_quarter_fn)(void *context, const char *camera, int64_t quarter,
                                      double seconds);
int db_preview_recorded(struct db *db, db_preview_quarter_fn fn, void *context);

#endif
