#include "ring/frames.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "ring/shared.h"

#define FRAMES_MAGIC 0x4d524643u /* "CFRM" */
#define FRAMES_VERSION 1u
#define FRAMES_MAX_SLOTS 64u
#define FRAMES_MAX_SIDE 16384
#define FRAMES_PAGE 4096u
#define FRAMES_COPY_TRIES 4

/* `sequence` is the seqlock: the number of the picture the slot holds, 0 while it is being written.
 * A number never comes back, so a reader that sees the same number before and after has seen one
 * picture only. */
struct frames_slot {
    atomic_uint_fast64_t sequence;
    atomic_uint_fast64_t time_bits; /* double */
    atomic_int_fast64_t mono_us;
};

struct frames_header {
    uint32_t magic, version;
    uint32_t width, height, slot_count;
    char camera[64];
    atomic_uint_fast64_t latest;
    struct frames_slot slots[FRAMES_MAX_SLOTS];
};

_Static_assert(sizeof(struct frames_header) <= FRAMES_PAGE, "the header fits its page");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "locks inside shared memory would not be shared");

/* The geometry is copied at open and never read from shared memory again. */
struct frames {
    struct frames_header *header;
    uint8_t *pictures;
    size_t mapped_bytes, stride;
    uint32_t width, height, slot_count;
};

/* GCC warns that its thread sanitizer does not model fences; nothing here is shared by threads. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wtsan"
static inline void fence_release(void)
{
    atomic_thread_fence(memory_order_release);
}

static inline void fence_acquire(void)
{
    atomic_thread_fence(memory_order_acquire);
}
#pragma GCC diagnostic pop

static bool geometry_ok(int64_t width, int64_t height, uint32_t slots)
{
    return width > 0 && height > 0 && width <= FRAMES_MAX_SIDE && height <= FRAMES_MAX_SIDE &&
           slots >= 2 && slots <= FRAMES_MAX_SLOTS;
}

static size_t picture_stride(int width, int height)
{
    size_t bytes = frames_picture_bytes(width, height);
    return (bytes + FRAMES_PAGE - 1) / FRAMES_PAGE * FRAMES_PAGE;
}

size_t frames_bytes(int width, int height, unsigned slots)
{
    return FRAMES_PAGE + slots * picture_stride(width, height);
}

int frames_create(const char *camera, int width, int height, unsigned slots)
{
    if (!geometry_ok(width, height, slots)) {
        return -EINVAL;
    }
    AUTO_FREE char *name = mem_printf("corvette-frames-%s", camera);
    AUTO_CLOSE int fd = file_memfd(name, frames_bytes(width, height, slots));
    if (fd < 0) {
        return fd;
    }
    AUTO_FREE struct frames_header *header = mem_alloc(sizeof *header);
    header->magic = FRAMES_MAGIC;
    header->version = FRAMES_VERSION;
    header->width = (uint32_t)width;
    header->height = (uint32_t)height;
    header->slot_count = slots;
    strncpy(header->camera, camera, sizeof header->camera - 1);
    int rc = file_write_all(fd, header, sizeof *header);
    return rc < 0 ? rc : steal_fd(&fd);
}

static bool header_ok(const struct frames_header *header, size_t mapped_bytes)
{
    return header->magic == FRAMES_MAGIC && header->version == FRAMES_VERSION &&
           geometry_ok(header->width, header->height, header->slot_count) &&
           mapped_bytes ==
               frames_bytes((int)header->width, (int)header->height, header->slot_count);
}

static struct frames_slot *slot_of(const struct frames *frames, uint64_t sequence)
{
    return &frames->header->slots[(sequence - 1) % frames->slot_count];
}

static uint8_t *picture_of(const struct frames *frames, uint64_t sequence)
{
    return frames->pictures + (sequence - 1) % frames->slot_count * frames->stride;
}

/* A writer that died between completing a picture and announcing it: announce it now, so that its
 * number is not given to another picture. */
static void announce_orphan(struct frames *frames)
{
    uint64_t next = atomic_load(&frames->header->latest) + 1;
    if (atomic_load(&slot_of(frames, next)->sequence) == next) {
        atomic_store(&frames->header->latest, next);
    }
}

