/* Between value.c (dispatch and scalars), lists.c and default.c. Each cfg_to_...() puts a value
 * into its member; false, with a complaint unless the loader is quiet, when it does not fit. */
#ifndef CORVETTE_CONFIG_VALUE_H
#define CORVETTE_CONFIG_VALUE_H

#include "config/loader.h"

/* A value and where it stands. */
struct cfg_spot {
    struct cfg_loader *loader;
    const struct cfg_row *row;
    const struct cfg_node *node;
    const struct cfg_path *path;
};

/* "must be `expected`, not ...`advice`". Always false, for `return cfg_wrong(...)`. */
bool cfg_wrong(const struct cfg_spot *spot, const char *expected, const char *advice);

bool cfg_is_text(const struct cfg_spot *spot);
/* A word among the row's choices, and its value. */
bool cfg_choose(const struct cfg_spot *spot, const char *word, int *value);
bool cfg_to_float(const struct cfg_spot *spot, double *out);
bool cfg_to_int64(const struct cfg_spot *spot, int64_t *out);
bool cfg_to_string(const struct cfg_spot *spot, char **out);

bool cfg_to_strings(const struct cfg_spot *spot, struct cfg_list *out);
bool cfg_to_args(const struct cfg_spot *spot, struct cfg_list *out);
bool cfg_to_weights(const struct cfg_spot *spot, struct cfg_list *out);
bool cfg_to_pairs(const struct cfg_spot *spot, struct cfg_pairs *out);
bool cfg_to_mask(const struct cfg_spot *spot, struct cfg_mask *out);

/* "a, b" where one text stands for a list; appended. */
void cfg_split_commas(struct cfg_arena *arena, const char *text, struct cfg_list *out);

#endif
