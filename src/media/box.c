#include "media/box.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "media/bytes.h"

size_t box_left(const struct box_span *span)
{
    return (size_t)(span->end - span->at);
}

uint64_t box_offset(const struct box_span *span)
{
    return span->base + (uint64_t)(span->at - span->begin);
}

bool box_skip(struct box_span *span, size_t bytes)
{
    if (box_left(span) < bytes) {
        return false;
    }
    span->at += bytes;
    return true;
}

bool box_next(struct box_span *span, struct box *box)
{
    if (box_left(span) < 8) {
        return false;
    }
    uint64_t size = get_u32(span->at);
    size_t header = 8;
    box->type = get_u32(span->at + 4);
    if (size == 1) {
        if (box_left(span) < 16) {
            return false;
        }
        size = get_u64(span->at + 8);
        header = 16;
    }
    if (size < header || size > box_left(span)) {
        return false;
    }
    box->body = (struct box_span){.at = span->at + header,
                                  .end = span->at + size,
                                  .base = box_offset(span) + header,
                                  .begin = span->at + header};
    span->at += size;
    return true;
}

bool box_find(struct box_span span, uint32_t type, struct box *box)
{
    while (box_next(&span, box)) {
        if (box->type == type) {
            return true;
        }
    }
    return false;
}

bool box_find_path(struct box_span span, const uint32_t *types, size_t count, struct box *box)
{
    for (size_t i = 0; i < count; i++) {
        if (!box_find(span, types[i], box)) {
            return false;
        }
        span = box->body;
    }
    return true;
}

int box_read(const struct box_source *source, uint64_t offset, void *out, size_t length)
{
    if (offset > source->bytes || source->bytes - offset < length) {
        return -ENODATA;
    }
    if (source->fd < 0) {
        memcpy(out, source->memory + offset, length);
        return 0;
    }
    uint8_t *to = out;
    while (length > 0) {
        ssize_t got = pread(source->fd, to, length, (off_t)offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? -errno : -ENODATA;
        }
        to += got;
        offset += (uint64_t)got;
        length -= (size_t)got;
    }
    return 0;
}

bool box_header(const struct box_source *source, uint64_t offset, uint32_t *type, uint64_t *size,
                unsigned *header_bytes)
{
    uint8_t header[16];
    if (box_read(source, offset, header, 8) < 0) {
        return false;
    }
    *size = get_u32(header);
    *type = get_u32(header + 4);
    *header_bytes = 8;
    if (*size == 1) {
        if (box_read(source, offset, header, 16) < 0) {
            return false;
        }
        *size = get_u64(header + 8);
        *header_bytes = 16;
    }
    return *size >= *header_bytes;
}

bool box_load(const struct box_source *source, uint64_t offset, uint64_t size, struct str *buffer)
{
    str_clear(buffer);
    if (size > BOX_MAX || offset > source->bytes || size > source->bytes - offset) {
        return false;
    }
    str_reserve(buffer, (size_t)size);
    if (box_read(source, offset, buffer->data, (size_t)size) < 0) {
        return false;
    }
    buffer->length = (size_t)size;
    return true;
}

struct box_span box_body(const struct str *buffer, uint64_t offset)
{
    const uint8_t *data = (const uint8_t *)buffer->data;
    size_t header = buffer->length >= 16 && get_u32(data) == 1 ? 16 : 8;
    return (struct box_span){.at = data + header,
                             .end = data + buffer->length,
                             .base = offset + header,
                             .begin = data + header};
}

size_t box_begin(struct str *out, const char *type)
{
    size_t at = out->length;
    put_u32(out, 0);
    str_add_bytes(out, type, 4);
    return at;
}

size_t box_begin_full(struct str *out, const char *type, unsigned version, uint32_t flags)
{
    size_t at = box_begin(out, type);
    put_u32(out, version << 24 | flags);
    return at;
}

void box_end(struct str *out, size_t at)
{
    set_u32((uint8_t *)out->data + at, (uint32_t)(out->length - at));
}

void box_put_zeros(struct str *out, size_t count)
{
    while (count-- > 0) {
        put_u8(out, 0);
    }
}
