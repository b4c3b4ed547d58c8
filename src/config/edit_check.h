/* What a change means, apart from how it is written: its path and value, and whether a text says
 * what the old one said with the change made. */
#ifndef CORVETTE_CONFIG_EDIT_CHECK_H
#define CORVETTE_CONFIG_EDIT_CHECK_H

#include "base/err.h"
#include "config/edit.h"
#include "config/edit_text.h"
#include "config/tree.h"

struct edit_path {
    const char *text; /* for messages */
    const char *const *parts;
    size_t count; /* at least 1, less than CFG_MAX_DEPTH */
};

/* All return 0, or -errno with a sentence. */

/* Takes the change apart; what is made lives in the arena. */
int edit_understand(struct cfg_arena *arena, const struct cfg_change *change,
                    struct edit_path *path, struct edit_value *value, struct err *err);
/* Whether the text can be read at all. */
int edit_check_before(struct cfg_arena *arena, const struct str *text, struct err *err);
int edit_check_after(struct cfg_arena *arena, const struct str *before, const struct str *after,
                     const struct edit_path *path, const struct edit_value *value, struct err *err);

#endif
