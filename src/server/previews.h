/* Small pictures of what every camera sees, kept while it happens (footage/preview_frames.h) and
 * made into a film every hour (footage/preview_hours.h).
 *
 * The loop's thread decides; a thread of its own scales the picture straight out of the camera's
 * ring, encodes and writes it. One picture per camera can wait for it: a newer one takes its place
 * and is counted. */
#ifndef CORVETTE_SERVER_PREVIEWS_H
#define CORVETTE_SERVER_PREVIEWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/jout.h"
#include "config/config.h"
#include "footage/preview_frames.h"
#include "ipc/messages.h"
#include "server/live.h"
#include "store/store.h"

struct previews;

/* NULL when no thread can be started. The arguments must outlive it. */
struct previews *previews_create(const struct config *config, struct store *store,
                                 struct live *live, const char *data_dir);
void previews_destroy(struct previews *previews); /* NULL is fine */

/* The loop's thread: a processed picture, before its content is taken elsewhere. */
void previews_frame(struct previews *previews, int camera, const struct msg_frame *frame);

/* Any thread. */
struct preview_frames *previews_frames(struct previews *previews);
/* A place for making a preview for somebody who waits: at most two are made at once, and a few wait
 * for their turn here. False: too many, or it was hung up. */
bool previews_enter(struct previews *previews);
void previews_leave(struct previews *previews);
/* Whoever makes one, or waits to, gives up now. */
void previews_hang_up(struct previews *previews);
bool previews_hung_up(struct previews *previews);
/* An object for /api/stats. */
void previews_report(struct previews *previews, struct jout *json);

#endif
