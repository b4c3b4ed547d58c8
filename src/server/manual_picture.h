/* The pictures of an event made by hand: the whole frame. A camera that has no picture (NULL) gives
 * the card that says so. Any thread; 0 or as picture.h says. */
#ifndef CORVETTE_SERVER_MANUAL_PICTURE_H
#define CORVETTE_SERVER_MANUAL_PICTURE_H

#include "server/live.h"
#include "server/manual.h"

/* JPEG with the boxes and their captions: "<label>: <score or ->% <area in pixels>". */
int manual_picture_jpeg(const struct cfg_camera *camera, const struct live_picture *picture,
                        const char *label, const struct manual_box *boxes, size_t box_count,
                        struct str *out);
/* Nothing drawn. */
int manual_picture_png(const struct cfg_camera *camera, const struct live_picture *picture,
                       struct str *out);
/* 175 pixels high, JPEG q70. */
int manual_picture_thumbnail(const struct cfg_camera *camera, const struct live_picture *picture,
                             struct str *out);

#endif
