/* Pictures of what a camera sees now. */
#include <errno.h>
#include <math.h>

#include "http/api.h"
#include "http/http_private.h"
#include "http/request.h"
#include "http/stream.h"
#include "server/picture.h"
#include "server/server.h"
#include "store/db_region.h"

/* Drawing options are whole numbers; anything but zero is on. */
static bool on(struct request *request, const char *name)
{
    struct db_opt_int value = request_int(request, name);
    return value.has && value.value != 0;
}

static struct picture_options drawing(struct request *request, enum picture_format format)
{
    return (struct picture_options){
        .format = format,
        .bbox = on(request, "bbox"),
        .timestamp = on(request, "timestamp"),
        .zones = on(request, "zones"),
        .mask = on(request, "mask"),
        .motion = on(request, "motion"),
        .regions = on(request, "regions"),
    };
}

void api_camera_stream(struct request *request)
{
    int camera = request_camera(request, request->args[0]);
    if (camera < 0) {
        return;
    }
    struct picture_options options = drawing(request, PICTURE_JPEG);
    options.quality = 70;
    options.height = (int)request_int(request, "h").value;
    double fps = fmin((double)request_int(request, "fps").value, STREAM_FPS_MAX);
    struct stream *stream = stream_create(http_streams(request->http), camera, fps, &options);
    if (stream == NULL) {
        reply_message(request, 503, false, "Too many streams");
        return;
    }
    if (request->head) { /* its body would be read, and thrown away, for ever */
        stream_destroy(stream);
        reply_html(request, 200, "");
        request->reply.type = STREAM_TYPE;
        return;
    }
    request->reply.status = 200;
    request->reply.type = STREAM_TYPE;
    request->reply.stream = stream;
    request->reply.cache = "no-store";
}

static void bad_size(struct request *request, const struct cfg_camera *camera, int64_t height)
{
    AUTO_STR struct str text = {0};
    double ratio = camera->detect.height > 0
                       ? (double)camera->detect.width / (double)camera->detect.height
                       : 16.0 / 9.0;
    str_addf(&text, "Invalid height / width requested :: %lld / %lld", (long long)height,
             (long long)floor((double)height * ratio));
    reply_html(request, 400, str_text(&text));
}

static void latest(struct request *request, enum picture_format format, const char *type)
{
    int index = request_camera(request, request->args[0]);
    if (index < 0) {
        return;
    }
    const struct cfg_camera *camera = &request->config->cameras[index];
    struct db_opt_int height = request_int(request, "h");
    if (height.has && (height.value < 1 || height.value > PICTURE_MAX_HEIGHT)) {
        bad_size(request, camera, height.value);
        return;
    }
    struct picture_options options = drawing(request, format);
    options.quality = (int)request_int(request, "quality").value;
    options.height = height.has ? (int)height.value : 0;
    AUTO_STR struct str picture = {0};
    int result =
        picture_latest(server_live(request->server), request->config, index, &options, &picture);
    if (result == -EINVAL) {
        bad_size(request, camera, height.value);
    } else if (result != 0) {
        reply_internal_error(request, "Unable to get valid frame");
    } else {
        reply_bytes(request, type, &picture, "no-store");
        reply_keep(request, KEEP_PICTURE_MS);
    }
}

void api_camera_latest_jpeg(struct request *request)
{
    latest(request, PICTURE_JPEG, "image/jpg"); /* sic: clients know it as that */
}

void api_camera_latest_webp(struct request *request)
{
    latest(request, PICTURE_WEBP, "image/webp");
}

void api_camera_grid(struct request *request)
{
    int index = request_camera(request, request->args[0]);
    struct db *db = index >= 0 ? request_db(request) : NULL;
    if (db == NULL) {
        return;
    }
    AUTO_STR struct str grid = {0}, picture = {0};
    double updated;
    if (db_region_get(db, request->args[0], &grid, &updated) != 0) {
        reply_internal_error(request, "Unable to get region grid");
        return;
    }
    int result = picture_grid(server_live(request->server), request->config, index, str_text(&grid),
                              request_text(request, "color"),
                              request_double(request, "font_scale").value, &picture);
    if (result == -EBADMSG) {
        reply_internal_error(request, "Unable to get region grid");
    } else if (result != 0) {
        reply_internal_error(request, "Unable to get valid frame");
    } else {
        reply_bytes(request, "image/jpeg", &picture, "no-store");
    }
}
