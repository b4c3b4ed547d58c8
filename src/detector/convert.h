/* Between bytes of a tensor slot and the number type of a model. Pure. */
#ifndef CORVETTE_DETECTOR_CONVERT_H
#define CORVETTE_DETECTOR_CONVERT_H

#include <stddef.h>
#include <stdint.h>

/* out[i] = in[i] * scale */
void convert_u8_to_f32(const uint8_t *in, float *out, size_t count, float scale);

/* Half precision goes through a table: table[byte] = byte * scale. */
void convert_f16_table(uint16_t table[256], float scale);
void convert_u8_to_f16(const uint8_t *in, uint16_t *out, size_t count, const uint16_t table[256]);

void convert_f16_to_f32(const uint16_t *in, float *out, size_t count);

#endif
