/* Pictures of events: thumbnails out of their rows, snapshots out of files or of the running
 * object. */
#include <errno.h>
#include <string.h>

#include "http/api.h"
#include "http/files.h"
#include "http/http_private.h"
#include "http/request.h"
#include "server/picture.h"
#include "server/server.h"
#include "store/db_event.h"

#define CACHE_YEAR "private, max-age=31536000"
#define CACHE_MONTH "private, max-age=2592000"
#define CACHE_MINUTE "private, max-age=60"

static void no_event(struct request *request)
{
    reply_message(request, 404, false, "Event not found");
}

/* 0 and the row, -ENOENT, or another error after a reply. */
static int get_event(struct request *request, struct db_event_row *row)
{
    struct db *db = request_db(request);
    int result = db != NULL ? db_event_get(db, request->args[0], row) : -EIO;
    if (result != 0 && result != -ENOENT) {
        reply_internal_error(request, "The database cannot be read");
    }
    return result;
}

/* ---- thumbnails ---- */

/* Replies with a JPEG in the wanted format. Takes the bytes over. */
static void reply_thumbnail(struct request *request, struct str *jpeg, const char *cache)
{
    const char *format = request_text(request, "format");
    AUTO_STR struct str padded = {0};
    if (strcmp(format, "android") == 0 &&
        picture_pad_thumbnail(jpeg->data, jpeg->length, &padded) == 0) {
        reply_bytes(request, "image/jpeg", &padded, cache);
    } else {
        reply_bytes(request, "image/jpeg", jpeg, cache);
    }
}

static void reply_row_thumbnail(struct request *request, const struct db_event_row *row,
                                const char *cache_ended)
{
    AUTO_STR struct str jpeg = {0};
    if (row->thumbnail == NULL || *row->thumbnail == '\0' ||
        !str_add_from_base64(&jpeg, row->thumbnail)) {
        no_event(request);
        return;
    }
    reply_thumbnail(request, &jpeg, row->end_time.has ? cache_ended : "no-store");
}

void api_event_thumbnail(struct request *request)
{
    AUTO_EVENT_ROW struct db_event_row row = {0};
    int result = get_event(request, &row);
    if (result == 0) {
        reply_row_thumbnail(request, &row, CACHE_MONTH);
        return;
    }
    if (result != -ENOENT) {
        return;
    }
    /* Not in the database yet: the object may be running. */
    AUTO_LIVE_OBJECT struct live_object object = {0};
    AUTO_STR struct str jpeg = {0};
    if (live_find_object(server_live(request->server), request->args[0], &object, NULL) &&
        picture_thumbnail(&object, &jpeg) == 0) {
        reply_thumbnail(request, &jpeg, "no-store");
    } else {
        no_event(request);
    }
}

void api_label_thumbnail(struct request *request)
{
    struct db *db = request_db(request);
    if (db == NULL) {
        return;
    }
    AUTO_EVENT_ROW struct db_event_row row = {0};
    const char *label = request_decode_again(request, request->args[1]);
    if (db_event_latest(db, request->args[0], label, &row) != 0) {
        no_event(request);
    } else {
        reply_row_thumbnail(request, &row, CACHE_MINUTE);
    }
}

/* ---- snapshots ---- */

static bool on(struct request *request, const char *name)
{
    struct db_opt_int value = request_int(request, name);
    return value.has && value.value != 0;
}

/* Whether its pictures are files: an event made by hand has them from its start. */
static bool is_written(const struct db_event_row *row)
{
    return row->end_time.has || !row->tracked;
}

static void reply_stored_snapshot(struct request *request, const struct db_event_row *row,
                                  const char *cache)
{
    if (!row->has_snapshot) {
        reply_message(request, 404, false, "Snapshot not available");
        return;
    }
    AUTO_STR struct str name = {0}, jpeg = {0};
    str_addf(&name, "%s-%s.jpg", row->camera, row->id);
    if (files_read(http_files(request->http), FILES_CLIPS, str_text(&name), &jpeg) != 0) {
        no_event(request);
        return;
    }
    reply_bytes(request, "image/jpeg", &jpeg, cache);
}

