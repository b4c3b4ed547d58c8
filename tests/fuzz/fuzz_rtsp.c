/* What a camera sends: RTSP messages, session descriptions, parameter sets, RTP and RTCP. The first
 * byte says which reader gets the rest. */
#include "fuzz.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "capture/depacketize.h"
#include "capture/rtp.h"
#include "capture/rtsp_message.h"
#include "capture/sdp.h"
#include "media/params.h"
#include "media/sps.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    log_set_level(LOG_CRITICAL);
    return 0;
}

static void read_message(const uint8_t *data, size_t size)
{
    struct rtsp_message message = {0};
    int head = rtsp_message_read(&message, (const char *)data, size);
    FUZZ_CHECK(head <= (int)size);
    if (head > 0) {
        char value[300], part[64];
        static const char *const names[] = {"Session", "Transport", "WWW-Authenticate", "Public"};
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            for (unsigned n = 0; rtsp_header(&message, names[i], n, value, sizeof value); n++) {
                rtsp_parameter(value, ';', "interleaved", part, sizeof part);
                rtsp_parameter(value, ',', "nonce", part, sizeof part);
            }
        }
    }
}

static void read_sdp(const uint8_t *data, size_t size)
{
    struct sdp sdp = {0};
    char *text = mem_strndup((const char *)data, size);
    if (sdp_read(&sdp, text, strlen(text))) {
        FUZZ_CHECK(sdp.count >= 1 && sdp.count <= SDP_MEDIA_MAX);
        for (size_t i = 0; i < sdp.count; i++) {
            free(sdp_parameter(sdp.media[i].format, "sprop-parameter-sets"));
            free(rtsp_url_join("rtsp://h/a", sdp.media[i].control));
        }
    }
    sdp_finish(&sdp);
    free(text);
}

static void read_url(const uint8_t *data, size_t size)
{
    char *text = mem_strndup((const char *)data, size);
    struct rtsp_url url = {0};
    if (rtsp_url_read(&url, text)) {
        free(rtsp_url_join(url.request, text));
    }
    rtsp_url_finish(&url);
    free(text);
}

static void count_unit(void *context, const struct rtp_unit *unit)
{
    static volatile uint8_t last; /* reads the ends */
    FUZZ_CHECK(unit->bytes <= UNIT_MAX_BYTES);
    last = unit->bytes > 0 ? unit->data[0] ^ unit->data[unit->bytes - 1] : 0;
    (*(size_t *)context)++;
}

/* Packets one after the other, each with two bytes of length. */
static void read_packets(const uint8_t *data, size_t size, enum rtp_coding coding)
{
    size_t units = 0;
    struct rtp_order order = {0};
    struct depacketizer depacketizer = {.coding = coding,
                                        .prefixed = size % 2 == 0,
                                        .size_bits = 13,
                                        .index_bits = 3,
                                        .delta_bits = 3,
                                        .unit_ticks = 1024,
                                        .sample_bytes = 2,
                                        .emit = count_unit,
                                        .context = &units};
    while (size >= 2) {
        size_t length = (size_t)data[0] << 8 | data[1];
        data += 2;
        size -= 2;
        length = length < size ? length : size;
        struct rtp_packet packet;
        struct rtcp_report report;
        if (rtp_read(&packet, data, length)) {
            enum rtp_verdict verdict = rtp_take(&order, &packet);
            if (verdict != RTP_OLD) {
                depacketize(&depacketizer, &packet, order.time, verdict == RTP_GAP);
            }
        }
        rtcp_read(&report, data, length);
        data += length;
        size -= length;
    }
    depacketizer_finish(&depacketizer);
}

static void read_parameters(const uint8_t *data, size_t size)
{
    struct sps sps;
    unsigned length_bytes;
    sps_read_h264(data, size, &sps);
    sps_read_h265(data, size, &sps);
    for (int i = 0; i < 2; i++) {
        struct params params = {0};
        params_from_extradata(&params, i == 0 ? MEDIA_H264 : MEDIA_H265, data, size, &length_bytes);
        params_finish(&params);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    uint8_t which = data[0];
    data++;
    size--;
    switch (which) {
    case 'm':
        read_message(data, size);
        break;
    case 's':
        read_sdp(data, size);
        break;
    case 'u':
        read_url(data, size);
        break;
    case 'p':
        read_parameters(data, size);
        break;
    default:
        read_packets(data, size, (enum rtp_coding)(CODING_H264 + which % CODING_WHOLE));
        break;
    }
    return 0;
}
