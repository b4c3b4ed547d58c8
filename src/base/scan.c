#include "base/scan.h"

#include <stdlib.h>
#include <string.h>

bool scan_digits(const char **at, int digits, int *value)
{
    int number = 0;
    for (int i = 0; i < digits; i++) {
        char c = (*at)[i];
        if (c < '0' || c > '9') {
            return false;
        }
        number = number * 10 + (c - '0');
    }
    *at += digits;
    *value = number;
    return true;
}

bool scan_text(const char **at, const char *text)
{
    size_t length = strlen(text);
    if (strncmp(*at, text, length) != 0) {
        return false;
    }
    *at += length;
    return true;
}

bool scan_word(const char **at, char *word, size_t size)
{
    *at += strspn(*at, " \t");
    size_t length = strcspn(*at, " \t\n");
    if (length == 0 || length >= size) {
        return false;
    }
    memcpy(word, *at, length);
    word[length] = '\0';
    *at += length;
    return true;
}

size_t scan_numbers(const char *text, int64_t *values, size_t count)
{
    char word[64];
    size_t found = 0;
    while (found < count && scan_word(&text, word, sizeof word)) {
        values[found++] = strtoll(word, NULL, 10);
    }
    return found;
}
