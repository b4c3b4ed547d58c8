/* What every role does alike: hello, receive what the supervisor gives, heartbeat, stop, say why it
 * dies. A role is a struct worker_role; worker_main() runs it. */
#ifndef CORVETTE_IPC_WORKER_H
#define CORVETTE_IPC_WORKER_H

#include "base/loop.h"
#include "config/config.h"
#include "ipc/channel.h"
#include "ring/board.h"

struct worker {
    /* Set before start(): */
    struct loop *loop;
    struct config *config;
    struct board *board;
    struct board_entry *entry;       /* this worker's own */
    const char *name;                /* camera or detector name, "" for the server */
    const struct cfg_camera *camera; /* capture, analyse; else NULL */
    int camera_index;                /* into config->cameras, -1 if none */
    struct msg_start start;
    struct channel *supervisor;
    struct channel *server; /* link to the server; NULL while it is away. Not set in the server. */
    const struct worker_role *role;
    void *context; /* the role's own */
};

struct worker_role {
    enum board_role role;
    const char *title; /* "capture" */
    /* A descriptor given before or after start (never CONFIG, BOARD, nor LINK to the server, which
     * are handled here). Take it (and close it some day) by setting *fd to -1. */
    void (*give)(struct worker *worker, const struct msg_give *give, int *fd);
    /* Everything is there: begin, and return. Non-zero: fatal, after worker_fatal(). */
    int (*begin)(struct worker *worker);
    /* The link to the server is new (worker->server is set). Optional. */
    void (*linked)(struct worker *worker);
    /* A message from the server. Optional. */
    void (*message)(struct worker *worker, struct message *message);
    /* SIGTERM or MSG_STOP: finish within a second; the loop ends when worker_done() is called. */
    void (*stop)(struct worker *worker);
    /* After the loop: free everything. */
    void (*finish)(struct worker *worker);
    size_t context_bytes; /* zeroed context made for it */
};

/* argv of a worker: corvette <role> <name>; control channel on descriptor 3. Returns exit status.
 */
int worker_main(const struct worker_role *role, const char *name);
void worker_done(struct worker *worker);
/* Says why (to the log, the supervisor, the scoreboard) and makes the loop end with a failure. */
void worker_fatal(struct worker *worker, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Sends to the server if it is there: 0, -EAGAIN, -EPIPE, -ENOTCONN. */
int worker_send(struct worker *worker, enum msg_type type, const void *value, int fd);

extern const struct worker_role capture_role, analyse_role, detector_role, sound_role, server_role;

#endif
