/* The bytes of a tensor slot as a JPEG picture, for detectors behind HTTP. */
#ifndef CORVETTE_DETECTOR_JPEG_H
#define CORVETTE_DETECTOR_JPEG_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"

struct slot_jpeg;

/* For pictures of the model's size, tensor layout and pixel format. */
struct slot_jpeg *slot_jpeg_create(const struct cfg_model *model);
void slot_jpeg_destroy(struct slot_jpeg *jpeg); /* NULL is fine */
/* `*data` is valid until the next call. 0 or -errno with a sentence. */
int slot_jpeg_encode(struct slot_jpeg *jpeg, const uint8_t *input, const uint8_t **data,
                     size_t *length, struct err *err);

#endif
