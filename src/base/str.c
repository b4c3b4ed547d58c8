#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/decimal.h"
#include "base/mem.h"

void str_finish(struct str *str)
{
    free(str->data);
    *str = (struct str){0};
}

void str_clear(struct str *str)
{
    str->length = 0;
    if (str->data != NULL) {
        str->data[0] = '\0';
    }
}

static void grow(struct str *str, size_t needed)
{
    size_t capacity = str->capacity ? str->capacity : 64;
    while (capacity < needed) {
        capacity *= 2;
    }
    str->data = mem_grow(str->data, capacity, 1);
    str->capacity = capacity;
    str->data[str->length] = '\0';
}

void str_reserve(struct str *str, size_t more)
{
    if (str->length + more >= str->capacity) { /* nearly never: appending costs its bytes */
        grow(str, str->length + more + 1);
    }
}

void str_add_bytes(struct str *str, const void *data, size_t length)
{
    str_reserve(str, length);
    if (length > 0) {
        memcpy(str->data + str->length, data, length);
    }
    str->length += length;
    str->data[str->length] = '\0';
}

void str_add(struct str *str, const char *text)
{
    str_add_bytes(str, text, strlen(text));
}

void str_add_char(struct str *str, char c)
{
    str_add_bytes(str, &c, 1);
}

void str_addv(struct str *str, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    if (length > 0) {
        str_reserve(str, (size_t)length);
        vsnprintf(str->data + str->length, (size_t)length + 1, format, again);
        str->length += (size_t)length;
    }
    va_end(again);
}

void str_addf(struct str *str, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str_addv(str, format, args);
    va_end(args);
}

const char *str_text(const struct str *str)
{
    return str->data != NULL ? str->data : "";
}

char *str_steal(struct str *str)
{
    char *data = str->data != NULL ? str->data : mem_strdup("");
    *str = (struct str){0};
    return data;
}

int str_read_fd(struct str *str, int fd, size_t limit)
{
    size_t start = str->length;
    for (;;) {
        str_reserve(str, 16384);
        ssize_t n = read(fd, str->data + str->length, str->capacity - str->length - 1);
        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            return -errno;
        }
        if (n == 0) {
            return 0;
        }
        str->length += (size_t)n;
        str->data[str->length] = '\0';
        if (str->length - start > limit) {
            return -EFBIG;
        }
    }
}

int str_read_file(struct str *str, const char *path, size_t limit)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : str_read_fd(str, fd, limit);
}

bool str_equal(const char *a, const char *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    return strcmp(a, b) == 0;
}

bool str_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
    size_t length = strlen(text), n = strlen(suffix);
    return length >= n && strcmp(text + length - n, suffix) == 0;
}

unsigned str_distance(const char *a, const char *b)
{
    size_t n = strlen(b);
    AUTO_FREE unsigned *row = mem_array(n + 1, sizeof *row);
    for (size_t j = 0; j <= n; j++) {
        row[j] = (unsigned)j;
    }
    for (size_t i = 0; a[i] != '\0'; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i + 1;
        for (size_t j = 0; j < n; j++) {
            unsigned above = row[j + 1];
            unsigned best = diagonal + (a[i] != b[j]);
            best = above + 1 < best ? above + 1 : best;
            best = row[j] + 1 < best ? row[j] + 1 : best;
            diagonal = above;
            row[j + 1] = best;
        }
    }
    return row[n];
}

bool str_to_int(const char *text, long long *value)
{
    if (text == NULL || *text == '\0' || isspace((unsigned char)*text)) {
        return false;
    }
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0') {
        return false;
    }
    *value = number;
    return true;
}

bool str_to_double(const char *text, double *value)
{
    if (text == NULL || *text == '\0' || strspn(text, "0123456789+-.eE") != strlen(text)) {
        return false;
    }
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(number)) {
        return false;
    }
    *value = number;
    return true;
}

const char *str_double(char buffer[static 32], double value)
{
    decimal_double(buffer, value);
    return buffer;
}

void str_random6(char buffer[static 7])
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    uint8_t bytes[32];
    int n = 0;
    while (n < 6) {
        if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
            continue;
        }
        for (size_t i = 0; i < sizeof bytes && n < 6; i++) {
            if (bytes[i] < 252) { /* 252 = 7 * 36: no letter is likelier than another */
                buffer[n++] = alphabet[bytes[i] % 36];
            }
        }
    }
    buffer[6] = '\0';
}

static const char base64_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void str_add_base64(struct str *str, const void *data, size_t length)
{
    const uint8_t *in = data;
    str_reserve(str, (length + 2) / 3 * 4);
    char *out = str->data + str->length;
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t bits = (uint32_t)in[i] << 16 | (uint32_t)(left > 1 ? in[i + 1] : 0) << 8 |
                        (left > 2 ? in[i + 2] : 0);
        *out++ = base64_letters[bits >> 18];
        *out++ = base64_letters[bits >> 12 & 63];
        *out++ = left > 1 ? base64_letters[bits >> 6 & 63] : '=';
        *out++ = left > 2 ? base64_letters[bits & 63] : '=';
    }
    *out = '\0';
    str->length = (size_t)(out - str->data);
}

bool str_add_from_base64(struct str *out, const char *text)
{
    size_t length = strlen(text);
    if (length % 4 != 0) {
        return false;
    }
    for (size_t i = 0; i < length; i += 4) {
        uint32_t bits = 0;
        int padding = 0;
        for (size_t k = 0; k < 4; k++) {
            char c = text[i + k];
            const char *at = c != '\0' ? strchr(base64_letters, c) : NULL;
            if (c == '=' && i + 4 == length && k >= 2) {
                padding++;
            } else if (at == NULL || padding > 0) {
                return false;
            }
            bits = bits << 6 | (at != NULL ? (uint32_t)(at - base64_letters) : 0);
        }
        uint8_t bytes[3] = {(uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits};
        str_add_bytes(out, bytes, (size_t)(3 - padding));
    }
    return true;
}
