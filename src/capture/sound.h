/* A camera's sound on its way into the recording: AAC is passed on as it is, anything else is
 * decoded and encoded to AAC. Whatever goes wrong here ends the sound of this connection, never the
 * picture. One thread. */
#ifndef CORVETTE_CAPTURE_SOUND_H
#define CORVETTE_CAPTURE_SOUND_H

#include <libavcodec/avcodec.h>
#include <stdbool.h>
#include <stdint.h>

struct sound;

/* `rate`: wanted sample rate, 0 = the source's. NULL when it cannot be (said in the log). */
struct sound *sound_open(const AVCodecParameters *parameters, int rate);
void sound_close(struct sound *sound); /* NULL is fine */

/* What a file must say of it. False until that is known (AAC that describes itself in its packets).
 */
bool sound_describe(const struct sound *sound, uint32_t *rate, unsigned *channels,
                    const uint8_t **config, size_t *config_bytes);

/* `packet->dts` is wall microseconds. `emit` gets AAC packets with smoothed wall times and their
 * duration in samples; it takes their content over. False: it is broken, close it. */
typedef void (*sound_emit_fn)(void *context, AVPacket *packet);
bool sound_packet(struct sound *sound, const AVPacket *packet, sound_emit_fn emit, void *context);

#endif
