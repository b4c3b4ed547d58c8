#include "footage/playlist.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "base/scan.h"

/* Wall time is written again where it cannot be told from what came before. */
#define WALL_JUMP_S 0.1

static void add_query(struct str *out, const char *query)
{
    if (query != NULL && *query != '\0') {
        str_add_char(out, '?');
        str_add(out, query);
    }
}

void playlist_master(const struct hls_stream *stream, const char *query, struct str *out)
{
    str_addf(out, "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-STREAM-INF:PROGRAM-ID=1,BANDWIDTH=%llu",
             (unsigned long long)(stream->bits_per_second > 0 ? stream->bits_per_second : 1));
    if (stream->width > 0 && stream->height > 0) {
        str_addf(out, ",RESOLUTION=%dx%d", stream->width, stream->height);
    }
    if (stream->fps > 0) {
        str_addf(out, ",FRAME-RATE=%.3f", stream->fps);
    }
    str_addf(out, ",CODECS=\"%s\"\nindex-v1%s.m3u8", stream->codecs,
             stream->has_audio ? "-a1" : "");
    add_query(out, query);
    str_add_char(out, '\n');
}

/* "2026-11-24T14:02:03.250Z" */
static void add_date(struct str *out, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    char text[32];
    gmtime_r(&seconds, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    str_addf(out, "#EXT-X-PROGRAM-DATE-TIME:%s.%03dZ\n", text, (int)(ms % 1000));
}

/* Decimal digits; formatted output costs more than all the rest of a long playlist. */
static void add_number(struct str *out, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    str_add_bytes(out, digits + at, sizeof digits - at);
}

/* Seconds with six decimals. */
static void add_duration(struct str *out, double seconds)
{
    uint64_t us = (uint64_t)llrint(seconds * 1e6);
    add_number(out, us / 1000000);
    char digits[7] = ".000000";
    uint64_t rest = us % 1000000;
    for (size_t at = sizeof digits - 1; at > 0; at--, rest /= 10) {
        digits[at] = (char)('0' + rest % 10);
    }
    str_add_bytes(out, digits, sizeof digits);
}

static void add_map(struct str *out, int64_t ms, const char *tracks, const char *query)
{
    str_add(out, "#EXT-X-MAP:URI=\"init-");
    add_number(out, (uint64_t)ms);
    str_add(out, tracks);
    str_add(out, ".mp4");
    add_query(out, query);
    str_add(out, "\"\n");
}

void playlist_media(const struct playlist_segment *segments, size_t count, bool has_audio,
                    const char *query, struct str *out)
{
    double longest = 1;
    for (size_t i = 0; i < count; i++) {
        longest = segments[i].duration > longest ? segments[i].duration : longest;
    }
    const char *tracks = has_audio ? "-v1-a1" : "-v1";
    str_reserve(out, count * 96 + 256);
    str_addf(out,
             "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:%d\n#EXT-X-PLAYLIST-TYPE:VOD\n"
             "#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-INDEPENDENT-SEGMENTS\n",
             (int)ceil(longest));
    double line = 0, expected = 0;
    for (size_t i = 0; i < count; i++) {
        const struct playlist_segment *segment = &segments[i];
        int64_t ms = llrint(segment->start * 1000);
        if (segment->changed && i > 0) {
            str_add(out, "#EXT-X-DISCONTINUITY\n");
        }
        if (i == 0 || segment->changed) {
            add_map(out, ms, tracks, query);
        }
        if (i == 0 || segment->changed || fabs(segment->start - expected) > WALL_JUMP_S) {
            add_date(out, ms);
        }
        str_add(out, "#EXTINF:");
        add_duration(out, segment->duration);
        str_add(out, ",\nseg-");
        add_number(out, (uint64_t)ms);
        str_add_char(out, '-');
        add_number(out, (uint64_t)llrint(line * HLS_TIMESCALE));
        str_add(out, tracks);
        str_add(out, ".m4s");
        add_query(out, query);
        str_add_char(out, '\n');
        line += segment->duration;
        expected = segment->start + segment->duration;
    }
    str_add(out, "#EXT-X-ENDLIST\n");
}

/* At most 18 digits, so that nothing overflows. */
static bool take_number(const char **at, uint64_t *number)
{
    size_t digits = strspn(*at, "0123456789");
    if (digits == 0 || digits > 18) {
        return false;
    }
    *number = 0;
    for (size_t i = 0; i < digits; i++) {
        *number = *number * 10 + (uint64_t)((*at)[i] - '0');
    }
    *at += digits;
    return true;
}

bool playlist_parse(const char *name, struct playlist_name *parsed)
{
    *parsed = (struct playlist_name){0};
    const char *at = name;
    uint64_t start = 0;
    if (strcmp(name, "master.m3u8") == 0) {
        parsed->file = PLAYLIST_MASTER;
        return true;
    }
    if (scan_text(&at, "index")) {
        parsed->file = PLAYLIST_MEDIA;
        if (scan_text(&at, "-v1")) {
            scan_text(&at, "-a1");
        }
        return strcmp(at, ".m3u8") == 0;
    }
    if (scan_text(&at, "init-") && take_number(&at, &start)) {
        parsed->file = PLAYLIST_INIT;
    } else if (scan_text(&at, "seg-") && take_number(&at, &start) && scan_text(&at, "-") &&
               take_number(&at, &parsed->base)) {
        parsed->file = PLAYLIST_SEGMENT;
    } else {
        return false;
    }
    parsed->start_ms = (int64_t)start;
    if (!scan_text(&at, "-v1")) {
        return false;
    }
    scan_text(&at, "-a1");
    return strcmp(at, parsed->file == PLAYLIST_INIT ? ".mp4" : ".m4s") == 0;
}
