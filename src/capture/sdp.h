/* What an RTSP server's session description (RFC 8866) says of its streams. Pure; the text may be
 * anything: it is bounded, never overread, and what makes no sense is left out. */
#ifndef CORVETTE_CAPTURE_SDP_H
#define CORVETTE_CAPTURE_SDP_H

#include <stdbool.h>
#include <stddef.h>

#define SDP_MEDIA_MAX 16

enum sdp_kind { SDP_OTHER, SDP_VIDEO, SDP_AUDIO };

struct sdp_media {
    enum sdp_kind kind;
    unsigned payload_type; /* the first one offered */
    char encoding[32];     /* as in rtpmap ("H264"), or of the static payload type; "" = unknown */
    unsigned clock_rate;   /* 0 = unknown */
    unsigned channels;
    char *format;  /* fmtp parameters, "" when there are none */
    char *control; /* "" when there is none */
    double frame_rate;
};

struct sdp {
    struct sdp_media media[SDP_MEDIA_MAX];
    size_t count;
    char *control; /* of the whole session; "" when there is none */
};

/* False when there is not a single media line in it. */
bool sdp_read(struct sdp *sdp, const char *text, size_t length);
void sdp_finish(struct sdp *sdp);

/* The value of a parameter in a fmtp line ("sprop-parameter-sets"), malloc'd; NULL when absent. */
char *sdp_parameter(const char *format, const char *name);

#endif
