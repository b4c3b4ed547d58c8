#include "footage/preview_plan.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "footage/place.h"
#include "footage/span.h"
#include "media/mp4.h"
#include "store/db_recording.h"

#define DURATION_MAX_S 600.0 /* contract: longer recordings are passed over */

void preview_plan_finish(struct preview_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        free(plan->pieces[i].path);
    }
    free(plan->pieces);
    *plan = (struct preview_plan){0};
}

static struct preview_piece *add(struct preview_plan *plan)
{
    return MEM_PUSH(plan->pieces, plan->count, plan->capacity);
}

void preview_plan_still(struct preview_plan *plan, double time, int64_t at_us)
{
    *add(plan) =
        (struct preview_piece){.part = {.source = RENDER_STILL, .at_us = at_us}, .time = time};
}

void preview_plan_film(struct preview_plan *plan, const char *path, enum render_source source,
                       double from, double to, int64_t at_us, double speed, double step)
{
    *add(plan) = (struct preview_piece){
        .part = {.source = source,
                 .from_us = llrint(from * 1e6),
                 .to_us = llrint(to * 1e6),
                 .at_us = at_us,
                 .speed = speed,
                 .step_us = llrint(step * 1e6)},
        .path = mem_strdup(path),
    };
}

/* ------------------------------------------------------------------ recordings */

struct gathering {
    struct preview_plan *plan;
    const struct preview_pace *pace;
    double from, to;
    double first, last; /* NAN: none yet */
    double quiet_until;
};

static bool gather(void *context, const struct db_recording *row)
{
    struct gathering *gathering = context;
    const struct preview_pace *pace = gathering->pace;
    const char *path = place_relative(row->path);
    if (path == NULL || !(row->duration > 0) || row->duration > DURATION_MAX_S) {
        return true;
    }
    double begin = fmax(row->start_time, gathering->from);
    double end = fmin(row->end_time, gathering->to);
    if (end <= begin) {
        return true;
    }
    bool active = row->motion.value > 0 || row->objects.value > 0 || !row->motion.has;
    gathering->first = isnan(gathering->first) ? begin : gathering->first;
    gathering->last = fmax(end, gathering->first);
    if (!active && begin < gathering->quiet_until) {
        return true;
    }
    gathering->quiet_until = begin + pace->quiet;
    double at = (begin - gathering->first) / pace->speed;
    preview_plan_film(gathering->plan, path, RENDER_KEYS, begin - row->start_time,
                      end - row->start_time, llrint(at * 1e6), pace->speed,
                      active ? pace->step : pace->quiet);
    return true;
}

int preview_plan_recordings(struct preview_plan *plan, struct db *db, double from, double to,
                            const struct preview_pace *pace, double *first, double *last)
{
    struct gathering gathering = {
        .plan = plan, .pace = pace, .from = from, .to = to, .first = NAN, .quiet_until = -INFINITY};
    int result = db_recording_each(db, plan->camera, from, to, gather, &gathering);
    *first = gathering.first;
    *last = gathering.last;
    return result;
}

/* ------------------------------------------------------------------ files */

static int open_piece(const struct preview_plan *plan, const struct preview_piece *piece,
                      const char *data_dir, struct preview_frames *frames)
{
    return piece->path != NULL ? span_open(data_dir, piece->path)
                               : preview_frames_open(frames, plan->camera, piece->time);
}

bool preview_plan_has_file(const struct preview_plan *plan, const char *data_dir,
                           struct preview_frames *frames)
{
    for (size_t i = 0; i < plan->count; i++) {
        AUTO_CLOSE int fd = open_piece(plan, &plan->pieces[i], data_dir, frames);
        if (fd >= 0) {
            return true;
        }
    }
    return false;
}

/* Size of the picture in a film. */
static bool film_size(const char *data_dir, const char *path, int *width, int *height)
{
    AUTO_CLOSE int fd = span_open(data_dir, path);
    struct err ignored = ERR_NONE;
    struct mp4 mp4;
    if (fd < 0 || mp4_read_fd(fd, &mp4, &ignored) < 0) {
        return false;
    }
    *width = mp4.tracks[MP4_VIDEO].width;
    *height = mp4.tracks[MP4_VIDEO].height;
    mp4_finish(&mp4);
    return *width > 0 && *height > 0;
}

void preview_plan_size(const struct preview_plan *plan, const struct config *config,
                       const char *data_dir, int *width, int *height)
{
    int camera = config_camera_index(config, plan->camera);
    int from_width = camera >= 0 ? config->cameras[camera].detect.width : 0;
    int from_height = camera >= 0 ? config->cameras[camera].detect.height : 0;
    for (size_t i = 0; i < plan->count && (from_width <= 0 || from_height <= 0); i++) {
        if (plan->pieces[i].path != NULL) {
            film_size(data_dir, plan->pieces[i].path, &from_width, &from_height);
        }
    }
    *width = *height = 0;
    if (from_width > 0 && from_height > 0) {
        preview_size(from_width, from_height, width, height);
    }
}

/* ------------------------------------------------------------------ rendering */

struct rendering {
    const struct preview_plan *plan;
    const struct preview_making *making;
};

static int open_file(void *context, size_t index, struct render_part *part)
{
    const struct rendering *rendering = context;
    const struct preview_piece *piece = &rendering->plan->pieces[index];
    *part = piece->part;
    return open_piece(rendering->plan, piece, rendering->making->data_dir,
                      rendering->making->frames);
}

static bool go_on(void *context, unsigned permille)
{
    const struct rendering *rendering = context;
    return rendering->making->go_on(rendering->making->context);
}

int preview_plan_render(const struct preview_plan *plan, const struct preview_making *making,
                        const struct render_strip *strip, int out, struct err *err)
{
    struct rendering rendering = {plan, making};
    struct render_films films = {
        .files = plan->count, .open_file = open_file, .progress = go_on, .context = &rendering};
    return render_strip(&films, strip, out, err);
}
