/* What the parts of moving cameras share: who may talk to a camera and what is known of it (ptz.c),
 * and the commands (ptz_command.c). */
#ifndef CORVETTE_LINK_PTZ_PRIVATE_H
#define CORVETTE_LINK_PTZ_PRIVATE_H

#include <pthread.h>
#include <stdint.h>

#include "base/clock.h"
#include "link/onvif.h"
#include "link/ptz.h"

struct ptz_camera {
    const struct cfg_camera *config;
    struct onvif *onvif; /* NULL: onvif.host is empty */
    /* Whose turn it is: calls go in the order they came, so that no STOP overtakes its move. */
    pthread_mutex_t lock; /* guards the tickets; never held while the camera is talked to */
    pthread_cond_t turn;
    uint64_t next_ticket, now_serving;
    /* Only for whose turn it is: */
    bool known;             /* onvif_learn() was good; silence since then changes nothing */
    struct mono presets_at; /* when they were last learned */
    bool active;            /* a continuous move may be under way */
    struct mono failed_at;  /* us 0: the last attempt to learn was good */
    struct err failure;
};

/* Something to do with a camera whose turn it is; 0, or -errno with a sentence. */
typedef int (*ptz_step_fn)(struct ptz_camera *camera, void *context, struct err *err);

/* Waits for the camera's turn, gets to know it if need be, takes the step; if the camera refuses
 * what rests on knowledge from before, it is asked again and the step taken once more. `urgent`:
 * also when the camera failed just now. The sentence names the camera. */
int ptz_step(struct ptz *ptz, int camera, bool urgent, ptz_step_fn fn, void *context,
             struct err *err);

#endif
