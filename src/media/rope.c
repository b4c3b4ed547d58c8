#include "media/rope.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define OPEN_MAX 4 /* reading goes forward: the present file and its neighbours */
#define NOT_OPEN (-1)

struct piece {
    uint64_t at; /* position in the rope */
    uint64_t offset, bytes;
    size_t file; /* MEMORY: `offset` counts in the rope's own bytes */
};
#define MEMORY SIZE_MAX

struct rope {
    rope_open_fn open_file;
    void *context;
    void (*free_context)(void *);
    struct str memory;
    char **names;
    size_t name_count, name_capacity;
    struct piece *pieces;
    size_t piece_count, piece_capacity;
    uint64_t length;
    size_t last; /* piece read last */
    struct {
        int fd;
        size_t file;
        unsigned used;
    } open[OPEN_MAX];
    unsigned uses;
};

struct rope *rope_create(rope_open_fn open_file, void *context, void (*free_context)(void *))
{
    struct rope *rope = mem_alloc(sizeof *rope);
    rope->open_file = open_file;
    rope->context = context;
    rope->free_context = free_context;
    for (size_t i = 0; i < OPEN_MAX; i++) {
        rope->open[i].fd = NOT_OPEN;
    }
    return rope;
}

void rope_destroy(struct rope *rope)
{
    if (rope == NULL) {
        return;
    }
    for (size_t i = 0; i < OPEN_MAX; i++) {
        if (rope->open[i].fd != NOT_OPEN) {
            close(rope->open[i].fd);
        }
    }
    if (rope->free_context != NULL) {
        rope->free_context(rope->context);
    }
    for (size_t i = 0; i < rope->name_count; i++) {
        free(rope->names[i]);
    }
    free(rope->names);
    free(rope->pieces);
    str_finish(&rope->memory);
    free(rope);
}

static void add_piece(struct rope *rope, size_t file, uint64_t offset, uint64_t bytes)
{
    if (bytes == 0) {
        return;
    }
    struct piece *last = rope->piece_count > 0 ? &rope->pieces[rope->piece_count - 1] : NULL;
    if (last != NULL && last->file == file && last->offset + last->bytes == offset) {
        last->bytes += bytes;
    } else {
        *MEM_PUSH(rope->pieces, rope->piece_count, rope->piece_capacity) =
            (struct piece){.at = rope->length, .offset = offset, .bytes = bytes, .file = file};
    }
    rope->length += bytes;
}

void rope_add_bytes(struct rope *rope, const void *data, size_t bytes)
{
    uint64_t offset = rope->memory.length;
    str_add_bytes(&rope->memory, data, bytes);
    add_piece(rope, MEMORY, offset, bytes);
}

void rope_add_str(struct rope *rope, struct str *bytes)
{
    if (rope->memory.length == 0) { /* often all there is, and large */
        str_finish(&rope->memory);
        rope->memory = *bytes;
        *bytes = (struct str){0};
        add_piece(rope, MEMORY, 0, rope->memory.length);
        return;
    }
    rope_add_bytes(rope, bytes->data, bytes->length);
    str_finish(bytes);
}

size_t rope_add_file(struct rope *rope, const char *name)
{
    *MEM_PUSH(rope->names, rope->name_count, rope->name_capacity) = mem_strdup(name);
    return rope->name_count - 1;
}

void rope_add_range(struct rope *rope, size_t file, uint64_t offset, uint64_t bytes)
{
    add_piece(rope, file, offset, bytes);
}

uint64_t rope_length(const struct rope *rope)
{
    return rope->length;
}

/* Descriptor of a file of the rope, or -errno. */
static int open_of(struct rope *rope, size_t file)
{
    size_t oldest = 0;
    for (size_t i = 0; i < OPEN_MAX; i++) {
        if (rope->open[i].fd != NOT_OPEN && rope->open[i].file == file) {
            rope->open[i].used = ++rope->uses;
            return rope->open[i].fd;
        }
        if (rope->open[i].used < rope->open[oldest].used) {
            oldest = i;
        }
    }
    int fd = rope->open_file(rope->context, rope->names[file]);
    if (fd < 0) {
        return fd;
    }
    if (rope->open[oldest].fd != NOT_OPEN) {
        close(rope->open[oldest].fd);
    }
    rope->open[oldest].fd = fd;
    rope->open[oldest].file = file;
    rope->open[oldest].used = ++rope->uses;
    return fd;
}

/* The piece that holds a position below the length. */
static const struct piece *find_piece(struct rope *rope, uint64_t position)
{
    const struct piece *pieces = rope->pieces;
    for (size_t i = rope->last; i < rope->piece_count && i < rope->last + 2; i++) {
        if (position >= pieces[i].at && position - pieces[i].at < pieces[i].bytes) {
            rope->last = i;
            return &pieces[i];
        }
    }
    size_t low = 0, high = rope->piece_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (pieces[middle].at <= position) {
            low = middle;
        } else {
            high = middle;
        }
    }
    rope->last = low;
    return &pieces[low];
}

static ssize_t read_piece(struct rope *rope, const struct piece *piece, uint64_t skip, void *data,
                          size_t size)
{
    if (piece->file == MEMORY) {
        memcpy(data, rope->memory.data + piece->offset + skip, size);
        return (ssize_t)size;
    }
    int fd = open_of(rope, piece->file);
    if (fd < 0) {
        return fd;
    }
    ssize_t got;
    do {
        got = pread(fd, data, size, (off_t)(piece->offset + skip));
    } while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got == 0 ? -EIO : got;
}

ssize_t rope_read(struct rope *rope, uint64_t position, void *data, size_t size)
{
    size_t done = 0;
    while (done < size && position < rope->length) {
        const struct piece *piece = find_piece(rope, position);
        uint64_t skip = position - piece->at;
        uint64_t left = piece->bytes - skip;
        size_t want = left < size - done ? (size_t)left : size - done;
        ssize_t got = read_piece(rope, piece, skip, (char *)data + done, want);
        if (got < 0) {
            return done > 0 ? (ssize_t)done : got;
        }
        done += (size_t)got;
        position += (uint64_t)got;
    }
    return (ssize_t)done;
}

/* FNV-1a, 64 bits (public domain, Fowler, Noll, Vo). */
static uint64_t mix(uint64_t hash, const void *data, size_t bytes)
{
    const unsigned char *at = data;
    for (size_t i = 0; i < bytes; i++) {
        hash = (hash ^ at[i]) * 0x100000001b3;
    }
    return hash;
}

uint64_t rope_hash(const struct rope *rope)
{
    uint64_t hash = mix(0xcbf29ce484222325, rope->memory.data, rope->memory.length);
    for (size_t i = 0; i < rope->name_count; i++) {
        hash = mix(hash, rope->names[i], strlen(rope->names[i]) + 1);
    }
    for (size_t i = 0; i < rope->piece_count; i++) {
        const struct piece *piece = &rope->pieces[i];
        const uint64_t numbers[] = {piece->offset, piece->bytes, piece->file};
        hash = mix(hash, numbers, sizeof numbers);
    }
    return hash;
}
