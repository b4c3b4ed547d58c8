/* An H.264 film in MP4, moov in front, written to a descriptor: pictures of one size, each shown
 * for a time of its own. */
#ifndef CORVETTE_RENDER_FILM_H
#define CORVETTE_RENDER_FILM_H

#include <libavutil/frame.h>
#include <stdbool.h>

#include "base/err.h"

struct film;

struct film_form {
    int width, height;    /* 0: those of the first picture */
    AVRational time_base; /* of all times here */
    AVRational rate;      /* pictures per second; a guess when they come as they like */
    int key_pictures;     /* a player finds its way in steps of so many */
    int64_t bit_rate;     /* 0: as many as it takes */
    bool baseline;        /* plays on everything */
};

/* Colours are those of the first picture. NULL with a sentence. */
struct film *film_create(int fd, const struct film_form *form, const AVFrame *first,
                         struct err *err);
/* Shown from `at` for `length`; scaled to the film's size. Times rise. 0 or -errno. */
int film_add(struct film *film, const AVFrame *frame, int64_t at, int64_t length, struct err *err);
/* Writes what is left. */
int film_end(struct film *film, struct err *err);
void film_destroy(struct film *film); /* NULL is fine */

#endif
