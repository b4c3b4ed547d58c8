/* A growing text or byte buffer, always NUL-terminated past its length. */
#ifndef CORVETTE_BASE_STR_H
#define CORVETTE_BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct str {
    char *data; /* NULL while empty and never grown; use str_text() where a C string is needed */
    size_t length;
    size_t capacity;
};

void str_finish(struct str *str);
#define AUTO_STR __attribute__((cleanup(str_finish)))

void str_clear(struct str *str); /* keeps the memory */
void str_add(struct str *str, const char *text);
void str_add_bytes(struct str *str, const void *data, size_t length);
void str_add_char(struct str *str, char c);
void str_addf(struct str *str, const char *format, ...) __attribute__((format(printf, 2, 3)));
void str_addv(struct str *str, const char *format, va_list args);
void str_reserve(struct str *str, size_t more);
const char *str_text(const struct str *str);
char *str_steal(struct str *str); /* malloc'd, never NULL; the str is empty afterwards */

/* Reads a whole file (or fd until end) of at most `limit` bytes; 0 or -errno (-EFBIG past it). */
int str_read_file(struct str *str, const char *path, size_t limit);
int str_read_fd(struct str *str, int fd, size_t limit);

/* Whole-word helpers on plain C strings. */
bool str_equal(const char *a, const char *b); /* NULL equals NULL only */
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);

/* Levenshtein distance, for "did you mean". */
unsigned str_distance(const char *a, const char *b);

/* The whole text must be the number: no blanks, no rest. */
bool str_to_int(const char *text, long long *value);
bool str_to_double(const char *text, double *value); /* finite, decimal point, no hex */

/* Shortest text that reads back as the same double, in the style of Python's repr ("1.0", "0.1",
 * "1e+16"); always holds a '.' or an 'e'. Buffer of at least 32. */
const char *str_double(char buffer[static 32], double value);

/* Six characters of a-z0-9 from the kernel's random source, NUL-terminated. */
void str_random6(char buffer[static 7]);

/* Standard base64 with padding, appended. */
void str_add_base64(struct str *str, const void *data, size_t length);
/* Decodes into `out` (appended); false when it is not base64. */
bool str_add_from_base64(struct str *out, const char *text);

#endif
