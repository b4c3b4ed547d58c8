/* The TCP connection of an RTSP session: bounded waits that the stop flag ends, and one buffer that
 * large reads go into. While media flows, a read waits for much data or a short time, whichever
 * comes first: one system call fetches what a picture or two consist of. */
#ifndef CORVETTE_CAPTURE_RTSP_LINK_H
#define CORVETTE_CAPTURE_RTSP_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

struct stopper;

struct rtsp_link {
    int fd; /* -1 = none */
    const struct stopper *stopper;
    uint8_t *data; /* what has come and was not taken: from begin to end */
    size_t begin, end;
    struct mono arrival; /* of what came last */
    int64_t silence_us;  /* so long without data is too long */
    int gather_us;       /* so long a read waits for more, below a second */
    bool gathering;
};

void rtsp_link_init(struct rtsp_link *link, const struct stopper *stopper, int64_t silence_us,
                    int gather_us);
/* All of these: 0, or -errno with a sentence. */
int rtsp_link_connect(struct rtsp_link *link, const char *host, const char *port,
                      int64_t deadline_us, struct err *err);
int rtsp_link_send(struct rtsp_link *link, const void *data, size_t length, struct err *err);
/* Waits for data, until the deadline (CLOCK_MONOTONIC). While gathering it returns at least
 * several times a second, with nothing new if nothing came. */
int rtsp_link_fill(struct rtsp_link *link, int64_t deadline_us, struct err *err);
void rtsp_link_gather(struct rtsp_link *link);
void rtsp_link_close(struct rtsp_link *link); /* may be connected again */
void rtsp_link_finish(struct rtsp_link *link);

static inline size_t rtsp_link_bytes(const struct rtsp_link *link)
{
    return link->end - link->begin;
}

#endif
