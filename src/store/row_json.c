#include "store/row_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "base/mem.h"
#include "store/db_raw.h"

#define DEPTH_MAX 64

/* ---- strings ---- */

/* Length of the start of `text` that a JSON string holds as it is: printable ASCII but for quote
 * and backslash. Eight bytes at a time: each of the terms sets the high bit of the bytes it is
 * about (exactly for the lowest such byte, which is all that is asked). */
static size_t plain_length(const char *text, size_t length)
{
    const uint64_t ones = 0x0101010101010101, highs = ones * 0x80;
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        uint64_t word;
        memcpy(&word, text + i, 8);
        uint64_t quote = word ^ ones * '"', slash = word ^ ones * '\\', del = word ^ ones * 0x7f;
        uint64_t special = (word - ones * 0x20) | (quote - ones) | (slash - ones) | (del - ones);
        if (((special | word) & highs) != 0) {
            break;
        }
    }
    while (i < length && text[i] >= 0x20 && text[i] < 0x7f && text[i] != '"' && text[i] != '\\') {
        i++;
    }
    return i;
}

void row_json_string(const char *text, size_t length, struct str *out)
{
    if (plain_length(text, length) < length) {
        struct jout json = {.out = out};
        jout_string_n(&json, text, length);
        return;
    }
    str_reserve(out, length + 2);
    str_add_char(out, '"');
    str_add_bytes(out, text, length);
    str_add_char(out, '"');
}

/* ---- JSON text in canonical form ----
 * Each function takes the text at `p`, appends its canonical form to `out` and returns where it
 * ended, or NULL when it is not JSON. */

struct member {
    const char *key; /* as written, without quotes */
    size_t key_length;
    size_t from, to; /* its "key":value in `out` */
};

static const char *add_value(const char *p, const char *end, int depth, struct str *out);

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')) {
        p++;
    }
    return p;
}

static void add_utf8(struct str *out, uint32_t code)
{
    if (code < 0x80) {
        str_add_char(out, (char)code);
    } else if (code < 0x800) {
        str_add_bytes(out, (char[]){(char)(0xc0 | code >> 6), (char)(0x80 | (code & 63))}, 2);
    } else if (code < 0x10000) {
        str_add_bytes(out,
                      (char[]){(char)(0xe0 | code >> 12), (char)(0x80 | (code >> 6 & 63)),
                               (char)(0x80 | (code & 63))},
                      3);
    } else {
        str_add_bytes(out,
                      (char[]){(char)(0xf0 | code >> 18), (char)(0x80 | (code >> 12 & 63)),
                               (char)(0x80 | (code >> 6 & 63)), (char)(0x80 | (code & 63))},
                      4);
    }
}

/* The four digits of \uXXXX at `p`; false when they are not there. */
static bool hex4(const char *p, const char *end, uint32_t *code)
{
    if (end - p < 4) {
        return false;
    }
    *code = 0;
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *at = p[i] != '\0' ? strchr(digits, p[i] | 0x20) : NULL;
        if (at == NULL) {
            return false;
        }
        *code = *code << 4 | (uint32_t)(at - digits);
    }
    return true;
}

