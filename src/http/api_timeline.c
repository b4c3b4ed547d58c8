/* What objects did, step by step. */
#include "http/api.h"
#include "http/request.h"
#include "store/db_timeline.h"

void api_timeline(struct request *request)
{
    struct db *db = request_db(request);
    if (db == NULL) {
        return;
    }
    const char *source_id = request_text(request, "source_id");
    source_id = source_id != NULL && *source_id != '\0' ? source_id : NULL;
    AUTO_STR struct str text = {0};
    int result = db_timeline_list_json(db, request_text(request, "camera"), source_id,
                                       request_int(request, "limit").value, &text);
    reply_kept_rows(request, result, &text, KEEP_MS);
}

void api_timeline_hourly(struct request *request)
{
    struct db_timeline_filter filter = {
        .cameras = request_list(request, "cameras"),
        .labels = request_list(request, "labels"),
        .after = request_double_not_zero(request, "after"),
        .before = request_double_not_zero(request, "before"),
        .limit = request_int(request, "limit").value,
    };
    bool known = request_zone(request, "timezone", &filter.utc_offset_s);
    struct db *db = known ? request_db(request) : NULL;
    if (db == NULL) {
        return;
    }
    AUTO_STR struct str text = {0};
    int result = db_timeline_hourly_json(db, &filter, &text);
    reply_kept_rows(request, result, &text, KEEP_MS);
}
