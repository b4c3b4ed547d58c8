/* An H.264 film in MP4, moov in front, written to a descriptor: pictures of one size at a constant
 * rate. */
#ifndef CORVETTE_RENDER_FILM_H
#define CORVETTE_RENDER_FILM_H

#include <libavutil/frame.h>

#include "base/err.h"

struct film;

/* The size is that of the first picture. NULL with a sentence. */
struct film *film_create(int fd, double rate, const AVFrame *first, struct err *err);
/* Picture number `slot`; later ones are scaled to the first one's size. 0 or -errno. */
int film_add(struct film *film, const AVFrame *frame, int64_t slot, struct err *err);
/* Writes what is left. */
int film_end(struct film *film, struct err *err);
void film_destroy(struct film *film); /* NULL is fine */

#endif
