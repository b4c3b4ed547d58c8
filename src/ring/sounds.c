#include "ring/sounds.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mem.h"
#include "ring/shared.h"

#define SOUNDS_MAGIC 0x444e5343u /* "CSND" */
#define SOUNDS_VERSION 1u
#define FULL_SCALE 32768.0

/* `sequence` is the seqlock, as in frames.c: 0 while the slot is being written, and a number never
 * comes back. */
struct sounds_slot {
    atomic_uint_fast64_t sequence;
    atomic_uint_fast64_t time_bits; /* double */
    atomic_uint joined;
    int16_t samples[SOUNDS_HOP];
};

struct sounds_memory {
    uint32_t magic, version;
    uint32_t rate, hop, slot_count;
    char camera[64];
    atomic_uint_fast64_t latest;
    struct sounds_slot slots[SOUNDS_SLOTS];
};

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "locks inside shared memory would not be shared");

struct sounds {
    struct sounds_memory *memory;
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

int sounds_create(const char *camera)
{
    AUTO_FREE char *name = mem_printf("corvette-sounds-%s", camera);
    AUTO_CLOSE int fd = file_memfd(name, sizeof(struct sounds_memory));
    if (fd < 0) {
        return fd;
    }
    AUTO_FREE struct sounds_memory *memory = mem_alloc(sizeof *memory);
    memory->magic = SOUNDS_MAGIC;
    memory->version = SOUNDS_VERSION;
    memory->rate = SOUNDS_RATE;
    memory->hop = SOUNDS_HOP;
    memory->slot_count = SOUNDS_SLOTS;
    strncpy(memory->camera, camera, sizeof memory->camera - 1);
    int result = file_write_all(fd, memory, offsetof(struct sounds_memory, slots));
    return result < 0 ? result : steal_fd(&fd);
}

static struct sounds_slot *slot_of(const struct sounds *sounds, uint64_t sequence)
{
    return &sounds->memory->slots[(sequence - 1) % SOUNDS_SLOTS];
}

struct sounds *sounds_open(int memfd, bool writer)
{
    size_t bytes;
    struct sounds_memory *memory = shared_map(memfd, writer, sizeof *memory, &bytes);
    if (memory == NULL) {
        return NULL;
    }
    if (memory->magic != SOUNDS_MAGIC || memory->version != SOUNDS_VERSION ||
        memory->rate != SOUNDS_RATE || memory->hop != SOUNDS_HOP ||
        memory->slot_count != SOUNDS_SLOTS || bytes != sizeof *memory) {
        munmap(memory, bytes);
        errno = EINVAL;
        return NULL;
    }
    struct sounds *sounds = mem_alloc(sizeof *sounds);
    sounds->memory = memory;
    uint64_t next = sounds_latest(sounds) + 1;
    if (writer && atomic_load(&slot_of(sounds, next)->sequence) == next) {
        atomic_store(&memory->latest, next); /* a writer died before it announced this one */
    }
    return sounds;
}

void sounds_close(struct sounds *sounds)
{
    if (sounds != NULL) {
        munmap(sounds->memory, sizeof *sounds->memory);
        free(sounds);
    }
}

void sounds_write(struct sounds *sounds, const int16_t hop[SOUNDS_HOP], double time, bool joined)
{
    uint64_t next = atomic_load_explicit(&sounds->memory->latest, memory_order_relaxed) + 1;
    struct sounds_slot *slot = slot_of(sounds, next);
    uint64_t bits;
    memcpy(&bits, &time, sizeof bits);
    atomic_store_explicit(&slot->sequence, 0, memory_order_relaxed);
    fence_release();
    memcpy(slot->samples, hop, sizeof slot->samples);
    atomic_store_explicit(&slot->time_bits, bits, memory_order_relaxed);
    atomic_store_explicit(&slot->joined, joined, memory_order_relaxed);
    atomic_store_explicit(&slot->sequence, next, memory_order_release);
    atomic_store_explicit(&sounds->memory->latest, next, memory_order_release);
}

uint64_t sounds_latest(const struct sounds *sounds)
{
    return atomic_load_explicit(&sounds->memory->latest, memory_order_acquire);
}

uint64_t sounds_oldest(const struct sounds *sounds)
{
    /* The slot after the newest may be in the writer's hands. */
    uint64_t latest = sounds_latest(sounds);
    return latest < SOUNDS_SLOTS ? 1 : latest - SOUNDS_SLOTS + 2;
}

int sounds_copy(const struct sounds *sounds, uint64_t sequence, int16_t hop[SOUNDS_HOP],
                struct sounds_info *info)
{
    if (sequence == 0 || sequence > sounds_latest(sounds)) {
        return -ENOENT;
    }
    struct sounds_slot *slot = slot_of(sounds, sequence);
    if (atomic_load_explicit(&slot->sequence, memory_order_acquire) != sequence) {
        return -ESTALE;
    }
    uint64_t bits = atomic_load_explicit(&slot->time_bits, memory_order_relaxed);
    *info = (struct sounds_info){
        .sequence = sequence,
        .joined = atomic_load_explicit(&slot->joined, memory_order_relaxed) != 0,
    };
    memcpy(&info->time, &bits, sizeof bits);
    memcpy(hop, slot->samples, sizeof slot->samples);
    fence_acquire();
    return atomic_load_explicit(&slot->sequence, memory_order_relaxed) == sequence ? 0 : -ESTALE;
}

double sounds_dbfs(double rms)
{
    return rms > 0 ? 20 * log10(rms / FULL_SCALE) : 0;
}

struct sounds_level sounds_level(const int16_t *samples, size_t count)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (int32_t)samples[i] * samples[i];
    }
    double rms = count > 0 ? sqrt((double)sum / (double)count) : 0;
    return (struct sounds_level){.rms = rms, .dbfs = sounds_dbfs(rms)};
}
