/* The pictures Frigate+ wants of one picture: three JPEGs of different sizes. Pure. */
#ifndef CORVETTE_LINK_PLUS_PICTURE_H
#define CORVETTE_LINK_PLUS_PICTURE_H

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

enum plus_size { PLUS_ORIGINAL = 0, PLUS_ANNOTATE, PLUS_THUMBNAIL, PLUS_SIZES };

/* The longest side is at most `side` pixels; never enlarged. */
struct plus_size_row {
    const char *name; /* key of Frigate+'s answers */
    int side, quality;
};
extern const struct plus_size_row plus_sizes[PLUS_SIZES];

struct plus_pictures {
    struct str jpeg[PLUS_SIZES];
};
void plus_pictures_finish(struct plus_pictures *pictures);
#define AUTO_PLUS_PICTURES __attribute__((cleanup(plus_pictures_finish)))

/* 0, or -errno with a sentence: -EBADMSG when it is no PNG we can read. */
int plus_pictures_make(const void *png, size_t length, struct plus_pictures *pictures,
                       struct err *err);

#endif
