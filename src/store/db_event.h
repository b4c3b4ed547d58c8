/* Table event: tracked objects, audio and manual events. */
#ifndef CORVETTE_STORE_DB_EVENT_H
#define CORVETTE_STORE_DB_EVENT_H

#include "store/store.h"

/* What the pipeline writes. Texts belong to the caller; writing copies them. */
struct db_event {
    const char *id; /* "<first frame time>-<6 of a-z0-9>" */
    const char *label, *camera;
    double start_time;             /* capture padding included */
    struct db_opt_double end_time; /* absent while it runs */
    const char *zones_json;        /* JSON list of names */
    const char *thumbnail;         /* base64 JPEG */
    bool has_clip, has_snapshot;
    const char *sub_label;                               /* NULL leaves what is stored */
    const char *model_hash, *detector_type, *model_type; /* NULL allowed */
    const char *data_json; /* box, region, score, top_score, attributes, type */
};

/* Inserts, or updates the columns above and leaves the others (retain_indefinitely, plus_id,
 * false_positive, a sub_label that is already there and its score) as they are. */
void db_event_put(struct store_work *work, const struct db_event *event);
/* Start-up after an unclean end: every event still open ends 30 s after it began. One made over the
 * API goes on, for a day at most (db_manual.h). */
void db_event_repair(struct store_work *work, double now);
/* Every event still open ends now and loses its snapshot flag (its best picture dies with us). */
void db_event_end_all(struct store_work *work, double now);
/* Row and its timeline rows. */
void db_event_delete(struct store_work *work, const char *id);
void db_event_retain(struct store_work *work, const char *id, bool retain);
/* sub_label, data.sub_label_score unless absent, and the sub label of its timeline rows when
 * `timeline` is set (running events). */
void db_event_sub_label(struct store_work *work, const char *id, const char *sub_label,
                        struct db_opt_double score, bool timeline);

/* One event as read for serving its pictures; release with db_event_row_finish. */
struct db_event_row {
    char *id, *camera, *label, *sub_label; /* sub_label NULL when none */
    double start_time;
    struct db_opt_double end_time;
    bool has_clip, has_snapshot;
    bool tracked;    /* data.type: an object's, whose pictures are written when it ends */
    char *thumbnail; /* base64 */
};
void db_event_row_finish(struct db_event_row *row);
#define AUTO_EVENT_ROW __attribute__((cleanup(db_event_row_finish)))

/* 0, -ENOENT or -errno. */
int db_event_get(struct db *db, const char *id, struct db_event_row *row);
/* The event with the greatest id of a camera, and of a label unless that is "any". */
int db_event_latest(struct db *db, const char *camera, const char *label, struct db_event_row *row);
/* The same among those with a clip. */
int db_event_latest_clip(struct db *db, const char *camera, const char *label,
                         struct db_event_row *row);
/* The newest with a snapshot. */
int db_event_latest_snapshot(struct db *db, const char *camera, const char *label,
                             struct db_event_row *row);

/* Boxes (relative x, y, w, h) of a camera's finished object events that began after `since`, for
 * the region grid; `region` likewise, all zero when absent. */
typedef void (*db_event_box_fn)(void *context, const double box[4], const double region[4]);
int db_event_boxes(struct db *db, const char *camera, double since, db_event_box_fn fn,
                   void *context);

enum db_event_sort {
    DB_EVENT_DATE_DESC = 1,
    DB_EVENT_DATE_ASC,
    DB_EVENT_SCORE_DESC,
    DB_EVENT_SCORE_ASC,
};

/* /api/events. Zeroed = everything, newest first. */
struct db_event_filter {
    struct db_texts camera, cameras; /* both must hold */
    struct db_texts labels;
    struct db_texts sub_labels; /* "None" = no sub label */
    struct db_texts zones;      /* "None" = no zone */
    struct db_opt_double after, before;
    const char *time_after, *time_before; /* local "HH:MM", both or neither */
    int utc_offset_s;                     /* of the local time above */
    struct db_opt_int has_clip, has_snapshot, in_progress, submitted;
    bool favorites;
    struct db_opt_double min_score, max_score, min_length, max_length;
    enum db_event_sort sort; /* 0 = newest first */
    struct db_opt_int limit; /* negative = none */
    bool thumbnails;
};
/* Appends a JSON list. 0 or -errno. */
int db_event_list_json(struct db *db, const struct db_event_filter *filter, struct str *out);
/* Appends the whole row; -ENOENT. */
int db_event_json(struct db *db, const char *id, struct str *out);
/* Counts by camera, label, sub label, local day and zones. */
int db_event_summary_json(struct db *db, int utc_offset_s, struct db_opt_int has_clip,
                          struct db_opt_int has_snapshot, struct str *out);
int db_event_labels_json(struct db *db, const char *camera, struct str *out); /* camera NULL: all */
int db_event_sub_labels_json(struct db *db, bool split, struct str *out);

#endif
