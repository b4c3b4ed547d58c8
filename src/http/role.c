/* The role `server`: src/server's process state with the HTTP server in front of it. */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "http/http.h"
#include "ipc/worker.h"
#include "server/server.h"

struct role {
    struct server *server; /* made at the first gift, or at begin */
    struct http *http;
    int restart_fd; /* eventfd: an HTTP thread asks the loop to ask the supervisor */
    struct loop_source *restart_source;
};

static struct server *server_of(struct role *role)
{
    if (role->server == NULL) {
        role->server = server_create();
    }
    return role->server;
}

static void give(struct worker *worker, const struct msg_give *what, int *fd)
{
    server_give(server_of(worker->context), what, fd);
}

/* An HTTP thread. */
static int ask_restart(void *context)
{
    struct role *role = context;
    return eventfd_write(role->restart_fd, 1) == 0 ? 0 : -errno;
}

static void on_restart(void *context, uint32_t events)
{
    struct worker *worker = context;
    struct role *role = worker->context;
    eventfd_t count;
    eventfd_read(role->restart_fd, &count);
    struct msg_empty nothing = {0};
    int result = channel_send(worker->supervisor, MSG_RESTART, &nothing, -1);
    if (result != 0) {
        log_error("the restart that was asked for cannot be passed on: %s", err_name(result));
    }
}

static int begin(struct worker *worker)
{
    struct role *role = worker->context;
    struct err err = ERR_NONE;
    struct server_setup setup = {
        .loop = worker->loop,
        .config = worker->config,
        .board = worker->board,
        .entry = worker->entry,
        .data_dir = worker->start.data_dir,
        .config_path = worker->start.config_path,
    };
    /* The longest answers go back to the system when they are sent; those of every day do not, for
     * fresh memory costs more than filling it. Left alone, the C library raises these as it goes.
     */
    mallopt(M_MMAP_THRESHOLD, 2 << 20);
    mallopt(M_TRIM_THRESHOLD, 16 << 20);
    role->restart_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (role->restart_fd < 0) {
        worker_fatal(worker, "no eventfd: %s", err_name(errno));
        return -errno;
    }
    role->restart_source = loop_add_fd(worker->loop, role->restart_fd, EPOLLIN, on_restart, worker);
    if (server_begin(server_of(role), &setup, &err) != 0) {
        worker_fatal(worker, "%s", err.text);
        return -err.code;
    }
    struct http_setup http = {
        .server = role->server,
        .listen = worker->start.listen,
        .listen_auth = worker->start.listen_auth,
        .config_path = worker->start.config_path,
        .entry = worker->entry,
        .restart = ask_restart,
        .context = role,
    };
    role->http = http_start(&http, &err);
    if (role->http == NULL) {
        worker_fatal(worker, "%s", err.text);
        return -err.code;
    }
    return 0;
}

static void stopped(void *context)
{
    worker_done(context);
}

/* HTTP first: handlers use what the server holds. */
static void stop(struct worker *worker)
{
    struct role *role = worker->context;
    http_stop(role->http);
    role->http = NULL;
    if (role->server == NULL) {
        worker_done(worker);
        return;
    }
    server_stop(role->server, stopped, worker);
}

static void finish(struct worker *worker)
{
    struct role *role = worker->context;
    http_stop(role->http);
    role->http = NULL;
    loop_remove(role->restart_source);
    server_destroy(role->server);
    if (role->restart_fd > 0) {
        close(role->restart_fd);
    }
}

const struct worker_role server_role = {
    .role = BOARD_SERVER,
    .title = "server",
    .give = give,
    .begin = begin,
    .stop = stop,
    .finish = finish,
    .context_bytes = sizeof(struct role),
};
