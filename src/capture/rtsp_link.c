#include "capture/rtsp_link.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "capture/source.h"

/* Holds the largest interleaved frame and the largest message beside each other. */
#define BUFFER_BYTES (160u << 10)
#define GATHER_BYTES 65536
#define ADDRESS_US 4000000 /* for one of several addresses of a host */

void rtsp_link_init(struct rtsp_link *link, const struct stopper *stopper, int64_t silence_us,
                    int gather_us)
{
    *link = (struct rtsp_link){
        .fd = -1, .stopper = stopper, .silence_us = silence_us, .gather_us = gather_us};
    link->data = mem_alloc(BUFFER_BYTES);
}

void rtsp_link_close(struct rtsp_link *link)
{
    if (link->fd >= 0) {
        close(link->fd);
    }
    link->fd = -1;
    link->begin = link->end = 0;
    link->gathering = false;
}

void rtsp_link_finish(struct rtsp_link *link)
{
    rtsp_link_close(link);
    free(link->data);
    link->data = NULL;
}

/* 1: ready, 0: time is over, -ECANCELED: stopped. */
static int wait_for(const struct rtsp_link *link, int fd, short events, int64_t until_us)
{
    struct pollfd fds[] = {{.fd = fd, .events = events},
                           {.fd = link->stopper->event_fd, .events = POLLIN}};
    for (;;) {
        if (atomic_load(&link->stopper->stopped)) {
            return -ECANCELED;
        }
        int64_t left_us = until_us - mono_now().us;
        if (left_us <= 0) {
            return 0;
        }
        int ready = poll(fds, ARRAY_SIZE(fds), (int)(left_us / 1000) + 1);
        if (ready < 0 && errno != EINTR) {
            return -errno;
        }
        if (ready > 0 && fds[0].revents != 0) {
            return 1;
        }
    }
}

/* ------------------------------------------------------------------ connecting */

static int connect_one(struct rtsp_link *link, const struct addrinfo *address, int64_t until_us)
{
    int AUTO_CLOSE fd =
        socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
               address->ai_protocol);
    if (fd < 0) {
        return -errno;
    }
    if (connect(fd, address->ai_addr, address->ai_addrlen) < 0) {
        if (errno != EINPROGRESS) {
            return -errno;
        }
        int ready = wait_for(link, fd, POLLOUT, until_us);
        if (ready <= 0) {
            return ready < 0 ? ready : -ETIMEDOUT;
        }
        int error = 0;
        socklen_t length = sizeof error;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 || error != 0) {
            return -(error != 0 ? error : errno);
        }
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    link->fd = steal_fd(&fd);
    return 0;
}

int rtsp_link_connect(struct rtsp_link *link, const char *host, const char *port,
                      int64_t deadline_us, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    int result = getaddrinfo(host, port, &hints, &list);
    if (result != 0) {
        return err_set(err, EHOSTUNREACH, "cannot connect: %s", gai_strerror(result));
    }
    result = -EHOSTUNREACH;
    for (const struct addrinfo *one = list; one != NULL && link->fd < 0; one = one->ai_next) {
        int64_t until_us = mono_now().us + ADDRESS_US;
        until_us = one->ai_next != NULL && until_us < deadline_us ? until_us : deadline_us;
        result = connect_one(link, one, until_us);
        if (result == -ECANCELED) {
            break;
        }
    }
    freeaddrinfo(list);
    link->arrival = mono_now();
    return result == 0 ? 0 : err_set(err, -result, "cannot connect: %s", err_name(-result));
}

/* ------------------------------------------------------------------ sending, receiving */

int rtsp_link_send(struct rtsp_link *link, const void *data, size_t length, struct err *err)
{
    const uint8_t *at = data;
    while (length > 0) {
        ssize_t sent = send(link->fd, at, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EAGAIN && !link->gathering) {
            int ready = wait_for(link, link->fd, POLLOUT, mono_now().us + link->silence_us);
            if (ready == 1) {
                continue;
            }
            return err_set(err, ready < 0 ? -ready : ETIMEDOUT, "the camera takes no requests");
        }
        if (sent < 0 && errno != EINTR) {
            return err_set(err, errno, "connection lost: %s", err_name(errno));
        }
        at += sent > 0 ? sent : 0;
        length -= sent > 0 ? (size_t)sent : 0;
    }
    return 0;
}

static int too_silent(const struct rtsp_link *link, struct err *err)
{
    return err_set(err, ETIMEDOUT, "nothing came for %d s", (int)(link->silence_us / 1000000));
}

/* Makes room behind what has not been taken yet. */
static size_t make_room(struct rtsp_link *link)
{
    size_t bytes = rtsp_link_bytes(link);
    if (link->begin > 0) {
        memmove(link->data, link->data + link->begin, bytes);
        link->begin = 0;
        link->end = bytes;
    }
    return BUFFER_BYTES - bytes;
}

int rtsp_link_fill(struct rtsp_link *link, int64_t deadline_us, struct err *err)
{
    if (atomic_load_explicit(&link->stopper->stopped, memory_order_relaxed)) {
        return err_set(err, ECANCELED, "stopped");
    }
    size_t room = make_room(link);
    if (room == 0) {
        return err_set(err, EPROTO, "the camera sends what no one can read");
    }
    if (!link->gathering) {
        int64_t silent_us = link->arrival.us + link->silence_us;
        int ready =
            wait_for(link, link->fd, POLLIN, silent_us < deadline_us ? silent_us : deadline_us);
        if (ready == -ECANCELED) {
            return err_set(err, ECANCELED, "stopped");
        }
        if (ready <= 0) {
            return too_silent(link, err);
        }
    }
    ssize_t got = recv(link->fd, link->data + link->end, room, 0);
    if (got == 0) {
        return err_set(err, ENODATA, "the camera ended it");
    }
    if (got < 0 && errno != EAGAIN && errno != EINTR) {
        return err_set(err, errno, "connection lost: %s", err_name(errno));
    }
    struct mono now = mono_now();
    if (got > 0) {
        link->end += (size_t)got;
        link->arrival = now;
    } else if (now.us - link->arrival.us > link->silence_us) {
        return too_silent(link, err);
    }
    return 0;
}

void rtsp_link_gather(struct rtsp_link *link)
{
    int flags = 0; /* blocking from here on: the time limit of each read takes the poll's place */
    struct timeval limit = {.tv_usec = link->gather_us};
    link->gathering = ioctl(link->fd, FIONBIO, &flags) == 0 &&
                      setsockopt(link->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0;
    if (link->gathering) {
        setsockopt(link->fd, SOL_SOCKET, SO_RCVLOWAT, &(int){GATHER_BYTES}, sizeof(int));
    }
}