/* One escape, `p` after the backslash: its meaning into `out`. */
static const char *decode_escape(const char *p, const char *end, struct str *out)
{
    static const char named[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    for (const char *n = named; *n != '\0'; n += 2) {
        if (p < end && *p == *n) {
            str_add_char(out, n[1]);
            return p + 1;
        }
    }
    uint32_t code, low;
    if (p >= end || *p != 'u' || !hex4(p + 1, end, &code)) {
        return NULL;
    }
    p += 5;
    if (code >= 0xd800 && code < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u' &&
        hex4(p + 2, end, &low) && low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        p += 6;
    }
    add_utf8(out, code);
    return p;
}

static const char *add_string(const char *p, const char *end, struct str *out)
{
    const char *start = ++p; /* after the quote */
    p += plain_length(p, (size_t)(end - p));
    if (p < end && *p == '"') {
        row_json_string(start, (size_t)(p - start), out);
        return p + 1;
    }
    AUTO_STR struct str text = {0};
    str_add_bytes(&text, start, (size_t)(p - start));
    while (p < end && *p != '"') {
        if (*p == '\\') {
            p = decode_escape(p + 1, end, &text);
            if (p == NULL) {
                return NULL;
            }
        } else {
            str_add_char(&text, *p++);
        }
    }
    if (p >= end) {
        return NULL;
    }
    row_json_string(text.data, text.length, out);
    return p + 1;
}

static const char *add_number(const char *p, const char *end, struct str *out)
{
    const char *start = p;
    bool point = false, odd = false;
    int digits = 0;
    if (*p == '-') {
        p++;
    }
    for (; p < end && strchr("0123456789.eE+-", *p) != NULL && *p != '\0'; p++) {
        odd |= (*p < '0' || *p > '9') && (*p != '.' || point);
        point |= *p == '.';
        digits += *p >= '0' && *p <= '9';
    }
    /* As both Frigate and we write numbers: nothing to do. */
    if (digits > 0 && !odd &&
        (!point || (digits <= 17 && p[-1] != '.' && (p[-1] != '0' || p[-2] == '.')))) {
        str_add_bytes(out, start, (size_t)(p - start));
        return p;
    }
    char copy[64], buffer[32];
    double value;
    size_t length = (size_t)(p - start);
    if (length >= sizeof copy) {
        return NULL;
    }
    memcpy(copy, start, length);
    copy[length] = '\0';
    if (!str_to_double(copy, &value)) {
        return NULL;
    }
    str_add(out, str_double(buffer, value));
    return p;
}

static const char *add_word(const char *p, const char *end, struct str *out)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        size_t length = strlen(words[i]);
        if ((size_t)(end - p) >= length && memcmp(p, words[i], length) == 0) {
            str_add_bytes(out, words[i], length);
            return p + length;
        }
    }
    return NULL;
}

static const char *add_list(const char *p, const char *end, int depth, struct str *out)
{
    str_add_char(out, '[');
    p = skip_blanks(p + 1, end);
    if (p < end && *p == ']') {
        str_add_char(out, ']');
        return p + 1;
    }
    for (;;) {
        p = add_value(p, end, depth, out);
        if (p == NULL) {
            return NULL;
        }
        p = skip_blanks(p, end);
        if (p >= end || (*p != ',' && *p != ']')) {
            return NULL;
        }
        str_add_char(out, *p);
        if (*p++ == ']') {
            return p;
        }
    }
}

static int compare_members(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    size_t common = x->key_length < y->key_length ? x->key_length : y->key_length;
    int order = memcmp(x->key, y->key, common);
    return order != 0 ? order : (x->key_length > y->key_length) - (x->key_length < y->key_length);
}

/* Members stand in `out` in the order of the text, from `from` on, separated by commas. */
static void sort_members(struct member *members, size_t count, size_t from, struct str *out)
{
    bool sorted = true;
    for (size_t i = 1; i < count; i++) {
        sorted &= compare_members(&members[i - 1], &members[i]) <= 0;
    }
    if (sorted) {
        return;
    }
    qsort(members, count, sizeof *members, compare_members);
    AUTO_STR struct str text = {0};
    str_reserve(&text, out->length - from);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            str_add_char(&text, ',');
        }
        str_add_bytes(&text, out->data + members[i].from, members[i].to - members[i].from);
    }
    memcpy(out->data + from, text.data, text.length);
}

/* The members after the opening brace into `members`; NULL when broken. */
static const char *add_members(const char *p, const char *end, int depth, struct str *out,
                               struct member **members, size_t *count, size_t *capacity)
{
    for (;;) {
        p = skip_blanks(p, end);
        if (p >= end || *p != '"') {
            return NULL;
        }
        struct member *member = MEM_PUSH(*members, *count, *capacity);
        member->from = out->length;
        member->key = p + 1;
        p = add_string(p, end, out);
        if (p == NULL) {
            return NULL;
        }
        member->key_length = (size_t)(p - 1 - member->key);
        p = skip_blanks(p, end);
        if (p >= end || *p != ':') {
            return NULL;
        }
        str_add_char(out, ':');
        p = add_value(p + 1, end, depth, out);
        if (p == NULL) {
            return NULL;
        }
        (*members)[*count - 1].to = out->length;
        p = skip_blanks(p, end);
        if (p >= end || (*p != ',' && *p != '}')) {
            return NULL;
        }
        if (*p++ == '}') {
            return p;
        }
        str_add_char(out, ',');
    }
}

