/* Streams and graphics cards looked into for the API, each in a process of its own (see
 * capture/capture.h) within bounds of time. Calls block; any thread. */
#ifndef CORVETTE_SERVER_PROBES_H
#define CORVETTE_SERVER_PROBES_H

#include <stddef.h>

#include "base/err.h"
#include "base/jout.h"
#include "config/config.h"

struct probes;

#define PROBES_PATHS_MAX 32 /* of one call */

/* Both must outlive it. */
struct probes *probes_create(const struct config *config, const char *data_dir);
/* No call may run any more. NULL is fine. */
void probes_destroy(struct probes *probes);
/* Calls that run end at once, later ones do not begin. NULL is fine. */
void probes_stop(struct probes *probes);

/* Both: 0, or -errno with a sentence: -EBUSY, too many at once; -ECANCELED. */

/* [{"return_code":..,"stderr":..,"stdout":{..} or ""}], one for each path: an address of a camera
 * (rtsp, rtmp, http, ...), what a camera of the configuration has as a path, masked or not, or a
 * file under /media/frigate/. Whatever else is asked for is refused in its place of the list. */
int probes_streams(struct probes *probes, const char *const *paths, size_t count, struct jout *json,
                   struct err *err);
/* {"return_code":..,"stderr":..,"stdout":".."} */
int probes_graphics(struct probes *probes, struct jout *json, struct err *err);

#endif
