/* Clips: one MP4 of an event or a span, made of ranges of the recorded files while it is sent. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "footage/span.h"
#include "http/api.h"
#include "http/files.h"
#include "http/http_private.h"
#include "http/request.h"
#include "server/server.h"
#include "store/db_event.h"

#define CLIP_MAX_S 86400.0
#define CACHE_WEEK "max-age=604800, public"

/* Headers every clip has; `name` without folders. */
static void describe_clip(struct request *request, const char *name)
{
    reply_header(request, "Content-Description", "File Transfer");
    if (request_flag(request, "download")) {
        reply_attachment(request, "%s", name);
    }
}

static void reply_clip(struct request *request, const char *camera, double from, double to,
                       const char *name)
{
    const char *data_dir = server_data_dir(request->server);
    if (strlen(name) > FILES_NAME_MAX) {
        reply_message(request, 403, false, "Filename exceeded max length of %d", FILES_NAME_MAX);
        return;
    }
    if (to - from > CLIP_MAX_S) {
        reply_message(request, 400, false, "A clip can be at most %d hours long",
                      (int)(CLIP_MAX_S / 3600));
        return;
    }
    struct db *db = request_db(request);
    if (db == NULL) {
        return;
    }
    AUTO_SPAN struct span span = {0};
    struct err err = ERR_NONE;
    unsigned skipped = 0;
    struct rope *rope = NULL;
    if (span_load(db, data_dir, camera, from, to, true, &span) == 0) {
        rope = span_clip(&span, data_dir, from, to, &skipped, &err);
    }
    if (rope == NULL) {
        log_debug("no clip of %s: %s", camera, err.text);
        reply_message(request, 500, false, "Could not create clip from recordings");
        return;
    }
    if (skipped > 0) {
        log_warning("a clip of %s lacks %u of %zu recordings: they are gone or damaged", camera,
                    skipped, span.count);
    }
    bool still_growing = to > wall_seconds(wall_now()) - 60;
    describe_clip(request, name);
    reply_rope(request, "video/mp4", rope);
    request->reply.cache = still_growing ? "no-store" : CACHE_WEEK;
}

void api_span_clip(struct request *request)
{
    double from, to;
    const char *camera = request->args[0];
    if (!str_to_double(request->args[1], &from) || !str_to_double(request->args[2], &to)) {
        reply_not_found(request);
        return;
    }
    AUTO_FREE char *name = files_span_name("clip", camera, request->args[1], request->args[2]);
    reply_clip(request, camera, from, to, name);
}

/* The file an older Frigate made of the event, if it is there: its descriptor, or -1. */
static int open_legacy(struct request *request, const struct db_event_row *row)
{
    AUTO_FREE char *name = mem_printf("%s-%s.mp4", row->camera, row->id);
    return files_open(http_files(request->http), FILES_CLIPS, name);
}

static void reply_event_clip(struct request *request, int result, const struct db_event_row *row)
{
    if (result == -ENOENT) {
        reply_message(request, 404, false, "Event not found");
        return;
    }
    if (result < 0) {
        reply_internal_error(request, "The database cannot be read");
        return;
    }
    if (!row->has_clip) {
        reply_message(request, 404, false, "Clip not available");
        return;
    }
    double to = row->end_time.has ? row->end_time.value : wall_seconds(wall_now());
    char from_text[32], to_text[32];
    AUTO_FREE char *name = files_span_name(
        "clip", row->camera, str_double(from_text, row->start_time), str_double(to_text, to));
    AUTO_CLOSE int legacy = open_legacy(request, row);
    if (legacy >= 0) {
        describe_clip(request, name);
        files_reply(request, steal_fd(&legacy), name);
        request->reply.cache = CACHE_WEEK;
        return;
    }
    reply_clip(request, row->camera, row->start_time, to, name);
}

void api_event_clip(struct request *request)
{
    AUTO_EVENT_ROW struct db_event_row row = {0};
    struct db *db = request_db(request);
    if (db != NULL) {
        reply_event_clip(request, db_event_get(db, request->args[0], &row), &row);
    }
}

void api_label_clip(struct request *request)
{
    AUTO_EVENT_ROW struct db_event_row row = {0};
    struct db *db = request_db(request);
    if (db != NULL) {
        const char *label = request_decode_again(request, request->args[1]);
        reply_event_clip(request, db_event_latest_clip(db, request->args[0], label, &row), &row);
    }
}
