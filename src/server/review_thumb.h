/* The thumbnail of a review item, clips/review/thumb-<camera>-<id>.webp: encoded and written on the
 * jobs thread. */
#ifndef CORVETTE_SERVER_REVIEW_THUMB_H
#define CORVETTE_SERVER_REVIEW_THUMB_H

#include "base/str.h"
#include "server/jobs.h"
#include "server/live.h"
#include "vision/geometry.h"

#define REVIEW_THUMB_HEIGHT 180

/* Relative to the media folder, appended. */
void review_thumb_path(const char *camera, const char *id, struct str *out);
bool review_thumb_exists(const char *data_dir, const char *camera, const char *id);
void review_thumb_remove(const char *data_dir, const char *camera, const char *id);

/* That part of a picture. 0, or -errno and nothing appended. Any thread. */
int review_thumb_encode(const struct live_picture *picture, struct box area, struct str *out);

/* On the loop's thread. */
typedef void (*review_thumb_fn)(void *context, int camera, const char *id, bool ok);

struct review_thumb {
    const char *data_dir; /* outlives the job */
    const char *camera_name;
    int camera;
    const char *id;               /* copied */
    struct live_picture *picture; /* the job takes a reference of its own */
    struct box area;
    review_thumb_fn done;
    void *context;
};
/* 0 or -EAGAIN: too many wait, `done` is not called. */
int review_thumb_submit(struct jobs *jobs, const struct review_thumb *thumb);

#endif
