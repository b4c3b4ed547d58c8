#include "capture/sdp.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/str.h"

#define LINE_MAX_BYTES 16384

/* RFC 3551, tables 4 and 5: those a camera may use without naming them. */
static const struct {
    unsigned type;
    const char *encoding;
    unsigned clock_rate, channels;
} static_types[] = {
    {0, "PCMU", 8000, 1},  {3, "GSM", 8000, 1},    {8, "PCMA", 8000, 1},  {9, "G722", 8000, 1},
    {10, "L16", 44100, 2}, {11, "L16", 44100, 1},  {14, "MPA", 90000, 1}, {26, "JPEG", 90000, 0},
    {32, "MPV", 90000, 0}, {33, "MP2T", 90000, 0},
};

/* Reads digits at *at, which moves past them; false without any, or past the limit. */
static bool read_number(const char **at, unsigned limit, unsigned *value)
{
    uint64_t number = 0;
    const char *p = *at;
    for (; *p >= '0' && *p <= '9' && number <= limit; p++) {
        number = number * 10 + (unsigned)(*p - '0');
    }
    if (p == *at || number > limit) {
        return false;
    }
    *at = p;
    *value = (unsigned)number;
    return true;
}

static void set_text(char **text, const char *value)
{
    free(*text);
    *text = mem_strdup(value);
}

/* m=video 0 RTP/AVP 96 */
static void read_media(struct sdp *sdp, const char *value)
{
    char kind[16], transport[32];
    unsigned port;
    int end = 0;
    struct sdp_media media = {0};
    if (sscanf(value, "%15s %u%*[/0-9] %31s %n", kind, &port, transport, &end) != 3 &&
        sscanf(value, "%15s %u %31s %n", kind, &port, transport, &end) != 3) {
        end = 0;
    }
    const char *at = value + end;
    bool usable =
        end > 0 && str_starts(transport, "RTP/") && read_number(&at, 127, &media.payload_type);
    bool video = usable && strcasecmp(kind, "video") == 0;
    bool audio = usable && strcasecmp(kind, "audio") == 0;
    media.kind = video ? SDP_VIDEO : audio ? SDP_AUDIO : SDP_OTHER;
    media.format = mem_strdup("");
    media.control = mem_strdup("");
    for (size_t i = 0; i < ARRAY_SIZE(static_types); i++) {
        if (usable && static_types[i].type == media.payload_type) {
            snprintf(media.encoding, sizeof media.encoding, "%s", static_types[i].encoding);
            media.clock_rate = static_types[i].clock_rate;
            media.channels = static_types[i].channels;
        }
    }
    sdp->media[sdp->count++] = media;
}

/* a=rtpmap:96 H264/90000, a=rtpmap:97 MPEG4-GENERIC/16000/1 */
static void read_rtpmap(struct sdp_media *media, const char *value)
{
    unsigned type, rate, channels = 1;
    if (!read_number(&value, 127, &type) || type != media->payload_type || *value != ' ') {
        return;
    }
    value += strspn(value, " ");
    size_t length = strcspn(value, "/ ");
    if (length == 0 || length >= sizeof media->encoding || value[length] != '/') {
        return;
    }
    const char *at = value + length + 1;
    if (!read_number(&at, 10000000, &rate) || rate == 0) {
        return;
    }
    if (*at == '/') {
        at++;
        channels = read_number(&at, 64, &channels) && channels > 0 ? channels : 1;
    }
    snprintf(media->encoding, sizeof media->encoding, "%.*s", (int)length, value);
    media->clock_rate = rate;
    media->channels = channels;
}

static void read_format(struct sdp_media *media, const char *value)
{
    unsigned type;
    if (read_number(&value, 127, &type) && type == media->payload_type && *value == ' ') {
        set_text(&media->format, value + strspn(value, " "));
    }
}

static void read_attribute(struct sdp *sdp, struct sdp_media *media, const char *value)
{
    if (str_starts(value, "control:")) {
        set_text(media != NULL ? &media->control : &sdp->control, value + 8);
    } else if (media == NULL) {
        return;
    } else if (str_starts(value, "rtpmap:")) {
        read_rtpmap(media, value + 7);
    } else if (str_starts(value, "fmtp:")) {
        read_format(media, value + 5);
    } else if (str_starts(value, "framerate:")) {
        double rate;
        const char *text = value + 10 + strspn(value + 10, " ");
        if (str_to_double(text, &rate) && rate > 0 && rate <= 1000) {
            media->frame_rate = rate;
        }
    }
}

bool sdp_read(struct sdp *sdp, const char *text, size_t length)
{
    *sdp = (struct sdp){.control = mem_strdup("")};
    const char *end = text + length;
    bool full = false; /* attributes of a media line that found no room */
    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        const char *next = stop != NULL ? stop + 1 : end;
        size_t bytes = (size_t)((stop != NULL ? stop : end) - text);
        while (bytes > 0 && (text[bytes - 1] == '\r' || text[bytes - 1] == ' ')) {
            bytes--;
        }
        if (bytes > 2 && bytes < LINE_MAX_BYTES && text[1] == '=' &&
            memchr(text, 0, bytes) == NULL) {
            char AUTO_FREE *value = mem_strndup(text + 2, bytes - 2);
            if (text[0] == 'm') {
                full = sdp->count == SDP_MEDIA_MAX;
                if (!full) {
                    read_media(sdp, value);
                }
            } else if (text[0] == 'a' && !full) {
                read_attribute(sdp, sdp->count > 0 ? &sdp->media[sdp->count - 1] : NULL, value);
            }
        }
        text = next;
    }
    return sdp->count > 0;
}

void sdp_finish(struct sdp *sdp)
{
    for (size_t i = 0; i < sdp->count; i++) {
        free(sdp->media[i].format);
        free(sdp->media[i].control);
    }
    free(sdp->control);
    *sdp = (struct sdp){0};
}

char *sdp_parameter(const char *format, const char *name)
{
    size_t length = strlen(name);
    while (*format != '\0') {
        format += strspn(format, "; \t");
        size_t bytes = strcspn(format, ";");
        if (bytes > length && format[length] == '=' && strncasecmp(format, name, length) == 0) {
            const char *value = format + length + 1;
            size_t left = bytes - length - 1;
            while (left > 0 && value[left - 1] == ' ') {
                left--;
            }
            if (left >= 2 && value[0] == '"' && value[left - 1] == '"') {
                value++;
                left -= 2;
            }
            return mem_strndup(value, left);
        }
        format += bytes;
    }
    return NULL;
}
