#include "config/edit_text.h"

#include <string.h>

bool edit_is_digits(const char *text)
{
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* Characters that YAML lets stand in a text only as an escape: C0, DEL, C1 with NEL, the other line
 * ends and the byte order mark. `text` is UTF-8. */
static bool needs_escape(const unsigned char *text)
{
    return text[0] < ' ' || text[0] == 0x7f || (text[0] == 0xc2 && text[1] < 0xa0) ||
           (text[0] == 0xe2 && text[1] == 0x80 && (text[2] == 0xa8 || text[2] == 0xa9)) ||
           (text[0] == 0xef && text[1] == 0xbb && text[2] == 0xbf);
}

static bool any_escape(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (needs_escape((const unsigned char *)at)) {
            return true;
        }
    }
    return false;
}

static size_t character_bytes(unsigned char first)
{
    return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

static void add_escape(struct str *out, const unsigned char *text, size_t bytes)
{
    unsigned code = bytes == 1 ? text[0] : text[0] & (0x7fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        code = code << 6 | (text[i] & 0x3fu);
    }
    str_addf(out, code < 0x100 ? "\\x%02x" : "\\u%04x", code);
}

static void add_double(struct str *out, const char *text)
{
    str_add_char(out, '"');
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0';) {
        size_t bytes = character_bytes(*at);
        if (*at == '"' || *at == '\\') {
            str_add_char(out, '\\');
            str_add_char(out, (char)*at);
        } else if (*at == '\n') {
            str_add(out, "\\n");
        } else if (needs_escape(at)) {
            add_escape(out, at, bytes);
        } else {
            str_add_bytes(out, at, bytes);
        }
        at += bytes;
    }
    str_add_char(out, '"');
}

static void add_single(struct str *out, const char *text)
{
    str_add_char(out, '\'');
    for (; *text != '\0'; text++) {
        str_add(out, *text == '\'' ? "'" : "");
        str_add_char(out, *text);
    }
    str_add_char(out, '\'');
}

/* Whether the characters mean nothing to YAML where a plain text may stand; rather too careful. */
static bool is_plain(const char *text, bool flow)
{
    size_t length = strlen(text);
    if (length == 0 || strchr("-?:,[]{}#&*!|>'\"%@`=<. ", text[0]) != NULL ||
        text[length - 1] == ' ' || text[length - 1] == ':') {
        return false;
    }
    return strstr(text, ": ") == NULL && strstr(text, " #") == NULL &&
           (!flow || (strpbrk(text, ",[]{}") == NULL && strchr(text, ':') == NULL));
}

static void add_quoted(struct str *out, const char *text, enum place_quote quote)
{
    if (quote == PLACE_DOUBLE || any_escape(text)) {
        add_double(out, text);
    } else {
        add_single(out, text);
    }
}

void edit_add_text(struct str *out, const char *text, enum place_quote quote, bool flow)
{
    struct cfg_node node = {.text = text};
    cfg_scalar_resolve(&node);
    bool quoted = quote == PLACE_SINGLE || quote == PLACE_DOUBLE;
    if (quoted || node.kind != CFG_STRING || !is_plain(text, flow) || any_escape(text)) {
        add_quoted(out, text, quote);
    } else {
        str_add(out, text);
    }
}

void edit_add_key(struct str *out, const char *key, enum place_quote quote, bool flow)
{
    if (quote == PLACE_SINGLE || quote == PLACE_DOUBLE || !is_plain(key, flow) || any_escape(key)) {
        add_quoted(out, key, quote);
    } else {
        str_add(out, key); /* a key is its text, whatever else it might mean */
    }
}

void edit_add_value(struct str *out, const struct edit_value *value, bool flow)
{
    if (!value->is_list && value->plain) {
        str_add(out, value->texts[0]);
        return;
    }
    if (!value->is_list) {
        edit_add_text(out, value->texts[0], value->quote, flow);
        return;
    }
    for (size_t i = 0; i < value->count; i++) {
        str_add(out, i == 0 ? "[" : ", ");
        edit_add_text(out, value->texts[i], value->quote, true);
    }
    str_add_char(out, ']');
}

static bool is_item(const struct edit_branch *branch, size_t part)
{
    return (part > 0 || branch->whole) && edit_is_digits(branch->parts[part]);
}

void edit_add_flow(struct str *out, const struct edit_branch *branch)
{
    size_t first = branch->whole ? 0 : 1;
    for (size_t i = 0; i < branch->count; i++) {
        if (i >= first) {
            str_add_char(out, is_item(branch, i) ? '[' : '{');
        }
        if (!is_item(branch, i)) {
            edit_add_key(out, branch->parts[i], branch->value->quote, true);
            str_add(out, ": ");
        }
    }
    edit_add_value(out, branch->value, true);
    for (size_t i = branch->count; i-- > first;) {
        str_add_char(out, is_item(branch, i) ? ']' : '}');
    }
}

static void add_blanks(struct str *out, size_t count)
{
    while (count-- > 0) {
        str_add_char(out, ' ');
    }
}

void edit_add_items(struct str *out, const struct edit_value *value, const char *newline,
                    size_t column)
{
    for (size_t i = 0; i < value->count; i++) {
        str_add(out, newline);
        add_blanks(out, column);
        str_add(out, "- ");
        edit_add_text(out, value->texts[i], value->quote, false);
    }
}

void edit_add_block(struct str *out, const struct edit_branch *branch, size_t column)
{
    add_blanks(out, column);
    for (size_t i = 0; i < branch->count; i++) {
        bool last = i + 1 == branch->count;
        if (is_item(branch, i)) {
            str_add(out, "- ");
            column += 2; /* what is in the item stands after its dash */
            continue;
        }
        edit_add_key(out, branch->parts[i], PLACE_PLAIN, false);
        str_add_char(out, ':');
        if (!last) {
            str_add(out, branch->newline);
            column += branch->step;
            add_blanks(out, column);
        } else if (branch->value->is_list) {
            edit_add_items(out, branch->value, branch->newline, column + branch->step);
            return;
        } else {
            str_add_char(out, ' ');
        }
    }
    edit_add_value(out, branch->value, false);
}
