#include "http/request.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/route.h"
#include "http/stream.h"
#include "http/zone.h"
#include "media/rope.h"
#include "server/server.h"

#define QUARTER_MS 900000 /* of an hour: when time zones change their offset */
#define WRITE_MS 1500     /* waiting for the writer: less than a clean stop may take */

/* ---- parsing ---- */

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* Percent signs in place; a "%" that begins no escape stays. False on an encoded NUL, which no
 * C text can hold. */
static bool decode(char *text, bool plus_is_blank)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        int high = *from == '%' ? hex_digit(from[1]) : -1;
        int low = high >= 0 ? hex_digit(from[2]) : -1;
        if (low >= 0) {
            if (high == 0 && low == 0) {
                return false;
            }
            *to++ = (char)(high << 4 | low);
            from += 2;
        } else {
            *to++ = *from == '+' && plus_is_blank ? ' ' : *from;
        }
    }
    *to = '\0';
    return true;
}

static bool parse_path(struct request *request, char *path)
{
    for (char *segment = path + (*path == '/'); segment != NULL;) {
        char *slash = strchr(segment, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
        if (request->segment_count == REQUEST_SEGMENTS_MAX || !decode(segment, false)) {
            return false;
        }
        request->segments[request->segment_count++] = segment;
        segment = slash != NULL ? slash + 1 : NULL;
    }
    return true;
}

static bool parse_query(struct request *request, char *query)
{
    char *state = NULL;
    for (char *pair = strtok_r(query, "&", &state); pair != NULL;
         pair = strtok_r(NULL, "&", &state)) {
        char *value = strchr(pair, '=');
        if (value != NULL) {
            *value++ = '\0';
        } else {
            value = pair + strlen(pair);
        }
        if (request->query_count == REQUEST_QUERY_MAX || !decode(pair, true) ||
            !decode(value, true)) {
            return false;
        }
        request->query[request->query_count++] = (struct request_pair){pair, value};
    }
    return true;
}

struct request *request_create(const char *uri)
{
    struct request *request = mem_alloc(sizeof *request);
    request->reply.fd = -1;
    size_t length = strcspn(uri, "?#");
    request->path = mem_strndup(uri, length);
    size_t query_from = length + (uri[length] == '?');
    request->raw_query = mem_strndup(uri + query_from, strcspn(uri + query_from, "#"));
    request->memory = mem_strdup(uri);
    char *query = request->memory + length + (uri[length] == '?');
    request->memory[length] = '\0';
    request->bad_uri = !parse_path(request, request->memory) || !parse_query(request, query);
    return request;
}

/* A text made for the request. */
struct kept {
    struct kept *next;
    char *text;
};

void request_destroy(struct request *request)
{
    if (request == NULL) {
        return;
    }
    for (struct kept *kept = request->kept, *next; kept != NULL; kept = next) {
        next = kept->next;
        free(kept->text);
        free(kept);
    }
    json_decref(request->json);
    store_reader_done(&request->db);
    str_finish(&request->body);
    str_finish(&request->reply.body);
    for (size_t i = 0; i < request->reply.header_count; i++) {
        free(request->reply.headers[i].value);
    }
    if (request->reply.fd >= 0) {
        close(request->reply.fd);
    }
    rope_destroy(request->reply.rope);
    stream_destroy(request->reply.stream);
    free(request->key);
    free(request->path);
    free(request->raw_query);
    free(request->memory);
    free(request);
}

char *request_keep(struct request *request, char *owned)
{
    struct kept *kept = mem_alloc(sizeof *kept);
    kept->next = request->kept;
    kept->text = owned;
    request->kept = kept;
    return owned;
}

const char *request_decode_again(struct request *request, const char *text)
{
    char *copy = request_keep(request, mem_strdup(text));
    return decode(copy, false) ? copy : text;
}

/* ---- what was asked ---- */

bool request_is_text(const char *text)
{
    json_t *string = json_string(text);
    json_decref(string);
    return string != NULL;
}

static const struct param *param_of(struct request *request, const char *name)
{
    const struct param *param = route_param(request->route, name);
    if (param == NULL) {
        log_write(LOG_CRITICAL, "route %s has no parameter %s", request->route->pattern, name);
        abort();
    }
    return param;
}

/* First occurrence counts. */
static const char *query_value(struct request *request, const char *name)
{
    for (size_t i = 0; i < request->query_count; i++) {
        if (strcmp(request->query[i].name, name) == 0) {
            return request->query[i].value;
        }
    }
    return NULL;
}

struct db_opt_int request_int(struct request *request, const char *name)
{
    const struct param *param = param_of(request, name);
    struct db_opt_int result = {0};
    const char *text = query_value(request, name);
    result.has = text != NULL && param_parse_int(param, text, &result.value);
    if (!result.has && param->otherwise != NULL) {
        result.has = param_parse_int(param, param->otherwise, &result.value);
    }
    return result;
}

struct db_opt_double request_double(struct request *request, const char *name)
{
    const struct param *param = param_of(request, name);
    struct db_opt_double result = {0};
    const char *text = query_value(request, name);
    result.has = text != NULL && param_parse_double(param, text, &result.value);
    if (!result.has && param->otherwise != NULL) {
        result.has = param_parse_double(param, param->otherwise, &result.value);
    }
    return result;
}

struct db_opt_double request_double_not_zero(struct request *request, const char *name)
{
    struct db_opt_double value = request_double(request, name);
    value.has = value.has && value.value != 0;
    return value;
}

const char *request_text(struct request *request, const char *name)
{
    const struct param *param = param_of(request, name);
    const char *text = query_value(request, name);
    return text != NULL ? text : param->otherwise;
}

bool request_flag(struct request *request, const char *name)
{
    param_of(request, name);
    const char *text = query_value(request, name);
    return text != NULL && *text != '\0' && strcmp(text, "0") != 0 &&
           strcasecmp(text, "false") != 0;
}

struct db_texts request_list(struct request *request, const char *name)
{
    const char *text = request_text(request, name);
    struct db_texts texts = {0};
    if (text == NULL || strcmp(text, "all") == 0) {
        return texts;
    }
    texts.has = true;
    char *item = request_keep(request, mem_strdup(text));
    while (item != NULL && texts.count < DB_LIST_MAX) {
        texts.items[texts.count++] = strsep(&item, ",");
    }
    return texts;
}

const char *request_header(struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *request_cookie(struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_COOKIE_KIND, name);
}

static bool is_json(struct request *request)
{
    static const char wanted[] = "application/json";
    const char *type = request_header(request, "Content-Type");
    size_t length = type != NULL ? strcspn(type, "; \t") : 0;
    return length == strlen(wanted) && strncasecmp(type, wanted, length) == 0;
}

enum request_body request_body(struct request *request)
{
    if (!is_json(request)) {
        return BODY_OTHER_TYPE;
    }
    if (request->json == NULL) {
        request->json = json_loadb(str_text(&request->body), request->body.length,
                                   JSON_REJECT_DUPLICATES, NULL);
        request->bad_json = request->body.length > 0 && !json_is_object(request->json);
    }
    if (!json_is_object(request->json)) {
        json_decref(request->json);
        request->json = NULL;
    }
    return request->json != NULL ? BODY_OBJECT : BODY_BAD;
}

json_t *request_json(struct request *request)
{
    if (request->json == NULL && request_body(request) != BODY_OBJECT) {
        request->json = json_object();
    }
    return request->json;
}

json_t *request_json_strict(struct request *request)
{
    json_t *body = request_json(request);
    if (request->bad_json) {
        reply_message(request, 400, false, "The body is not a JSON object");
        return NULL;
    }
    return body;
}

struct store *request_store(struct request *request)
{
    return server_store(request->server);
}

struct db *request_db(struct request *request)
{
    if (request->db == NULL) {
        request->db = store_reader(request_store(request));
    }
    if (request->db == NULL) {
        reply_internal_error(request, "The database cannot be read");
    }
    return request->db;
}

int request_submit(struct request *request, struct store_work *work)
{
    int result = store_submit_wait(work, WRITE_MS);
    if (result < 0 && result != -EEXIST) {
        reply_message(request, 503, false, "The database is busy: %s", err_name(result));
    }
    return result;
}

bool request_write(struct request *request, struct store_work *work)
{
    return request_submit(request, work) >= 0;
}

int request_camera(struct request *request, const char *name)
{
    int index = config_camera_index(request->config, name);
    if (index < 0) {
        reply_message(request, 404, false, "Camera not found");
    }
    return index;
}

bool request_zone(struct request *request, const char *name, int *offset_s)
{
    const char *zone = request_text(request, name);
    if (zone_offset(zone, wall_now(), offset_s) != 0) {
        reply_message(request, 400, false, "%s: \"%s\" is not a time zone", name, zone);
        return false;
    }
    return true;
}

bool request_may_wait(struct request *request)
{
    if (request->later == WAITS_NOT) {
        request->later = WAITS_MEDIA;
        store_reader_done(&request->db);
        return false;
    }
    return true;
}

/* ---- replies ---- */

static void set_reply(struct request *request, int status, const char *type)
{
    request->reply.status = status;
    request->reply.type = type;
    str_clear(&request->reply.body);
}

void reply_json(struct request *request, int status, struct str *text)
{
    set_reply(request, status, "application/json");
    str_finish(&request->reply.body);
    request->reply.body = *text;
    *text = (struct str){0};
    str_add_char(&request->reply.body, '\n');
}

void reply_message(struct request *request, int status, bool success, const char *format, ...)
{
    AUTO_STR struct str message = {0}, text = {0};
    va_list args;
    va_start(args, format);
    str_addv(&message, format, args);
    va_end(args);
    struct jout json = {.out = &text};
    jout_begin_object(&json);
    jout_put_string(&json, "message", str_text(&message));
    jout_put_bool(&json, "success", success);
    jout_end_object(&json);
    reply_json(request, status, &text);
}

void reply_html(struct request *request, int status, const char *text)
{
    set_reply(request, status, "text/html; charset=utf-8");
    str_add(&request->reply.body, text);
}

void reply_bytes(struct request *request, const char *type, struct str *bytes, const char *cache)
{
    set_reply(request, 200, type);
    str_finish(&request->reply.body);
    request->reply.body = *bytes;
    *bytes = (struct str){0};
    request->reply.cache = cache;
    request->reply.no_gzip = true;
}

void reply_rows(struct request *request, int result, struct str *text)
{
    if (result < 0) {
        reply_internal_error(request, "The database cannot be read: %s", err_name(result));
    } else {
        reply_json(request, 200, text);
    }
}

void reply_keep(struct request *request, int64_t keep_ms)
{
    int64_t quarter_left_ms = QUARTER_MS - (int64_t)(wall_seconds(wall_now()) * 1000) % QUARTER_MS;
    request->reply.keep_ms = keep_ms < quarter_left_ms ? keep_ms : quarter_left_ms;
}

void reply_kept_rows(struct request *request, int result, struct str *text, int64_t keep_ms)
{
    reply_rows(request, result, text);
    reply_keep(request, keep_ms);
}

void reply_header(struct request *request, const char *name, const char *value)
{
    struct reply *reply = &request->reply;
    if (reply->header_count == REPLY_HEADERS_MAX) {
        log_write(LOG_CRITICAL, "too many reply headers");
        abort();
    }
    reply->headers[reply->header_count].name = name;
    reply->headers[reply->header_count++].value = mem_strdup(value);
}

void reply_not_found(struct request *request)
{
    reply_html(request, 404,
               "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n"
               "<h1>Not Found</h1>\n<p>There is nothing at this address.</p>\n");
}

void reply_internal_error(struct request *request, const char *format, ...)
{
    AUTO_STR struct str message = {0};
    va_list args;
    va_start(args, format);
    str_addv(&message, format, args);
    va_end(args);
    reply_message(request, 500, false, "%s", str_text(&message));
}

void reply_attachment(struct request *request, const char *format, ...)
{
    AUTO_STR struct str value = {0};
    va_list args;
    str_add(&value, "attachment; filename=");
    va_start(args, format);
    str_addv(&value, format, args);
    va_end(args);
    reply_header(request, "Content-Disposition", str_text(&value));
}
