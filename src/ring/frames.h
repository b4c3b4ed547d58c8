/* Shared ring of decoded pictures of one camera: capture writes, analyse and server read.
 *
 * Layout of the memfd: struct frames_header, then `slot_count` pictures, each `picture_bytes`
 * (page-aligned), planar I420: Y width*height, U then V each ((width+1)/2)*((height+1)/2), no
 * padding between rows. One writer process; any number of readers, none of which can hold the
 * writer up: a slot is a seqlock, a reader that was overtaken is told so (-ESTALE) and counts it.
 * Latest wins. The supervisor creates the ring once per camera; it outlives its workers, and a new
 * capture continues where the dead one stopped. */
#ifndef CORVETTE_RING_FRAMES_H
#define CORVETTE_RING_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frames;

struct frame_info {
    uint64_t sequence; /* 1 for the first picture ever written, rising by one */
    double time;       /* capture instant: wall seconds, the recording's clock */
    int64_t mono_us;   /* when it was written, CLOCK_MONOTONIC */
    uint32_t width, height;
};

#define FRAMES_SLOTS 6

/* Size of a ring's memory for a picture size. */
size_t frames_bytes(int width, int height, unsigned slots);
static inline size_t frames_picture_bytes(int width, int height)
{
    return (size_t)width * (size_t)height +
           2 * (size_t)((width + 1) / 2) * (size_t)((height + 1) / 2);
}

/* New sealed memfd with an initialised header; fd or -errno. */
int frames_create(const char *camera, int width, int height, unsigned slots);

/* Maps it; NULL with errno set when it is not a frame ring of this version. Takes over neither fd:
 * the caller closes it (the mapping stays). A reader maps read-only. */
struct frames *frames_open(int memfd, bool writer);
void frames_close(struct frames *frames); /* NULL is fine */

int frames_width(const struct frames *frames);
int frames_height(const struct frames *frames);

/* Writer: the slot to fill next (planes as above), then publish with the capture time. */
uint8_t *frames_write_begin(struct frames *frames);
void frames_write_end(struct frames *frames, double time);

/* Reader: newest published sequence, 0 when none yet. */
uint64_t frames_latest(const struct frames *frames);

/* Reader, in place: pointer to the picture of `sequence` (0 = latest) or NULL when it is gone or
 * none. After using the picture ask frames_still_valid() with the same info: false = it was
 * overwritten meanwhile and what was read must be thrown away. */
const uint8_t *frames_peek(const struct frames *frames, uint64_t sequence, struct frame_info *info);
bool frames_still_valid(const struct frames *frames, const struct frame_info *info);

/* Reader, copying: 0, -ENOENT (none yet / gone) or -ESTALE after a few tries. `picture` must hold
 * frames_picture_bytes(). */
int frames_copy(const struct frames *frames, uint64_t sequence, uint8_t *picture,
                struct frame_info *info);

#endif
