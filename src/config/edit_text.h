/* YAML text of what a change brings in. */
#ifndef CORVETTE_CONFIG_EDIT_TEXT_H
#define CORVETTE_CONFIG_EDIT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "config/edit_tree.h"
#include "config/tree.h"

/* The value of a change: a scalar, or a list of texts. */
struct edit_value {
    const char *const *texts;
    size_t count; /* 0: the key goes */
    bool is_list;
    bool plain;             /* the one text is written as it is: a number or a truth value */
    enum place_quote quote; /* how texts are quoted where there is a choice; 0: only if they must */
};

/* What is written below a key that is there: the parts of the path that are missing, then the
 * value. A part of digits makes a list of one item. */
struct edit_branch {
    const char *const *parts;
    size_t count;
    bool whole; /* the first part begins a map or list of its own; else it is a key among others */
    const struct edit_value *value;
    const char *newline;
    size_t step; /* blanks per level */
};

/* Digits alone: the place of an item, a whole number. */
bool edit_is_digits(const char *text);
/* A text without quotes, if it may do without. `flow`: between brackets, which forbids more. */
void edit_add_text(struct str *out, const char *text, enum place_quote quote, bool flow);
/* A key, quoted only when it must or its siblings are. */
void edit_add_key(struct str *out, const char *key, enum place_quote quote, bool flow);
/* "value" or "[a, b]". */
void edit_add_value(struct str *out, const struct edit_value *value, bool flow);
/* "key: {other: value}" on one line, or "{key: ...}" and "[...]" when it is whole. */
void edit_add_flow(struct str *out, const struct edit_branch *branch);
/* Whole lines, without the last one's end, the first part `column` blanks in. */
void edit_add_block(struct str *out, const struct edit_branch *branch, size_t column);
/* "- item" lines, each with a line end before it. */
void edit_add_items(struct str *out, const struct edit_value *value, const char *newline,
                    size_t column);

#endif
