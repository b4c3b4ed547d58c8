/* The best pictures of the objects of one camera: copies of ring pictures in sealed memfds (written
 * once), shared by objects whose best is the same picture, kept as long as their objects live so
 * that a server that comes anew can be given all of them again. Bounded: over the limit, copies
 * that were delivered go first, the oldest of them; without such a one no new picture is taken. */
#ifndef CORVETTE_ANALYSE_PICTURES_H
#define CORVETTE_ANALYSE_PICTURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ring/frames.h"
#include "track/object.h"

struct pictures;
struct shot; /* one copied picture */

struct pictures *pictures_create(size_t max_bytes);
void pictures_destroy(struct pictures *pictures); /* NULL is fine */

/* Copies the picture; `valid` tells afterwards whether it was whole. NULL: no room, no memory, or
 * overwritten meanwhile. Lasts until pictures_sync() unless an object took it. */
struct shot *pictures_shoot(struct pictures *pictures, const uint8_t *picture,
                            const struct frame_info *info, bool (*valid)(void *context),
                            void *context);
/* It is the object's best (call after object_take_best); replaces the one before. */
void pictures_keep(struct pictures *pictures, const struct object *object, struct shot *shot);

/* Lets go of pictures of objects that are no longer among `objects`. */
void pictures_sync(struct pictures *pictures, struct objects *objects);

/* Hands every undelivered one to `send` (0 = delivered); stops at the first that fails and returns
 * its error, else 0. */
struct picture_parcel {
    const char *id;
    uint32_t revision, width, height;
    double time;
    int memfd;
};
typedef int (*picture_send_fn)(void *context, const struct picture_parcel *parcel);
int pictures_deliver(struct pictures *pictures, picture_send_fn send, void *context);
/* The receiver is new: all are undelivered again, and an object whose copy had to go is told to
 * take its next good picture. */
void pictures_start_over(struct pictures *pictures, struct objects *objects);

size_t pictures_bytes(const struct pictures *pictures);

#endif
