/* Big-endian numbers in byte buffers, as MP4 boxes and parameter sets have them. */
#ifndef CORVETTE_MEDIA_BYTES_H
#define CORVETTE_MEDIA_BYTES_H

#include <stdint.h>

#include "base/str.h"

static inline uint32_t get_u16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t get_u64(const uint8_t *p)
{
    return (uint64_t)get_u32(p) << 32 | get_u32(p + 4);
}

static inline void set_u32(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 24);
    p[1] = (uint8_t)(value >> 16);
    p[2] = (uint8_t)(value >> 8);
    p[3] = (uint8_t)value;
}

static inline void put_u8(struct str *out, unsigned value)
{
    str_add_char(out, (char)(uint8_t)value);
}

static inline void put_u16(struct str *out, unsigned value)
{
    const uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    str_add_bytes(out, bytes, 2);
}

static inline void put_u32(struct str *out, uint32_t value)
{
    uint8_t bytes[4];
    set_u32(bytes, value);
    str_add_bytes(out, bytes, 4);
}

static inline void put_u64(struct str *out, uint64_t value)
{
    put_u32(out, (uint32_t)(value >> 32));
    put_u32(out, (uint32_t)value);
}

#endif
