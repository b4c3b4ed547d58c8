/* What of a camera was not recorded, and why. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jout.h"
#include "footage/span.h"
#include "http/api.h"
#include "http/request.h"
#include "server/server.h"
#include "store/db_gap.h"

#define DEFAULT_S 86400
/* How far what is on disk is behind now while all is well: the open fragment, and a queue before a
 * slow disk. */
#define LATE_S 15.0
/* A running gap is reported in pieces (capture/gaps.h): one that ended so long ago is over. */
#define PIECE_S 60.0

/* End of what is recorded, the open segment included; 0 = nothing. */
static double recorded_until(struct request *request, struct db *db, const char *camera, double now)
{
    struct db_opt_double until = db_gap_recorded_until(db, camera);
    double end = until.has ? until.value : 0;
    AUTO_SPAN struct span span = {0};
    if (now - end > LATE_S &&
        span_load(db, server_data_dir(request->server), camera, now - 600, now, true, &span) == 0 &&
        span.count > 0 && span.segments[span.count - 1].end > end) {
        end = span.segments[span.count - 1].end;
    }
    return end;
}

/* The gap that is running now, if nothing is being recorded. */
static void put_running(struct request *request, struct db *db, const char *camera, double now,
                        struct jout *json)
{
    char cause[32] = "unknown", detail[128] = "";
    double start = recorded_until(request, db, camera, now), end = 0;
    if (db_gap_newest(db, camera, &end, cause, detail) != 1 || now - end > PIECE_S) {
        snprintf(cause, sizeof cause, "unknown");
        detail[0] = '\0';
    }
    start = end > start ? end : start;
    if (start == 0 || now - start < LATE_S) {
        return;
    }
    jout_begin_object(json);
    jout_put_string(json, "cause", cause);
    jout_put_string(json, "detail", detail);
    jout_put_double(json, "duration", now - start);
    jout_key(json, "end_time");
    jout_null(json);
    jout_put_double(json, "start_time", start);
    jout_end_object(json);
}

void api_recordings_gaps(struct request *request)
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
    double to = before.has ? before.value : now;
    AUTO_STR struct str text = {0};
    struct jout json = {.out = &text};
    jout_begin_array(&json);
    int result = db_gap_list_json(db, name, after.has ? after.value : now - DEFAULT_S, to, &json);
    if (result == 0 && to >= now && request->config->cameras[camera].record.enabled) {
        put_running(request, db, name, now, &json);
    }
    jout_end_array(&json);
    reply_rows(request, result, &text);
}
