/* Recorded time without a preview gets one made of the recordings: found, then made, newest first.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "footage/place.h"
#include "footage/preview_hours_private.h"
#include "store/db_preview.h"

#define QUARTER_S 900.0
#define HOUR_S 3600.0
/* After its end an hour's pictures become a film, and its recordings get their rows. */
#define SETTLE_S 600.0
/* Less than this of a quarter may be the end of a film that belongs to the quarter before. */
#define OVERLAP_S 60.0
#define TELL_US 60000000

/* As for pictures taken while it happened: section 14 of the contract. */
static const struct preview_pace PACE = {.speed = 1, .step = 0.95, .quiet = 30};

void preview_gaps_finish(struct preview_gaps *gaps)
{
    for (size_t i = 0; i < gaps->count; i++) {
        free(gaps->items[i].camera);
    }
    free(gaps->items);
    *gaps = (struct preview_gaps){0};
}

/* ------------------------------------------------------------------ finding */

struct film_span {
    double start, end;
};

struct looking {
    struct preview_hours *hours;
    struct db *db;
    struct preview_gaps found;
    double now;
    /* Of one camera: */
    char *camera;
    struct film_span *films; /* whose files are there, ascending by start */
    size_t film_count, film_capacity, film_at;
    int result;
};

static void add_film(void *context, const struct db_preview *preview)
{
    struct looking *looking = context;
    const char *relative = place_relative(preview->path);
    AUTO_CLOSE int fd = relative != NULL ? place_open(looking->hours->data_dir, relative) : -ENOENT;
    if (fd >= 0) {
        *MEM_PUSH(looking->films, looking->film_count, looking->film_capacity) =
            (struct film_span){preview->start_time, preview->end_time};
    }
}

static void enter_camera(struct looking *looking, const char *camera)
{
    if (looking->camera != NULL && strcmp(looking->camera, camera) == 0) {
        return;
    }
    free(looking->camera);
    looking->camera = mem_strdup(camera);
    looking->film_count = looking->film_at = 0;
    int result = db_preview_each(looking->db, camera, 0, INFINITY, add_film, looking);
    looking->result = result < 0 ? result : looking->result;
}

/* Seconds of the quarter that films show. */
static double shown_of(struct looking *looking, double from)
{
    double shown = 0;
    while (looking->film_at < looking->film_count && looking->films[looking->film_at].end <= from) {
        looking->film_at++;
    }
    for (size_t i = looking->film_at;
         i < looking->film_count && looking->films[i].start < from + QUARTER_S; i++) {
        double begin = fmax(looking->films[i].start, from);
        shown += fmax(fmin(looking->films[i].end, from + QUARTER_S) - begin, 0);
    }
    return shown;
}

static void add_gap(struct preview_gaps *gaps, const char *camera, double from)
{
    struct preview_gap *last = gaps->count > 0 ? &gaps->items[gaps->count - 1] : NULL;
    if (last != NULL && strcmp(last->camera, camera) == 0 && last->to == from &&
        preview_hour(last->from) == preview_hour(from)) {
        last->to = from + QUARTER_S;
        return;
    }
    *MEM_PUSH(gaps->items, gaps->count, gaps->capacity) =
        (struct preview_gap){mem_strdup(camera), from, from + QUARTER_S};
}

static bool is_in(const struct preview_gaps *gaps, const char *camera, double from)
{
    for (size_t i = 0; i < gaps->count; i++) {
        const struct preview_gap *gap = &gaps->items[i];
        if (from >= gap->from && from < gap->to && strcmp(gap->camera, camera) == 0) {
            return true;
        }
    }
    return false;
}

