/* A span in a few pictures, as GIF or MP4, made for the one who asks. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "footage/preview_strip.h"
#include "http/api.h"
#include "http/files.h"
#include "http/request.h"
#include "server/previews.h"
#include "server/server.h"
#include "store/db_event.h"
#include "store/db_review.h"

#define CACHE_GIF "private, max-age=2592000"
#define CACHE_MP4 "private, max-age=604800"
#define GIF_BYTES_MAX (256u << 20)
#define MAKE_US 60000000 /* longer than this nobody waits */
/* Pictures come a moment after what they show; a film of a span that goes on is new for so long. */
#define SETTLED_S 5.0
#define FRESH_S 10.0
#define EVENT_MAX_S 20.0 /* contract */
#define REVIEW_AROUND_S 8.0

struct asked {
    const char *camera, *name; /* name: of the film's file */
    double from, to;
    enum render_strip_format format;
};

struct giving_up {
    struct previews *previews;
    struct mono begun;
};

static bool go_on(void *context)
{
    const struct giving_up *giving_up = context;
    return mono_since_us(giving_up->begun) < MAKE_US && !previews_hung_up(giving_up->previews);
}

/* 0, or -errno after a reply. */
static int make(struct request *request, const struct asked *asked, int out)
{
    struct previews *previews = server_previews(request->server);
    if (!previews_enter(previews)) {
        reply_message(request, 503, false, "Too many previews are being made");
        return -EAGAIN;
    }
    struct giving_up giving_up = {previews, mono_now()};
    struct preview_making making = {
        .data_dir = server_data_dir(request->server),
        .frames = previews_frames(previews),
        .go_on = go_on,
        .context = &giving_up,
    };
    struct preview_wish wish = {asked->camera, asked->from, asked->to, asked->format};
    struct err err = ERR_NONE;
    int result =
        preview_strip_make(&wish, request->config, request_store(request), &making, out, &err);
    previews_leave(previews);
    if (result == -ENOENT) {
        reply_message(request, 404, false, "Preview not found");
    } else if (result < 0) {
        log_warning("camera %s: a preview cannot be made: %s", asked->camera, err.text);
        reply_message(request, 500, false, "Unable to create preview gif");
    }
    return result;
}

/* What it shows may still grow. */
static bool goes_on(const struct asked *asked)
{
    return asked->to > wall_seconds(wall_now()) - SETTLED_S;
}

static void make_gif(struct request *request, const struct asked *asked)
{
    AUTO_CLOSE int out = memfd_create("preview", MFD_CLOEXEC);
    AUTO_STR struct str gif = {0};
    if (out < 0) {
        reply_internal_error(request, "No memory for a preview");
    } else if (make(request, asked, out) == 0) {
        if (lseek(out, 0, SEEK_SET) < 0 || str_read_fd(&gif, out, GIF_BYTES_MAX) < 0) {
            reply_message(request, 500, false, "Unable to create preview gif");
        } else {
            reply_bytes(request, "image/gif", &gif, goes_on(asked) ? "no-store" : CACHE_GIF);
        }
    }
}

/* ------------------------------------------------------------------ MP4: a file, for ranges */

static char *film_path(struct request *request, const struct asked *asked)
{
    return mem_printf("%s/cache/%s", server_data_dir(request->server), asked->name);
}

/* Takes the descriptor over. */
static void reply_film(struct request *request, const struct asked *asked, int fd)
{
    reply_header(request, "Content-Description", "File Transfer");
    files_reply(request, fd, asked->name);
    request->reply.cache = goes_on(asked) ? "no-store" : CACHE_MP4;
}

/* A film of this span that shows all there is. */
static int open_made(const char *path, const struct asked *asked)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) < 0 || info.st_size == 0) {
        return -ENOENT;
    }
    double made = (double)info.st_mtim.tv_sec + (double)info.st_mtim.tv_nsec / 1e9;
    bool good = made > asked->to + SETTLED_S || wall_seconds(wall_now()) - made < FRESH_S;
    return good ? steal_fd(&fd) : -ENOENT;
}

