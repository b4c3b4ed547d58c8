/* A span of a camera in a few pictures, made for whoever asks: out of the hours' films and the
 * preview pictures that overlap it, else out of its recordings. Any thread; blocks while it is
 * made. */
#ifndef CORVETTE_FOOTAGE_PREVIEW_STRIP_H
#define CORVETTE_FOOTAGE_PREVIEW_STRIP_H

#include <stdbool.h>

#include "base/err.h"
#include "config/config.h"
#include "footage/preview_plan.h"
#include "store/store.h"

/* A second of preview is shown for so long (contract), a picture of the running hour too. Spans
 * that would take longer than these are shown faster instead. */
#define PREVIEW_SHOWN_S 0.12
#define PREVIEW_GIF_MAX_S 60.0
#define PREVIEW_MP4_MAX_S 600.0

struct preview_wish {
    const char *camera;
    double from, to;
    enum render_strip_format format;
};

/* Whether there is anything to make it of; fills the plan and the strip. 0, -ENOENT or -errno. */
int preview_strip_plan(const struct preview_wish *wish, const struct config *config,
                       struct store *store, const struct preview_making *making,
                       struct preview_plan *plan, struct render_strip *strip);

/* Plans it and writes it to the empty file `out`. 0, -ENOENT (nothing is there of that span),
 * -ECANCELED, or -errno with a sentence. */
int preview_strip_make(const struct preview_wish *wish, const struct config *config,
                       struct store *store, const struct preview_making *making, int out,
                       struct err *err);

#endif