static void look_at_quarter(void *context, const char *camera, int64_t quarter, double seconds)
{
    struct looking *looking = context;
    double from = (double)quarter * QUARTER_S;
    if ((double)(preview_hour(from) + 1) * HOUR_S + SETTLE_S > looking->now) {
        return;
    }
    enter_camera(looking, camera);
    size_t pictures;
    AUTO_FREE double *times =
        preview_frames_times(looking->hours->frames, camera, from, from + QUARTER_S, &pictures);
    if (shown_of(looking, from) < fmin(OVERLAP_S, seconds / 2) && pictures == 0 &&
        !is_in(&looking->hours->hopeless, camera, from)) {
        add_gap(&looking->found, camera, from);
    }
}

static int by_time(const void *a, const void *b)
{
    const struct preview_gap *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

static void set_missing(struct preview_hours *hours)
{
    pthread_mutex_lock(&hours->lock);
    hours->state.missing = hours->gaps.count;
    pthread_mutex_unlock(&hours->lock);
}

void preview_hours_look(struct preview_hours *hours)
{
    struct looking looking = {.hours = hours, .now = wall_seconds(wall_now())};
    {
        AUTO_READER struct db *db = store_reader(hours->store);
        looking.db = db;
        int result = db != NULL ? db_preview_recorded(db, look_at_quarter, &looking) : -EIO;
        looking.result = result < 0 ? result : looking.result;
    }
    free(looking.camera);
    free(looking.films);
    if (looking.result < 0) { /* next time */
        preview_gaps_finish(&looking.found);
        return;
    }
    size_t before = hours->gaps.count;
    preview_gaps_finish(&hours->gaps);
    hours->gaps = looking.found;
    if (hours->gaps.count > 0) {
        qsort(hours->gaps.items, hours->gaps.count, sizeof *hours->gaps.items, by_time);
    }
    if (hours->gaps.count > before) {
        log_info("%zu spans have recordings but no preview: those are being made",
                 hours->gaps.count);
    }
    set_missing(hours);
}

/* ------------------------------------------------------------------ making */

int preview_hours_from_recordings(struct preview_hours *hours, const char *camera, double from,
                                  double to, struct err *err)
{
    AUTO_PLAN struct preview_plan plan = {.camera = camera};
    double first, last;
    {
        AUTO_READER struct db *db = store_reader(hours->store);
        if (db == NULL || preview_plan_recordings(&plan, db, from, to, &PACE, &first, &last) < 0) {
            return err_set(err, EIO, "the database cannot be read");
        }
    }
    if (!preview_plan_has_file(&plan, hours->data_dir, hours->frames)) {
        return err_set(err, ENOENT, "its recordings are gone");
    }
    return preview_hours_film(hours, &plan, first, last, err);
}

static void tell(struct preview_hours *hours)
{
    unsigned swallowed;
    if (hours->gaps.count == 0 || log_allowed(&hours->told, TELL_US, &swallowed)) {
        log_info("previews out of recordings: %llu made, %zu to go",
                 (unsigned long long)hours->state.repaired, hours->gaps.count);
    }
}

bool preview_hours_repair(struct preview_hours *hours)
{
    if (hours->gaps.count == 0) {
        return false;
    }
    struct preview_gap gap = hours->gaps.items[--hours->gaps.count];
    struct err err = ERR_NONE;
    int result = preview_hours_from_recordings(hours, gap.camera, gap.from, gap.to, &err);
    pthread_mutex_lock(&hours->lock);
    hours->state.repaired += result == 0;
    hours->state.failed += result != 0 && result != -ECANCELED;
    pthread_mutex_unlock(&hours->lock);
    set_missing(hours);
    if (result == 0) {
        tell(hours);
    } else if (result != -ECANCELED) { /* that is: stopping */
        log_debug("camera %s: no preview out of recordings: %s", gap.camera, err.text);
    }
    if (result == -ENOENT || result == -ENODATA || result == -EPIPE) {
        *MEM_PUSH(hours->hopeless.items, hours->hopeless.count, hours->hopeless.capacity) = gap;
    } else { /* made; or the disk is full, the database busy: the next look finds it again */
        free(gap.camera);
    }
    return true;
}
