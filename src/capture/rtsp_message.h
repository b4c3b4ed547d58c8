/* The texts of RTSP (RFC 2326): messages, URLs, and how one URL names another. Pure; bounded. */
#ifndef CORVETTE_CAPTURE_RTSP_MESSAGE_H
#define CORVETTE_CAPTURE_RTSP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#define RTSP_HEAD_MAX 16384
#define RTSP_BODY_MAX (64u << 10)

struct rtsp_message {
    unsigned status;  /* 0: a request */
    char method[24];  /* of a request */
    char reason[64];  /* of a response; printable */
    const char *head; /* the lines after the first, into the data that was read */
    size_t head_bytes;
    size_t body_bytes; /* Content-Length */
};

/* Bytes of first line and headers up to the body; 0 when more must come; -1 when this is no
 * message, or one past the bounds. */
int rtsp_message_read(struct rtsp_message *message, const char *data, size_t length);
/* Copies the value of the n-th header of that name; false when there is none or it is too long. */
bool rtsp_header(const struct rtsp_message *message, const char *name, unsigned n, char *value,
                 size_t size);
/* The value of `name=` in a list like "RTP/AVP/TCP;unicast;interleaved=0-1" or
 * "Digest realm="a", nonce="b"": without its quotes. False when absent or too long. */
bool rtsp_parameter(const char *list, char separator, const char *name, char *value, size_t size);

struct rtsp_url {
    char *host;
    char port[8];
    char *user, *password; /* decoded; NULL when not given */
    char *request;         /* the URL without them */
};

/* False for anything but rtsp://. */
bool rtsp_url_read(struct rtsp_url *url, const char *text);
void rtsp_url_finish(struct rtsp_url *url);
/* What a control attribute means under a base; malloc'd. */
char *rtsp_url_join(const char *base, const char *control);

#endif
