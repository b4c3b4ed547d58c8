/* What deciding about keeping reads and changes. Lists are read in bounded pieces through a reader;
 * changes go through works. */
#ifndef CORVETTE_STORE_DB_RETENTION_H
#define CORVETTE_STORE_DB_RETENTION_H

#include "store/db_recording.h"
#include "store/store.h"

/* Segments of a camera that begin from `from` on, oldest first, at most `limit`, ending before
 * `before`. */
int db_retention_segments(struct db *db, const char *camera, double from, double before, int limit,
                          db_recording_fn fn, void *context);

struct db_retention_event {
    const char *id, *label;
    double start;
    struct db_opt_double end;
    bool favorite, manual;
};
typedef void (*db_retention_event_fn)(void *context, const struct db_retention_event *event);
/* Events of a camera with a clip that overlap the span. */
int db_retention_events(struct db *db, const char *camera, double after, double before,
                        db_retention_event_fn fn, void *context);

/* Names in tables: cameras that anything is left of; labels of a camera's events. */
typedef void (*db_retention_name_fn)(void *context, const char *name);
int db_retention_cameras(struct db *db, db_retention_name_fn fn, void *context);
int db_retention_labels(struct db *db, const char *camera, db_retention_name_fn fn, void *context);

enum db_retention_flag { DB_RETENTION_CLIP = 1, DB_RETENTION_SNAPSHOT };
/* Ids of events that began before that time, have the flag and are no favourites; at most `limit`.
 */
int db_retention_flagged(struct db *db, const char *camera, const char *label,
                         enum db_retention_flag flag, double before, int limit,
                         db_retention_name_fn fn, void *context);
/* Clears the flag; with the clip go the event's timeline rows, with both flags the event itself. */
void db_retention_clear(struct store_work *work, const char *id, enum db_retention_flag flag);

/* Review items and previews of a camera that ended before that time and overlap no recording: their
 * id and file; at most `limit`. */
enum db_retention_table { DB_RETENTION_REVIEW = 1, DB_RETENTION_PREVIEW };
typedef void (*db_retention_file_fn)(void *context, const char *id, const char *path);
int db_retention_bare(struct db *db, enum db_retention_table table, const char *camera,
                      double before, int limit, db_retention_file_fn fn, void *context);
void db_retention_remove(struct store_work *work, enum db_retention_table table, const char *id);

/* MiB the recordings of a camera take. */
double db_retention_mib(struct db *db, const char *camera);

#endif
