/* Events as rows: lists, one, changes. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/api.h"
#include "http/files.h"
#include "http/http_private.h"
#include "http/request.h"
#include "server/events.h"
#include "server/live.h"
#include "server/manual.h"
#include "server/review.h"
#include "server/server.h"
#include "store/db_event.h"

#define SUB_LABEL_MAX 100

/* The singular form of a list parameter is older: on its own it is the list. */
static struct db_texts list_or_old(struct request *request, const char *name, const char *old)
{
    struct db_texts texts = request_list(request, name);
    return texts.has ? texts : request_list(request, old);
}

static struct db_texts old_camera(struct request *request)
{
    const char *camera = request_text(request, "camera");
    struct db_texts texts = {0};
    if (camera != NULL && strcmp(camera, "all") != 0) {
        texts = (struct db_texts){.has = true, .count = 1, .items = {camera}};
    }
    return texts;
}

/* `label` alone comes decoded once less than it should. */
static struct db_texts labels(struct request *request)
{
    struct db_texts texts = request_list(request, "labels");
    if (texts.has) {
        return texts;
    }
    texts = request_list(request, "label");
    for (size_t i = 0; i < texts.count; i++) {
        texts.items[i] = request_decode_again(request, texts.items[i]);
    }
    return texts;
}

/* "HH:MM,HH:MM"; the whole day is no filter. False after a 400. */
static bool add_time_range(struct request *request, struct db_event_filter *filter)
{
    const char *range = request_text(request, "time_range");
    if (strcmp(range, "00:00,24:00") == 0) {
        return true;
    }
    char *after = request_keep(request, mem_strdup(range));
    char *before = strchr(after, ',');
    if (before == NULL) {
        reply_message(request, 400, false, "time_range: \"%s\" is not HH:MM,HH:MM", range);
        return false;
    }
    *before++ = '\0';
    before[strcspn(before, ",")] = '\0';
    filter->time_after = after;
    filter->time_before = before;
    return request_zone(request, "timezone", &filter->utc_offset_s);
}

static enum db_event_sort sort_order(const char *name)
{
    static const struct {
        const char *name;
        enum db_event_sort sort;
    } orders[] = {
        {"date_asc", DB_EVENT_DATE_ASC},
        {"score_desc", DB_EVENT_SCORE_DESC},
        {"score_asc", DB_EVENT_SCORE_ASC},
    };
    for (size_t i = 0; i < ARRAY_SIZE(orders) && name != NULL; i++) {
        if (strcmp(orders[i].name, name) == 0) {
            return orders[i].sort;
        }
    }
    return DB_EVENT_DATE_DESC;
}

void api_events(struct request *request)
{
    struct db_event_filter filter = {
        .camera = old_camera(request),
        .cameras = request_list(request, "cameras"),
        .labels = labels(request),
        .sub_labels = list_or_old(request, "sub_labels", "sub_label"),
        .zones = list_or_old(request, "zones", "zone"),
        .after = request_double_not_zero(request, "after"),
        .before = request_double_not_zero(request, "before"),
        .has_clip = request_int(request, "has_clip"),
        .has_snapshot = request_int(request, "has_snapshot"),
        .in_progress = request_int(request, "in_progress"),
        .submitted = request_int(request, "is_submitted"),
        .favorites = request_int(request, "favorites").value != 0,
        .min_score = request_double(request, "min_score"),
        .max_score = request_double(request, "max_score"),
        .min_length = request_double(request, "min_length"),
        .max_length = request_double(request, "max_length"),
        .sort = sort_order(request_text(request, "sort")),
        .limit = request_int(request, "limit"),
        .thumbnails = request_int(request, "include_thumbnails").value != 0,
    };
    struct db *db = add_time_range(request, &filter) ? request_db(request) : NULL;
    if (db == NULL) {
        return;
    }
    AUTO_STR struct str text = {0};
    reply_kept_rows(request, db_event_list_json(db, &filter, &text), &text, KEEP_MS);
    /* Base64 of JPEG: a quarter smaller for twenty times the work. */
    request->reply.no_gzip = filter.thumbnails;
}

void api_events_summary(struct request *request)
{
    int offset_s;
    struct db *db = request_zone(request, "timezone", &offset_s) ? request_db(request) : NULL;
    if (db == NULL) {
        return;
    }
    AUTO_STR struct str text = {0};
    int result = db_event_summary_json(db, offset_s, request_int(request, "has_clip"),
                                       request_int(request, "has_snapshot"), &text);
    reply_kept_rows(request, result, &text, KEEP_MS);
}

