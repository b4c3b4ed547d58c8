/* What the server and a render process say to each other over a SOCK_SEQPACKET pair: whole
 * messages, at most one descriptor with each. */
#ifndef CORVETTE_RENDER_WIRE_H
#define CORVETTE_RENDER_WIRE_H

#include <stdint.h>

#define RENDER_FD 3 /* the child's end */

enum render_say {
    RENDER_TASK = 1, /* to the child, with the descriptor to write to */
    RENDER_WANT,     /* from it: file `index`, please */
    RENDER_FILE,     /* to it, with the descriptor, or with a negative `result` */
    RENDER_PROGRESS, /* from it: `permille` */
    RENDER_DONE,     /* from it: `result`, and a sentence when that is negative */
};

struct render_message {
    uint32_t say, kind, format, width, height, index, count, permille;
    uint32_t source; /* FILE: enum render_source */
    int32_t result;
    int64_t at_us;          /* PICTURE: from the first picture of the file; FILE: its place */
    int64_t from_us, to_us; /* FILE: the part of it to show, from its first picture */
    int64_t step_us;        /* FILE, STRIP: pictures closer than this to the last are left out */
    int64_t end_us;         /* STRIP: how long the last picture is shown */
    int64_t bit_rate;       /* STRIP */
    double speed, rate;     /* TIMELAPSE: times faster, pictures per second; FILE: speed */
    char text[240];
};

/* 0 or -errno. The descriptor (-1: none) stays the caller's. */
int render_send(int socket_fd, const struct render_message *message, int fd);
/* 1, 0 when the other end is gone, or -errno. *fd is the caller's, -1 when there is none. */
int render_receive(int socket_fd, struct render_message *message, int *fd);

#endif
