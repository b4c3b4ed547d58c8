/* What a check of the whole database reads. */
#ifndef CORVETTE_STORE_DB_CHECK_H
#define CORVETTE_STORE_DB_CHECK_H

#include "store/db_recording.h"

int64_t db_check_rows(struct db *db); /* of recordings */
/* All recordings, camera by camera, by start. */
int db_check_recordings(struct db *db, db_recording_fn fn, void *context);

typedef void (*db_check_fn)(void *context, const char *text);
/* Gaps that overlap a recording or each other, in words. */
int db_check_gaps(struct db *db, db_check_fn fn, void *context);
/* Camera and id of ended events with a snapshot that began since. */
typedef void (*db_check_event_fn)(void *context, const char *camera, const char *id);
int db_check_pictures(struct db *db, double since, db_check_event_fn fn, void *context);
/* Ids of exports in progress that nobody will go on with. */
int db_check_exports(struct db *db, db_check_fn fn, void *context);

#endif
