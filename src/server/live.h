/* What the cameras see right now: newest picture, motion, regions, tracked objects and their best
 * pictures, counts. Written by the loop's thread, read by any thread; readers get copies or hold a
 * reference, and never keep the writer waiting for longer than one copy. */
#ifndef CORVETTE_SERVER_LIVE_H
#define CORVETTE_SERVER_LIVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "ipc/messages.h"
#include "ring/frames.h"

struct live;

/* A whole picture, planar I420 as in ring/frames.h. Shared and never changed: whoever takes a
 * reference gives it back with live_picture_unref(). */
struct live_picture {
    const uint8_t *pixels;
    int width, height;
    double time; /* capture instant, wall seconds */
    /* private: */
    atomic_uint references;
    void *mapping; /* NULL: `pixels` is malloc'd */
    size_t mapping_bytes;
};
struct live_picture *live_picture_ref(struct live_picture *picture); /* NULL is fine */
void live_picture_unref(struct live_picture *picture);               /* NULL is fine */
/* Takes over malloc'd pixels. */
struct live_picture *live_picture_new(uint8_t *pixels, int width, int height, double time);

/* The best picture of an object and what was found in it. */
struct live_best {
    struct live_picture *picture; /* reference; NULL = none yet */
    uint32_t revision;
    double time;
    float score;
    int32_t box[4], region[4]; /* x1, y1, x2, y2 */
    int32_t area;
    struct msg_attribute *attributes;
    size_t attribute_count;
};

/* A tracked object: what analyse last said of it, and its best picture. (state.best_* may be ahead
 * of the picture for a moment; `best` always fits together.) */
struct live_object {
    struct msg_object state; /* arrays owned */
    struct live_best best;
    bool has_clip, has_snapshot; /* as the event stands (events.h) */
};
/* Deep copy: arrays of its own, references of its own. */
void live_object_copy(struct live_object *to, const struct live_object *from);
void live_object_finish(struct live_object *object);
#define AUTO_LIVE_OBJECT __attribute__((cleanup(live_object_finish)))

/* Content of the last processed picture of a camera. */
struct live_view {
    double time;       /* of the picture these were found in; 0 = nothing yet */
    uint64_t sequence; /* of the frame ring */
    bool calibrating;
    struct msg_box *motion, *regions;
    size_t motion_count, region_count;
    struct live_object *objects; /* false positives too */
    size_t object_count;
};
void live_view_finish(struct live_view *view);
#define AUTO_LIVE_VIEW __attribute__((cleanup(live_view_finish)))

/* Any thread. `camera` is an index into config->cameras. */

/* Copy of the content; true when a picture was ever processed. `view` is always set. */
bool live_get_view(struct live *live, int camera, struct live_view *view);

/* Copy of a picture: the one of `sequence` when the ring still holds it, else (or with 0) the
 * newest. Reference for the caller, or NULL when the camera has none. `age_us`: since it was
 * captured. */
struct live_picture *live_get_picture(struct live *live, int camera, uint64_t sequence,
                                      int64_t *age_us, uint64_t *got_sequence);

/* Looks at a picture in place, without copying it: the one of `sequence` when the ring still holds
 * it, else the newest. `fn` is called once or, when it was overtaken while it looked, again: only
 * the last call counts. 0, or -ENOENT, -ESTALE: none could be looked at. */
typedef void (*live_look_fn)(void *context, const uint8_t *picture, const struct frame_info *info);
int live_look(struct live *live, int camera, uint64_t sequence, live_look_fn fn, void *context);

/* An object by its event id, running or ended within the last seconds (until its files are there):
 * true and a copy. `camera` (may be NULL) gets its index. */
bool live_find_object(struct live *live, const char *id, struct live_object *object, int *camera);
/* The best picture of a label on a camera, of a running or ended object. */
bool live_best_of_label(struct live *live, int camera, const char *label,
                        struct live_object *object);

/* The user names a running object: from its next picture on its state says so, whatever analyse
 * finds. "" takes the name away; a score of 0 is none. False: no such object. */
bool live_set_sub_label(struct live *live, const char *id, const char *sub_label, float score);

/* Running true positives per label; zone NULL = whole camera; label NULL = all. */
unsigned live_count(struct live *live, int camera, const char *label, const char *zone);

struct live_state {
    uint64_t messages, frames, bests; /* taken */
    uint64_t pictures_refused;        /* best pictures that were not what they claimed */
    uint64_t objects_dropped;         /* over the bound per camera */
    unsigned objects;                 /* running now */
};
void live_get_state(struct live *live, struct live_state *state);

/* The loop's thread only. */
struct live *live_create(const struct config *config);
void live_destroy(struct live *live); /* NULL is fine */
/* Maps the ring; the fd stays the caller's. 0 or -errno. */
int live_set_ring(struct live *live, int camera, int memfd);

/* Called for every running object after a message, and for each ended one a last time (`ended`).
 * Returns LIVE_HAS_ bits. */
#define LIVE_HAS_CLIP 1u
#define LIVE_HAS_SNAPSHOT 2u
typedef unsigned (*live_object_fn)(void *context, int camera, const struct live_object *object,
                                   bool ended);
/* Takes the content out of the message (its arrays are empty afterwards). Objects the message does
 * not mention have ended: it lists all that live. */
void live_take_frame(struct live *live, int camera, struct msg_frame *frame, live_object_fn fn,
                     void *context);
/* Takes over *fd (sets it to -1). 0 or -errno: not a sealed I420 picture. */
int live_take_best(struct live *live, int camera, const struct msg_best *best, int *fd);
/* analyse is gone: everything of this camera ends. */
void live_end_all(struct live *live, int camera, live_object_fn fn, void *context);

#endif
