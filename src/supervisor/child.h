/* One worker process as the supervisor sees it: spawned, watched, reaped; policy is elsewhere. */
#ifndef CORVETTE_SUPERVISOR_CHILD_H
#define CORVETTE_SUPERVISOR_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "ipc/channel.h"
#include "ring/board.h"

enum child_state {
    CHILD_DOWN = 1, /* no process */
    CHILD_STARTING, /* spawned, hello not yet heard */
    CHILD_RUNNING,  /* given everything and told to start */
};

struct child;

struct child_events {
    void (*hello)(void *context, struct child *child);
    void (*message)(void *context, struct child *child, struct message *message);
    /* The process is gone and reaped; child->death says why, state is CHILD_DOWN. */
    void (*died)(void *context, struct child *child);
};

struct child {
    enum board_role role;
    const char *title; /* role's name: "capture" */
    char name[IPC_NAME];
    char label[IPC_NAME + 16]; /* for the log: "capture back", "server" */
    unsigned number;           /* detector's number */
    struct board_entry *entry;
    struct loop *loop;
    const struct child_events *events;
    void *context;

    enum child_state state;
    pid_t pid;
    int pidfd;
    struct channel *channel;
    struct loop_source *exit_source;
    struct loop_source *restart_timer; /* the supervisor's */
    struct mono started;
    bool killed_by_signal; /* the last death */
    unsigned quick_deaths; /* in a row, for back-off */
    char death[200];       /* reason being collected for the next or given for the last death */
};

/* Runs this very program again as `corvette: ROLE NAME`; 0 or -errno with a sentence. */
int child_spawn(struct child *child, struct err *err);
/* Asks it to stop (MSG_STOP); harmless when down. */
void child_stop(struct child *child);
/* SIGKILL with the reason that shall be shown. */
void child_kill(struct child *child, const char *reason);

#endif
