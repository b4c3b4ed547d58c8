#include "server/recordings.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "footage/place.h"
#include "server/activity.h"
#include "server/manual.h"
#include "store/db_gap.h"
#include "store/db_recording.h"

#define VERDICT_WAIT_US 2000000
#define SOUND_WAIT_US 1000000 /* half a window more than the segment, and the model */
#define WAITING_MAX 1024
#define DURATION_MAX_S 600.0
#define REFUSED_PAUSE_US 250000

struct segment {
    int camera;
    struct msg_segment message;
    int64_t came_us;
};

struct recordings {
    const struct config *config;
    struct store *store;
    struct manual *manual;
    struct activity *activities; /* per camera */
    struct segment *waiting;     /* in order of arrival */
    size_t count, capacity;
    int64_t refused_until_us;
    bool dropped;
    struct log_limit full_limit;

    pthread_mutex_t lock; /* state */
    struct recordings_state state;
};

struct recordings *recordings_create(const struct config *config, struct store *store,
                                     struct manual *manual)
{
    struct recordings *recordings = mem_alloc(sizeof *recordings);
    recordings->config = config;
    recordings->store = store;
    recordings->manual = manual;
    recordings->activities = mem_array(config->camera_count, sizeof *recordings->activities);
    pthread_mutex_init(&recordings->lock, NULL);
    return recordings;
}

void recordings_destroy(struct recordings *recordings)
{
    if (recordings == NULL) {
        return;
    }
    for (size_t i = 0; i < recordings->config->camera_count; i++) {
        activity_finish(&recordings->activities[i]);
    }
    free(recordings->activities);
    free(recordings->waiting);
    pthread_mutex_destroy(&recordings->lock);
    free(recordings);
}

void recordings_frame(struct recordings *recordings, int camera, const struct msg_frame *frame)
{
    activity_add(&recordings->activities[camera], frame);
}

void recordings_heard(struct recordings *recordings, int camera, double time, unsigned count)
{
    activity_heard(&recordings->activities[camera], time, count);
}

static void count(struct recordings *recordings, uint64_t *counter, uint64_t by)
{
    pthread_mutex_lock(&recordings->lock);
    *counter += by;
    recordings->state.waiting = (unsigned)recordings->count;
    pthread_mutex_unlock(&recordings->lock);
}

void recordings_segment(struct recordings *recordings, int camera,
                        const struct msg_segment *segment)
{
    const char *name = recordings->config->cameras[camera].name;
    if (!place_is_segment(segment->path, name) || !(segment->duration > 0) ||
        !(segment->duration < DURATION_MAX_S) || !(segment->start > 0) || !isfinite(segment->end)) {
        log_error("camera %s: a segment that cannot be: path '%s', %f seconds at %f", name,
                  segment->path, segment->duration, segment->start);
        count(recordings, &recordings->state.refused, 1);
        return;
    }
    if (recordings->count >= WAITING_MAX) {
        recordings->dropped = true;
        count(recordings, &recordings->state.dropped, 1);
        return;
    }
    *MEM_PUSH(recordings->waiting, recordings->count, recordings->capacity) =
        (struct segment){.camera = camera, .message = *segment, .came_us = mono_now().us};
    recordings_flush(recordings, false);
}

int recordings_gap(struct recordings *recordings, int camera, const struct msg_gap *gap)
{
    if (!(gap->start > 0) || !(gap->end > gap->start) || !isfinite(gap->end)) {
        return -EINVAL;
    }
    struct store_work *work = store_begin(recordings->store);
    db_gap_put(work, &(struct db_gap){.camera = recordings->config->cameras[camera].name,
                                      .start = gap->start,
                                      .end = gap->end,
                                      .cause = gap_cause_name(gap->cause),
                                      .detail = gap->detail});
    store_submit(work); /* refused: the segment after it will call that time a stop */
    return 0;
}

static bool is_due(const struct recordings *recordings, const struct segment *segment)
{
    int64_t age_us = mono_now().us - segment->came_us;
    bool seen = activity_newest(&recordings->activities[segment->camera]) >= segment->message.end;
    bool listens = recordings->config->cameras[segment->camera].audio.enabled;
    return age_us > VERDICT_WAIT_US || (seen && (!listens || age_us > SOUND_WAIT_US));
}

static void put(struct recordings *recordings, struct store_work *work,
                const struct segment *segment)
{
    const struct msg_segment *message = &segment->message;
    struct activity_sum sum =
        activity_sum(&recordings->activities[segment->camera], message->start, message->end);
    /* Something was seen: that counts. Nothing was seen: only if somebody looked all the time. */
    bool verdict_motion = sum.complete || sum.motion > 0;
    bool claimed = manual_claims(recordings->manual, segment->camera, message->start, message->end);
    bool verdict_objects = sum.complete || sum.objects > 0 || claimed;
    char number[32];
    char random[7];
    char id[48];
    str_random6(random);
    snprintf(id, sizeof id, "%s-%s", str_double(number, message->start), random);
    char path[IPC_PATH + sizeof PLACE_CANONICAL];
    snprintf(path, sizeof path, PLACE_CANONICAL "%s", message->path);
    struct db_recording row = {
        .id = id,
        .camera = recordings->config->cameras[segment->camera].name,
        .path = path,
        .start_time = message->start,
        .end_time = message->end,
        .duration = message->duration,
        .segment_mib = place_mib(message->bytes),
        .objects = {verdict_objects, (int64_t)sum.objects + claimed},
        .motion = {verdict_motion, (int64_t)sum.motion},
        .parameters = message->parameters,
        .regions = {verdict_motion, (int64_t)sum.regions},
        .dbfs = {true, message->dbfs},
    };
    db_recording_put(work, &row);
}

void recordings_flush(struct recordings *recordings, bool all)
{
    if (recordings->count == 0 || (!all && mono_now().us < recordings->refused_until_us)) {
        return;
    }
    struct store_work *work = store_begin(recordings->store);
    bool *taken = mem_array(recordings->count, sizeof *taken);
    size_t rows = 0;
    for (size_t i = 0; i < recordings->count; i++) {
        taken[i] = all || is_due(recordings, &recordings->waiting[i]);
        if (taken[i]) {
            put(recordings, work, &recordings->waiting[i]);
            rows++;
        }
    }
    if (rows == 0) {
        store_abandon(work);
    } else if (store_submit(work) < 0) {
        unsigned swallowed;
        recordings->refused_until_us = mono_now().us + REFUSED_PAUSE_US;
        if (log_allowed(&recordings->full_limit, 10000000, &swallowed)) {
            log_warning("the database is behind: rows of %zu segments wait", recordings->count);
        }
    } else {
        size_t kept = 0;
        for (size_t i = 0; i < recordings->count; i++) {
            if (!taken[i]) {
                recordings->waiting[kept++] = recordings->waiting[i];
            }
        }
        recordings->count = kept;
        count(recordings, &recordings->state.rows, rows);
    }
    free(taken);
}

bool recordings_take_dropped(struct recordings *recordings)
{
    bool dropped = recordings->dropped && recordings->count < WAITING_MAX / 2;
    recordings->dropped = recordings->dropped && !dropped;
    return dropped;
}

void recordings_get_state(struct recordings *recordings, struct recordings_state *state)
{
    pthread_mutex_lock(&recordings->lock);
    *state = recordings->state;
    pthread_mutex_unlock(&recordings->lock);
}
