#include "http/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "footage/presence.h"
#include "http/answers.h"
#include "http/auth.h"
#include "http/certificate.h"
#include "http/files.h"
#include "http/http_private.h"
#include "http/later.h"
#include "http/listen.h"
#include "http/request.h"
#include "http/route.h"
#include "http/stream.h"
#include "media/rope.h"
#include "ring/board.h"
#include "server/server.h"

#define THREADS 4       /* handlers may wait for a disk; more would only add memory */
#define CONNECTIONS 512 /* beyond it new ones wait in the kernel */
#define IDLE_S 75       /* a connection without traffic, a stalled stream too, is closed */
#define HEADERS_MAX \
    (96u << 10) /* of one request: its line, headers and query parameters in pieces */
/* Of a body at the guarded port without a session. A login is shorter; and whoever reaches the port
 * cannot fill the memory. */
#define STRANGERS_BODY_MAX (64u << 10)
#define GZIP_FROM 1024 /* bytes; below, compressing costs more than it saves */
#define GZIP_TO (8u << 20)

struct listener {
    struct http *http;
    struct MHD_Daemon *daemon; /* NULL: not listening */
    bool guarded;              /* asks for a session */
};

struct http {
    struct http_setup setup;
    struct listener open, guarded;
    struct auth *auth;
    struct files *files;
    struct streams *streams;
    struct later *later[WAITS_KINDS]; /* NULL: for none */
    struct answers *answers;
    struct presence_memory *presence;
};

struct files *http_files(struct http *http)
{
    return http->files;
}

struct presence_memory *http_presence(struct http *http)
{
    return http->presence;
}

struct streams *http_streams(struct http *http)
{
    return http->streams;
}

struct auth *http_auth(struct http *http)
{
    return http->auth;
}

int http_restart(struct http *http)
{
    return http->setup.restart(http->setup.context);
}

/* ---- replies onto the wire ---- */

int http_accepts_gzip(const char *header)
{
    const char *at = header != NULL ? strstr(header, "gzip") : NULL;
    if (at == NULL) {
        return 0;
    }
    at += strlen("gzip");
    at += strspn(at, " ;");
    return strncmp(at, "q=0", 3) != 0 ||
           (at[3] == '.' && strspn(at + 4, "0") < strcspn(at + 4, ","));
}

static bool compressible(const char *type)
{
    return str_starts(type, "text/") || str_starts(type, "application/json") ||
           str_starts(type, "application/vnd.apple.mpegurl") || str_starts(type, "image/svg");
}

/* The body compressed in its place; false when that did not work out. */
static bool compress_body(struct str *body)
{
    z_stream z = {0};
    if (deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        return false;
    }
    struct str packed = {0};
    str_reserve(&packed, deflateBound(&z, body->length));
    z.next_in = (unsigned char *)body->data;
    z.avail_in = (unsigned)body->length;
    z.next_out = (unsigned char *)packed.data;
    z.avail_out = (unsigned)(packed.capacity - 1);
    bool done = deflate(&z, Z_FINISH) == Z_STREAM_END;
    packed.length = z.total_out;
    deflateEnd(&z);
    if (!done) {
        str_finish(&packed);
        return false;
    }
    str_finish(body);
    *body = packed;
    return true;
}

static bool is_picture_path(const char *path)
{
    static const char *const ends[] = {".jpg", ".jpeg", ".png", ".webp", ".gif"};
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        if (str_ends(path, ends[i])) {
            return true;
        }
    }
    return false;
}

/* By what was decoded, as routes see it: "/%61pi/" is the API too. */
static bool is_api(const struct request *request)
{
    return request->segment_count > 0 && strcmp(request->segments[0], "api") == 0;
}

/* What may be kept by whom. Frigate's proxy says no-store for everything under /api/ but pictures,
 * which say it themselves. */
