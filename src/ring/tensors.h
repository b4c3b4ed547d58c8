/* Shared tensor slots between one analyse process (the client) and the detectors (the servers).
 *
 * The supervisor creates, per camera, one memfd of TENSOR_SLOTS slots and an eventfd `done`, and
 * one eventfd `work` for the whole system. Every detector sees every camera's slots and takes what
 * is queued, so detectors share the load. All memory outlives its users: either side can be
 * replaced at any moment. Both eventfds are plain counters: read to clear, then look at the slots.
 *
 * A slot's life: FREE -> (client fills input) -> QUEUED -> (detector takes) -> RUNNING -> DONE ->
 * (client reads) -> FREE. Each request has an id and a deadline (CLOCK_MONOTONIC); the detector
 * skips what is past it (slot -> DONE with TENSOR_EXPIRED) and an answer is only valid for the id
 * asked. Fairness: the detector serves cameras round robin, oldest request of each first. */
#ifndef CORVETTE_RING_TENSORS_H
#define CORVETTE_RING_TENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TENSOR_SLOTS 4
#define TENSOR_MAX_BOXES 64

enum tensor_status {
    TENSOR_OK = 1,
    TENSOR_EXPIRED,  /* deadline passed before it ran */
    TENSOR_FAILED,   /* the model refused it; the detector has logged why */
    TENSOR_NO_MODEL, /* the detector has no usable model */
};

/* Corners relative to the model's input picture, 0..1 (may lie a little outside). */
struct tensor_box {
    uint32_t label; /* index into the label map */
    float score;    /* 0..1 */
    float x1, y1, x2, y2;
};

struct tensors;

/* `input_bytes`: width * height * 3 bytes, one byte per channel value (0..255), in the order of
 * model.input_tensor and model.input_pixel_format; the detector converts to the model's number
 * type. */
size_t tensors_bytes(size_t input_bytes);
int tensors_create(const char *camera, size_t input_bytes); /* sealed memfd or -errno */
struct tensors *tensors_open(int memfd);                    /* NULL with errno */
void tensors_close(struct tensors *tensors);
size_t tensors_input_bytes(const struct tensors *tensors);

/* Client. begin: index of a free slot and its input memory, or -EAGAIN when all are in use. */
int tensors_begin(struct tensors *tensors, uint8_t **input);
/* Queues it; returns the request id (never 0). The caller then writes the `work` eventfd. */
uint64_t tensors_submit(struct tensors *tensors, int slot, int64_t deadline_us);
/* Result of a submitted slot: 0 with status and boxes when its answer for `id` is there, -EAGAIN
 * while it is queued or running. Frees the slot. -ESTALE: the slot is not this request's (any
 * more). */
int tensors_take(struct tensors *tensors, int slot, uint64_t id, enum tensor_status *status,
                 struct tensor_box boxes[TENSOR_MAX_BOXES], unsigned *count);
/* Gives up on a slot: it is free at once, or as soon as the detector lets go of it. */
void tensors_abandon(struct tensors *tensors, int slot);
/* A new client after a crash: forgets whatever the last one had in flight. */
void tensors_reset_client(struct tensors *tensors);

/* Detector. Takes the oldest queued slot whose deadline has not passed (expired ones are answered
 * on the way): its index, or -EAGAIN. */
int tensors_next(struct tensors *tensors, unsigned detector, int64_t now_us, const uint8_t **input);
void tensors_answer(struct tensors *tensors, int slot, enum tensor_status status,
                    const struct tensor_box *boxes, unsigned count);
/* Detector number `detector` was replaced: what the last one was running is queued again. */
void tensors_reset_detector(struct tensors *tensors, unsigned detector);
/* Number of queued requests (for fairness and statistics). */
unsigned tensors_queued(const struct tensors *tensors);
/* How many requests this opening of the slots has answered with TENSOR_EXPIRED. */
uint64_t tensors_expired(const struct tensors *tensors);

#endif
