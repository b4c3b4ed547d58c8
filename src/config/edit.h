/* Single keys changed in the text of a configuration. Everything that was not asked for stays byte
 * for byte: comments, order, quoting, line ends. Any thread. */
#ifndef CORVETTE_CONFIG_EDIT_H
#define CORVETTE_CONFIG_EDIT_H

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

struct cfg_change {
    /* "cameras.back.detect.fps"; in a list a number is the place of an item ("inputs.0.path"), the
     * one after the last appends. What is missing on the way is made. */
    const char *path;
    /* One text: digits alone, and what the key's row of the table takes as a number or a truth
     * value, are written as that, all else as text. One empty text: the key goes (one that is not
     * there is fine). Several: a list of texts. */
    const char *const *values;
    size_t count;
};

/* The text with all changes made, one after the other, appended to `out`: 0. Otherwise -errno with
 * a sentence and nothing appended: -EINVAL, the text is no YAML of ours; -ENOTSUP, a change cannot
 * be made without changing something else as well (an anchor that is used elsewhere); -ENOTDIR,
 * -ERANGE, -EILSEQ: a path or value makes no sense. What comes out was read back and holds exactly
 * what was asked for; whether it makes a good configuration is config_load()'s to say. */
int config_edit(const char *text, size_t length, const struct cfg_change *changes, size_t count,
                struct str *out, struct err *err);

#endif
