/* What the parts of the review share: items with what is still to be written of them. */
#ifndef CORVETTE_SERVER_REVIEW_PRIVATE_H
#define CORVETTE_SERVER_REVIEW_PRIVATE_H

#include <pthread.h>
#include <stdbool.h>

#include "base/list.h"
#include "base/log.h"
#include "server/review.h"
#include "server/review_item.h"

struct review_entry {
    struct list link; /* in review->entries */
    int camera;
    struct review_item item;
    bool stored;        /* the writer has its row */
    bool dirty, urgent; /* something to write; without delay */
    bool ended, deleted;
    int64_t put_us, begun_us; /* monotonic */
    double kept_activity;     /* as the database has it */
    uint64_t left_out;        /* of the item, already counted */

    bool in_job, has_thumb, wants_thumb; /* wants: raised since the last one */
    unsigned thumb_active;               /* active objects on the thumbnail */
    int64_t thumb_after_us;
};

/* What a camera is about. */
struct review_watch {
    struct review_entry *current; /* NULL: quiet */
    double frame_time;            /* of the last picture, 0 = none */
};

struct review {
    const struct config *config;
    struct store *store;
    struct jobs *jobs;
    struct live *live;
    const char *data_dir;

    /* Everything below. Works are submitted under it too: after review_forget() none is to come. */
    pthread_mutex_t lock;
    struct list entries;
    unsigned count;
    struct review_watch *watches; /* per camera */
    int64_t refused_until_us, tick_us, kept_us;
    struct log_limit full_limit, lost_limit;
    struct review_state state;
};

static inline const struct cfg_camera *review_camera(const struct review *review, int camera)
{
    return &review->config->cameras[camera];
}

/* All of these under the lock. */

/* A new entry is what its camera is about; its item is zeroed. */
struct review_entry *review_add(struct review *review, int camera);
struct review_entry *review_find(struct review *review, int camera, const char *id);
void review_entry_free(struct review *review, struct review_entry *entry);
/* Parts with it when nothing more is to come. */
void review_settle(struct review *review, struct review_entry *entry);

/* A better thumbnail, if this picture makes one. */
void review_refresh_thumb(struct review *review, struct review_entry *entry, uint64_t sequence,
                          const struct review_sight *sight);
/* An item without one for a while takes the newest picture there is. */
void review_missing_thumb(struct review *review, struct review_entry *entry, struct mono now);

/* Now and then: tells the database until when the running items were active. */
void review_keep_activity(struct review *review, struct mono now);
/* Without the lock, at create. */
void review_restore_all(struct review *review);

#endif
