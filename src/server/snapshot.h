/* The picture files of an ended event, written on the jobs thread: clips/<camera>-<id>.jpg as
 * configured, and some time later, because it takes ten times as long and nobody waits for it,
 * clips/<camera>-<id>-clean.png. */
#ifndef CORVETTE_SERVER_SNAPSHOT_H
#define CORVETTE_SERVER_SNAPSHOT_H

#include "config/config.h"
#include "server/jobs.h"
#include "server/live.h"

/* `ok`: the JPEG is there. On the loop's thread. */
typedef void (*snapshot_done_fn)(void *context, int camera, const char *id, bool ok);

/* Copies what it needs. An object without a picture is ok when an earlier run left the file. 0 or
 * -EAGAIN: too many are waiting, `done` is not called. */
int snapshot_submit(struct jobs *jobs, const struct config *config, const char *data_dir,
                    int camera, const struct live_object *object, snapshot_done_fn done,
                    void *context);

/* Removes both files, if they are there. */
void snapshot_remove(const char *data_dir, const char *camera, const char *id);

#endif
