#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *check(void *pointer)
{
    if (pointer == NULL) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return pointer;
}

void *mem_alloc(size_t bytes)
{
    return check(calloc(1, bytes ? bytes : 1));
}

void *mem_array(size_t count, size_t bytes)
{
    return check(calloc(count ? count : 1, bytes ? bytes : 1));
}

void *mem_grow(void *array, size_t count, size_t bytes)
{
    return check(reallocarray(array, count ? count : 1, bytes));
}

char *mem_strdup(const char *text)
{
    return check(strdup(text));
}

char *mem_strndup(const char *text, size_t length)
{
    return check(strndup(text, length));
}

char *mem_printf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0) {
        text = NULL;
    }
    va_end(args);
    return check(text);
}

void *mem_dup(const void *data, size_t bytes)
{
    void *copy = mem_alloc(bytes);
    if (bytes > 0) {
        memcpy(copy, data, bytes);
    }
    return copy;
}
