/* YAML 1.1's implicit types. The order of the tests is the order of the 1.1 resolver. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "config/tree.h"

/* As the 1.1 resolver has them: all lower, First upper or ALL upper, nothing in between. */
static bool is_word(const char *text, const char *word)
{
    if (strcasecmp(text, word) != 0) {
        return false;
    }
    bool rest_lower = true, rest_upper = true;
    for (const char *p = text + 1; *p != '\0'; p++) {
        rest_lower = rest_lower && !isupper((unsigned char)*p);
        rest_upper = rest_upper && !islower((unsigned char)*p);
    }
    return rest_lower || (rest_upper && isupper((unsigned char)text[0]));
}

static int plain_truth(const char *text)
{
    static const char *const words[][2] = {{"no", "yes"}, {"false", "true"}, {"off", "on"}};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        for (int value = 0; value < 2; value++) {
            if (is_word(text, words[i][value])) {
                return value;
            }
        }
    }
    return -1;
}

int cfg_scalar_truth(const char *text)
{
    static const struct {
        const char *word;
        int value;
    } words[] = {{"yes", 1}, {"true", 1},  {"on", 1},  {"t", 1}, {"y", 1}, {"1", 1},
                 {"no", 0},  {"false", 0}, {"off", 0}, {"f", 0}, {"n", 0}, {"0", 0}};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (strcasecmp(text, words[i].word) == 0) {
            return words[i].value;
        }
    }
    return -1;
}

/* Copies without '_' and a sign; false when too long to be a number anyone means. */
static bool strip(const char *text, bool *negative, char out[static 64])
{
    *negative = *text == '-';
    if (*text == '-' || *text == '+') {
        text++;
    }
    size_t n = 0;
    for (; *text != '\0'; text++) {
        if (*text == '_') {
            continue;
        }
        if (n == 63) {
            return false;
        }
        out[n++] = *text;
    }
    out[n] = '\0';
    return n > 0;
}

static bool all_of(const char *text, const char *set)
{
    return *text != '\0' && text[strspn(text, set)] == '\0';
}

/* 190:20:30 and 190:20:30.15: base sixty. */
static bool sexagesimal(const char *digits, bool with_fraction, double *value)
{
    double total = 0;
    const char *p = digits;
    for (bool first = true;; first = false) {
        size_t length = strspn(p, "0123456789");
        if (length == 0 || (!first && length > 2)) {
            return false;
        }
        double part = strtod(p, NULL); /* reads a fraction too, which only the last part may have */
        char after = p[length];
        if (!first && part >= 60) {
            return false;
        }
        total = total * 60 + part;
        if (after == '\0') {
            *value = total;
            return !with_fraction && !first;
        }
        if (after == '.') {
            const char *fraction = p + length + 1;
            *value = total;
            return with_fraction && !first && fraction[strspn(fraction, "0123456789")] == '\0';
        }
        if (after != ':') {
            return false;
        }
        p += length + 1;
    }
}

static bool set_integer(struct cfg_node *node, const char *digits, int base, bool negative)
{
    errno = 0;
    unsigned long long value = strtoull(digits, NULL, base);
    if (errno != 0 || value > INT64_MAX) {
        node->kind = CFG_FLOAT; /* no field of ours is that large; ranges will say so */
        node->number = negative ? -HUGE_VAL : HUGE_VAL;
        return true;
    }
    node->kind = CFG_INT;
    node->integer = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

static bool resolve_integer(struct cfg_node *node, const char *digits, bool negative)
{
    double sixty;
    if (digits[0] == '0' && digits[1] == 'b' && all_of(digits + 2, "01")) {
        return set_integer(node, digits + 2, 2, negative);
    }
    if (digits[0] == '0' && digits[1] == 'x' && all_of(digits + 2, "0123456789abcdefABCDEF")) {
        return set_integer(node, digits + 2, 16, negative);
    }
    if (digits[0] == '0' && digits[1] != '\0') {
        return all_of(digits, "01234567") && set_integer(node, digits, 8, negative);
    }
    if (all_of(digits, "0123456789")) {
        return set_integer(node, digits, 10, negative);
    }
    if (digits[0] >= '1' && digits[0] <= '9' && sexagesimal(digits, false, &sixty) &&
        sixty < (double)INT64_MAX) {
        node->kind = CFG_INT;
        node->integer = negative ? -(int64_t)sixty : (int64_t)sixty;
        return true;
    }
    return false;
}

/* 1.1 asks for a dot, and for a sign in the exponent: 1e5 is text. */
static bool is_float(const char *digits)
{
    size_t whole = strspn(digits, "0123456789");
    const char *p = digits + whole;
    if (*p != '.') {
        return false;
    }
    size_t fraction = strspn(p + 1, "0123456789");
    if (whole + fraction == 0) {
        return false;
    }
    p += 1 + fraction;
    if (*p == '\0') {
        return true;
    }
    return (*p == 'e' || *p == 'E') && (p[1] == '+' || p[1] == '-') && all_of(p + 2, "0123456789");
}

static bool resolve_float(struct cfg_node *node, const char *digits, bool negative)
{
    double value;
    if (is_float(digits)) {
        value = strtod(digits, NULL);
    } else if (strcasecmp(digits, ".inf") == 0) {
        value = HUGE_VAL;
    } else if (strcasecmp(digits, ".nan") == 0) {
        value = NAN;
    } else if (!sexagesimal(digits, true, &value)) {
        return false;
    }
    node->kind = CFG_FLOAT;
    node->number = negative ? -value : value;
    return true;
}

void cfg_scalar_resolve(struct cfg_node *node)
{
    const char *text = node->text;
    node->kind = CFG_STRING;
    if (*text == '\0' || str_equal(text, "~") || is_word(text, "null")) {
        node->kind = CFG_NULL;
        return;
    }
    int truth = plain_truth(text);
    if (truth >= 0) {
        node->kind = CFG_BOOL;
        node->boolean = truth != 0;
        return;
    }
    char digits[64];
    bool negative;
    if (strchr("+-.0123456789", *text) == NULL || !strip(text, &negative, digits)) {
        return;
    }
    if (!resolve_integer(node, digits, negative)) {
        resolve_float(node, digits, negative);
    }
}
