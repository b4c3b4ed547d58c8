/* The detector's side door: regions of one picture go into tensor slots, as many at a time as there
 * are slots, and answers come back in any order until a deadline.
 *
 * When the detector answered nothing at all before a deadline it is taken to be away: pictures then
 * do not wait for it any more, while one request at a time goes on knocking. */
#ifndef CORVETTE_ANALYSE_REQUESTS_H
#define CORVETTE_ANALYSE_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "ring/tensors.h"
#include "vision/regions.h"
#include "vision/tensor.h"

struct requests;

struct requests_setup {
    struct tensors *tensors; /* taken over */
    struct tensor_format format;
    int work_fd; /* eventfd, stays the caller's */
    /* A region's answer, during requests_collect(). */
    void (*answer)(void *context, unsigned region, const struct tensor_box *boxes, unsigned count);
    /* Whether the picture is still what it was. */
    bool (*valid)(void *context);
    void *context;
};

struct requests_counts {
    uint64_t answered, late, failed;
};

/* NULL when the slots are smaller than the format needs (the tensors are closed then). */
struct requests *requests_create(const struct requests_setup *setup);
void requests_destroy(struct requests *requests); /* NULL is fine; leaves no slot occupied */

/* A new picture: submits what fits. `now_us`, deadline: CLOCK_MONOTONIC. Picture and regions must
 * stay until requests_end(). */
void requests_begin(struct requests *requests, const struct yuv_view *picture,
                    const struct regions *regions, int64_t now_us, int64_t deadline_us);
/* Takes what is answered, submits what fits now. */
void requests_collect(struct requests *requests, int64_t now_us);
/* Something of the picture is still to come. */
bool requests_waiting(const struct requests *requests);
/* The picture is over: gives up on the rest. Returns whether all regions were answered. */
bool requests_end(struct requests *requests, int64_t now_us);

bool requests_away(const struct requests *requests);
/* The detector said that it has no model. */
bool requests_no_model(const struct requests *requests);
/* How many regions a picture may well have: follows what was answered in time. */
unsigned requests_limit(const struct requests *requests);
const struct requests_counts *requests_counts(const struct requests *requests);

#endif
