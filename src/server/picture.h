/* Ready-made pictures for HTTP and for the snapshot files. Any thread. They return 0 and append an
 * encoded picture to `out`, or -errno and append nothing:
 *   -EINVAL  the wanted size is nothing or absurd (see picture_size_ok)
 *   -ENOENT  no such object, or it has no picture (yet)
 *   -EIO     encoding failed (logged) */
#ifndef CORVETTE_SERVER_PICTURE_H
#define CORVETTE_SERVER_PICTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "config/config.h"
#include "server/live.h"

enum picture_format { PICTURE_JPEG = 1, PICTURE_WEBP, PICTURE_PNG };

struct picture_options {
    enum picture_format format;
    int quality; /* 1..100 for JPEG and WebP; 0 = 70 */
    int height;  /* pixels, the width follows; 0 = as large as the source */
    bool bbox, timestamp;
    bool zones, mask, motion, regions; /* camera pictures only */
    bool crop;                         /* object pictures only */
};

#define PICTURE_MAX_HEIGHT 4320
#define PICTURE_MAX_WIDTH 7680
/* Whether height * source ratio is a size we make. `width` (may be NULL) gets floor(h * W / H). */
bool picture_size_ok(int source_width, int source_height, int height, int *width);

/* The camera's picture with what was found in it. The picture is the last processed one; when
 * processing lags or is off, the newest there is.
 * _latest: a camera without a picture younger than ffmpeg.retry_interval gives the drawn "no
 * picture" card instead. _stream (MJPEG): without any picture black 16:9 of the wanted height. */
int picture_latest(struct live *live, const struct config *config, int camera,
                   const struct picture_options *options, struct str *out);
int picture_stream(struct live *live, const struct config *config, int camera,
                   const struct picture_options *options, struct str *out);

/* That card: "<camera>: no picture". Height 0: of the detect picture. */
int picture_none(const struct cfg_camera *camera, int height, enum picture_format format,
                 int quality, struct str *out);
int picture_black(int width, int height, enum picture_format format, int quality, struct str *out);

/* The best picture of a tracked object. Options: bbox, timestamp, crop, height. */
int picture_snapshot(const struct config *config, const struct cfg_camera *camera,
                     const struct live_object *object, const struct picture_options *options,
                     struct str *out);
/* As the camera's snapshots: section says (the file clips/<camera>-<id>.jpg). */
int picture_snapshot_file(const struct config *config, const struct cfg_camera *camera,
                          const struct live_object *object, struct str *out);
/* Whole frame, nothing drawn, PNG. */
int picture_clean(const struct live_object *object, struct str *out);
/* Cropped, nothing drawn, 175 pixels high, JPEG q70. */
int picture_thumbnail(const struct live_object *object, struct str *out);

/* Twice as wide with black left and right (for Android notifications), from a JPEG. */
int picture_pad_thumbnail(const void *jpeg, size_t length, struct str *out);

/* Newest picture with the region grid on it (JPEG). `grid_json` as in the table regions. `color`:
 * red, green, blue, black, white (any case), else green. -ENOENT: no fresh picture. -EBADMSG: that
 * is no grid. */
int picture_grid(struct live *live, const struct config *config, int camera, const char *grid_json,
                 const char *color, double font_scale, struct str *out);

#endif
