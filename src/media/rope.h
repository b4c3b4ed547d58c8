/* Bytes to be sent that lie in several places: made-up ones in memory, the rest in files. A rope
 * knows its length before anything is read, and any part of it can be read at any time, so lengths,
 * ranges and seeking are exact without a temporary file.
 *
 * Files are named when the rope is made and opened when reading comes to them (a long clip has more
 * files than a process may hold open), through the opener of whoever makes the rope. One thread at
 * a time. */
#ifndef CORVETTE_MEDIA_ROPE_H
#define CORVETTE_MEDIA_ROPE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

struct rope;

/* Opens a file of the rope for reading: fd or -errno. */
typedef int (*rope_open_fn)(void *context, const char *name);

/* `open_file` may be NULL when no file is added; `context` goes to free_context (may be NULL). */
struct rope *rope_create(rope_open_fn open_file, void *context, void (*free_context)(void *));
void rope_destroy(struct rope *rope); /* NULL is fine */

/* Copies. */
void rope_add_bytes(struct rope *rope, const void *data, size_t bytes);
/* Takes over. */
void rope_add_str(struct rope *rope, struct str *bytes);
/* Makes a file known: its number for rope_add_range(). */
size_t rope_add_file(struct rope *rope, const char *name);
/* Ranges that follow each other in the same file become one. */
void rope_add_range(struct rope *rope, size_t file, uint64_t offset, uint64_t bytes);
uint64_t rope_length(const struct rope *rope);
/* Up to `size` bytes from `position`: how many (0 = the end), or -errno (-EIO: a file is shorter
 * than it was). Fast when positions rise. */
ssize_t rope_read(struct rope *rope, uint64_t position, void *data, size_t size);
/* A number that differs when the bytes would: made of what is in memory, and of the files' names,
 * ranges and order. */
uint64_t rope_hash(const struct rope *rope);

#endif
