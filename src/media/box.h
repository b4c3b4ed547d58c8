/* Boxes of the ISO base media file format (ISO/IEC 14496-12): walking them in memory, and writing
 * them into a buffer. A length that does not fit ends the walk; nothing is read beyond a span. */
#ifndef CORVETTE_MEDIA_BOX_H
#define CORVETTE_MEDIA_BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define BOX_TYPE(a, b, c, d) \
    ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

/* ------------------------------------------------------------------ reading */

/* A part of a file held in memory; `base` is its place in the file. */
struct box_span {
    const uint8_t *at, *end;
    uint64_t base;
    const uint8_t *begin;
};

struct box {
    uint32_t type;
    struct box_span body;
};

size_t box_left(const struct box_span *span);
uint64_t box_offset(const struct box_span *span); /* in the file */
bool box_skip(struct box_span *span, size_t bytes);

/* Next box within a span; false at its end or when it does not fit. */
bool box_next(struct box_span *span, struct box *box);
bool box_find(struct box_span span, uint32_t type, struct box *box);
/* Follows a path of boxes downwards. */
bool box_find_path(struct box_span span, const uint32_t *types, size_t count, struct box *box);

/* Where a file's bytes come from. */
struct box_source {
    int fd; /* -1: memory */
    const uint8_t *memory;
    uint64_t bytes;
};

/* 0, -ENODATA (not that many bytes there) or -errno. */
int box_read(const struct box_source *source, uint64_t offset, void *out, size_t length);
/* Header of the box at `offset`: its whole size and how much of that is header. False when it is
 * cut off, or says "to the end of the file" (which is also what a power cut leaves behind). */
bool box_header(const struct box_source *source, uint64_t offset, uint32_t *type, uint64_t *size,
                unsigned *header_bytes);
/* A whole box of at most BOX_MAX bytes brought into memory, header included. */
#define BOX_MAX (64u << 20)
bool box_load(const struct box_source *source, uint64_t offset, uint64_t size, struct str *buffer);
/* What a loaded box holds. */
struct box_span box_body(const struct str *buffer, uint64_t offset);

/* ------------------------------------------------------------------ writing */

/* Returns where the box begins, for box_end(), which fills in its size. */
size_t box_begin(struct str *out, const char *type);
size_t box_begin_full(struct str *out, const char *type, unsigned version, uint32_t flags);
void box_end(struct str *out, size_t at);
void box_put_zeros(struct str *out, size_t count);

#endif