static const char *cache_control(const struct request *request)
{
    const struct reply *reply = &request->reply;
    if (reply->cache != NULL) {
        return reply->status < 400 ? reply->cache : NULL;
    }
    return is_api(request) && reply->status < 400 && !is_picture_path(request->path) ? "no-store"
                                                                                     : NULL;
}

/* ---- ropes ---- */

/* Large enough that a call costs little beside the copying, small enough to stay in a core's cache
 * between reading and sending. */
#define ROPE_BLOCK (256u << 10)

struct rope_sending {
    struct rope *rope;
    uint64_t offset;
};

static ssize_t read_rope(void *context, uint64_t position, char *data, size_t size)
{
    struct rope_sending *sending = context;
    ssize_t got = rope_read(sending->rope, sending->offset + position, data, size);
    if (got <= 0) { /* a file went or shrank since: the client sees a short answer */
        log_debug("http: an answer ends early: %s", err_name((int)got));
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    return got;
}

static void free_sending(void *context)
{
    struct rope_sending *sending = context;
    rope_destroy(sending->rope);
    free(sending);
}

static struct MHD_Response *rope_response(struct reply *reply)
{
    struct rope_sending *sending = mem_alloc(sizeof *sending);
    *sending = (struct rope_sending){.rope = reply->rope, .offset = reply->offset};
    reply->rope = NULL;
    struct MHD_Response *response = MHD_create_response_from_callback(
        reply->length, ROPE_BLOCK, read_rope, sending, free_sending);
    if (response == NULL) {
        free_sending(sending);
    }
    return response;
}

static struct MHD_Response *make_response(struct request *request)
{
    struct reply *reply = &request->reply;
    if (reply->stream != NULL) {
        struct stream *stream = reply->stream;
        reply->stream = NULL;
        return stream_response(stream, request->connection);
    }
    if (reply->fd >= 0 && reply->length > 0) {
        return MHD_create_response_from_fd_at_offset64(reply->length, steal_fd(&reply->fd),
                                                       reply->offset);
    }
    if (reply->rope != NULL && reply->length > 0) {
        return rope_response(reply);
    }
    size_t length = reply->body.length;
    return MHD_create_response_from_buffer(length, str_steal(&reply->body), MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result send_reply(struct request *request)
{
    struct answers *answers = request->http->answers;
    struct reply *reply = &request->reply;
    bool may_pack = !reply->no_gzip && reply->fd < 0 && reply->stream == NULL &&
                    reply->rope == NULL && reply->body.length >= GZIP_FROM &&
                    reply->body.length <= GZIP_TO && compressible(reply->type);
    bool packed = may_pack && http_accepts_gzip(request_header(request, "Accept-Encoding")) &&
                  compress_body(&reply->body);
    size_t length = reply->body.length;
    struct MHD_Response *response = make_response(request);
    if (response == NULL) {
        answers_give_up(answers, &request->use);
        return MHD_NO;
    }
    MHD_add_response_header(response, "Content-Type", reply->type);
    const char *cache = cache_control(request);
    if (cache != NULL) {
        MHD_add_response_header(response, "Cache-Control", cache);
    }
    if (packed) {
        MHD_add_response_header(response, "Content-Encoding", "gzip");
    }
    if (may_pack) {
        MHD_add_response_header(response, "Vary", "Accept-Encoding");
    }
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    for (size_t i = 0; i < reply->header_count; i++) {
        MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
    }
    enum MHD_Result result =
        MHD_queue_response(request->connection, (unsigned)reply->status, response);
    if (request->key != NULL && reply->keep_ms > 0 && reply->status == MHD_HTTP_OK) {
        answers_keep(answers, request->key, &request->use, response, length,
                     request->db != NULL ? db_tables_read(request->db) : 0, reply->keep_ms);
    } else {
        answers_give_up(answers, &request->use);
        MHD_destroy_response(response);
    }
    return result;
}

/* ---- from a request to its handler ---- */

static const struct {
    const char *name;
    enum http_method method;
} methods[] = {
    {"GET", HTTP_GET},       {"HEAD", HTTP_GET},    {"POST", HTTP_POST},       {"PUT", HTTP_PUT},
    {"DELETE", HTTP_DELETE}, {"PATCH", HTTP_PATCH}, {"OPTIONS", HTTP_OPTIONS},
};

static void add_allow(struct request *request, unsigned allowed)
{
    AUTO_STR struct str allow = {0};
    for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
        if ((allowed & methods[i].method) != 0 || methods[i].method == HTTP_OPTIONS) {
            str_addf(&allow, "%s%s", allow.length > 0 ? ", " : "", methods[i].name);
        }
    }
    reply_header(request, "Allow", str_text(&allow));
}

static void reply_wrong_method(struct request *request, unsigned allowed)
{
    if (request->method == HTTP_OPTIONS) {
        reply_html(request, 200, "");
    } else {
        reply_html(request, 405,
                   "<!doctype html>\n<html lang=en>\n<title>405 Method Not Allowed</title>\n"
                   "<h1>Method Not Allowed</h1>\n<p>This address does not take that method.</p>\n");
    }
    add_allow(request, allowed);
}

static void reply_login_first(struct request *request)
{
    reply_message(request, 401, false, "Log in first");
    reply_header(request, "Location", "/login");
}

static void reply_too_large(struct request *request, unsigned most)
{
    reply_message(request, 413, false, "The body is larger than %u bytes", most);
}

/* Asked once: a cookie may be renewed with it. */
static bool is_admitted(struct request *request)
{
    if (request->guarded && !request->admission_asked) {
        request->admission_asked = true;
        request->admitted = auth_admits(request->http->auth, request);
    }
    return !request->guarded || request->admitted;
}

/* What is wrong with a request whatever its route is: false after a reply. */
static bool is_sound(struct request *request)
{
    if (request->bad_uri) {
        reply_message(request, 400, false, "The address cannot be read");
    } else if (request->body_too_large && is_admitted(request)) {
        reply_too_large(request, REQUEST_BODY_MAX);
    } else if (is_api(request) && request_header(request, "Origin") != NULL &&
               request_header(request, "X-CSRF-TOKEN") == NULL) {
        reply_message(request, 401, false, "Missing CSRF header");
    }
    return request->reply.status == 0;
}

static void reply_unrouted(struct request *request, unsigned allowed)
{
    if (allowed != 0) {
        reply_wrong_method(request, allowed);
    } else if (is_api(request) || request->method != HTTP_GET) {
        reply_not_found(request);
    } else {
        page_reply(request);
    }
}

/* Answers with what was answered before, if that still holds. Not where the reply already has a
 * header of its own, as a cookie that is renewed; nor where it is made on another thread, for it
 * comes back to this one, which may not wait for itself. */
static bool reply_again(struct request *request)
{
    if (request->method != HTTP_GET || request->reply.header_count > 0 ||
        request->route->waits != WAITS_NOT) {
        return false;
    }
    bool gzip = http_accepts_gzip(request_header(request, "Accept-Encoding"));
    request->key = mem_printf("%c%s?%s", gzip ? 'z' : '-', request->path, request->raw_query);
    request->sent = answers_reply(request->http->answers, request->key, request->connection,
                                  &request->use, &request->sent_result);
    return request->sent;
}

static void dispatch(struct request *request)
{
    unsigned allowed;
    bool found = is_sound(request) && route_find(request, &allowed);
    if (request->reply.status != 0) {
        return;
    }
    if (request->guarded && !auth_is_free(request) && !is_admitted(request)) {
        reply_login_first(request);
    } else if (request->body_too_large) {
        reply_too_large(request, STRANGERS_BODY_MAX);
    } else if (!found) {
        reply_unrouted(request, allowed);
    } else if (request->route->handler == NULL) {
        reply_message(request, 501, false, "%s is not implemented yet", request->route->pattern);
    } else if (!reply_again(request) && route_check(request)) {
        request->later = request->route->waits;
        if (request->later == WAITS_NOT) {
            request->route->handler(request);
        }
    }
}

/* On a thread of later.h. */
static void handle_later(struct request *request)
{
    request->route->handler(request);
}

/* True when the reply is to be sent now. */
static bool answer(struct request *request)
{
    if (request->answered) {
        return true; /* resumed */
    }
    request->answered = true;
    dispatch(request);
    if (request->later != WAITS_NOT) {
        /* It comes back to this thread to be sent: nobody on it may wait for that. */
        answers_give_up(request->http->answers, &request->use);
        if (later_run(request->http->later[request->later], request) == 0) {
            return false;
        }
        reply_message(request, 503, false, "Too many requests wait already");
    }
    return true;
}

static void *on_uri(void *context, const char *uri, struct MHD_Connection *connection)
{
    const struct listener *listener = context;
    struct http *http = listener->http;
    struct request *request = request_create(uri);
    atomic_fetch_add(&http->setup.entry->server.requests, 1);
    request->http = http;
    request->guarded = listener->guarded;
    request->server = http->setup.server;
    request->config = server_config(http->setup.server);
    request->connection = connection;
    return request;
}

/* Whether its body may be that long. */
static bool takes_body(struct request *request, long long bytes)
{
    if (bytes > STRANGERS_BODY_MAX && !is_admitted(request)) {
        return false;
    }
    store_reader_done(&request->db); /* the rest of the body may be long in coming */
    return bytes <= REQUEST_BODY_MAX;
}

/* First call of a request: the headers are there. */
static void begin(struct request *request, const char *method)
{
    for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
        if (strcmp(methods[i].name, method) == 0) {
            request->method = methods[i].method;
        }
    }
    request->head = strcmp(method, "HEAD") == 0;
    const char *length = request_header(request, "Content-Length");
    long long bytes;
    request->body_too_large =
        length != NULL && (!str_to_int(length, &bytes) || !takes_body(request, bytes));
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_length, void **pointer)
{
    struct request *request = *pointer;
    if (!request->begun) {
        request->begun = true;
        begin(request, method);
        if (!request->body_too_large) {
            return MHD_YES;
        }
    } else if (*data_length > 0) {
        if (request->body_too_large ||
            !takes_body(request, (long long)(request->body.length + *data_length))) {
            request->body_too_large = true;
        } else {
            str_add_bytes(&request->body, data, *data_length);
        }
        *data_length = 0;
        return MHD_YES;
    }
    if (!answer(request)) {
        return MHD_YES;
    }
    if (request->sent) {
        return (enum MHD_Result)request->sent_result;
    }
    if (request->reply.status == 0) {
        reply_internal_error(request, "No answer");
    }
    return send_reply(request);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **pointer,
                         enum MHD_RequestTerminationCode code)
{
    struct request *request = *pointer;
    if (request != NULL) { /* it may have gone before its answer was made */
        answers_give_up(request->http->answers, &request->use);
    }
    request_destroy(request);
    *pointer = NULL;
}

/* Handlers decode by themselves: an escaped slash is not a slash. */
static size_t no_unescape(void *context, struct MHD_Connection *connection, char *text)
{
    return strlen(text);
}

static void on_log(void *context, const char *format, va_list args)
{
    AUTO_STR struct str text = {0};
    str_addv(&text, format, args);
    while (text.length > 0 && text.data[text.length - 1] == '\n') {
        text.data[--text.length] = '\0';
    }
    log_debug("http: %s", str_text(&text));
}

/* ---- listening ---- */

/* Takes the socket. False with a sentence. */
static bool start_daemon(struct listener *listener, int fd, const struct certificate *certificate,
                         struct err *err)
{
    unsigned flags =
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL}};
    if (certificate != NULL) {
        flags |= MHD_USE_TLS;
        tls[0] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, certificate->key.data};
        tls[1] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, certificate->chain.data};
    }
    listener->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, listener, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_URI_LOG_CALLBACK, on_uri,
        listener, MHD_OPTION_UNESCAPE_CALLBACK, no_unescape, NULL, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, NULL, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_ARRAY, tls,
        MHD_OPTION_END);
    if (listener->daemon == NULL) {
        close(fd);
        err_set(err, EIO, "the HTTP server does not start");
        return false;
    }
    return true;
}

