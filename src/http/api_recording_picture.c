/* A picture out of a recording. */
#include <errno.h>
#include <math.h>

#include "base/cleanup.h"
#include "footage/span.h"
#include "http/api.h"
#include "http/http_private.h"
#include "http/request.h"
#include "render/job.h"
#include "server/server.h"

int http_open_recording(struct request *request, double *time, double *into)
{
    if (!str_to_double(request->args[1], time)) {
        reply_message(request, 400, false, "\"%s\" is not a time", request->args[1]);
        return -1;
    }
    if (request_camera(request, request->args[0]) < 0 || !request_may_wait(request)) {
        return -1;
    }
    struct db *db = request_db(request);
    if (db == NULL) {
        return -1;
    }
    char number[32];
    const char *data_dir = server_data_dir(request->server);
    AUTO_SPAN struct span span = {0};
    if (span_load(db, data_dir, request->args[0], *time, *time, true, &span) < 0) {
        reply_internal_error(request, "The database cannot be read");
        return -1;
    }
    if (span.count == 0) {
        reply_message(request, 404, false, "Recording not found at %s", str_double(number, *time));
        return -1;
    }
    const struct span_segment *segment = &span.segments[span.count - 1];
    *into = fmax(*time - segment->start, 0);
    int fd = span_open(data_dir, segment->path);
    if (fd < 0) {
        reply_message(request, 404, false, "Unable to parse frame at time %s",
                      str_double(number, *time));
    }
    return fd;
}

void api_recording_snapshot(struct request *request)
{
    double time, into;
    AUTO_CLOSE int fd = http_open_recording(request, &time, &into);
    if (fd < 0) {
        return;
    }
    AUTO_STR struct str picture = {0};
    struct err err = ERR_NONE;
    if (render_picture(fd, llrint(into * 1e6), RENDER_PNG, 0, &picture, &err) < 0) {
        char number[32];
        reply_message(request, 404, false, "Unable to parse frame at time %s",
                      str_double(number, time));
        return;
    }
    reply_bytes(request, "image/png", &picture, NULL);
}
