/* Recorded segments as rows. */
#include "base/clock.h"
#include "http/api.h"
#include "http/request.h"
#include "store/db_recording.h"

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
    reply_rows(request, result, &text);
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
    reply_rows(request, result, &text);
}
