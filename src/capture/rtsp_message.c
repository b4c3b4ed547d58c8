#include "capture/rtsp_message.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"

#define URL_MAX 4096

/* ------------------------------------------------------------------ messages */

static bool read_status_line(struct rtsp_message *message, const char *line, size_t length)
{
    if (length < 12 || memcmp(line, "RTSP/1.", 7) != 0 || line[8] != ' ') {
        return false;
    }
    for (int i = 9; i < 12; i++) {
        if (line[i] < '0' || line[i] > '9') {
            return false;
        }
        message->status = message->status * 10 + (unsigned)(line[i] - '0');
    }
    size_t at = length > 13 ? 13 : length, used = 0;
    for (; at < length && used + 1 < sizeof message->reason; at++) {
        message->reason[used++] = (char)(line[at] >= ' ' && line[at] <= '~' ? line[at] : '?');
    }
    message->reason[used] = '\0';
    return message->status >= 100;
}

static bool read_request_line(struct rtsp_message *message, const char *line, size_t length)
{
    size_t word = 0;
    while (word < length && ((line[word] >= 'A' && line[word] <= 'Z') || line[word] == '_')) {
        word++;
    }
    if (word == 0 || word >= sizeof message->method || word == length || line[word] != ' ' ||
        memmem(line, length, " RTSP/1.", 8) == NULL) {
        return false;
    }
    memcpy(message->method, line, word);
    message->method[word] = '\0';
    return true;
}

int rtsp_message_read(struct rtsp_message *message, const char *data, size_t length)
{
    *message = (struct rtsp_message){0};
    size_t seen = length < RTSP_HEAD_MAX ? length : RTSP_HEAD_MAX;
    const char *stop = memmem(data, seen, "\r\n\r\n", 4);
    const char *bare = memmem(data, seen, "\n\n", 2);
    size_t end;
    if (stop != NULL && (bare == NULL || stop < bare)) {
        end = (size_t)(stop - data) + 4;
    } else if (bare != NULL) {
        end = (size_t)(bare - data) + 2;
    } else {
        return length < RTSP_HEAD_MAX ? 0 : -1;
    }
    const char *newline = memchr(data, '\n', end);
    size_t line = (size_t)(newline - data);
    size_t text = line > 0 && data[line - 1] == '\r' ? line - 1 : line;
    if (!read_status_line(message, data, text) && !read_request_line(message, data, text)) {
        return -1;
    }
    message->head = newline + 1;
    message->head_bytes = end - line - 1;
    char value[24];
    long long bytes = 0;
    if (rtsp_header(message, "Content-Length", 0, value, sizeof value) &&
        (!str_to_int(value, &bytes) || bytes < 0 || bytes > RTSP_BODY_MAX)) {
        return -1;
    }
    message->body_bytes = (size_t)bytes;
    return (int)end;
}

bool rtsp_header(const struct rtsp_message *message, const char *name, unsigned n, char *value,
                 size_t size)
{
    size_t length = strlen(name);
    const char *at = message->head, *end = at + message->head_bytes;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop != NULL ? stop : end;
        if ((size_t)(stop - at) > length && at[length] == ':' &&
            strncasecmp(at, name, length) == 0 && n-- == 0) {
            const char *from = at + length + 1, *to = stop;
            while (from < to && (*from == ' ' || *from == '\t')) {
                from++;
            }
            while (to > from && (to[-1] == '\r' || to[-1] == ' ' || to[-1] == '\t')) {
                to--;
            }
            size_t bytes = (size_t)(to - from);
            if (bytes >= size || memchr(from, 0, bytes) != NULL) {
                return false;
            }
            memcpy(value, from, bytes);
            value[bytes] = '\0';
            return true;
        }
        at = stop + 1;
    }
    return false;
}

/* Past the next separator that is not within quotes. */
static const char *next_item(const char *at, char separator)
{
    for (bool quoted = false; *at != '\0'; at++) {
        if (*at == '"') {
            quoted = !quoted;
        } else if (*at == separator && !quoted) {
            return at + 1;
        }
    }
    return at;
}

