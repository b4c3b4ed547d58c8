#include "ipc/channel.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/str.h"

/* Handled per wake-up, so that one talkative end does not starve the loop. */
#define MESSAGES_PER_WAKE 64
#define SOCKET_BUFFER_BYTES (4 << 20)

struct channel {
    struct loop *loop;
    struct loop_source *source;
    int fd;
    channel_message_fn on_message;
    channel_closed_fn on_closed;
    void *context;
    struct str send_buffer, receive_buffer;
    bool in_callback, destroyed;
};

int channel_pair(int fds[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0) {
        return -errno;
    }
    for (int i = 0; i < 2; i++) {
        int bytes = SOCKET_BUFFER_BYTES;
        setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
        /* Past the system's limit only root may go; the system's limit still holds whole messages.
         */
        setsockopt(fds[i], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
    }
    return 0;
}

static void release(struct channel *channel)
{
    str_finish(&channel->send_buffer);
    str_finish(&channel->receive_buffer);
    free(channel);
}

void channel_destroy(struct channel *channel)
{
    if (channel == NULL || channel->destroyed) {
        return;
    }
    channel->destroyed = true;
    loop_remove(channel->source);
    close(channel->fd);
    if (!channel->in_callback) {
        release(channel);
    }
}

/* One datagram into receive_buffer with its first descriptor. 0, -EAGAIN, -EPIPE or -EBADMSG. */
static int receive(struct channel *channel, int *fd)
{
    union {
        char bytes[CMSG_SPACE(4 * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec part = {channel->receive_buffer.data, CHANNEL_MAX_MESSAGE};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    ssize_t n = recvmsg(channel->fd, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (n <= 0) {
        bool later = n < 0 && (errno == EAGAIN || errno == EINTR);
        return later ? -EAGAIN : -EPIPE;
    }
    channel->receive_buffer.length = (size_t)n;
    *fd = -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c != NULL; c = CMSG_NXTHDR(&header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int got;
            memcpy(&got, CMSG_DATA(c) + i * sizeof got, sizeof got);
            if (*fd < 0) {
                *fd = got;
            } else {
                close(got);
            }
        }
    }
    return (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ? -EBADMSG : 0;
}

static int deliver(struct channel *channel, int fd)
{
    uint32_t type;
    if (channel->receive_buffer.length < sizeof type) {
        return -EBADMSG;
    }
    memcpy(&type, channel->receive_buffer.data, sizeof type);
    const struct msg_row *row = msg_row(type);
    if (row == NULL) {
        return -EPROTO;
    }
    AUTO_FREE void *value = mem_alloc(row->record->size);
    int result = record_decode(row->record, channel->receive_buffer.data + sizeof type,
                               channel->receive_buffer.length - sizeof type, value);
    struct message message = {(enum msg_type)type, value, fd};
    if (result == 0) {
        channel->on_message(channel->context, channel, &message);
        record_finish(row->record, value);
    }
    if (message.fd >= 0) {
        close(message.fd);
    }
    return result;
}

static void on_readable(void *context, uint32_t events)
{
    struct channel *channel = context;
    int result = 0;
    channel->in_callback = true;
    for (int i = 0; i < MESSAGES_PER_WAKE && result == 0 && !channel->destroyed; i++) {
        int fd = -1;
        result = receive(channel, &fd);
        if (result == 0) {
            result = deliver(channel, fd);
        } else if (fd >= 0) {
            close(fd);
        }
    }
    if (!channel->destroyed && result != 0 && result != -EAGAIN) {
        loop_change_fd(channel->source, 0);
        channel->on_closed(channel->context, channel, result == -EPIPE ? 0 : result);
    }
    channel->in_callback = false;
    if (channel->destroyed) {
        release(channel);
    }
}

struct channel *channel_create(struct loop *loop, int fd, channel_message_fn on_message,
                               channel_closed_fn on_closed, void *context)
{
    struct channel *channel = mem_alloc(sizeof *channel);
    channel->loop = loop;
    channel->fd = fd;
    channel->on_message = on_message;
    channel->on_closed = on_closed;
    channel->context = context;
    str_reserve(&channel->receive_buffer, CHANNEL_MAX_MESSAGE);
    channel->source = loop_add_fd(loop, fd, EPOLLIN, on_readable, channel);
    return channel;
}

int channel_send(struct channel *channel, enum msg_type type, const void *value, int fd)
{
    uint32_t number = type;
    str_clear(&channel->send_buffer);
    str_add_bytes(&channel->send_buffer, &number, sizeof number);
    record_encode(msg_row(type)->record, value, &channel->send_buffer);
    if (channel->send_buffer.length > CHANNEL_MAX_MESSAGE) {
        return -EMSGSIZE;
    }
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec part = {channel->send_buffer.data, channel->send_buffer.length};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = sizeof control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    while (sendmsg(channel->fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        if (errno != EINTR) {
            return errno == EAGAIN || errno == ENOBUFS ? -EAGAIN : -EPIPE;
        }
    }
    return 0;
}
