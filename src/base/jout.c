#include "base/jout.h"

#include <math.h>
#include <string.h>

#include "base/decimal.h"

static void before_value(struct jout *jout)
{
    if (jout->need_comma) {
        str_add_char(jout->out, ',');
    }
    jout->need_comma = true;
}

void jout_begin_object(struct jout *jout)
{
    before_value(jout);
    str_add_char(jout->out, '{');
    jout->need_comma = false;
}

void jout_end_object(struct jout *jout)
{
    str_add_char(jout->out, '}');
    jout->need_comma = true;
}

void jout_begin_array(struct jout *jout)
{
    before_value(jout);
    str_add_char(jout->out, '[');
    jout->need_comma = false;
}

void jout_end_array(struct jout *jout)
{
    str_add_char(jout->out, ']');
    jout->need_comma = true;
}

/* One code point of UTF-8 from at most `left` bytes: its length, 0 when it is not valid. */
static size_t decode_utf8(const unsigned char *p, size_t left, uint32_t *code)
{
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = *p >= 0xf0 && *p < 0xf8 ? 4 : *p >= 0xe0 ? 3 : *p >= 0xc2 ? 2 : 0;
    if (length == 0 || *p >= 0xf8 || length > left) {
        return 0;
    }
    uint32_t value = *p & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
        value = value << 6 | (p[i] & 0x3fu);
    }
    if (value < smallest[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) {
        return 0;
    }
    *code = value;
    return length;
}

static void add_escaped(struct str *out, uint32_t code)
{
    static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (const char *p = named; *p != '\0'; p += 2) {
        if (code == (unsigned char)*p) {
            char pair[2] = {'\\', p[1]};
            str_add_bytes(out, pair, 2);
            return;
        }
    }
    if (code > 0xffff) {
        code -= 0x10000;
        str_addf(out, "\\u%04x\\u%04x", 0xd800 + (code >> 10), 0xdc00 + (code & 0x3ff));
    } else {
        str_addf(out, "\\u%04x", code);
    }
}

static void add_quoted(struct str *out, const char *text, size_t length)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + length, *plain = p;
    str_reserve(out, length + 2);
    str_add_char(out, '"');
    while (p < end) {
        if (*p >= 0x20 && *p < 0x7f && *p != '"' && *p != '\\') {
            p++;
            continue;
        }
        str_add_bytes(out, plain, (size_t)(p - plain));
        uint32_t code = *p;
        size_t n = 1;
        if (*p >= 0x80) {
            n = decode_utf8(p, (size_t)(end - p), &code);
            if (n == 0) {
                code = 0xfffd;
                n = 1;
            }
        }
        add_escaped(out, code);
        p += n;
        plain = p;
    }
    str_add_bytes(out, plain, (size_t)(p - plain));
    str_add_char(out, '"');
}

void jout_key(struct jout *jout, const char *key)
{
    before_value(jout);
    add_quoted(jout->out, key, strlen(key));
    str_add_char(jout->out, ':');
    jout->need_comma = false;
}

void jout_raw(struct jout *jout, const char *text)
{
    before_value(jout);
    str_add(jout->out, text);
}

void jout_null(struct jout *jout)
{
    jout_raw(jout, "null");
}

void jout_bool(struct jout *jout, bool value)
{
    jout_raw(jout, value ? "true" : "false");
}

void jout_int(struct jout *jout, int64_t value)
{
    char buffer[DECIMAL_MAX];
    before_value(jout);
    str_add_bytes(jout->out, buffer, decimal_int(buffer, value));
}

void jout_double(struct jout *jout, double value)
{
    char buffer[DECIMAL_MAX];
    if (!isfinite(value)) {
        jout_null(jout);
        return;
    }
    before_value(jout);
    str_add_bytes(jout->out, buffer, decimal_double(buffer, value));
}

void jout_number(struct jout *jout, double value)
{
    if (isfinite(value) && value == floor(value) && fabs(value) < 9007199254740992.0) {
        jout_int(jout, (int64_t)value);
    } else {
        jout_double(jout, value);
    }
}

void jout_fixed(struct jout *jout, double value, int decimals)
{
    double scale = pow(10, decimals);
    jout_double(jout, round(value * scale) / scale);
}

void jout_string_n(struct jout *jout, const char *text, size_t length)
{
    before_value(jout);
    add_quoted(jout->out, text, length);
}

void jout_string(struct jout *jout, const char *text)
{
    if (text == NULL) {
        jout_null(jout);
    } else {
        jout_string_n(jout, text, strlen(text));
    }
}

void jout_put_string(struct jout *jout, const char *key, const char *text)
{
    jout_key(jout, key);
    jout_string(jout, text);
}

void jout_put_int(struct jout *jout, const char *key, int64_t value)
{
    jout_key(jout, key);
    jout_int(jout, value);
}

void jout_put_bool(struct jout *jout, const char *key, bool value)
{
    jout_key(jout, key);
    jout_bool(jout, value);
}

void jout_put_double(struct jout *jout, const char *key, double value)
{
    jout_key(jout, key);
    jout_double(jout, value);
}

void jout_put_raw(struct jout *jout, const char *key, const char *text)
{
    jout_key(jout, key);
    jout_raw(jout, text);
}
