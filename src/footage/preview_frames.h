/* Preview pictures that are not in a film yet: small WebP files
 * DATA/cache/preview_frames/preview_<camera>-<capture time>.webp, and their times in memory, so
 * that nobody reads a folder of a hundred thousand names for an answer. Any thread; who asks before
 * the folder was read waits for that. */
#ifndef CORVETTE_FOOTAGE_PREVIEW_FRAMES_H
#define CORVETTE_FOOTAGE_PREVIEW_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "config/config.h"

#define PREVIEW_FOLDER "cache/preview_frames"
#define PREVIEW_SHORT_SIDE 180 /* contract */
#define PREVIEW_CAMERA_MAX 128 /* of a name, with its NUL */

/* Size of the previews of a picture size: the shorter side 180, the other a multiple of 4. */
void preview_size(int width, int height, int *preview_width, int *preview_height);

/* Contract: of WebP, and bits per second of the films. */
int preview_webp_quality(enum cfg_quality quality);
int64_t preview_bit_rate(enum cfg_quality quality);

/* "preview_<camera>-<time>.webp", appended. */
void preview_name(const char *camera, double time, struct str *out);
/* The camera is all up to the last '-', so one whose name begins another's is not taken for it.
 * False: it is no such name. */
bool preview_name_parse(const char *name, char camera[PREVIEW_CAMERA_MAX], double *time);

struct preview_frames;

struct preview_frames *preview_frames_create(const char *data_dir);
void preview_frames_destroy(struct preview_frames *frames); /* NULL is fine */
/* Reads the folder, once, and takes in what Frigate put aside when it stopped
 * (media/clips/preview_restart_cache). Until then, preview_frames_times() waits. */
void preview_frames_load(struct preview_frames *frames);

/* Writes one. 0 or -errno. */
int preview_frames_add(struct preview_frames *frames, const char *camera, double time,
                       const void *webp, size_t length);
/* Those from..to (inclusive), ascending; malloc'd, NULL when there are none. */
double *preview_frames_times(struct preview_frames *frames, const char *camera, double from,
                             double to, size_t *count);
/* The newest before that time; false: none. */
bool preview_frames_before(struct preview_frames *frames, const char *camera, double time,
                           double *found);
/* Opens one for reading: fd or -errno. One that is gone is forgotten. */
int preview_frames_open(struct preview_frames *frames, const char *camera, double time);
void preview_frames_remove(struct preview_frames *frames, const char *camera, const double *times,
                           size_t count);
/* Cameras there are pictures of, with the oldest's time. Waits for the folder. */
typedef void (*preview_camera_fn)(void *context, const char *camera, double oldest);
void preview_frames_cameras(struct preview_frames *frames, preview_camera_fn fn, void *context);
uint64_t preview_frames_count(struct preview_frames *frames);

#endif
