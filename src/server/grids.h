/* The region grid of each camera: learned by analyse, kept here for it across its restarts, and in
 * the table regions for ever. Loop's thread. */
#ifndef CORVETTE_SERVER_GRIDS_H
#define CORVETTE_SERVER_GRIDS_H

#include "config/config.h"
#include "ipc/channel.h"
#include "store/store.h"

struct grids;

/* Reads what is stored. */
struct grids *grids_create(const struct config *config, struct store *store);
void grids_destroy(struct grids *grids); /* NULL is fine */
/* A new grid; 0 or -EBADMSG (it is not JSON: analyse has lost its senses). */
int grids_take(struct grids *grids, int camera, const struct msg_grid *grid);
/* Tells a new analyse what is known; nothing when nothing is. */
void grids_send(struct grids *grids, int camera, struct channel *channel);
/* Writes what has changed, each camera at most once a minute; `all`: now (stopping). */
void grids_flush(struct grids *grids, bool all);

#endif
