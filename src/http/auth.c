#include "http/auth.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/auth_secret.h"
#include "http/password.h"
#include "http/peer.h"
#include "http/rate.h"
#include "http/token.h"
#include "store/db_user.h"

#define HASHES_AT_ONCE 2 /* more would take the processor from those who watch cameras */
#define FIRST_USER "admin"

struct auth {
    struct auth_setup setup;
    const struct cfg_auth *config;
    char *secret;
    char *dummy_hash; /* as slow to check as a real one: unknown names take as long */
    struct rate *rate;
    atomic_int hashes;
    pthread_t thread; /* makes the first user */
};

/* ---- the first user ---- */

static bool wants_password(struct auth *auth, bool *reset)
{
    AUTO_READER struct db *db = store_reader(auth->setup.store);
    int64_t users = db != NULL ? db_user_count(db) : -EIO;
    if (users < 0) {
        log_error("the users cannot be read: %s", err_name((int)users));
        return false;
    }
    *reset = users > 0;
    return users == 0 || auth->config->reset_admin_password;
}

/* What is said once the row is there. */
struct first_user {
    bool reset;
    char password[33];
};

/* The writer's thread. */
static void say_password(void *context, int changed)
{
    struct first_user *first = context;
    if (changed < 0) {
        log_error("user " FIRST_USER " cannot be made: %s", err_name(changed));
    } else if (first->reset) {
        log_warning("auth.reset_admin_password is set: user " FIRST_USER
                    " has the new password %s; take the key out again",
                    first->password);
    } else {
        log_warning("there were no users yet: made user " FIRST_USER " with password %s",
                    first->password);
    }
    free(first);
}

/* On a thread of its own: hashing takes some tenths of a second. */
static void *make_first_user(void *context)
{
    struct auth *auth = context;
    bool reset;
    if (!auth->config->enabled || !wants_password(auth, &reset)) {
        return NULL;
    }
    AUTO_STR struct str hash = {0};
    struct first_user *first = mem_alloc(sizeof *first);
    first->reset = reset;
    password_random(first->password);
    password_hash(first->password, (unsigned)auth->config->hash_iterations, &hash);
    struct store_work *work = store_begin(auth->setup.store);
    db_user_put(work, FIRST_USER, str_text(&hash));
    store_then(work, say_password, first);
    store_submit(work);
    return NULL;
}

struct auth *auth_create(const struct auth_setup *setup, struct err *err)
{
    char *secret = auth_secret(&auth_places, setup->config_path, setup->data_dir, err);
    if (secret == NULL) {
        return NULL;
    }
    struct auth *auth = mem_alloc(sizeof *auth);
    auth->setup = *setup;
    auth->config = &setup->config->auth;
    auth->secret = secret;
    auth->dummy_hash =
        mem_printf("pbkdf2_sha256$%d$%032d$%043d=", auth->config->hash_iterations, 0, 0);
    auth->rate = rate_create(auth->config->failed_login_rate_limit);
    if (pthread_create(&auth->thread, NULL, make_first_user, auth) != 0) {
        err_set(err, EAGAIN, "no thread for the first user");
        auth->thread = 0;
        auth_destroy(auth);
        return NULL;
    }
    return auth;
}

void auth_destroy(struct auth *auth)
{
    if (auth == NULL) {
        return;
    }
    if (auth->thread != 0) {
        pthread_join(auth->thread, NULL);
    }
    rate_destroy(auth->rate);
    free(auth->dummy_hash);
    free(auth->secret);
    free(auth);
}

/* ---- cookies ---- */

static int64_t now_s(void)
{
    return wall_now().us / 1000000;
}

