/* HTTP exchanges with other machines (cameras, Frigate+) over libcurl: bounded in time and in what
 * is read, redirects never followed, http and https only. A client keeps its connections for the
 * next exchange and belongs to one thread at a time. */
#ifndef CORVETTE_LINK_WEB_H
#define CORVETTE_LINK_WEB_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

struct web;

enum web_login { WEB_LOGIN_NONE = 0, WEB_LOGIN_BASIC, WEB_LOGIN_DIGEST };

/* One part of a multipart form. */
struct web_part {
    const char *name;
    const char *file_name, *type; /* NULL: a plain field */
    const void *data;
    size_t length;
};

struct web_request {
    const char *method;
    const char *url;
    const char *const *headers; /* "Name: value", NULL at the end; NULL: none */
    const char *body;           /* NULL: none */
    size_t body_length;
    const struct web_part *parts; /* a multipart form instead of the body */
    size_t part_count;
    enum web_login login;
    const char *user, *password;
    int connect_ms, total_ms;
    size_t answer_max; /* bytes; a longer answer is an error */
};

struct web_answer {
    int status;
    struct str body;
    bool wants_digest; /* a 401 that asks for HTTP digest authentication */
};
void web_answer_finish(struct web_answer *answer);
#define AUTO_WEB_ANSWER __attribute__((cleanup(web_answer_finish)))

/* `stop_fd` readable (an eventfd) ends exchanges at once and lets none begin; it must outlive the
 * client. `direct`: proxies of the environment are not for this client. */
struct web *web_create(int stop_fd, bool direct);
void web_destroy(struct web *web); /* NULL is fine */

/* 0 and the answer whatever its status; or -errno with a sentence that names neither the address
 * nor secrets: -ETIMEDOUT, -ECANCELED (stopped), -EFBIG (answer too long), -EIO and others. */
int web_exchange(struct web *web, const struct web_request *request, struct web_answer *answer,
                 struct err *err);

#endif
