/* A sound model in ONNX Runtime, laid out like YAMNet: 15,600 samples of 16 kHz sound as floats in
 * -1..1 go in ([15600] or [1,15600], or of free length), scores of classes come out ([classes],
 * [1,classes], [frames,classes] or [1,frames,classes]: the best of the frames counts). One thread.
 */
#ifndef CORVETTE_SOUND_MODEL_H
#define CORVETTE_SOUND_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ring/sounds.h"

struct sound_model;

/* The first inference is part of it: a model that opens has run and gives as many scores as there
 * are labels. NULL with a sentence naming the file. */
struct sound_model *sound_model_open(const char *path, size_t labels, int threads, struct err *err);
void sound_model_close(struct sound_model *model); /* NULL is fine */

/* `*scores` (as many as there are labels) stays until the next call. 0, or -errno with a sentence.
 */
int sound_model_run(struct sound_model *model, const int16_t samples[SOUNDS_CHUNK],
                    const float **scores, struct err *err);

#endif