static bool start_open(struct http *http, struct err *err)
{
    int port, fd = listen_open("--listen", http->setup.listen, &port, err);
    if (fd < 0 || !start_daemon(&http->open, fd, NULL, err)) {
        return false;
    }
    const char *colon = strrchr(http->setup.listen, ':');
    log_info("listening on http://%.*s:%d", (int)(colon - http->setup.listen), http->setup.listen,
             port);
    return true;
}

static bool start_guarded(struct http *http, struct err *err)
{
    const struct http_setup *setup = &http->setup;
    bool tls = server_config(setup->server)->tls.enabled;
    struct certificate certificate = {0};
    AUTO_FREE char *dir = mem_printf("%s/tls", server_data_dir(setup->server));
    int port, fd = -1;
    bool started = (!tls || certificate_load(dir, &certificate, err) == 0) &&
                   (fd = listen_open("--listen-auth", setup->listen_auth, &port, err)) >= 0 &&
                   start_daemon(&http->guarded, fd, tls ? &certificate : NULL, err);
    certificate_finish(&certificate);
    if (started) {
        const char *colon = strrchr(setup->listen_auth, ':');
        log_info("asking for a login on http%s://%.*s:%d", tls ? "s" : "",
                 (int)(colon - setup->listen_auth), setup->listen_auth, port);
    }
    return started;
}

