/* One request as handlers see it, and the reply they make. A request lives on one thread of the
 * pool from its arrival until its reply is handed to libmicrohttpd. */
#ifndef CORVETTE_HTTP_REQUEST_H
#define CORVETTE_HTTP_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"
#include "config/config.h"
#include "http/answers.h"
#include "store/store.h"

struct http;
struct kept;
struct request;
struct rope;
struct route;
struct server;
struct stream;

enum http_method {
    HTTP_GET = 1, /* HEAD too */
    HTTP_POST = 2,
    HTTP_PUT = 4,
    HTTP_DELETE = 8,
    HTTP_PATCH = 16,
    HTTP_OPTIONS = 32,
};

#define REQUEST_SEGMENTS_MAX 16
#define REQUEST_QUERY_MAX 64
#define REQUEST_ARGS_MAX 6
#define REQUEST_BODY_MAX (4u << 20)
#define REPLY_HEADERS_MAX 8

/* What a handler waits for, on threads of that kind (later.h): no camera that is silent holds a
 * login up, and no film that is being made a camera's motors. */
enum waits {
    WAITS_NOT,
    WAITS_SELF,  /* what we compute or write for some tenths of a second: hashes of passwords */
    WAITS_PEER,  /* another machine: motors, Frigate+ */
    WAITS_MEDIA, /* what is decoded: films, pictures out of recordings, streams looked into */
    WAITS_KINDS,
};

struct request_pair {
    const char *name, *value; /* decoded */
};

struct reply {
    int status;       /* 0: nothing was answered yet */
    const char *type; /* Content-Type; static text */
    struct str body;
    int fd; /* a file instead of the body: `length` bytes from `offset`; -1 = none */
    uint64_t offset, length;
    struct rope *rope;     /* pieces instead of the body: `length` bytes from `offset` */
    struct stream *stream; /* an endless picture stream instead of the body */
    const char *cache;     /* Cache-Control, or NULL: what the path calls for */
    bool no_gzip;          /* mostly compressed already */
    int64_t keep_ms;       /* > 0: reply_keep() */
    struct {
        const char *name; /* static text */
        char *value;
    } headers[REPLY_HEADERS_MAX];
    size_t header_count;
};

struct request {
    struct http *http;
    struct server *server;
    const struct config *config;
    enum http_method method;
    bool head;
    bool guarded;     /* came in at the port that asks for a session */
    const char *user; /* who asks, where that is known; NULL on the open port */
    char *path;       /* as sent, without the query */
    char *raw_query;  /* as sent, without the '?'; "" when there is none */
    const char *segments[REQUEST_SEGMENTS_MAX]; /* decoded */
    size_t segment_count;
    struct request_pair query[REQUEST_QUERY_MAX];
    size_t query_count;
    const struct route *route;
    const char *args[REQUEST_ARGS_MAX]; /* path arguments in the pattern's order, decoded */
    struct str body;
    struct reply reply;
    /* private to request.c and http.c: */
    char *memory;      /* what the decoded texts point into */
    struct kept *kept; /* texts that live as long as the request */
    json_t *json;      /* parsed body, made on demand */
    bool bad_json;     /* it was to be one, and is not */
    struct db *db;     /* reader, taken on demand */
    char *key;         /* under which the answer may be kept; NULL: not at all */
    struct answers_use use;
    bool sent; /* with a kept answer; libmicrohttpd said `sent_result` */
    int sent_result;
    void *connection; /* libmicrohttpd's */
    bool bad_uri;     /* undecodable, or over the bounds above */
    bool begun;       /* the headers were looked at */
    bool body_too_large;
    bool admission_asked, admitted; /* at the guarded port: whether it has a session */
    enum waits later;               /* its handler is to run on a thread that may wait */
    bool answered;                  /* the reply is made */
};

/* Parses the request line's target. Never fails: a bad one sets bad_uri. */
struct request *request_create(const char *uri);
void request_destroy(struct request *request); /* NULL is fine */

