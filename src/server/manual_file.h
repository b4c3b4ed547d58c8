/* The picture files of an event made by hand, in clips/. */
#ifndef CORVETTE_SERVER_MANUAL_FILE_H
#define CORVETTE_SERVER_MANUAL_FILE_H

#include "config/config.h"
#include "server/jobs.h"
#include "server/live.h"

/* Writes one, at once; suffix as for server_clip_path(). Failing is logged. */
bool manual_file_write(const char *data_dir, const struct cfg_camera *camera, const char *id,
                       const char *suffix, const struct str *data);
/* Removes one, if it is there. */
void manual_file_remove(const char *data_dir, const struct cfg_camera *camera, const char *id,
                        const char *suffix);
/* The clean copy, if the camera wants them: by and by on the jobs thread, after the JPEG. Takes a
 * reference of its own. Any thread. */
void manual_file_clean(struct jobs *jobs, const char *data_dir, const struct cfg_camera *camera,
                       const char *id, struct live_picture *picture);

#endif
