/* Moving cameras: which cameras have motors, what these can do, and the commands of Frigate's topic
 * `<camera>/ptz`. Any thread; calls that ask or move wait for the camera, at most PTZ_WAIT_MS.
 * Those to one camera run one after the other, in the order they came; what one camera does is
 * nothing to the others. What is known of a camera is kept and asked again after a failure. */
#ifndef CORVETTE_LINK_PTZ_H
#define CORVETTE_LINK_PTZ_H

#include <stdbool.h>

#include "base/err.h"
#include "base/jout.h"
#include "config/config.h"

#define PTZ_WAIT_MS 15000
#define PTZ_WAITING_MAX 4 /* calls for one camera at a time; more are refused with -EBUSY */

struct ptz;

struct ptz *ptz_create(const struct config *config); /* which must outlive it */
/* No call may run any more. NULL is fine. */
void ptz_destroy(struct ptz *ptz);
/* Calls that wait end at once with -ECANCELED, and later ones do not begin. */
void ptz_stop(struct ptz *ptz);

/* The results: 0, or -errno with a sentence naming camera, host and what was wrong. -EINVAL: no
 * such command; -ENOENT: no such preset; -ENODEV: the camera has no onvif.host; -EOPNOTSUPP: it
 * cannot do that; -EBUSY: too many at once; -ECANCELED; others: trouble with the camera. */

/* Frigate's texts, in any case: MOVE_UP, MOVE_DOWN, MOVE_LEFT, MOVE_RIGHT, ZOOM_IN, ZOOM_OUT, STOP,
 * PRESET_<name>, MOVE_RELATIVE_<pan>_<tilt>; and of our own ZOOM_RELATIVE_<zoom> and
 * ZOOM_ABSOLUTE_<0..1>. Distances: -1..1. */
int ptz_command(struct ptz *ptz, int camera, const char *text, struct err *err);

/* {"features":[..],"name":..,"presets":[..]}; for a camera that cannot be asked the lists are what
 * was known of it, empty at first, and "error" is the sentence that is also in `err`. A camera
 * without onvif.host: {}. */
int ptz_info_json(struct ptz *ptz, int camera, struct jout *json, struct err *err);
/* {"moving":bool|null,"name":..,"pan":..,"tilt":..,"zoom":..}, null for what it does not say.
 * Nothing is written on failure. */
int ptz_status_json(struct ptz *ptz, int camera, struct jout *json, struct err *err);

#endif