static const char *add_object(const char *p, const char *end, int depth, struct str *out)
{
    str_add_char(out, '{');
    size_t from = out->length;
    const char *first = skip_blanks(p + 1, end);
    if (first < end && *first == '}') {
        str_add_char(out, '}');
        return first + 1;
    }
    AUTO_FREE struct member *members = NULL;
    size_t count = 0, capacity = 0;
    p = add_members(first, end, depth, out, &members, &count, &capacity);
    if (p != NULL) {
        sort_members(members, count, from, out);
        str_add_char(out, '}');
    }
    return p;
}

static const char *add_value(const char *p, const char *end, int depth, struct str *out)
{
    p = skip_blanks(p, end);
    if (p >= end || depth >= DEPTH_MAX) {
        return NULL;
    }
    switch (*p) {
    case '{':
        return add_object(p, end, depth + 1, out);
    case '[':
        return add_list(p, end, depth + 1, out);
    case '"':
        return add_string(p, end, out);
    case 't':
    case 'f':
    case 'n':
        return add_word(p, end, out);
    default:
        return *p == '-' || (*p >= '0' && *p <= '9') ? add_number(p, end, out) : NULL;
    }
}

void row_json_canonical(const char *text, size_t length, struct str *out)
{
    size_t before = out->length;
    const char *end = text + length;
    const char *p = add_value(text, end, 0, out);
    if (p != NULL && skip_blanks(p, end) == end) {
        return;
    }
    out->length = before;
    if (out->data != NULL) {
        out->data[before] = '\0';
    }
    row_json_string(text, length, out);
}

/* ---- rows ---- */

void row_value(struct db_query *query, int column, enum row_kind kind, struct str *out)
{
    struct jout json = {.out = out};
    enum db_value stored = db_value(query, column);
    size_t length;
    if (stored == DB_NULL) {
        str_add_bytes(out, "null", 4);
    } else if (kind == ROW_BOOL) {
        jout_bool(&json, db_int(query, column) != 0);
    } else if (stored == DB_INTEGER && kind != ROW_REAL) {
        jout_int(&json, db_int(query, column));
    } else if (stored != DB_TEXT) {
        jout_double(&json, db_double(query, column));
    } else {
        const char *text = db_bytes(query, column, &length);
        if (kind == ROW_JSON) {
            row_json_canonical(text, length, out);
        } else {
            row_json_string(text, length, out);
        }
    }
}

void row_columns(struct db_query *query, const struct row_field *fields, size_t count, int *columns)
{
    for (size_t i = 0; i < count; i++) {
        columns[i] = db_column(query, fields[i].name);
    }
}

void row_object(struct db_query *query, const struct row_field *fields, size_t count,
                const int *columns, struct str *out)
{
    for (size_t i = 0; i < count; i++) {
        str_add_bytes(out, i == 0 ? "{\"" : ",\"", 2);
        str_add(out, fields[i].name);
        str_add_bytes(out, "\":", 2);
        row_value(query, columns[i], fields[i].kind, out);
    }
    str_add_char(out, '}');
}

int row_list(struct db_query *query, const struct row_field *fields, size_t count, struct str *out)
{
    int columns[ROW_FIELDS_MAX];
    int result = db_step(query);
    str_add_char(out, '[');
    if (result == 1) {
        row_columns(query, fields, count, columns);
    }
    bool first = true;
    while (result == 1) {
        if (!first) {
            str_add_char(out, ',');
        }
        first = false;
        row_object(query, fields, count, columns, out);
        result = db_step(query);
    }
    str_add_char(out, ']');
    return result;
}
