#include "footage/preview_strip.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "footage/place.h"
#include "store/db_preview.h"

/* Without a picture in the span: one from before is what was on screen. */
#define BEFORE_S 31.0
/* Where a film's pictures are further apart than its key pictures, those are enough (they are 40
 * pictures apart, at most so many seconds when something moves). */
#define KEYS_FROM_S 40.0
#define STEP_PART 0.95 /* of the time a picture is shown: what comes sooner is left out */

struct span_film {
    double start, end;
    char *path;
};

/* One after the other in time: parts of films, and single pictures. */
struct shot {
    const char *path; /* of a film; NULL = a picture */
    double start;     /* of the film */
    double from, to;
};

struct shots {
    struct shot *items;
    size_t count, capacity;
    struct span_film *films;
    size_t film_count, film_capacity;
    double length_s; /* shown at the usual speed */
};

static void shots_finish(struct shots *shots)
{
    for (size_t i = 0; i < shots->film_count; i++) {
        free(shots->films[i].path);
    }
    free(shots->films);
    free(shots->items);
}
#define AUTO_SHOTS __attribute__((cleanup(shots_finish)))

struct gathering {
    struct shots *shots;
    const char *data_dir;
};

static void add_film(void *context, const struct db_preview *preview)
{
    const struct gathering *gathering = context;
    struct shots *shots = gathering->shots;
    const char *relative = place_relative(preview->path);
    AUTO_CLOSE int fd = relative != NULL ? place_open(gathering->data_dir, relative) : -ENOENT;
    if (fd >= 0) {
        *MEM_PUSH(shots->films, shots->film_count, shots->film_capacity) =
            (struct span_film){preview->start_time, preview->end_time, mem_strdup(relative)};
    }
}

static void add_shot(struct shots *shots, const struct shot *shot)
{
    *MEM_PUSH(shots->items, shots->count, shots->capacity) = *shot;
    shots->length_s +=
        shot->path != NULL ? (shot->to - shot->from) * PREVIEW_SHOWN_S : PREVIEW_SHOWN_S;
}

static void add_pictures(struct shots *shots, const double *times, size_t count, double from,
                         double to)
{
    for (size_t i = 0; i < count; i++) {
        if (times[i] >= from && times[i] < to) {
            add_shot(shots, &(struct shot){.from = times[i]});
        }
    }
}

/* Films in order, the pictures where no film is. Of films that overlap the later shows its rest. */
static void put_in_order(struct shots *shots, const struct preview_wish *wish, const double *times,
                         size_t count)
{
    double at = wish->from;
    for (size_t i = 0; i < shots->film_count; i++) {
        const struct span_film *film = &shots->films[i];
        double from = fmax(film->start, at), to = fmin(film->end, wish->to);
        bool first = i == 0 && from == to; /* one picture of it is all that is wanted */
        if (to > from || first) {
            add_pictures(shots, times, count, at, from);
            add_shot(shots, &(struct shot){film->path, film->start, from, to});
            at = to;
        }
    }
    add_pictures(shots, times, count, at, INFINITY);
}

static int gather(struct shots *shots, const struct preview_wish *wish, struct db *db,
                  const struct preview_making *making)
{
    struct gathering gathering = {shots, making->data_dir};
    int result = db_preview_each(db, wish->camera, wish->from, wish->to, add_film, &gathering);
    size_t count;
    AUTO_FREE double *times =
        preview_frames_times(making->frames, wish->camera, wish->from, wish->to, &count);
    put_in_order(shots, wish, times, count);
    double before;
    if (shots->count == 0 &&
        preview_frames_before(making->frames, wish->camera, wish->from, &before) &&
        wish->from - before < BEFORE_S) {
        add_shot(shots, &(struct shot){.from = before});
    }
    return result;
}

static double longest(const struct preview_wish *wish)
{
    return wish->format == RENDER_GIF ? PREVIEW_GIF_MAX_S : PREVIEW_MP4_MAX_S;
}

