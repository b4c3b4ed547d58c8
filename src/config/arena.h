/* Memory that lives as long as one configuration: everything the parser, the merge and the result
 * need is taken from here and released at once. One thread at a time. */
#ifndef CORVETTE_CONFIG_ARENA_H
#define CORVETTE_CONFIG_ARENA_H

#include <stddef.h>

struct cfg_chunk;

struct cfg_arena {
    struct cfg_chunk *chunks; /* newest first */
    size_t used;              /* bytes taken from the newest */
};

/* Zeroed, aligned for any type, never NULL. */
void *cfg_alloc(struct cfg_arena *arena, size_t bytes);
void *cfg_array(struct cfg_arena *arena, size_t count, size_t bytes);
char *cfg_strdup(struct cfg_arena *arena, const char *text);
char *cfg_strndup(struct cfg_arena *arena, const char *text, size_t length);

/* Room for one more element of an array in the arena: doubles when `count` is a power of two, so no
 * capacity is kept. The old array stays behind until the end. Returns the array. */
void *cfg_push(struct cfg_arena *arena, void *array, size_t count, size_t bytes);

void cfg_arena_finish(struct cfg_arena *arena);

#endif
