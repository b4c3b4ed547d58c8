/* Previews as they are: the hours' films, and the pictures that are not in one yet. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "base/mem.h"
#include "footage/place.h"
#include "footage/preview_frames.h"
#include "http/api.h"
#include "http/files.h"
#include "http/hour.h"
#include "http/request.h"
#include "render/job.h"
#include "server/previews.h"
#include "server/server.h"
#include "store/db_preview.h"

#define PICTURE_BYTES_MAX (4u << 20)
#define CACHE_YEAR "private, max-age=31536000"
#define MILLISECOND_S 0.001 /* what a film's times are exact to */

/* ------------------------------------------------------------------ films */

static void reply_films(struct request *request, const char *camera, double after, double before)
{
    struct db *db = request_db(request);
    AUTO_STR struct str text = {0};
    size_t count;
    if (db == NULL) {
        return;
    }
    bool all = strcmp(camera, "all") == 0;
    int result = db_preview_list_json(db, all ? NULL : camera, after, before, &text, &count);
    if (result == 0 && count == 0) {
        reply_message(request, 404, false, "No previews found.");
    } else {
        reply_kept_rows(request, result, &text, KEEP_MS);
    }
}

/* Numbers of the path, which the route has looked at; false after a 404. */
static bool get_span(struct request *request, double *from, double *to)
{
    if (!str_to_double(request->args[1], from) || !str_to_double(request->args[2], to)) {
        reply_not_found(request);
        return false;
    }
    return true;
}

void api_previews(struct request *request)
{
    double after, before;
    if (get_span(request, &after, &before)) {
        reply_films(request, request->args[0], after, before);
    }
}

void api_previews_hour(struct request *request)
{
    double start;
    if (hour_of_path(request, request->args, request->args[4], &start)) {
        reply_films(request, request->args[3], start, start + HOUR_LENGTH_S);
    }
}

/* ------------------------------------------------------------------ pictures */

/* Frigate compares names: "...-17.webp" comes after "...-17.5.webp", so that a whole second has all
 * of its pictures before it. The end is that; the begin is plainly the begin. */
static double inclusive_end(const char *text, double to)
{
    return strchr(text, '.') == NULL ? nextafter(to + 1, to) : to;
}

void api_preview_frames(struct request *request)
{
    struct preview_frames *frames = previews_frames(server_previews(request->server));
    const char *camera = request->args[0];
    double from, to;
    if (!get_span(request, &from, &to)) {
        return;
    }
    size_t count;
    AUTO_FREE double *times =
        preview_frames_times(frames, camera, from, inclusive_end(request->args[2], to), &count);
    AUTO_STR struct str text = {0};
    struct jout json = {.out = &text};
    jout_begin_array(&json);
    for (size_t i = 0; i < count; i++) {
        AUTO_STR struct str name = {0};
        preview_name(camera, times[i], &name);
        jout_string(&json, str_text(&name));
    }
    jout_end_array(&json);
    reply_json(request, 200, &text);
}

static void no_picture(struct request *request)
{
    reply_message(request, 404, false, "Image file not found");
}

struct in_film {
    const char *data_dir;
    double time, into;
    int fd;
};

static void open_film(void *context, const struct db_preview *preview)
{
    struct in_film *in = context;
    const char *relative = place_relative(preview->path);
    if (in->fd < 0 && relative != NULL) {
        in->fd = place_open(in->data_dir, relative);
        in->into = in->time - preview->start_time;
    }
}

/* The hour is over and the picture in its film: a client that listed it before still gets it. */
static void reply_from_film(struct request *request, const char *camera, double time)
{
    struct in_film in = {.data_dir = server_data_dir(request->server), .time = time, .fd = -1};
    struct db *db = request_db(request);
    if (db == NULL) {
        return;
    }
    int result = db_preview_each(db, camera, in.time, in.time, open_film, &in);
    AUTO_CLOSE int fd = in.fd;
    AUTO_STR struct str webp = {0};
    struct err err = ERR_NONE;
    int64_t at_us = llrint((in.into + MILLISECOND_S) * 1e6);
    if (result < 0 || fd < 0 || render_picture(fd, at_us, RENDER_WEBP, 0, &webp, &err) < 0) {
        no_picture(request);
    } else {
        reply_bytes(request, "image/webp", &webp, CACHE_YEAR);
    }
}

void api_preview_frame(struct request *request)
{
    char camera[PREVIEW_CAMERA_MAX];
    double time;
    const char *name = request->args[0];
    if (strlen(name) > FILES_NAME_MAX) {
        reply_message(request, 403, false, "Filename exceeded max length of %d", FILES_NAME_MAX);
        return;
    }
    if (!preview_name_parse(name, camera, &time)) {
        no_picture(request);
        return;
    }
    AUTO_STR struct str webp = {0};
    AUTO_CLOSE int fd =
        preview_frames_open(previews_frames(server_previews(request->server)), camera, time);
    if (fd >= 0 && str_read_fd(&webp, fd, PICTURE_BYTES_MAX) == 0 && webp.length > 0) {
        reply_bytes(request, "image/webp", &webp, CACHE_YEAR);
    } else if (request_may_wait(request)) {
        reply_from_film(request, camera, time);
    }
}
