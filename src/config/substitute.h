/* {FRIGATE_NAME} in texts: replaced by the environment variable of that name, or by the content of
 * a file of that name in the secrets folder, which wins. Doubled braces stand for themselves. */
#ifndef CORVETTE_CONFIG_SUBSTITUTE_H
#define CORVETTE_CONFIG_SUBSTITUTE_H

#include "base/err.h"
#include "base/str.h"

struct cfg_var {
    char *name, *value;
};

struct cfg_vars {
    struct cfg_var *items;
    size_t count, capacity;
};

/* All variables and files whose name begins with FRIGATE_. A folder that is not there has none. */
void cfg_vars_load(struct cfg_vars *vars, const char *secrets_folder);
void cfg_vars_finish(struct cfg_vars *vars);

/* Appends the text with its names replaced; false with a sentence when a brace or a name is wrong.
 * The sentence never holds the text itself, which may be a secret. */
bool cfg_substitute(const struct cfg_vars *vars, const char *text, struct str *out,
                    struct err *err);

#endif
