#include "config/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define CHUNK_BYTES (64u * 1024u)

struct cfg_chunk {
    struct cfg_chunk *older;
    size_t bytes;
    _Alignas(max_align_t) unsigned char data[];
};

static size_t round_up(size_t bytes)
{
    const size_t align = _Alignof(max_align_t);
    return (bytes + align - 1) / align * align;
}

void *cfg_alloc(struct cfg_arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 2) {
        abort();
    }
    size_t need = round_up(bytes > 0 ? bytes : 1);
    if (arena->chunks == NULL || arena->chunks->bytes - arena->used < need) {
        size_t room = need > CHUNK_BYTES ? need : CHUNK_BYTES;
        struct cfg_chunk *chunk = mem_alloc(sizeof *chunk + room);
        chunk->bytes = room;
        chunk->older = arena->chunks;
        arena->chunks = chunk;
        arena->used = 0;
    }
    void *taken = arena->chunks->data + arena->used;
    arena->used += need;
    return taken;
}

void *cfg_array(struct cfg_arena *arena, size_t count, size_t bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total)) {
        abort();
    }
    return cfg_alloc(arena, total);
}

char *cfg_strndup(struct cfg_arena *arena, const char *text, size_t length)
{
    char *copy = cfg_alloc(arena, length + 1);
    memcpy(copy, text, length);
    return copy;
}

char *cfg_strdup(struct cfg_arena *arena, const char *text)
{
    return cfg_strndup(arena, text, strlen(text));
}

void *cfg_push(struct cfg_arena *arena, void *array, size_t count, size_t bytes)
{
    if ((count & (count - 1)) != 0) {
        return array; /* not full: room was doubled at the last power of two */
    }
    void *grown = cfg_array(arena, count == 0 ? 1 : count * 2, bytes);
    if (count > 0) {
        memcpy(grown, array, count * bytes);
    }
    return grown;
}

void cfg_arena_finish(struct cfg_arena *arena)
{
    struct cfg_chunk *chunk = arena->chunks;
    while (chunk != NULL) {
        struct cfg_chunk *older = chunk->older;
        free(chunk);
        chunk = older;
    }
    *arena = (struct cfg_arena){0};
}