/* The best picture of a running object so far, drawn as asked. */
static void reply_running_snapshot(struct request *request, const char *id)
{
    AUTO_LIVE_OBJECT struct live_object object = {0};
    AUTO_STR struct str jpeg = {0};
    int camera;
    struct db_opt_int height = request_int(request, "h");
    struct picture_options options = {
        .format = PICTURE_JPEG,
        .quality = (int)request_int(request, "quality").value,
        .height = height.has ? (int)height.value : 0,
        .bbox = on(request, "bbox"),
        .timestamp = on(request, "timestamp"),
        .crop = on(request, "crop"),
    };
    if (!live_find_object(server_live(request->server), id, &object, &camera)) {
        no_event(request);
        return;
    }
    int result = picture_snapshot(request->config, &request->config->cameras[camera], &object,
                                  &options, &jpeg);
    if (result == -EINVAL) {
        reply_message(request, 400, false, "h: %lld is not a usable height",
                      (long long)height.value);
    } else if (result != 0) {
        no_event(request);
    } else {
        reply_bytes(request, "image/jpeg", &jpeg, "no-store");
    }
}

void api_event_snapshot(struct request *request)
{
    AUTO_EVENT_ROW struct db_event_row row = {0};
    int result = get_event(request, &row);
    if (result != 0 && result != -ENOENT) {
        return;
    }
    if (result == 0 && is_written(&row)) {
        reply_stored_snapshot(request, &row, row.end_time.has ? CACHE_YEAR : "no-store");
    } else {
        reply_running_snapshot(request, request->args[0]);
    }
    if (request->reply.status == 200 && request_flag(request, "download")) {
        reply_attachment(request, "snapshot-%s.jpg", request->args[0]);
    }
}

static void reply_running_clean(struct request *request, const char *id)
{
    AUTO_LIVE_OBJECT struct live_object object = {0};
    AUTO_STR struct str png = {0};
    if (live_find_object(server_live(request->server), id, &object, NULL) &&
        picture_clean(&object, &png) == 0) {
        reply_bytes(request, "image/png", &png, "no-store");
    } else {
        reply_message(request, 404, false, "Clean snapshot not available");
    }
}

void api_event_snapshot_clean(struct request *request)
{
    AUTO_EVENT_ROW struct db_event_row row = {0};
    int result = get_event(request, &row);
    if (result == -ENOENT) {
        no_event(request);
    }
    int index = result == 0 ? request_camera(request, row.camera) : -1;
    if (index < 0) {
        return;
    }
    if (!request->config->cameras[index].snapshots.enabled || !row.has_snapshot) {
        reply_message(request, 404, false,
                      "Snapshots and clean_copy must be enabled in the config");
        return;
    }
    if (!is_written(&row)) {
        reply_running_clean(request, row.id);
    } else {
        AUTO_STR struct str name = {0}, png = {0};
        str_addf(&name, "%s-%s-clean.png", row.camera, row.id);
        if (files_read(http_files(request->http), FILES_CLIPS, str_text(&name), &png) != 0) {
            reply_message(request, 404, false, "Clean snapshot not available");
            return;
        }
        reply_bytes(request, "image/png", &png, row.end_time.has ? CACHE_YEAR : "no-store");
    }
    if (request->reply.status == 200 && request_flag(request, "download")) {
        reply_attachment(request, "snapshot-%s-clean.png", row.id);
    }
}

/* Shown when there is nothing to show: clients expect a picture. */
static void reply_black(struct request *request)
{
    AUTO_STR struct str jpeg = {0};
    if (picture_black(1280, 720, PICTURE_JPEG, 70, &jpeg) != 0) {
        reply_internal_error(request, "Unable to make a picture");
    } else {
        reply_bytes(request, "image/jpeg", &jpeg, NULL);
    }
}

void api_label_snapshot(struct request *request)
{
    struct db *db = request_db(request);
    if (db == NULL) {
        return;
    }
    AUTO_EVENT_ROW struct db_event_row row = {0};
    const char *label = request_decode_again(request, request->args[1]);
    if (db_event_latest_snapshot(db, request->args[0], label, &row) != 0) {
        reply_black(request);
    } else if (is_written(&row)) {
        /* This address shows another event tomorrow: not to be kept like the event's own. */
        reply_stored_snapshot(request, &row, "no-store");
    } else {
        reply_running_snapshot(request, row.id);
    }
    if (request->reply.status == 200 && request_flag(request, "download")) {
        reply_attachment(request, "snapshot-%s.jpg", row.id != NULL ? row.id : label);
    }
}
