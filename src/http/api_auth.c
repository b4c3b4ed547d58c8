/* Logging in and out, and users. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "http/api.h"
#include "http/auth.h"
#include "http/http_private.h"
#include "http/password.h"
#include "http/request.h"
#include "store/db_user.h"

#define NAME_MAX_LENGTH 30 /* characters, of the column */

/* {"key": value}; NULL is null. */
static void reply_one(struct request *request, int status, const char *key, const char *value)
{
    AUTO_STR struct str text = {0};
    struct jout json = {.out = &text};
    jout_begin_object(&json);
    if (key != NULL) {
        jout_put_string(&json, key, value);
    }
    jout_end_object(&json);
    reply_json(request, status, &text);
}

static void reply_done(struct request *request)
{
    AUTO_STR struct str text = {0};
    str_add(&text, "{\"success\":true}");
    reply_json(request, 200, &text);
}

/* These insist on a JSON object: false after a 415 or 400. */
static bool needs_json(struct request *request)
{
    switch (request_body(request)) {
    case BODY_OBJECT:
        return true;
    case BODY_OTHER_TYPE:
        reply_message(request, 415, false, "The body must be application/json");
        return false;
    case BODY_BAD:
        reply_message(request, 400, false, "The body is not a JSON object");
        return false;
    }
    return false;
}

/* A text of the body that must be there: NULL after a 400. */
static const char *body_text(struct request *request, const char *key, size_t longest)
{
    const char *text = json_string_value(json_object_get(request_json(request), key));
    if (text == NULL) {
        reply_message(request, 400, false, "%s must be given, as a text", key);
    } else if (strlen(text) > longest) {
        reply_message(request, 400, false, "%s is longer than %zu bytes", key, longest);
        text = NULL;
    }
    return text;
}

static const char *new_password(struct request *request)
{
    const char *password = body_text(request, "password", PASSWORD_MAX);
    if (password != NULL && *password == '\0') {
        reply_message(request, 400, false, "password must not be empty");
        password = NULL;
    }
    return password;
}

void api_login(struct request *request)
{
    const char *user = NULL, *password = NULL;
    if (needs_json(request) && (user = body_text(request, "user", PASSWORD_MAX)) != NULL) {
        password = body_text(request, "password", PASSWORD_MAX);
    }
    if (password == NULL) {
        return;
    }
    int wait_s = 0;
    switch (auth_log_in(http_auth(request->http), request, user, password, &wait_s)) {
    case AUTH_GOOD:
        reply_one(request, 200, NULL, NULL);
        break;
    case AUTH_WRONG:
        reply_one(request, 400, "message", "Login failed");
        break;
    case AUTH_TOO_OFTEN: {
        char text[16];
        snprintf(text, sizeof text, "%d", wait_s);
        reply_message(request, 429, false, "Too many failed logins: wait %d s", wait_s);
        reply_header(request, "Retry-After", text);
        break;
    }
    case AUTH_BUSY:
        if (request->reply.status == 0) {
            reply_message(request, 503, false, "Too many logins at once: try again");
        }
        break;
    }
}

void api_logout(struct request *request)
{
    reply_html(request, 303, "");
    reply_header(request, "Location", "/login");
    auth_log_out(http_auth(request->http), request);
}

/* For a proxy that asks whether it may let a request through. */
void api_auth(struct request *request)
{
    bool admitted = !request->guarded || auth_admits(http_auth(request->http), request);
    reply_one(request, admitted ? 202 : 401, NULL, NULL);
    if (admitted) {
        reply_header(request, "Remote-User", request->user != NULL ? request->user : "anonymous");
    } else {
        reply_header(request, "Location", "/login");
    }
}

void api_profile(struct request *request)
{
    reply_one(request, 200, "username", request->user);
}

void api_users(struct request *request)
{
    struct db *db = request_db(request);
    if (db != NULL) {
        AUTO_STR struct str text = {0};
        int result = db_user_list_json(db, &text);
        reply_rows(request, result, &text);
    }
}

/* Frigate means to allow letters, digits, dots and underscores, but takes anything. */
static bool is_name(const char *name)
{
    size_t characters = 0;
    for (const char *p = name; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7f) {
            return false;
        }
        characters += ((unsigned char)*p & 0xc0) != 0x80;
    }
    return characters >= 1 && characters <= NAME_MAX_LENGTH;
}

/* The password of the body as a hash; false after a reply. */
static bool hash_of(struct request *request, struct str *hash)
{
    const char *password = new_password(request);
    if (password != NULL && !auth_hash(http_auth(request->http), password, hash)) {
        reply_message(request, 503, false, "Too many logins at once: try again");
    }
    return hash->length > 0;
}

void api_user_create(struct request *request)
{
    AUTO_STR struct str hash = {0};
    const char *name =
        needs_json(request) ? body_text(request, "username", 4 * NAME_MAX_LENGTH) : NULL;
    if (name == NULL) {
        return;
    }
    if (!is_name(name)) {
        reply_message(request, 400, false, "username must have 1 to %d printable characters",
                      NAME_MAX_LENGTH);
        return;
    }
    if (!hash_of(request, &hash)) {
        return;
    }
    struct store_work *work = store_begin(request_store(request));
    db_user_add(work, name, str_text(&hash));
    int result = request_submit(request, work);
    if (result == -EEXIST) {
        reply_message(request, 400, false, "There is a user %s already", name);
    } else if (result >= 0) {
        reply_one(request, 200, "username", name);
    }
}

void api_user_delete(struct request *request)
{
    struct store_work *work = store_begin(request_store(request));
    db_user_delete(work, request->args[0]);
    if (request_write(request, work)) {
        reply_done(request);
    }
}

void api_user_password(struct request *request)
{
    AUTO_STR struct str hash = {0};
    if (!needs_json(request) || !hash_of(request, &hash)) {
        return;
    }
    struct store_work *work = store_begin(request_store(request));
    db_user_set(work, request->args[0], str_text(&hash));
    int result = request_submit(request, work);
    if (result == 0) {
        reply_message(request, 404, false, "There is no user %s", request->args[0]);
    } else if (result > 0) {
        reply_done(request);
    }
}
