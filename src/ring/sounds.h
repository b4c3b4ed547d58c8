/* Shared ring of the sound of one camera: capture writes, the sound role reads.
 *
 * 16 kHz, one channel, 16 bits, in hops of half a chunk: a chunk is what a sound model looks at and
 * what a level is of, and chunks that begin at every hop overlap by half, so that a sound on a
 * boundary is whole in one of them. One writer process; a reader never holds it up: a slot is a
 * seqlock, and who is overtaken is told so. The supervisor makes the ring once per camera that is
 * listened to; it outlives its workers, and a new reader finds the last seconds in it. */
#ifndef CORVETTE_RING_SOUNDS_H
#define CORVETTE_RING_SOUNDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOUNDS_RATE 16000
#define SOUNDS_CHUNK 15600 /* samples: 0.975 s, the window of YAMNet and its kin */
#define SOUNDS_HOP (SOUNDS_CHUNK / 2)
#define SOUNDS_SLOTS 24 /* 11.7 s */

struct sounds;

struct sounds_info {
    uint64_t sequence; /* 1 for the first hop ever written, rising by one */
    double time;       /* of its first sample: wall seconds, the recording's clock */
    bool joined;       /* goes on where the hop before ended */
};

/* New sealed memfd with an initialised header; fd or -errno. */
int sounds_create(const char *camera);

/* Maps it; NULL with errno set when it is no such ring. The fd stays the caller's. */
struct sounds *sounds_open(int memfd, bool writer);
void sounds_close(struct sounds *sounds); /* NULL is fine */

void sounds_write(struct sounds *sounds, const int16_t hop[SOUNDS_HOP], double time, bool joined);

/* Newest sequence, 0 when none yet; the oldest that a reader may still catch, 1 at the beginning.
 */
uint64_t sounds_latest(const struct sounds *sounds);
uint64_t sounds_oldest(const struct sounds *sounds);
/* 0, -ENOENT (not written yet) or -ESTALE (overtaken: go on with sounds_oldest()). */
int sounds_copy(const struct sounds *sounds, uint64_t sequence, int16_t hop[SOUNDS_HOP],
                struct sounds_info *info);

/* How loud samples are. */
struct sounds_level {
    double rms;  /* 0..32768 */
    double dbfs; /* 0 = full scale, and also when there is nothing at all (rms 0) */
};
struct sounds_level sounds_level(const int16_t *samples, size_t count);
/* The dbfs of an rms; 0 for 0. */
double sounds_dbfs(double rms);

#endif
