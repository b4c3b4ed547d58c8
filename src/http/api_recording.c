/* Recorded segments as rows. */
#include <math.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jout.h"
#include "footage/space.h"
#include "http/api.h"
#include "http/request.h"
#include "server/server.h"
#include "store/db_recording.h"

/* MiB per hour with two decimals; the reference says 0 and not 0.0 where nothing was recorded. */
static void put_rate(struct jout *json, double rate)
{
    if (rate > 0) {
        jout_put_double(json, "bandwidth", round(rate * 100) / 100);
    } else {
        jout_put_int(json, "bandwidth", 0);
    }
}

void api_recordings(struct request *request)
{
    struct db *db = request_db(request);
    if (db == NULL) {
        return;
    }
    double now = wall_seconds(wall_now());
    struct db_opt_double after = request_double(request, "after");
    struct db_opt_double before = request_double(request, "before");
    AUTO_STR struct str text = {0};
    int result = db_recording_list_json(db, request->args[0], after.has ? after.value : now - 3600,
                                        before.has ? before.value : now, &text);
    reply_kept_rows(request, result, &text, after.has && before.has ? KEEP_MS : KEEP_NOW_MS);
}

void api_recordings_storage(struct request *request)
{
    uint64_t free_bytes, size;
    struct db *db = request_db(request);
    if (db == NULL) {
        return;
    }
    AUTO_STR struct str text = {0};
    struct jout json = {.out = &text};
    bool known =
        space_look(server_data_dir(request->server), "recordings", &free_bytes, &size) == 0;
    AUTO_FREE const struct cfg_camera **cameras = config_cameras_by_name(request->config);
    jout_begin_object(&json);
    int result = 0;
    for (size_t i = 0; known && i < request->config->camera_count && result == 0; i++) {
        struct db_opt_double mib;
        double rate;
        result = db_recording_usage(db, cameras[i]->name, &mib, &rate);
        jout_key(&json, cameras[i]->name);
        jout_begin_object(&json);
        put_rate(&json, rate);
        if (mib.has) {
            jout_put_double(&json, "usage", mib.value);
            if (mib.value != 0) {
                jout_put_double(&json, "usage_percent", mib.value * (1 << 20) / (double)size * 100);
            }
        } else {
            jout_key(&json, "usage");
            jout_null(&json);
        }
        jout_end_object(&json);
    }
    jout_end_object(&json);
    reply_kept_rows(request, result, &text, KEEP_NOW_MS);
}

void api_recordings_summary(struct request *request)
{
    int offset_s;
    struct db *db = request_zone(request, "timezone", &offset_s) ? request_db(request) : NULL;
    if (db == NULL) {
        return;
    }
    AUTO_STR struct str text = {0};
    int result = db_recording_summary_json(db, request->args[0], offset_s, &text);
    reply_kept_rows(request, result, &text, KEEP_MS);
}
