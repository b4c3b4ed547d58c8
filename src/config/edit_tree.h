/* Where everything stands in a YAML text: nodes with the bytes they take up. Unlike tree.h this
 * keeps what the values do not show: style, aliases as such, places. The text must be one that
 * cfg_yaml_parse() takes, which bounds its depth and size. */
#ifndef CORVETTE_CONFIG_EDIT_TREE_H
#define CORVETTE_CONFIG_EDIT_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "config/arena.h"

enum place_kind { PLACE_SCALAR = 1, PLACE_ALIAS, PLACE_MAP, PLACE_LIST };
enum place_quote { PLACE_PLAIN = 1, PLACE_SINGLE, PLACE_DOUBLE, PLACE_BLOCK /* | and > */ };

struct place {
    enum place_kind kind;
    enum place_quote quote; /* of a scalar */
    bool flow;              /* of a map or list: { } or [ ] */
    bool shared;            /* has an anchor that an alias names: stands in several places */
    bool tagged;            /* has a tag, or an anchor nobody uses */
    const char *text;       /* of a scalar: its value; "" too for an empty one that takes no byte */
    size_t start, end; /* bytes; of a map or list in block style: to the end of its last value */
    size_t column;     /* characters before it on its line; of a block: of its keys or dashes */
    size_t count;
    struct place **keys;   /* of a map */
    struct place **values; /* of a map or list */
};

/* The root, or NULL when libyaml does not take the text or there is nothing in it. */
struct place *place_read(struct cfg_arena *arena, const char *text, size_t length);

/* An empty value: nothing, ~ or null. */
bool place_is_null(const struct place *place);
/* The number of a key in a map; -1: it has none of that name. */
long place_find(const struct place *map, const char *key);
/* Whether it or anything in it is shared. */
bool place_holds_shared(const struct place *place);

#endif
