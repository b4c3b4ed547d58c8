/* Review items, and activity over time. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "footage/discard.h"
#include "footage/keeper.h"
#include "http/api.h"
#include "http/request.h"
#include "server/review.h"
#include "server/server.h"
#include "store/db_activity.h"
#include "store/db_review.h"
#include "store/db_review_run.h"

static double or_else(struct db_opt_double value, double otherwise)
{
    return value.has ? value.value : otherwise;
}

/* Lists begin and end at the present unless the request says otherwise. */
static int64_t keep_ms(struct request *request)
{
    bool fixed = request_double(request, "after").has && request_double(request, "before").has;
    return fixed ? KEEP_MS : KEEP_NOW_MS;
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
    reply_kept_rows(request, result, &text, keep_ms(request));
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
    reply_kept_rows(request, result, &text, KEEP_NOW_MS);
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
        reply_kept_rows(request, result, &text, KEEP_MS);
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

/* The ids of the body, texts that live as long as the request; false after a reply. */
static bool take_ids(struct request *request, const char ***ids, size_t *count)
{
    json_t *list = json_object_get(request_json(request), "ids"), *id;
    size_t i;
    if (!json_is_array(list) || json_array_size(list) == 0) {
        reply_message(request, 404, false, "Not a valid list of ids");
        return false;
    }
    *ids = mem_array(json_array_size(list), sizeof **ids);
    *count = 0;
    json_array_foreach(list, i, id)
    {
        if (json_is_string(id)) {
            (*ids)[(*count)++] = json_string_value(id);
        }
    }
    return true;
}

void api_reviews_viewed(struct request *request)
{
    AUTO_FREE const char **ids = NULL;
    size_t count;
    if (!take_ids(request, &ids, &count)) {
        return;
    }
    /* `reviewed` is of newer clients, which also take the mark away by it. */
    bool reviewed = !json_is_false(json_object_get(request_json(request), "reviewed"));
    struct store_work *work = store_begin(request_store(request));
    for (size_t i = 0; i < count; i++) {
        db_review_mark(work, ids[i], reviewed);
    }
    if (request_write(request, work)) {
        reply_message(request, 200, true, "Reviewed multiple items");
    }
}

/* Those that ran and could not be thrown away: nobody else will ever end them. */
static void end_forgotten(struct request *request, const char *const *ids, size_t count, double now)
{
    struct store_work *work = store_begin(request_store(request));
    for (size_t i = 0; i < count; i++) {
        db_review_end(work, ids[i], now);
    }
    store_submit(work);
}

void api_reviews_delete(struct request *request)
{
    AUTO_FREE const char **ids = NULL;
    size_t count;
    struct volume volume;
    if (!take_ids(request, &ids, &count)) {
        return;
    }
    if (!keeper_volume(server_keeper(request->server), &volume)) {
        reply_message(request, 503, false, "The disk of the recordings is still being looked at");
        return;
    }
    /* First, so that nothing writes the rows of running ones again. */
    for (size_t i = 0; i < count; i++) {
        review_forget(server_review(request->server), ids[i]);
    }
    const struct discard discard = {
        .store = request_store(request),
        .data_dir = server_data_dir(request->server),
        .volume = &volume,
        .stopping = server_hangs_up,
        .context = request->server,
    };
    double now = wall_seconds(wall_now());
    int result = discard_reviews(&discard, ids, count, now);
    if (result < 0) {
        end_forgotten(request, ids, count, now);
        reply_message(request, 503, false, "Not everything could be removed: %s", err_name(result));
    } else {
        reply_message(request, 200, true, "Delete reviews");
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
        reply_kept_rows(request, result, &text, keep_ms(request));
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
