/* The HTTP server of the `server` role: a thread pool of libmicrohttpd answers from what the
 * database and src/server hold. Handlers may wait for a disk; none of the recording path ever waits
 * for a handler. */
#ifndef CORVETTE_HTTP_HTTP_H
#define CORVETTE_HTTP_HTTP_H

#include "base/err.h"

struct http;
struct server;

struct board_entry;

struct http_setup { /* everything must outlive the http */
    struct server *server;
    const char *listen;        /* HOST:PORT, [V6]:PORT; port 0 = any free one */
    const char *listen_auth;   /* the same of the port that asks for a login; "" = none */
    const char *config_path;   /* of the file the configuration was read from */
    struct board_entry *entry; /* the server's own: requests are counted there */
    /* The user asked for a restart; called on a thread of ours. 0, or -errno: cannot. */
    int (*restart)(void *context);
    void *context;
};

/* Binds, starts the threads, says in the log where it listens. NULL with a sentence in `err`. */
struct http *http_start(const struct http_setup *setup, struct err *err);
/* Ends streams, waits for handlers that run. NULL is fine. */
void http_stop(struct http *http);

#endif
