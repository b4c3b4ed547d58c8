/* Reading texts of known form: file names, /proc, /sys. Pure. */
#ifndef CORVETTE_BASE_SCAN_H
#define CORVETTE_BASE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exactly that many decimal digits at *at, which moves past them. */
bool scan_digits(const char **at, int digits, int *value);
/* That very text at *at, which moves past it. */
bool scan_text(const char **at, const char *text);
/* The next word (up to a blank or the end of the line); *at moves past it. False: none left on the
 * line, or it does not fit. */
bool scan_word(const char **at, char *word, size_t size);
/* Decimal numbers of the words of a line; a word that is none counts as 0. Returns how many were
 * there, `count` at most. */
size_t scan_numbers(const char *text, int64_t *values, size_t count);

#endif
