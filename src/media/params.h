/* Parameter sets of a video stream (VPS, SPS, PPS): gathered from what a demuxer hands over and
 * from the stream itself, compared (a change begins a new segment), written as the avcC or hvcC of
 * a file. */
#ifndef CORVETTE_MEDIA_PARAMS_H
#define CORVETTE_MEDIA_PARAMS_H

#include "base/str.h"
#include "media/nal.h"

/* Bound per kind: real streams have one to three; more are not kept. */
#define PARAMS_MAX 16

struct param_set {
    uint8_t *data; /* whole NAL unit */
    size_t length;
};

struct params {
    enum media_codec codec; /* MEDIA_H264 or MEDIA_H265 */
    struct param_set_list {
        struct param_set items[PARAMS_MAX];
        size_t count;
    } vps, sps, pps;
};

void params_finish(struct params *params);                      /* empty afterwards, codec kept */
void params_copy(struct params *to, const struct params *from); /* `to` must be empty or finished */
bool params_equal(const struct params *a, const struct params *b);
/* Everything a decoder needs is there. */
bool params_complete(const struct params *params);

/* From a demuxer's extradata: avcC, hvcC or Annex B. Replaces the content. `length_bytes` (of the
 * packets' NAL units, 0 = Annex B) is set from it. False, params empty, when it makes no sense. */
bool params_from_extradata(struct params *params, enum media_codec codec, const void *data,
                           size_t length, unsigned *length_bytes);

/* Whether a NAL unit is one of these sets, byte for byte. */
bool params_hold(const struct params *params, const struct nal *nal);

/* Takes the parameter sets found in an access unit that starts a random access point: each kind
 * present there replaces that kind. Returns whether anything differs from before. */
bool params_update(struct params *params, const void *data, size_t length, unsigned length_bytes);

/* Picture size, from the first SPS; false when unreadable. */
bool params_size(const struct params *params, int *width, int *height);

/* Pictures that may be decoded before one shown earlier, from the first SPS; -1 = not said there.
 */
int params_reorder(const struct params *params);

/* Appends the payload of avcC or hvcC, 4-byte NAL lengths. The sets must be complete. */
void params_write(const struct params *params, struct str *out);

#endif