/* Everything as fast as it takes to fit. */
static void lay_out(const struct shots *shots, const struct preview_wish *wish,
                    struct preview_plan *plan, struct render_strip *strip)
{
    double faster = fmax(shots->length_s / longest(wish), 1);
    double speed = faster / PREVIEW_SHOWN_S, at_s = 0, next_s = 0;
    double apart = PREVIEW_SHOWN_S * speed; /* seconds of a film between pictures that are shown */
    for (size_t i = 0; i < shots->count; i++) {
        const struct shot *shot = &shots->items[i];
        int64_t at_us = llrint(at_s * 1e6);
        if (shot->path != NULL) {
            preview_plan_film(plan, shot->path, apart > KEYS_FROM_S ? RENDER_KEYS : RENDER_ALL,
                              shot->from - shot->start, shot->to - shot->start, at_us, speed, 0);
            at_s += (shot->to - shot->from) / speed;
        } else {
            if (at_s >= next_s) { /* else it would be left out */
                preview_plan_still(plan, shot->from, at_us);
                next_s = at_s + PREVIEW_SHOWN_S * STEP_PART;
            }
            at_s += PREVIEW_SHOWN_S / faster;
        }
    }
    strip->end_us = llrint(at_s * 1e6);
}

static void begin_plan(const struct preview_wish *wish, struct preview_plan *plan,
                       struct render_strip *strip)
{
    *plan = (struct preview_plan){.camera = wish->camera};
    *strip = (struct render_strip){.format = wish->format,
                                   .step_us = llrint(PREVIEW_SHOWN_S * STEP_PART * 1e6)};
}

static int plan_recordings(const struct preview_wish *wish, const struct config *config,
                           struct db *db, const struct preview_making *making,
                           struct preview_plan *plan, struct render_strip *strip)
{
    double speed = fmax((wish->to - wish->from) / longest(wish), 1 / PREVIEW_SHOWN_S);
    double step = speed * PREVIEW_SHOWN_S * STEP_PART, first, last;
    struct preview_pace pace = {.speed = speed, .step = step, .quiet = fmax(step, 30)};
    begin_plan(wish, plan, strip);
    int result = preview_plan_recordings(plan, db, wish->from, wish->to, &pace, &first, &last);
    if (result < 0) {
        return result;
    }
    if (!preview_plan_has_file(plan, making->data_dir, making->frames)) {
        return -ENOENT;
    }
    strip->end_us = llrint((last - first) / speed * 1e6);
    preview_plan_size(plan, config, making->data_dir, &strip->width, &strip->height);
    return 0;
}

int preview_strip_plan(const struct preview_wish *wish, const struct config *config,
                       struct store *store, const struct preview_making *making,
                       struct preview_plan *plan, struct render_strip *strip)
{
    begin_plan(wish, plan, strip);
    AUTO_READER struct db *db = store_reader(store);
    AUTO_SHOTS struct shots shots = {0};
    int result = db != NULL ? gather(&shots, wish, db, making) : -EIO;
    if (result < 0) {
        return result;
    }
    if (shots.count == 0) {
        return plan_recordings(wish, config, db, making, plan, strip);
    }
    lay_out(&shots, wish, plan, strip);
    return 0;
}

/* All that was there is damaged: once more, out of recordings. */
static int make_of_recordings(const struct preview_wish *wish, const struct config *config,
                              struct store *store, const struct preview_making *making, int out,
                              struct err *err)
{
    AUTO_PLAN struct preview_plan plan = {0};
    struct render_strip strip;
    int result = -EIO;
    {
        AUTO_READER struct db *db = store_reader(store);
        if (db != NULL) {
            result = plan_recordings(wish, config, db, making, &plan, &strip);
        }
    }
    if (result < 0 || ftruncate(out, 0) < 0) {
        return result < 0 ? result : err_set(err, errno, "cannot write: %s", err_name(errno));
    }
    return preview_plan_render(&plan, making, &strip, out, err);
}

int preview_strip_make(const struct preview_wish *wish, const struct config *config,
                       struct store *store, const struct preview_making *making, int out,
                       struct err *err)
{
    AUTO_PLAN struct preview_plan plan = {0};
    struct render_strip strip;
    int result = preview_strip_plan(wish, config, store, making, &plan, &strip);
    if (result < 0) {
        return err_set(err, -result, "there is no preview of that span");
    }
    result = preview_plan_render(&plan, making, &strip, out, err);
    if (result == -ENODATA) {
        result = make_of_recordings(wish, config, store, making, out, err);
    }
    return result == -ENODATA ? -ENOENT : result;
}
