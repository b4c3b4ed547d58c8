/* Hour by hour, the preview pictures of a camera become one small film, clips/previews/<camera>/
 * <first>-<last>.mp4, with a row in previews. One thread makes one film at a time, at low priority,
 * each camera at a moment of its own after the full hour.
 *
 * Nothing derived is lost for good: a picture goes only when its film and row are there, pictures
 * an earlier run left are taken up whatever hour they are of, and quarters of an hour that have
 * recordings but no preview get one made of the recordings' key pictures. */
#ifndef CORVETTE_FOOTAGE_PREVIEW_HOURS_H
#define CORVETTE_FOOTAGE_PREVIEW_HOURS_H

#include <stdint.h>

#include "config/config.h"
#include "footage/preview_frames.h"
#include "store/store.h"

/* The films of an hour are begun when its last picture must be there, and the next hour's first,
 * with which they end; spread over so many seconds. */
#define PREVIEW_WAIT_S 35
#define PREVIEW_SPREAD_S 120
/* Hour a time lies in, since the epoch, UTC. */
int64_t preview_hour(double time);
/* When the film of an hour is due. Pure. */
double preview_due(const char *camera, int64_t hour);
/* "<first>-<last>.mp4" of a film; false: it is none. */
bool preview_film_parse(const char *name, double *first, double *last);

struct preview_hours;

/* Starts the thread, which first loads `frames`; all arguments must outlive it. */
struct preview_hours *preview_hours_create(const struct config *config, struct store *store,
                                           const char *data_dir, struct preview_frames *frames);
/* Interrupts what is being made: the next start makes it. NULL is fine. */
void preview_hours_destroy(struct preview_hours *hours);

struct preview_hours_state {
    uint64_t films;    /* made of pictures */
    uint64_t repaired; /* made of recordings */
    uint64_t failed;   /* attempts; what they were of stays */
    uint64_t missing;  /* spans that wait to be made of recordings */
};
void preview_hours_get_state(struct preview_hours *hours, struct preview_hours_state *state);

#endif
