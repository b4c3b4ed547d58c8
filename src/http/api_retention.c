/* Why each recorded segment is kept, and when it will go. */
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jout.h"
#include "footage/clip_events.h"
#include "footage/keeper.h"
#include "footage/retention.h"
#include "http/api.h"
#include "http/request.h"
#include "server/server.h"
#include "store/db_recording.h"

struct explaining {
    struct jout json;
    const struct cfg_camera *camera;
    struct clip_events events;
    struct volume volume;
    double now;
};

static void put_reasons(struct jout *json, unsigned reasons)
{
    jout_key(json, "reasons");
    jout_begin_array(json);
    for (unsigned bit = 0; bit < RETENTION_REASONS; bit++) {
        if (reasons & 1u << bit) {
            jout_string(json, retention_reason_name(1u << bit));
        }
    }
    jout_end_array(json);
}

static bool explain(void *context, const struct db_recording *row)
{
    struct explaining *explaining = context;
    struct jout *json = &explaining->json;
    const struct retention_segment segment = {.start = row->start_time,
                                              .end = row->end_time,
                                              .motion = row->motion,
                                              .objects = row->objects,
                                              .dbfs = retention_loudness(explaining->camera, row->dbfs)};
    clip_events_find(&explaining->events, row->start_time, row->end_time);
    struct retention_verdict verdict = retention_judge(
        &explaining->camera->record, &segment, explaining->events.found, explaining->events.found_count,
        explaining->now, explaining->volume.adopted_at);
    jout_begin_object(json);
    jout_put_double(json, "end_time", row->end_time);
    jout_key(json, "events");
    jout_begin_array(json);
    for (size_t i = 0; i < explaining->events.found_count; i++) {
        jout_string(json, explaining->events.ids[i]);
    }
    jout_end_array(json);
    /* What nothing keeps goes with the next pass: now, as good as. */
    if (verdict.reasons != 0 && !isfinite(verdict.until)) {
        jout_key(json, "expires");
        jout_null(json);
    } else {
        jout_put_double(json, "expires", verdict.reasons != 0 ? verdict.until : explaining->now);
    }
    jout_put_string(json, "id", row->id);
    put_reasons(json, verdict.reasons);
    jout_put_double(json, "start_time", row->start_time);
    jout_end_object(json);
    return true;
}

void api_recordings_retention(struct request *request)
{
    int camera = request_camera(request, request->args[0]);
    struct db *db = camera >= 0 ? request_db(request) : NULL;
    if (db == NULL) {
        return;
    }
    const char *name = request->args[0];
    double now = wall_seconds(wall_now());
    struct db_opt_double after = request_double(request, "after");
    struct db_opt_double before = request_double(request, "before");
    double from = after.has ? after.value : now - 3600, to = before.has ? before.value : now;
    AUTO_STR struct str text = {0};
    struct explaining explaining = {
        .json = {.out = &text}, .camera = &request->config->cameras[camera], .now = now};
    keeper_volume(server_keeper(request->server), &explaining.volume);
    jout_begin_array(&explaining.json);
    int result = clip_events_load(&explaining.events, db, name, from, to);
    if (result == 0) {
        result = db_recording_each(db, name, from, to, explain, &explaining);
    }
    jout_end_array(&explaining.json);
    clip_events_finish(&explaining.events);
    reply_rows(request, result, &text);
}