struct frames *frames_open(int memfd, bool writer)
{
    size_t bytes;
    struct frames_header *header = shared_map(memfd, writer, FRAMES_PAGE, &bytes);
    if (header == NULL) {
        return NULL;
    }
    if (!header_ok(header, bytes)) {
        munmap(header, bytes);
        errno = EINVAL;
        return NULL;
    }
    struct frames *frames = mem_alloc(sizeof *frames);
    frames->header = header;
    frames->pictures = (uint8_t *)header + FRAMES_PAGE;
    frames->mapped_bytes = bytes;
    frames->width = header->width;
    frames->height = header->height;
    frames->slot_count = header->slot_count;
    frames->stride = picture_stride((int)frames->width, (int)frames->height);
    if (writer) {
        announce_orphan(frames);
    }
    return frames;
}

void frames_close(struct frames *frames)
{
    if (frames != NULL) {
        munmap(frames->header, frames->mapped_bytes);
        free(frames);
    }
}

int frames_width(const struct frames *frames)
{
    return (int)frames->width;
}

int frames_height(const struct frames *frames)
{
    return (int)frames->height;
}

uint8_t *frames_write_begin(struct frames *frames)
{
    uint64_t next = atomic_load_explicit(&frames->header->latest, memory_order_relaxed) + 1;
    atomic_store_explicit(&slot_of(frames, next)->sequence, 0, memory_order_relaxed);
    /* Readers must see the slot invalid before they can see any byte of the new picture. */
    fence_release();
    return picture_of(frames, next);
}

void frames_write_end(struct frames *frames, double time)
{
    uint64_t next = atomic_load_explicit(&frames->header->latest, memory_order_relaxed) + 1;
    struct frames_slot *slot = slot_of(frames, next);
    uint64_t bits;
    memcpy(&bits, &time, sizeof bits);
    atomic_store_explicit(&slot->time_bits, bits, memory_order_relaxed);
    atomic_store_explicit(&slot->mono_us, mono_now().us, memory_order_relaxed);
    atomic_store_explicit(&slot->sequence, next, memory_order_release);
    atomic_store_explicit(&frames->header->latest, next, memory_order_release);
}

uint64_t frames_latest(const struct frames *frames)
{
    return atomic_load_explicit(&frames->header->latest, memory_order_acquire);
}

const uint8_t *frames_peek(const struct frames *frames, uint64_t sequence, struct frame_info *info)
{
    uint64_t latest = frames_latest(frames);
    if (sequence == 0) {
        sequence = latest;
    }
    if (sequence == 0 || sequence > latest) {
        return NULL;
    }
    struct frames_slot *slot = slot_of(frames, sequence);
    if (atomic_load_explicit(&slot->sequence, memory_order_acquire) != sequence) {
        return NULL;
    }
    uint64_t bits = atomic_load_explicit(&slot->time_bits, memory_order_relaxed);
    *info = (struct frame_info){
        .sequence = sequence,
        .mono_us = atomic_load_explicit(&slot->mono_us, memory_order_relaxed),
        .width = frames->width,
        .height = frames->height,
    };
    memcpy(&info->time, &bits, sizeof bits);
    /* The times just read may already be those of a later picture. */
    return frames_still_valid(frames, info) ? picture_of(frames, sequence) : NULL;
}

bool frames_still_valid(const struct frames *frames, const struct frame_info *info)
{
    fence_acquire();
    struct frames_slot *slot = slot_of(frames, info->sequence);
    return atomic_load_explicit(&slot->sequence, memory_order_relaxed) == info->sequence;
}

int frames_copy(const struct frames *frames, uint64_t sequence, uint8_t *picture,
                struct frame_info *info)
{
    size_t bytes = frames_picture_bytes((int)frames->width, (int)frames->height);
    for (int i = 0; i < FRAMES_COPY_TRIES; i++) {
        const uint8_t *source = frames_peek(frames, sequence, info);
        if (source == NULL) {
            /* The latest can only be missing when a lap of the ring went by just now. */
            if (sequence == 0 && frames_latest(frames) != 0) {
                continue;
            }
            return i == 0 ? -ENOENT : -ESTALE;
        }
        memcpy(picture, source, bytes);
        if (frames_still_valid(frames, info)) {
            return 0;
        }
    }
    return -ESTALE;
}