static void make_mp4(struct request *request, const struct asked *asked)
{
    AUTO_FREE char *path = film_path(request, asked);
    char random[7];
    str_random6(random);
    AUTO_FREE char *part =
        mem_printf("%s/cache/.preview_%s.part", server_data_dir(request->server), random);
    AUTO_CLOSE int out = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (out < 0) {
        reply_internal_error(request, "A preview cannot be written: %s", err_name(errno));
        return;
    }
    if (make(request, asked, out) < 0 || rename(part, path) < 0) {
        unlink(part);
    } else {
        reply_film(request, asked, steal_fd(&out));
        return;
    }
    if (request->reply.status == 0) {
        reply_internal_error(request, "A preview cannot be kept");
    }
}

/* ------------------------------------------------------------------ what is asked for */

static void reply_gif(struct request *request, const struct asked *asked)
{
    if (request_may_wait(request)) {
        make_gif(request, asked);
    }
}

static void reply_mp4(struct request *request, const struct asked *asked)
{
    if (strlen(asked->name) > FILES_NAME_MAX) {
        reply_message(request, 403, false, "Filename exceeded max length of %d characters.",
                      FILES_NAME_MAX);
        return;
    }
    AUTO_FREE char *path = film_path(request, asked);
    int fd = open_made(path, asked);
    if (fd >= 0) {
        reply_film(request, asked, fd);
    } else if (request_may_wait(request)) {
        make_mp4(request, asked);
    }
}

static void reply_asked(struct request *request, const struct asked *asked)
{
    if (asked->format == RENDER_GIF) {
        reply_gif(request, asked);
    } else {
        reply_mp4(request, asked);
    }
}

static void reply_span(struct request *request, bool gif)
{
    double from, to;
    if (!str_to_double(request->args[1], &from) || !str_to_double(request->args[2], &to)) {
        reply_not_found(request);
        return;
    }
    AUTO_FREE char *name =
        files_span_name("preview", request->args[0], request->args[1], request->args[2]);
    reply_asked(request,
                &(struct asked){request->args[0], name, from, to, gif ? RENDER_GIF : RENDER_MP4});
}

void api_span_preview_gif(struct request *request)
{
    reply_span(request, true);
}

void api_span_preview_mp4(struct request *request)
{
    reply_span(request, false);
}

static bool wants_gif(struct request *request)
{
    return strcmp(request_text(request, "format"), "gif") == 0;
}

void api_span_preview(struct request *request)
{
    reply_span(request, wants_gif(request));
}

static void reply_times(struct request *request, const char *camera, double from, double to,
                        bool gif)
{
    char from_text[32], to_text[32];
    AUTO_FREE char *name =
        files_span_name("preview", camera, str_double(from_text, from), str_double(to_text, to));
    reply_asked(request, &(struct asked){camera, name, from, to, gif ? RENDER_GIF : RENDER_MP4});
}

void api_event_preview(struct request *request)
{
    AUTO_EVENT_ROW struct db_event_row row = {0};
    struct db *db = request_db(request);
    int result = db != NULL ? db_event_get(db, request->args[0], &row) : 0;
    if (result == -ENOENT) {
        reply_message(request, 404, false, "Event not found");
    } else if (result < 0) {
        reply_internal_error(request, "The database cannot be read");
    } else if (db != NULL) {
        double length = row.end_time.has ? row.end_time.value - row.start_time : EVENT_MAX_S;
        reply_times(request, row.camera, row.start_time, row.start_time + fmin(length, EVENT_MAX_S),
                    true);
    }
}

void api_review_preview(struct request *request)
{
    AUTO_STR struct str camera = {0};
    struct db_opt_double end;
    double start;
    struct db *db = request_db(request);
    int result = db != NULL ? db_review_span(db, request->args[0], &camera, &start, &end) : 0;
    if (result == -ENOENT) {
        reply_message(request, 404, false, "Review segment not found");
    } else if (result < 0) {
        reply_internal_error(request, "The database cannot be read");
    } else if (db != NULL) {
        double to = end.has ? end.value + REVIEW_AROUND_S : floor(wall_seconds(wall_now()));
        reply_times(request, str_text(&camera), start - REVIEW_AROUND_S, to, wants_gif(request));
    }
}
