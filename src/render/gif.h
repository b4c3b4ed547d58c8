/* A GIF that loops, in one palette made for all its pictures, which therefore wait in memory until
 * the end. */
#ifndef CORVETTE_RENDER_GIF_H
#define CORVETTE_RENDER_GIF_H

#include <libavutil/frame.h>

#include "base/err.h"

struct gif;

/* More are refused (-E2BIG). */
#define GIF_PICTURES_MAX 600

/* Size 0: that of the first picture. */
struct gif *gif_create(int fd, int width, int height);
/* Shown from `at_us` on; scaled to the GIF's size. 0 or -errno. */
int gif_add(struct gif *gif, const AVFrame *frame, int64_t at_us, struct err *err);
/* Writes it; the last picture is shown until `end_us`. */
int gif_end(struct gif *gif, int64_t end_us, struct err *err);
void gif_destroy(struct gif *gif); /* NULL is fine */

#endif
