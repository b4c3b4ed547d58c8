#include "detector/convert.h"

#include <string.h>

void convert_u8_to_f32(const uint8_t *restrict in, float *restrict out, size_t count, float scale)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = (float)in[i] * scale;
    }
}

void convert_f16_table(uint16_t table[256], float scale)
{
    for (int i = 0; i < 256; i++) {
        _Float16 half = (_Float16)((float)i * scale);
        memcpy(&table[i], &half, sizeof half);
    }
}

void convert_u8_to_f16(const uint8_t *restrict in, uint16_t *restrict out, size_t count,
                       const uint16_t table[256])
{
    for (size_t i = 0; i < count; i++) {
        out[i] = table[in[i]];
    }
}

void convert_f16_to_f32(const uint16_t *restrict in, float *restrict out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        _Float16 half;
        memcpy(&half, &in[i], sizeof half);
        out[i] = (float)half;
    }
}
