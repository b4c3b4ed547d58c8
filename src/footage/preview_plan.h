/* What a film of previews is put together from: preview pictures, films of hours, recordings, each
 * with its place. Then a render process makes it. */
#ifndef CORVETTE_FOOTAGE_PREVIEW_PLAN_H
#define CORVETTE_FOOTAGE_PREVIEW_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"
#include "footage/preview_frames.h"
#include "render/job.h"
#include "store/store.h"

struct preview_piece {
    struct render_part part;
    double time; /* of a still */
    char *path;  /* of anything else, relative to the media folder */
};

struct preview_plan {
    const char *camera;
    struct preview_piece *pieces;
    size_t count, capacity;
};

void preview_plan_finish(struct preview_plan *plan);
#define AUTO_PLAN __attribute__((cleanup(preview_plan_finish)))

void preview_plan_still(struct preview_plan *plan, double time, int64_t at_us);
/* Seconds from..to of a file. */
void preview_plan_film(struct preview_plan *plan, const char *path, enum render_source source,
                       double from, double to, int64_t at_us, double speed, double step);

/* The recordings of from..to, played `speed` times faster, a picture every `step` seconds while
 * something moves and every `quiet` seconds else. Sets what they span (first, last); count stays 0
 * when there are none. 0 or -errno. */
struct preview_pace {
    double speed, step, quiet;
};
int preview_plan_recordings(struct preview_plan *plan, struct db *db, double from, double to,
                            const struct preview_pace *pace, double *first, double *last);
/* Whether any of its files is there. */
bool preview_plan_has_file(const struct preview_plan *plan, const char *data_dir,
                           struct preview_frames *frames);

/* Size of a camera's previews: by its configuration, else by the plan's first film; 0 x 0 when
 * neither says. */
void preview_plan_size(const struct preview_plan *plan, const struct config *config,
                       const char *data_dir, int *width, int *height);

struct preview_making {
    const char *data_dir;
    struct preview_frames *frames;
    bool (*go_on)(void *context); /* asked several times per second; false cancels */
    void *context;
};
/* As render_strip(). */
int preview_plan_render(const struct preview_plan *plan, const struct preview_making *making,
                        const struct render_strip *strip, int out, struct err *err);

#endif