bool rtsp_parameter(const char *list, char separator, const char *name, char *value, size_t size)
{
    size_t length = strlen(name);
    for (; *list != '\0'; list = next_item(list, separator)) {
        list += strspn(list, " \t");
        if (strncasecmp(list, name, length) != 0 || list[length] != '=') {
            continue;
        }
        const char *from = list + length + 1, *to;
        if (*from == '"') {
            from++;
            to = strchr(from, '"');
            to = to != NULL ? to : from + strlen(from);
        } else {
            const char *next = next_item(from, separator);
            to = *next != '\0' || (next > from && next[-1] == separator) ? next - 1 : next;
            while (to > from && to[-1] == ' ') {
                to--;
            }
        }
        size_t bytes = (size_t)(to - from);
        if (bytes >= size) {
            return false;
        }
        memcpy(value, from, bytes);
        value[bytes] = '\0';
        return true;
    }
    return false;
}

/* ------------------------------------------------------------------ URLs */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10 : -1;
}

/* %40 -> @; control characters stay as they are written: no line can be made to end with them. */
static char *decode(const char *text, size_t length)
{
    char *out = mem_alloc(length + 1);
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        int high = text[i] == '%' && length - i > 2 ? hex_digit(text[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
        int value = low >= 0 ? high * 16 + low : -1;
        bool escaped = value >= ' ' && value != 127;
        out[used++] = escaped ? (char)value : text[i];
        i += escaped ? 2 : 0;
    }
    return out;
}

static bool read_place(struct rtsp_url *url, const char *at, size_t length)
{
    const char *end = at + length, *colon = NULL;
    if (length > 0 && *at == '[') {
        const char *close = memchr(at, ']', length);
        if (close == NULL || (close + 1 < end && close[1] != ':')) {
            return false;
        }
        url->host = mem_strndup(at + 1, (size_t)(close - at) - 1);
        colon = close + 1 < end ? close + 1 : NULL;
    } else {
        colon = memchr(at, ':', length);
        url->host = mem_strndup(at, (size_t)((colon != NULL ? colon : end) - at));
    }
    long long port = 554;
    if (colon != NULL && colon + 1 < end) {
        char *text = mem_strndup(colon + 1, (size_t)(end - colon) - 1);
        bool good = str_to_int(text, &port) && port > 0 && port <= 65535;
        free(text);
        if (!good) {
            return false;
        }
    }
    snprintf(url->port, sizeof url->port, "%u", (unsigned)port & 0xffffu);
    return url->host[0] != '\0';
}

bool rtsp_url_read(struct rtsp_url *url, const char *text)
{
    *url = (struct rtsp_url){0};
    if (strncasecmp(text, "rtsp://", 7) != 0 || strlen(text) > URL_MAX) {
        return false;
    }
    for (const char *p = text; *p != '\0'; p++) {
        if ((unsigned char)*p <= ' ' || *p == 127) {
            return false;
        }
    }
    const char *place = text + 7;
    size_t length = strcspn(place, "/?#");
    const char *path = place + length;
    const char *at = memrchr(place, '@', length);
    if (at != NULL) {
        size_t bytes = (size_t)(at - place);
        const char *colon = memchr(place, ':', bytes);
        size_t user = colon != NULL ? (size_t)(colon - place) : bytes;
        url->user = decode(place, user);
        url->password = colon != NULL ? decode(colon + 1, bytes - user - 1) : mem_strdup("");
        place = at + 1;
        length -= bytes + 1;
    }
    bool good = read_place(url, place, length);
    size_t path_bytes = strcspn(path, "#");
    url->request = mem_printf("rtsp://%.*s%s%.*s", (int)length, place, *path == '/' ? "" : "/",
                              (int)path_bytes, path);
    if (!good) {
        rtsp_url_finish(url);
    }
    return good;
}

void rtsp_url_finish(struct rtsp_url *url)
{
    free(url->host);
    free(url->user);
    free(url->password);
    free(url->request);
    *url = (struct rtsp_url){0};
}

char *rtsp_url_join(const char *base, const char *control)
{
    if (control[0] == '\0' || str_equal(control, "*")) {
        return mem_strdup(base);
    }
    if (strncasecmp(control, "rtsp://", 7) == 0) {
        return mem_strdup(control);
    }
    /* Cameras with a query in their URLs expect the control after it. */
    bool slash = str_ends(base, "/") || control[0] == '/';
    return mem_printf("%s%s%s", base, slash ? "" : "/",
                      str_ends(base, "/") && control[0] == '/' ? control + 1 : control);
}
