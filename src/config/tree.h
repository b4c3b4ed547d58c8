/* YAML (or JSON) text as a tree with line numbers. Scalars are typed by the rules of YAML 1.1,
 * because the files were written for a 1.1 parser: `on` is a truth value, 010 is eight, 1:30 is
 * ninety. Anchors, aliases and merge keys work; a node may therefore be reached by several paths,
 * and the tree is read-only once built. Size, depth and what aliases expand to are bounded. */
#ifndef CORVETTE_CONFIG_TREE_H
#define CORVETTE_CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/arena.h"
#include "config/issues.h"

#define CFG_MAX_BYTES (4u * 1024u * 1024u)
#define CFG_MAX_DEPTH 40
#define CFG_MAX_NODES 200000u /* after expanding aliases */

enum cfg_kind {
    CFG_NULL = 1,
    CFG_BOOL,
    CFG_INT,
    CFG_FLOAT,
    CFG_STRING,
    CFG_LIST,
    CFG_MAP,
};

struct cfg_entry {
    const char *key;
    int line; /* of the key */
    struct cfg_node *value;
};

struct cfg_node {
    enum cfg_kind kind;
    int line;         /* 1-based; 0 for a node that is in no file */
    uint32_t weight;  /* nodes below and including this one, aliases expanded */
    size_t count;     /* of items or entries */
    const char *text; /* scalars: as written */
    union {
        bool boolean;
        int64_t integer;
        double number;
        struct cfg_node **items;
        struct cfg_entry *entries;
    };
    uint32_t *slots; /* long maps: hash table of 1 + index of entries; else NULL */
    uint32_t slot_mask;
};

/* The root map, or NULL after an error. Everything lives in the arena. */
struct cfg_node *cfg_yaml_parse(struct cfg_arena *arena, const char *text, size_t length,
                                struct cfg_issues *issues);

/* Value of a key, or NULL; a NULL map has none. */
struct cfg_node *cfg_get(const struct cfg_node *map, const char *key);
const struct cfg_entry *cfg_entry(const struct cfg_node *map, const char *key);

/* Making and changing nodes (merging, moving old keys). */
struct cfg_node *cfg_new(struct cfg_arena *arena, enum cfg_kind kind, int line);
void cfg_add(struct cfg_arena *arena, struct cfg_node *map, const char *key, int line,
             struct cfg_node *value);

/* The map with that key set (or removed, when value is NULL); the map given is untouched, since it
 * may stand elsewhere too. NULL counts as an empty map. */
struct cfg_node *cfg_with(struct cfg_arena *arena, const struct cfg_node *map, const char *key,
                          struct cfg_node *value);
/* Makes lookups in a long map fast; call when nothing is added any more. */
void cfg_index(struct cfg_arena *arena, struct cfg_node *map);

/* The table behind it, for the parser, which also finds duplicates with it: room for so many keys,
 * and the slot that holds a key or the free one where it belongs. */
#define CFG_LONG_MAP 24
void cfg_slots_init(struct cfg_arena *arena, struct cfg_node *map, size_t at_most);
uint32_t *cfg_slot(const struct cfg_node *map, const char *key);

/* Kind and value of a plain scalar by YAML 1.1's rules; node->text must be set. */
void cfg_scalar_resolve(struct cfg_node *node);
/* The truth value of a word (yes, off, TRUE, t, 0, ...) as lenient as the peer: 1, 0, -1 none. */
int cfg_scalar_truth(const char *text);

#endif
