#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

int err_set(struct err *err, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err->code = code;
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return -code;
}

int err_prefix(struct err *err, const char *format, ...)
{
    struct str text = {0};
    va_list args;
    va_start(args, format);
    str_addv(&text, format, args);
    va_end(args);
    str_addf(&text, ": %s", err->text);
    size_t length = text.length < sizeof err->text ? text.length : sizeof err->text - 1;
    memcpy(err->text, text.data, length);
    err->text[length] = '\0';
    str_finish(&text);
    return -err->code;
}

const char *err_name(int code)
{
    return strerror(abs(code));
}
