/* Numbers as text. Writing them is most of what a list of rows costs, so neither goes through
 * printf. */
#ifndef CORVETTE_BASE_DECIMAL_H
#define CORVETTE_BASE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

/* Room for either, with the NUL at the end. */
#define DECIMAL_MAX 32

/* Writes the decimal digits of a whole number; the length without the NUL. */
size_t decimal_int(char buffer[static DECIMAL_MAX], int64_t value);

/* The shortest text that reads back as the same double and, of those, the one closest to it, in the
 * style of Python's repr: "1.0", "0.1", "1e+16", "inf", "nan". The length without the NUL. */
size_t decimal_double(char buffer[static DECIMAL_MAX], double value);

#endif
