#include "ring/tensors.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mem.h"
#include "ring/shared.h"

#define TENSORS_MAGIC 0x534e5443u /* "CTNS" */
#define TENSORS_VERSION 1u
#define TENSORS_PAGE 4096u
#define TENSORS_MAX_INPUT ((size_t)64 << 20)

/* A slot is owned through one word that only changes by compare-and-swap:
 *
 *     bits 0..3 state, bit 4 abandoned, bits 8..15 detector (while RUNNING), bits 16..63 request id
 *
 * The id makes every life of a slot a different word, so a process that was stopped for a while can
 * never act on a later life of it. Memory follows the word: it belongs to the client in FILLING and
 * DONE, to the detector in RUNNING, and to nobody else. */
enum slot_state { SLOT_FREE, SLOT_FILLING, SLOT_QUEUED, SLOT_RUNNING, SLOT_DONE };

#define WORD_STATE_MASK UINT64_C(0xf)
#define WORD_ABANDONED UINT64_C(0x10)
#define WORD_DETECTOR_SHIFT 8
#define WORD_ID_SHIFT 16

struct tensor_slot {
    atomic_uint_fast64_t word;
    atomic_int_fast64_t deadline_us;
    uint32_t status, count;
    struct tensor_box boxes[TENSOR_MAX_BOXES];
};

struct tensors_header {
    uint32_t magic, version;
    uint64_t input_bytes;
    char camera[64];
    atomic_uint_fast64_t last_id;
    struct tensor_slot slots[TENSOR_SLOTS];
};

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "locks inside shared memory would not be shared");

struct tensors {
    struct tensors_header *header;
    uint8_t *inputs;
    size_t mapped_bytes, input_bytes, stride;
    uint64_t held[TENSOR_SLOTS]; /* detector: the word each slot was taken with, 0 = not held */
    uint64_t expired;
};

static size_t pages(size_t bytes)
{
    return (bytes + TENSORS_PAGE - 1) / TENSORS_PAGE * TENSORS_PAGE;
}

static uint64_t word_make(enum slot_state state, uint64_t id, unsigned detector)
{
    return (uint64_t)state | (uint64_t)(detector & 0xff) << WORD_DETECTOR_SHIFT |
           id << WORD_ID_SHIFT;
}

static enum slot_state word_state(uint64_t word)
{
    return (enum slot_state)(word & WORD_STATE_MASK);
}

static unsigned word_detector(uint64_t word)
{
    return (unsigned)(word >> WORD_DETECTOR_SHIFT) & 0xff;
}

static uint64_t word_id(uint64_t word)
{
    return word >> WORD_ID_SHIFT;
}

static uint64_t load(const struct tensor_slot *slot)
{
    return atomic_load_explicit(&slot->word, memory_order_acquire);
}

/* Changes `*from` to `to`; on failure `*from` is what is there now. */
static bool change(struct tensor_slot *slot, uint64_t *from, uint64_t to)
{
    return atomic_compare_exchange_strong_explicit(&slot->word, from, to, memory_order_acq_rel,
                                                   memory_order_acquire);
}

size_t tensors_bytes(size_t input_bytes)
{
    return pages(sizeof(struct tensors_header)) + TENSOR_SLOTS * pages(input_bytes);
}

int tensors_create(const char *camera, size_t input_bytes)
{
    if (input_bytes == 0 || input_bytes > TENSORS_MAX_INPUT) {
        return -EINVAL;
    }
    AUTO_FREE char *name = mem_printf("corvette-tensors-%s", camera);
    AUTO_CLOSE int fd = file_memfd(name, tensors_bytes(input_bytes));
    if (fd < 0) {
        return fd;
    }
    AUTO_FREE struct tensors_header *header = mem_alloc(sizeof *header);
    header->magic = TENSORS_MAGIC;
    header->version = TENSORS_VERSION;
    header->input_bytes = input_bytes;
    strncpy(header->camera, camera, sizeof header->camera - 1);
    int rc = file_write_all(fd, header, sizeof *header);
    return rc < 0 ? rc : steal_fd(&fd);
}

struct tensors *tensors_open(int memfd)
{
    size_t bytes;
    struct tensors_header *header = shared_map(memfd, true, sizeof *header, &bytes);
    if (header == NULL) {
        return NULL;
    }
    size_t input_bytes = (size_t)header->input_bytes;
    if (header->magic != TENSORS_MAGIC || header->version != TENSORS_VERSION || input_bytes == 0 ||
        input_bytes > TENSORS_MAX_INPUT || bytes != tensors_bytes(input_bytes)) {
        munmap(header, bytes);
        errno = EINVAL;
        return NULL;
    }
    struct tensors *tensors = mem_alloc(sizeof *tensors);
    tensors->header = header;
    tensors->inputs = (uint8_t *)header + pages(sizeof *header);
    tensors->mapped_bytes = bytes;
    tensors->input_bytes = input_bytes;
    tensors->stride = pages(input_bytes);
    return tensors;
}

void tensors_close(struct tensors *tensors)
{
    if (tensors != NULL) {
        munmap(tensors->header, tensors->mapped_bytes);
        free(tensors);
    }
}

size_t tensors_input_bytes(const struct tensors *tensors)
{
    return tensors->input_bytes;
}

static uint8_t *input_of(const struct tensors *tensors, int slot)
{
    return tensors->inputs + (size_t)slot * tensors->stride;
}

static struct tensor_slot *slot_at(const struct tensors *tensors, int slot)
{
    return slot >= 0 && slot < TENSOR_SLOTS ? &tensors->header->slots[slot] : NULL;
}

