/* Users, passwords and sessions. The open port trusts whoever reaches it; the other one lets only
 * those in who have a session (a cookie or a bearer token), or, where auth is disabled, whoever a
 * proxy in front vouches for. All calls from any thread. */
#ifndef CORVETTE_HTTP_AUTH_H
#define CORVETTE_HTTP_AUTH_H

#include <stdbool.h>

#include "base/err.h"
#include "http/request.h"

struct auth;

struct auth_setup { /* everything must outlive the auth */
    const struct config *config;
    struct store *store;
    const char *config_path, *data_dir;
};

/* Finds the secret; a thread makes the first user when there is none, and says the password in the
 * log. NULL with a sentence. */
struct auth *auth_create(const struct auth_setup *setup, struct err *err);
void auth_destroy(struct auth *auth); /* waits for that thread; NULL is fine */

/* Whether a request of the guarded port is let in: sets its `user`, and renews a cookie that is
 * running out. Replies nothing. */
bool auth_admits(struct auth *auth, struct request *request);
/* Paths of the guarded port that need no session: the page itself, logging in and out. */
bool auth_is_free(const struct request *request);

enum auth_result { AUTH_GOOD = 1, AUTH_WRONG, AUTH_TOO_OFTEN, AUTH_BUSY };
/* Checks a password, as slowly as its hash asks for, few at a time. Good: the reply gets the
 * session's cookie. Too often: `wait_s` is how long to wait. */
enum auth_result auth_log_in(struct auth *auth, struct request *request, const char *user,
                             const char *password, int *wait_s);
/* The reply's cookie ends the session. */
void auth_log_out(struct auth *auth, struct request *request);
/* A hash for the user table, appended; false while too many are being made. */
bool auth_hash(struct auth *auth, const char *password, struct str *hash);

#endif
