/* Streaming JSON output (reading is jansson's). Compact, non-ASCII escaped as \uXXXX, invalid UTF-8
 * replaced by U+FFFD, so that whatever is in a name the answer stays JSON.
 *
 *     struct jout jout = {.out = &text};
 *     jout_begin_object(&jout);
 *     jout_key(&jout, "id"); jout_string(&jout, id);
 *     jout_end_object(&jout);
 *
 * Keys must be written in the order wanted: nothing is sorted here. */
#ifndef CORVETTE_BASE_JOUT_H
#define CORVETTE_BASE_JOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct jout {
    struct str *out;
    bool need_comma; /* internal */
};

void jout_begin_object(struct jout *jout);
void jout_end_object(struct jout *jout);
void jout_begin_array(struct jout *jout);
void jout_end_array(struct jout *jout);
void jout_key(struct jout *jout, const char *key);

void jout_null(struct jout *jout);
void jout_bool(struct jout *jout, bool value);
void jout_int(struct jout *jout, int64_t value);
void jout_double(struct jout *jout,
                 double value); /* shortest; whole numbers as "1.0"; not finite: null */
void jout_number(struct jout *jout, double value); /* as json_double, but whole numbers as "1" */
void jout_fixed(struct jout *jout, double value, int decimals); /* rounded, then as json_double */
void jout_string(struct jout *jout, const char *text);          /* NULL writes null */
void jout_string_n(struct jout *jout, const char *text, size_t length);
void jout_raw(struct jout *jout, const char *text); /* already JSON */

/* key and value in one. */
void jout_put_string(struct jout *jout, const char *key, const char *text);
void jout_put_int(struct jout *jout, const char *key, int64_t value);
void jout_put_bool(struct jout *jout, const char *key, bool value);
void jout_put_double(struct jout *jout, const char *key, double value);
void jout_put_raw(struct jout *jout, const char *key, const char *text);

#endif