/* The order of Frigate's attributes. */
static void set_cookie(struct auth *auth, struct request *request, const char *user)
{
    AUTO_STR struct str cookie = {0};
    char expires[40];
    struct tm parts;
    time_t until = now_s() + auth->config->session_length;
    gmtime_r(&until, &parts);
    strftime(expires, sizeof expires, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    str_addf(&cookie, "%s=", auth->config->cookie_name);
    token_make(auth->secret, user, until, &cookie);
    str_addf(&cookie, "; Expires=%s;%s HttpOnly; Path=/", expires,
             auth->config->cookie_secure ? " Secure;" : "");
    reply_header(request, "Set-Cookie", str_text(&cookie));
}

void auth_log_out(struct auth *auth, struct request *request)
{
    AUTO_STR struct str cookie = {0};
    str_addf(&cookie, "%s=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/",
             auth->config->cookie_name);
    reply_header(request, "Set-Cookie", str_text(&cookie));
}

/* ---- who is asking ---- */

static const char *bearer(struct request *request)
{
    const char *header = request_header(request, "Authorization");
    return header != NULL && strncasecmp(header, "Bearer ", 7) == 0 ? header + 7 : NULL;
}

/* A cookie with little time left is renewed, if its user is still there. */
static bool renew(struct auth *auth, struct request *request, const struct token *token)
{
    if (token->exp - now_s() >= auth->config->refresh_time) {
        return true;
    }
    struct db *db = request_db(request);
    int known = db != NULL ? db_user_hash(db, token->user, NULL) : -EIO;
    if (known == 0) {
        set_cookie(auth, request, token->user);
    }
    return known != -ENOENT;
}

static bool has_session(struct auth *auth, struct request *request)
{
    const char *carried = bearer(request);
    const char *text =
        carried != NULL ? carried : request_cookie(request, auth->config->cookie_name);
    AUTO_TOKEN struct token token = {0};
    if (text == NULL || token_read(auth->secret, text, now_s(), &token) != 0 ||
        (carried == NULL && !renew(auth, request, &token))) {
        return false;
    }
    request->user = request_keep(request, mem_strdup(token.user));
    return true;
}

/* Equal in a time that says nothing of where they differ. */
static bool same_secret(const char *given, const char *wanted)
{
    size_t length = strlen(wanted);
    return given != NULL && strlen(given) == length && gnutls_memcmp(given, wanted, length) == 0;
}

bool auth_admits(struct auth *auth, struct request *request)
{
    const struct config *config = auth->setup.config;
    if (config->proxy.auth_secret != NULL &&
        !same_secret(request_header(request, "X-Proxy-Secret"), config->proxy.auth_secret)) {
        return false;
    }
    if (config->auth.enabled) {
        return has_session(auth, request);
    }
    const char *header = config->proxy.header_map_user;
    const char *user = header != NULL ? request_header(request, header) : NULL;
    request->user = request_keep(request, mem_strdup(user != NULL ? user : "anonymous"));
    return true;
}

bool auth_is_free(const struct request *request)
{
    static const char *const trees[] = {"/api",     "/vod",  "/clips", "/recordings",
                                        "/exports", "/live", "/ws",    "/stream"};
    static const char *const free_paths[] = {"/api/login", "/api/logout", "/api/auth"};
    for (size_t i = 0; i < ARRAY_SIZE(free_paths); i++) {
        if (strcmp(request->path, free_paths[i]) == 0) {
            return true;
        }
    }
    /* Decoded, as the routes see it: no spelling of a guarded path gets around this. */
    const char *first = request->segment_count > 0 ? request->segments[0] : "";
    for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
        if (strcmp(first, trees[i] + 1) == 0) {
            return false;
        }
    }
    return request->route == NULL; /* the page */
}

/* ---- passwords ---- */

static bool begin_hash(struct auth *auth)
{
    bool room = atomic_fetch_add(&auth->hashes, 1) < HASHES_AT_ONCE;
    if (!room) {
        atomic_fetch_sub(&auth->hashes, 1);
    }
    return room;
}

bool auth_hash(struct auth *auth, const char *password, struct str *hash)
{
    if (!begin_hash(auth)) {
        return false;
    }
    password_hash(password, (unsigned)auth->config->hash_iterations, hash);
    atomic_fetch_sub(&auth->hashes, 1);
    return true;
}

enum auth_result auth_log_in(struct auth *auth, struct request *request, const char *user,
                             const char *password, int *wait_s)
{
    char address[PEER_MAX];
    peer_address(request, &auth->config->trusted_proxies, address);
    *wait_s = rate_wait_s(auth->rate, address, mono_now());
    if (*wait_s > 0) {
        return AUTH_TOO_OFTEN;
    }
    AUTO_STR struct str hash = {0};
    struct db *db = request_db(request);
    int known = db != NULL ? db_user_hash(db, user, &hash) : -EIO;
    if ((known < 0 && known != -ENOENT) || !begin_hash(auth)) {
        return AUTH_BUSY;
    }
    bool fits = password_fits(password, known == 0 ? str_text(&hash) : auth->dummy_hash);
    atomic_fetch_sub(&auth->hashes, 1);
    if (!fits || known != 0) {
        rate_count(auth->rate, address, mono_now());
        log_warning("a login from %s failed", address);
        return AUTH_WRONG;
    }
    set_cookie(auth, request, user);
    return AUTH_GOOD;
}
