#include "base/decimal.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Digits of `value`, the last of them before `end`; where they begin. */
static char *digits_before(char *end, uint64_t value)
{
    do {
        *--end = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return end;
}

/* Appends them at `to`; where they end. */
static char *add_digits(char *to, uint64_t value)
{
    char digits[20], *end = digits + sizeof digits, *begin = digits_before(end, value);
    memcpy(to, begin, (size_t)(end - begin));
    return to + (end - begin);
}

size_t decimal_int(char buffer[static DECIMAL_MAX], int64_t value)
{
    char *to = buffer;
    if (value < 0) {
        *to++ = '-';
    }
    to = add_digits(to, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
    *to = '\0';
    return (size_t)(to - buffer);
}

/* The digits after the point of mantissa / 2^shift (Steele and White's free-format algorithm, with
 * fixed point instead of large numbers): as many as it takes to be nearer to this double than to
 * its neighbours. All quantities are in units of 2^-(shift+2), so that a quarter of the distance
 * between doubles is a whole number. */
static char *add_fraction(char *to, uint64_t mantissa, unsigned shift)
{
    unsigned __int128 one = (unsigned __int128)1 << (shift + 2);
    unsigned __int128 rest = ((unsigned __int128)mantissa << 2) & (one - 1);
    unsigned __int128 above = 2, below = 2; /* half way to the neighbours */
    bool even = mantissa % 2 == 0;          /* then half way still reads back as this one */
    if (mantissa == (uint64_t)1 << 52) {
        below = 1; /* the doubles below a power of two lie closer */
    }
    for (;;) {
        rest *= 10;
        above *= 10;
        below *= 10;
        unsigned digit = (unsigned)(rest >> (shift + 2));
        rest &= one - 1;
        bool low = even ? rest <= below : rest < below;
        bool high = even ? rest + above >= one : rest + above > one;
        if (low || high) {
            bool up = high && (!low || rest * 2 > one || (rest * 2 == one && digit % 2 == 1));
            *to++ = (char)('0' + digit + up);
            return to;
        }
        *to++ = (char)('0' + digit);
    }
}

/* Very small and very large numbers, which rows hardly hold: the first of %.1g to %.17g that reads
 * back. */
static size_t by_printf(char buffer[static DECIMAL_MAX], double value)
{
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(buffer, DECIMAL_MAX, "%.*g", digits, value);
        if (strtod(buffer, NULL) == value) {
            break;
        }
    }
    /* Like Python: positional up to 1e16, where %g turns to an exponent at its precision. */
    if (strchr(buffer, 'e') != NULL && fabs(value) < 1e16 && fabs(value) >= 1) {
        snprintf(buffer, DECIMAL_MAX, "%.0f", value);
    }
    if (strpbrk(buffer, ".en") == NULL) {
        strcat(buffer, ".0");
    }
    return strlen(buffer);
}

size_t decimal_double(char buffer[static DECIMAL_MAX], double value)
{
    /* Here the whole part has no more than 53 bits, and the fraction fits fixed point. Below, the
     * text has an exponent. */
    double size = fabs(value);
    if (size != 0 && !(size >= 1e-4 && size < 9007199254740992.0)) {
        return by_printf(buffer, value);
    }
    int exponent;
    uint64_t mantissa = (uint64_t)ldexp(frexp(size, &exponent), 53);
    unsigned shift = (unsigned)(53 - exponent);
    char *to = buffer;
    if (signbit(value)) {
        *to++ = '-';
    }
    to = add_digits(to, shift < 64 ? mantissa >> shift : 0);
    *to++ = '.';
    bool whole = shift == 0 || (shift < 64 && (mantissa & (((uint64_t)1 << shift) - 1)) == 0);
    if (whole) {
        *to++ = '0';
    } else {
        to = add_fraction(to, mantissa, shift);
    }
    *to = '\0';
    return (size_t)(to - buffer);
}
