/* The picture files of an event made by hand, in clips/. */
#ifndef CORVETTE_SERVER_MANUAL_FILE_H
#define CORVETTE_SERVER_MANUAL_FILE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "config/config.h"
#include "server/jobs.h"
#include "server/live.h"

/* Writes one, at once; suffix as for server_clip_path(). Failing is logged. */
bool manual_file_write(const char *data_dir, const struct cfg_camera *camera, const char *id,
                       const char *suffix, const struct str *data);
/* Removes one, if it is there. */
void manual_file_remove(const char *data_dir, const struct cfg_camera *camera, const char *id,
                        const char *suffix);
/* The clean copy, unless the JPEG is gone, and with it the event. */
void manual_file_write_clean(const char *data_dir, const struct cfg_camera *camera, const char *id,
                             const struct live_picture *picture);

/* Clean copies that wait their turn on the jobs thread. */
struct manual_cleans {
    struct jobs *jobs;
    const char *data_dir;
    atomic_uint waiting;
};
/* Each holds a picture: with so many waiting, others are better made at once. */
#define MANUAL_CLEANS_MAX 16
/* By and by, after the JPEG was asked for. Takes a reference of its own. Any thread. */
void manual_file_clean(struct manual_cleans *cleans, const struct cfg_camera *camera,
                       const char *id, struct live_picture *picture);

#endif
