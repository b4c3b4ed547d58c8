/* One SOCK_SEQPACKET end: whole messages, at most a few descriptors with each, never blocking. */
#ifndef CORVETTE_IPC_CHANNEL_H
#define CORVETTE_IPC_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/loop.h"
#include "ipc/messages.h"

struct channel;

#define CHANNEL_MAX_MESSAGE (192u << 10)

/* A message that has arrived. `value` is the struct of its type and is released when the handler
 * returns; `fd` is -1 or a descriptor the handler may steal (set to -1), else it is closed. */
struct message {
    enum msg_type type;
    void *value;
    int fd;
};

typedef void (*channel_message_fn)(void *context, struct channel *channel, struct message *message);
/* The other end is gone or spoke nonsense (`error` = 0 or -EBADMSG, -EPROTO). */
typedef void (*channel_closed_fn)(void *context, struct channel *channel, int error);

int channel_pair(int fds[2]); /* CLOEXEC, non-blocking, large buffers; 0 or -errno */

/* Takes over `fd`. Reading starts at once on the loop. */
struct channel *channel_create(struct loop *loop, int fd, channel_message_fn on_message,
                               channel_closed_fn on_closed, void *context);
/* NULL is fine. Safe inside its own callbacks. */
void channel_destroy(struct channel *channel);

/* 0; -EAGAIN when the other end is not reading (the caller decides what to drop); -EPIPE when gone.
 * `fd` -1 for none; it stays the caller's. */
int channel_send(struct channel *channel, enum msg_type type, const void *value, int fd);

#endif