void api_event(struct request *request)
{
    struct db *db = request_db(request);
    if (db == NULL) {
        return;
    }
    AUTO_STR struct str text = {0};
    int result = db_event_json(db, request->args[0], &text);
    if (result == -ENOENT) {
        reply_html(request, 404, "Event not found");
    } else {
        reply_kept_rows(request, result, &text, KEEP_MS);
    }
}

/* The event of the path, or false after a 404 (or 500) was replied. */
static bool get_event(struct request *request, struct db_event_row *row)
{
    struct db *db = request_db(request);
    int result = db != NULL ? db_event_get(db, request->args[0], row) : -EIO;
    if (result == -ENOENT) {
        reply_message(request, 404, false, "Event %s not found", request->args[0]);
    } else if (result != 0) {
        reply_internal_error(request, "The database cannot be read");
    }
    return result == 0;
}

void api_event_delete(struct request *request)
{
    AUTO_EVENT_ROW struct db_event_row row = {0};
    if (!get_event(request, &row)) {
        return;
    }
    /* First so that nothing writes the row again; the row before the files, so that no row ever
     * stands for files that are gone. */
    events_forget(server_events(request->server), row.id);
    manual_forget(server_manual(request->server), row.id);
    struct store_work *work = store_begin(request_store(request));
    db_event_delete(work, row.id);
    if (!request_write(request, work)) {
        return;
    }
    static const char *const suffixes[] = {".jpg", "-clean.png", ".mp4"};
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        AUTO_STR struct str name = {0};
        str_addf(&name, "%s-%s%s", row.camera, row.id, suffixes[i]);
        int result = files_remove(http_files(request->http), FILES_CLIPS, str_text(&name));
        if (result != 0 && result != -ENOENT) {
            log_warning("event %s: %s cannot be removed: %s", row.id, str_text(&name),
                        err_name(result));
        }
    }
    reply_message(request, 200, true, "Event %s deleted", row.id);
}

static void set_retained(struct request *request, bool retain, const char *done)
{
    AUTO_EVENT_ROW struct db_event_row row = {0};
    if (!get_event(request, &row)) {
        return;
    }
    struct store_work *work = store_begin(request_store(request));
    db_event_retain(work, row.id, retain);
    if (request_write(request, work)) {
        reply_message(request, 200, true, "Event %s %s", row.id, done);
    }
}

void api_event_retain(struct request *request)
{
    set_retained(request, true, "retained");
}

void api_event_unretain(struct request *request)
{
    set_retained(request, false, "un-retained");
}

/* Characters, not bytes. */
static size_t text_length(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += (*text & 0xc0) != 0x80;
    }
    return count;
}

void api_event_sub_label(struct request *request)
{
    AUTO_EVENT_ROW struct db_event_row row = {0};
    if (!get_event(request, &row)) {
        return;
    }
    json_t *body = request_json(request);
    const char *text = json_string_value(json_object_get(body, "subLabel"));
    json_t *score = json_object_get(body, "subLabelScore");
    double value = json_number_value(score);
    if (text == NULL) {
        reply_message(request, 400, false, "A sub label must be supplied");
    } else if (text_length(text) > SUB_LABEL_MAX) {
        reply_message(request, 400, false, "%s exceeds the 100 character limit for sub_label",
                      text);
    } else if (score != NULL && !json_is_null(score) && !json_is_number(score)) {
        reply_message(request, 400, false, "subLabelScore: not a number");
    } else if (value < 0 || value > 1) {
        reply_message(request, 400, false,
                      "%g does not fit within the expected bounds 0 <= score <= 1.0", value);
    } else {
        /* First, so that whoever writes its rows while it runs says the same. */
        live_set_sub_label(server_live(request->server), row.id, text, (float)value);
        struct store_work *work = store_begin(request_store(request));
        db_event_sub_label(work, row.id, text,
                           (struct db_opt_double){.has = value != 0, .value = value},
                           !row.end_time.has);
        if (request_write(request, work)) {
            review_sub_label(server_review(request->server), row.id, text);
            reply_message(request, 200, true, "Event %s sub label set to %s", row.id, text);
        }
    }
}

void api_labels(struct request *request)
{
    struct db *db = request_db(request);
    if (db == NULL) {
        return;
    }
    const char *camera = request_text(request, "camera");
    AUTO_STR struct str text = {0};
    int result = db_event_labels_json(db, camera != NULL && *camera != '\0' ? camera : NULL, &text);
    reply_kept_rows(request, result, &text, KEEP_MS);
}

void api_sub_labels(struct request *request)
{
    struct db *db = request_db(request);
    if (db == NULL) {
        return;
    }
    AUTO_STR struct str text = {0};
    int result =
        db_event_sub_labels_json(db, request_int(request, "split_joined").value != 0, &text);
    reply_kept_rows(request, result, &text, KEEP_MS);
}