struct http *http_start(const struct http_setup *setup, struct err *err)
{
    const struct auth_setup auth = {.config = server_config(setup->server),
                                    .store = server_store(setup->server),
                                    .config_path = setup->config_path,
                                    .data_dir = server_data_dir(setup->server)};
    struct http *http = mem_alloc(sizeof *http);
    http->setup = *setup;
    http->open = (struct listener){.http = http};
    http->guarded = (struct listener){.http = http, .guarded = true};
    http->files = files_create(server_data_dir(setup->server));
    http->streams = streams_create(setup->server);
    for (size_t i = WAITS_NOT + 1; i < WAITS_KINDS; i++) {
        http->later[i] = later_create(handle_later);
    }
    http->presence = presence_memory_create();
    http->answers = answers_create(server_store(setup->server), setup->entry);
    http->auth = auth_create(&auth, err);
    if (http->auth == NULL || !start_open(http, err) ||
        (*setup->listen_auth != '\0' && !start_guarded(http, err))) {
        http_stop(http);
        return NULL;
    }
    return http;
}

void http_stop(struct http *http)
{
    if (http == NULL) {
        return;
    }
    streams_stop(http->streams); /* a suspended connection would keep the daemon from ending */
    server_hang_up(http->setup.server);
    for (size_t i = 0; i < WAITS_KINDS; i++) {
        later_stop(http->later[i]);
    }
    struct listener *const listeners[] = {&http->open, &http->guarded};
    for (size_t i = 0; i < ARRAY_SIZE(listeners); i++) {
        if (listeners[i]->daemon != NULL) {
            MHD_stop_daemon(listeners[i]->daemon);
        }
    }
    auth_destroy(http->auth);
    streams_destroy(http->streams);
    for (size_t i = 0; i < WAITS_KINDS; i++) {
        later_destroy(http->later[i]);
    }
    answers_destroy(http->answers);
    presence_memory_destroy(http->presence);
    files_destroy(http->files);
    free(http);
}
