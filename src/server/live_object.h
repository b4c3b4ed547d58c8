/* Copying and comparing of tracked objects, for live.c. */
#ifndef CORVETTE_SERVER_LIVE_OBJECT_H
#define CORVETTE_SERVER_LIVE_OBJECT_H

#include "server/live.h"

void object_state_finish(struct msg_object *state);
void live_best_finish(struct live_best *best);

/* Maps a sealed memfd holding an I420 picture: NULL with errno when it is not one. */
struct live_picture *live_picture_map(int memfd, int width, int height, double time);

/* Whether `a`'s best picture shows its kind of object better than `b`'s: a face (person) or a
 * licence plate (car) first, then not being cut off by the border, then score, then area. Contract:
 * pipeline section 8, the rule for replacing a thumbnail. Both have one. */
bool live_object_better(const struct live_object *a, const struct live_object *b);

#endif