int tensors_begin(struct tensors *tensors, uint8_t **input)
{
    for (int i = 0; i < TENSOR_SLOTS; i++) {
        struct tensor_slot *slot = &tensors->header->slots[i];
        uint64_t word = load(slot);
        if (word_state(word) == SLOT_FREE && change(slot, &word, SLOT_FILLING)) {
            *input = input_of(tensors, i);
            return i;
        }
    }
    return -EAGAIN;
}

uint64_t tensors_submit(struct tensors *tensors, int slot, int64_t deadline_us)
{
    struct tensor_slot *s = slot_at(tensors, slot);
    assert(s != NULL && word_state(load(s)) == SLOT_FILLING);
    uint64_t id = 1 + atomic_fetch_add_explicit(&tensors->header->last_id, 1, memory_order_relaxed);
    atomic_store_explicit(&s->deadline_us, deadline_us, memory_order_relaxed);
    atomic_store_explicit(&s->word, word_make(SLOT_QUEUED, id, 0), memory_order_release);
    return id;
}

int tensors_take(struct tensors *tensors, int slot, uint64_t id, enum tensor_status *status,
                 struct tensor_box boxes[TENSOR_MAX_BOXES], unsigned *count)
{
    struct tensor_slot *s = slot_at(tensors, slot);
    if (s == NULL) {
        return -EINVAL;
    }
    uint64_t word = load(s);
    if (word_id(word) != id) {
        return -ESTALE;
    }
    if (word_state(word) != SLOT_DONE) {
        return -EAGAIN;
    }
    *status = (enum tensor_status)s->status;
    *count = s->count <= TENSOR_MAX_BOXES ? s->count : TENSOR_MAX_BOXES;
    memcpy(boxes, s->boxes, *count * sizeof *boxes);
    atomic_store_explicit(&s->word, SLOT_FREE, memory_order_release);
    return 0;
}

void tensors_abandon(struct tensors *tensors, int slot)
{
    struct tensor_slot *s = slot_at(tensors, slot);
    if (s == NULL) {
        return;
    }
    uint64_t word = load(s);
    for (;;) {
        bool running = word_state(word) == SLOT_RUNNING;
        if (change(s, &word, running ? word | WORD_ABANDONED : SLOT_FREE)) {
            return;
        }
    }
}

void tensors_reset_client(struct tensors *tensors)
{
    for (int i = 0; i < TENSOR_SLOTS; i++) {
        tensors_abandon(tensors, i);
    }
}

/* The queued slot with the lowest id, and its word. */
static int oldest_queued(const struct tensors *tensors, uint64_t *word)
{
    int oldest = -1;
    for (int i = 0; i < TENSOR_SLOTS; i++) {
        uint64_t w = load(&tensors->header->slots[i]);
        if (word_state(w) == SLOT_QUEUED && (oldest < 0 || word_id(w) < word_id(*word))) {
            oldest = i;
            *word = w;
        }
    }
    return oldest;
}

int tensors_next(struct tensors *tensors, unsigned detector, int64_t now_us, const uint8_t **input)
{
    uint64_t word = 0;
    int i;
    while ((i = oldest_queued(tensors, &word)) >= 0) {
        struct tensor_slot *slot = &tensors->header->slots[i];
        uint64_t running = word_make(SLOT_RUNNING, word_id(word), detector);
        if (!change(slot, &word, running)) {
            continue; /* another detector took it, or the client gave up */
        }
        tensors->held[i] = running;
        if (atomic_load_explicit(&slot->deadline_us, memory_order_relaxed) >= now_us) {
            *input = input_of(tensors, i);
            return i;
        }
        tensors->expired++;
        tensors_answer(tensors, i, TENSOR_EXPIRED, NULL, 0);
    }
    return -EAGAIN;
}

void tensors_answer(struct tensors *tensors, int slot, enum tensor_status status,
                    const struct tensor_box *boxes, unsigned count)
{
    struct tensor_slot *s = slot_at(tensors, slot);
    if (s == NULL || tensors->held[slot] == 0) {
        return;
    }
    uint64_t word = tensors->held[slot];
    tensors->held[slot] = 0;
    if ((load(s) & ~WORD_ABANDONED) != word) {
        return; /* given to another detector meanwhile: not ours to write */
    }
    s->status = (uint32_t)status;
    s->count = count <= TENSOR_MAX_BOXES ? count : TENSOR_MAX_BOXES;
    if (s->count > 0) {
        memcpy(s->boxes, boxes, s->count * sizeof *boxes);
    }
    uint64_t done = word_make(SLOT_DONE, word_id(word), 0);
    if (!change(s, &word, done) && word_state(word) == SLOT_RUNNING) {
        change(s, &word, SLOT_FREE); /* abandoned */
    }
}

void tensors_reset_detector(struct tensors *tensors, unsigned detector)
{
    for (int i = 0; i < TENSOR_SLOTS; i++) {
        struct tensor_slot *slot = &tensors->header->slots[i];
        uint64_t word = load(slot);
        while (word_state(word) == SLOT_RUNNING && word_detector(word) == (detector & 0xff)) {
            bool abandoned = (word & WORD_ABANDONED) != 0;
            uint64_t to = abandoned ? SLOT_FREE : word_make(SLOT_QUEUED, word_id(word), 0);
            if (change(slot, &word, to)) {
                break;
            }
        }
    }
}

unsigned tensors_queued(const struct tensors *tensors)
{
    unsigned queued = 0;
    for (int i = 0; i < TENSOR_SLOTS; i++) {
        queued += word_state(load(&tensors->header->slots[i])) == SLOT_QUEUED;
    }
    return queued;
}

uint64_t tensors_expired(const struct tensors *tensors)
{
    return tensors->expired;
}
