/* Review items, and activity over time. */
#include <errno.h>

#include "base/clock.h"
#include "base/err.h"
#include "http/api.h"
#include "http/request.h"
#include "store/db_activity.h"
#include "store/db_review.h"

static double or_else(struct db_opt_double value, double otherwise)
{
    return value.has ? value.value : otherwise;
}

void api_review_list(struct request *request)
{
    double now = wall_seconds(wall_now());
    struct db_review_filter filter = {
        .cameras = request_list(request, "cameras"),
        .labels = request_list(request, "labels"),
        .zones = request_list(request, "zones"),
        .unreviewed = request_int(request, "reviewed").value == 0,
        .severity = request_text(request, "severity"),
        .after = or_else(request_double(request, "after"), now - 86400),
        .before = or_else(request_double(request, "before"), now),
        .limit = request_int(request, "limit"),
    };
    if (filter.severity != NULL && *filter.severity == '\0') {
        filter.severity = NULL;
    }
    struct db *db = request_db(request);
    if (db == NULL) {
        return;
    }
    AUTO_STR struct str text = {0};
    int result = db_review_list_json(db, &filter, &text);
    reply_rows(request, result, &text);
}

void api_review_summary(struct request *request)
{
    struct db_review_filter filter = {
        .cameras = request_list(request, "cameras"),
        .labels = request_list(request, "labels"),
        .zones = request_list(request, "zones"),
    };
    int offset_s;
    struct db *db = request_zone(request, "timezone", &offset_s) ? request_db(request) : NULL;
    if (db == NULL) {
        return;
    }
    AUTO_STR struct str text = {0};
    int result = db_review_summary_json(db, &filter, wall_seconds(wall_now()), offset_s, &text);
    reply_rows(request, result, &text);
}

static void reply_item(struct request *request,
                       int (*get)(struct db *db, const char *id, struct str *out))
{
    struct db *db = request_db(request);
    if (db == NULL) {
        return;
    }
    AUTO_STR struct str text = {0};
    int result = get(db, request->args[0], &text);
    if (result == -ENOENT) {
        reply_html(request, 404, "Review item not found");
    } else {
        reply_rows(request, result, &text);
    }
}

void api_review(struct request *request)
{
    reply_item(request, db_review_json);
}

void api_review_of_event(struct request *request)
{
    reply_item(request, db_review_of_event_json);
}

void api_reviews_viewed(struct request *request)
{
    json_t *body = request_json(request), *ids = json_object_get(body, "ids"), *id;
    size_t i;
    if (!json_is_array(ids) || json_array_size(ids) == 0) {
        reply_message(request, 404, false, "Not a valid list of ids");
        return;
    }
    /* `reviewed` is of newer clients, which also take the mark away by it. */
    bool reviewed = !json_is_false(json_object_get(body, "reviewed"));
    struct store_work *work = store_begin(request_store(request));
    json_array_foreach(ids, i, id)
    {
        if (json_is_string(id)) {
            db_review_mark(work, json_string_value(id), reviewed);
        }
    }
    if (request_write(request, work)) {
        reply_message(request, 200, true, "Reviewed multiple items");
    }
}

static void mark_one(struct request *request, bool reviewed)
{
    struct db *db = request_db(request);
    const char *id = request->args[0];
    if (db == NULL) {
        return;
    }
    if (!db_review_exists(db, id)) {
        reply_message(request, 404, false, "Review %s not found", id);
        return;
    }
    struct store_work *work = store_begin(request_store(request));
    db_review_mark(work, id, reviewed);
    if (request_write(request, work)) {
        reply_message(request, 200, true, "Reviewed %s %s", id, reviewed ? "viewed" : "not viewed");
    }
}

void api_review_viewed(struct request *request)
{
    mark_one(request, true);
}

void api_review_not_viewed(struct request *request)
{
    mark_one(request, false);
}

/* ---- activity ---- */

static void activity(struct request *request,
                     int (*get)(struct db *db, const struct db_activity_filter *filter,
                                struct str *out))
{
    double now = wall_seconds(wall_now());
    struct db_activity_filter filter = {
        .cameras = request_list(request, "cameras"),
        .after = or_else(request_double(request, "after"), now - 3600),
        .before = or_else(request_double(request, "before"), now),
        .scale_s = request_int(request, "scale").value,
    };
    struct db *db = request_db(request);
    if (db == NULL) {
        return;
    }
    AUTO_STR struct str text = {0};
    int result = get(db, &filter, &text);
    if (result == -E2BIG) {
        reply_message(request, 400, false, "scale: too fine for so long a span");
    } else {
        reply_rows(request, result, &text);
    }
}

void api_activity_motion(struct request *request)
{
    activity(request, db_activity_motion_json);
}

void api_activity_audio(struct request *request)
{
    activity(request, db_activity_audio_json);
}
