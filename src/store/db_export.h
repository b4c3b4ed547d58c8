/* Table export: films the user asked for. Table corvette_export: what is needed to make one again;
 * a row there exists as long as its export is in progress. */
#ifndef CORVETTE_STORE_DB_EXPORT_H
#define CORVETTE_STORE_DB_EXPORT_H

#include "store/store.h"

struct db_export {
    const char *id; /* "<camera>_<6 of a-z0-9>" */
    const char *camera, *name;
    double date;                         /* begin of what it shows */
    const char *video_path, *thumb_path; /* canonical; thumb "" = none */
};

/* An export to be made: both rows. */
struct db_export_job {
    struct db_export export_;
    double start, end;
    const char *playback; /* "realtime", "timelapse_25x" */
    int attempts;
};

void db_export_begin(struct store_work *work, const struct db_export_job *job);
/* A film that is there already. */
void db_export_put(struct store_work *work, const struct db_export *export_);
void db_export_attempt(struct store_work *work, const char *id, int attempts);
void db_export_finish(struct store_work *work, const char *id);
void db_export_delete(struct store_work *work, const char *id);
void db_export_rename(struct store_work *work, const char *id, const char *name);

/* Jobs in progress, oldest first; texts live for the call. */
typedef void (*db_export_job_fn)(void *context, const struct db_export_job *job);
int db_export_jobs(struct db *db, db_export_job_fn fn, void *context);
/* Exports in progress without a job: an older program died over them. */
int db_export_stuck(struct db *db, void (*fn)(void *context, const struct db_export *export_),
                    void *context);
bool db_export_has_path(struct db *db, const char *video_path);

/* Finds one by id, else by its file's name with or without ".mp4", else by its exact name. 0 with
 * id and paths (malloc'd), -ENOENT or -errno. */
struct db_export_found {
    char *id, *video_path, *thumb_path;
};
int db_export_find(struct db *db, const char *key, struct db_export_found *found);
void db_export_found_finish(struct db_export_found *found);
#define AUTO_EXPORT __attribute__((cleanup(db_export_found_finish)))

int db_export_list_json(struct db *db, struct str *out);

#endif
