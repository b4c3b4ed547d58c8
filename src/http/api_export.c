/* Exports: made, listed, renamed, removed. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "footage/exports.h"
#include "footage/place.h"
#include "footage/removal.h"
#include "http/api.h"
#include "http/request.h"
#include "server/server.h"
#include "store/db_export.h"

#define NAME_MAX_LENGTH 256 /* contract */

/* A text of the body: NULL when absent; false after a 400 when it is something else. */
static bool body_text(struct request *request, const char *key, const char **text)
{
    const json_t *value = json_object_get(request_json(request), key);
    *text = json_string_value(value);
    if (value != NULL && !json_is_null(value) && *text == NULL) {
        reply_message(request, 400, false, "%s must be a text", key);
        return false;
    }
    return true;
}

void api_export_begin(struct request *request)
{
    const char *camera = request->args[0], *playback, *name;
    double start, end;
    if (config_camera_index(request->config, camera) < 0) {
        reply_message(request, 404, false, "%s is not a valid camera.", camera);
        return;
    }
    if (!str_to_double(request->args[1], &start) || !str_to_double(request->args[2], &end)) {
        reply_not_found(request);
        return;
    }
    if (!body_text(request, "playback", &playback) || !body_text(request, "name", &name)) {
        return;
    }
    if (name != NULL && strlen(name) > NAME_MAX_LENGTH) {
        reply_message(request, 401, false, "File name is too long.");
        return;
    }
    struct export_wish wish = {
        .camera = camera,
        .name = name,
        .start = start,
        .end = end,
        .timelapse = playback != NULL && strcmp(playback, "timelapse_25x") == 0,
    };
    char id[64];
    struct err err = ERR_NONE;
    int result = exports_begin(server_exports(request->server), &wish, id, &err);
    if (result == -ENOENT || result == -ENOSPC) {
        reply_message(request, 400, false, "%s", err.text);
    } else if (result < 0) {
        reply_message(request, 503, false, "%s", err.text);
    } else {
        reply_message(request, 200, true, "Starting export of recording.");
        reply_header(request, "X-Export-Id", id);
    }
}

void api_exports(struct request *request)
{
    struct db *db = request_db(request);
    if (db != NULL) {
        AUTO_STR struct str text = {0};
        int result = db_export_list_json(db, &text);
        reply_rows(request, result, &text);
    }
}

void api_exports_progress(struct request *request)
{
    AUTO_STR struct str text = {0};
    exports_progress_json(server_exports(request->server), &text);
    reply_json(request, 200, &text);
}

static void no_export(struct request *request)
{
    reply_message(request, 404, false, "Export not found.");
}

/* False after a reply. */
static bool find_export(struct request *request, struct db_export_found *found)
{
    struct db *db = request_db(request);
    int result = db != NULL ? db_export_find(db, request->args[0], found) : -EIO;
    if (result == -ENOENT) {
        no_export(request);
    } else if (result < 0 && db != NULL) {
        reply_internal_error(request, "The database cannot be read");
    }
    return result == 0;
}

void api_export_progress(struct request *request)
{
    AUTO_EXPORT struct db_export_found found = {0};
    AUTO_STR struct str text = {0};
    struct exports *exports = server_exports(request->server);
    if (exports_progress_one_json(exports, request->args[0], &text)) {
        reply_json(request, 200, &text);
    } else if (find_export(request, &found)) {
        struct jout json = {.out = &text};
        jout_begin_object(&json);
        jout_put_int(&json, "ahead", 0);
        jout_put_string(&json, "error", NULL);
        jout_put_string(&json, "id", found.id);
        jout_put_double(&json, "percent", 100);
        jout_put_int(&json, "seconds_left", 0);
        jout_put_string(&json, "state", "finished");
        jout_end_object(&json);
        reply_json(request, 200, &text);
    }
}

void api_export_cancel(struct request *request)
{
    AUTO_EXPORT struct db_export_found found = {0};
    if (!find_export(request, &found)) {
        return;
    }
    if (exports_cancel(server_exports(request->server), found.id)) {
        reply_message(request, 200, true, "Export cancelled.");
    } else {
        reply_message(request, 400, false, "The export is not in progress.");
    }
}

void api_export_delete(struct request *request)
{
    AUTO_EXPORT struct db_export_found found = {0};
    if (!find_export(request, &found)) {
        return;
    }
    if (exports_is_busy(server_exports(request->server), found.id)) {
        reply_message(request, 400, false, "Can not delete in progress export.");
        return;
    }
    const char *const paths[] = {found.video_path, found.thumb_path};
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        const char *relative = place_relative(paths[i]);
        if (relative != NULL) {
            removal_unlink(server_data_dir(request->server), relative);
        }
    }
    struct store_work *work = store_begin(request_store(request));
    db_export_delete(work, found.id);
    if (request_write(request, work)) {
        reply_message(request, 200, true, "Successfully deleted export.");
    }
}

void api_export_rename(struct request *request)
{
    AUTO_EXPORT struct db_export_found found = {0};
    if (!find_export(request, &found)) {
        return;
    }
    if (!request_is_text(request->args[1])) {
        reply_message(request, 400, false, "name: not UTF-8");
        return;
    }
    struct store_work *work = store_begin(request_store(request));
    db_export_rename(work, found.id, request->args[1]);
    if (request_write(request, work)) {
        reply_message(request, 200, true, "Successfully renamed export.");
    }
}
