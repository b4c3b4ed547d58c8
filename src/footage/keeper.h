/* Keeps what the rules want and room for what is coming: one thread that expires footage, events
 * and pictures (at start, every record.expire_interval minutes, and each minute what has just
 * settled), and frees space when the writers need it. Waits for disk and database, so that nobody
 * else has to. */
#ifndef CORVETTE_FOOTAGE_KEEPER_H
#define CORVETTE_FOOTAGE_KEEPER_H

#include <stdint.h>

#include "base/jout.h"
#include "config/config.h"
#include "footage/volume.h"
#include "store/store.h"

struct keeper;

/* Starts the thread; the arguments must outlive it. */
struct keeper *keeper_create(const struct config *config, struct store *store,
                             const char *data_dir);
/* Stops within a batch. NULL is fine. */
void keeper_destroy(struct keeper *keeper);

/* Any thread; cheap. A camera has recorded that much: the keeper learns the rate, and looks whether
 * there is still room. */
void keeper_recorded(struct keeper *keeper, int camera, uint64_t bytes, double seconds);
/* A camera finds too little room: at once. */
void keeper_need(struct keeper *keeper, int camera, uint64_t bytes);

/* The disk as it was identified; false: not yet. */
bool keeper_volume(struct keeper *keeper, struct volume *volume);
/* An object for /api/stats. */
void keeper_report(struct keeper *keeper, struct jout *json);

#endif