/* ---- what was asked ---- */

/* Query parameter of the route's table; aborts on a name the route does not have. Bad values of
 * strict parameters never get here, bad values of others are absent. */
struct db_opt_int request_int(struct request *request, const char *name);
struct db_opt_double request_double(struct request *request, const char *name);
/* The same, where 0 means no filter, as for Frigate's times. */
struct db_opt_double request_double_not_zero(struct request *request, const char *name);
/* Its default, or NULL, when absent. */
const char *request_text(struct request *request, const char *name);
bool request_flag(struct request *request, const char *name); /* present and not "", "0", "false" */
/* A comma list; "all" or absent = no filter. */
struct db_texts request_list(struct request *request, const char *name);
/* Header value or NULL. */
const char *request_header(struct request *request, const char *name);
const char *request_cookie(struct request *request, const char *name);
/* What the body is. */
enum request_body { BODY_OBJECT = 1, BODY_OTHER_TYPE, BODY_BAD };
enum request_body request_body(struct request *request);
/* The JSON object of the body; an empty one when there is none or the type is not JSON's. */
json_t *request_json(struct request *request);
/* The same for routes that make things: NULL after a 400 when a body of JSON's type is no object.
 */
json_t *request_json_strict(struct request *request);
/* Decodes percent signs once more (labels); lives as long as the request. */
const char *request_decode_again(struct request *request, const char *text);
/* Whether an argument is UTF-8, as what goes into the database must be: other programs read it. */
bool request_is_text(const char *text);
/* Memory that lives as long as the request. */
char *request_keep(struct request *request, char *owned);

/* Read-only database of this request; NULL after a 500 was replied. */
struct db *request_db(struct request *request);
struct store *request_store(struct request *request);
/* Submits a change and waits for it: true when it is done, else 503 was replied. */
bool request_write(struct request *request, struct store_work *work);
/* The same for works that fail by themselves: rows changed, or -errno; a 503 was replied when the
 * database could not be written. */
int request_submit(struct request *request, struct store_work *work);
/* Index of the configured camera, or -1 after replying 404 "Camera not found". */
int request_camera(struct request *request, const char *name);
/* Seconds east of UTC, now, of the zone a parameter names (default utc); false after a 400. */
bool request_zone(struct request *request, const char *name, int *offset_s);

/* A handler that finds that it must wait for media asks this: false means to return without a
 * reply, and it is called again, wholly, on a thread where it may (true; later.h). */
bool request_may_wait(struct request *request);

/* ---- replies; each returns nothing and sets the reply ---- */

/* {"message":...,"success":...} */
void reply_message(struct request *request, int status, bool success, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Takes over the text and ends it with a newline. */
void reply_json(struct request *request, int status, struct str *text);
void reply_html(struct request *request, int status, const char *text);
/* Takes over the bytes. `cache` may be NULL. */
void reply_bytes(struct request *request, const char *type, struct str *bytes, const char *cache);
/* A list or object from the database: 200, or 500 when `result` is an error. */
void reply_rows(struct request *request, int result, struct str *text);
/* What was replied (200) is a function of the address and the rows that were read with
 * request_db(), and of nothing else faster than `keep_ms` says: it may be given again as long as
 * none of those tables changes (http/answers.h). */
void reply_keep(struct request *request, int64_t keep_ms);
#define KEEP_MS 900000 /* depends on rows, and on a time zone's present offset at most */
#define KEEP_NOW_MS \
    1000 /* on the present time too ("the last 24 hours"), or on what files there are */
#define KEEP_PICTURE_MS 50 /* shared by those who ask for a camera's newest picture at once */
/* reply_rows() and reply_keep(). */
void reply_kept_rows(struct request *request, int result, struct str *text, int64_t keep_ms);
void reply_header(struct request *request, const char *name, const char *value);
/* The standard pages. */
void reply_not_found(struct request *request);
void reply_internal_error(struct request *request, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void reply_attachment(struct request *request, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
