#include "analyse/requests.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/mem.h"

#define NO_REGION UINT32_MAX /* a knock: its answer tells only that somebody is there */
#define KNOCK_US 1000000     /* pause between two knocks, and how long one may take */

struct request {
    uint64_t id; /* 0 = the slot is not ours */
    unsigned region;
};

struct requests {
    struct requests_setup setup;
    struct tensor_cutter *cutter;
    struct request slots[TENSOR_SLOTS];
    const struct yuv_view *picture;
    const struct regions *regions;
    int64_t deadline_us;
    unsigned next, in_flight; /* regions: first not submitted; submitted and not answered */
    unsigned answered, late;  /* regions of this picture */
    bool away, no_model;
    int64_t knocked_us;
    unsigned limit;
    struct requests_counts counts;
};

struct requests *requests_create(const struct requests_setup *setup)
{
    if (tensors_input_bytes(setup->tensors) < tensor_bytes(&setup->format)) {
        tensors_close(setup->tensors);
        return NULL;
    }
    struct requests *r = mem_alloc(sizeof *r);
    r->setup = *setup;
    r->cutter = tensor_cutter_create(&setup->format);
    r->limit = REGIONS_MAX;
    tensors_reset_client(setup->tensors);
    return r;
}

void requests_destroy(struct requests *r)
{
    if (r != NULL) {
        tensors_reset_client(r->setup.tensors);
        tensor_cutter_destroy(r->cutter);
        tensors_close(r->setup.tensors);
        free(r);
    }
}

static bool submit(struct requests *r, struct box area, unsigned region)
{
    uint8_t *input;
    int slot = tensors_begin(r->setup.tensors, &input);
    if (slot < 0) {
        return false;
    }
    tensor_cut(r->cutter, r->picture, area, input);
    if (!r->setup.valid(r->setup.context)) {
        tensors_abandon(r->setup.tensors, slot);
        r->next = r->regions->count; /* nothing more to be had from this picture */
        return false;
    }
    r->slots[slot] = (struct request){
        .id = tensors_submit(r->setup.tensors, slot, r->deadline_us),
        .region = region,
    };
    return true;
}

static void wake_detectors(const struct requests *r)
{
    eventfd_write(r->setup.work_fd, 1);
}

static void submit_more(struct requests *r)
{
    unsigned before = r->in_flight;
    while (r->next < r->regions->count && submit(r, r->regions->items[r->next], r->next)) {
        r->next++;
        r->in_flight++;
    }
    if (r->in_flight > before) {
        wake_detectors(r);
    }
}

static void drop_knocks(struct requests *r)
{
    for (int i = 0; i < TENSOR_SLOTS; i++) {
        if (r->slots[i].id != 0 && r->slots[i].region == NO_REGION) {
            tensors_abandon(r->setup.tensors, i);
            r->slots[i].id = 0;
        }
    }
}

static void knock(struct requests *r, int64_t now_us)
{
    if (now_us - r->knocked_us < KNOCK_US) {
        return;
    }
    drop_knocks(r);
    r->knocked_us = now_us;
    r->deadline_us = now_us + KNOCK_US;
    if (submit(r, r->regions->items[0], NO_REGION)) {
        wake_detectors(r);
    }
}

void requests_begin(struct requests *r, const struct yuv_view *picture,
                    const struct regions *regions, int64_t now_us, int64_t deadline_us)
{
    r->picture = picture;
    r->regions = regions;
    r->deadline_us = deadline_us;
    r->next = r->in_flight = r->answered = r->late = 0;
    requests_collect(r, now_us); /* a knock may have been heard */
    if (regions->count == 0) {
        return;
    }
    if (r->away) {
        r->next = regions->count;
        knock(r, now_us);
    } else {
        submit_more(r);
    }
}

static void take_answer(struct requests *r, const struct request *request,
                        enum tensor_status status, const struct tensor_box *boxes, unsigned count)
{
    bool of_picture = request->region != NO_REGION;
    r->in_flight -= of_picture;
    switch (status) {
    case TENSOR_OK:
        r->away = r->no_model = false;
        r->counts.answered++;
        if (of_picture) {
            r->answered++;
            r->setup.answer(r->setup.context, request->region, boxes, count);
        }
        return;
    case TENSOR_EXPIRED:
        r->late += of_picture;
        r->counts.late += of_picture;
        return;
    case TENSOR_FAILED:
        r->away = r->no_model = false; /* somebody is there and has said why in the log */
        r->counts.failed++;
        return;
    case TENSOR_NO_MODEL:
        r->away = r->no_model = true;
        r->counts.failed++;
        return;
    }
}

void requests_collect(struct requests *r, int64_t now_us)
{
    for (int i = 0; i < TENSOR_SLOTS; i++) {
        struct tensor_box boxes[TENSOR_MAX_BOXES];
        enum tensor_status status;
        unsigned count;
        struct request request = r->slots[i];
        if (request.id == 0 ||
            tensors_take(r->setup.tensors, i, request.id, &status, boxes, &count) != 0) {
            continue;
        }
        r->slots[i].id = 0;
        take_answer(r, &request, status, boxes, count);
    }
    if (r->regions != NULL && !r->away && now_us < r->deadline_us) {
        submit_more(r);
    }
}

bool requests_waiting(const struct requests *r)
{
    return r->in_flight > 0 || (!r->away && r->next < r->regions->count);
}

/* Fewer regions after one that came too late, one more after a picture whose all came. */
static void adapt_limit(struct requests *r, unsigned missed)
{
    if (missed > 0) {
        r->limit = r->answered > 0 ? r->answered : 1;
    } else if (r->regions->count >= r->limit && r->limit < REGIONS_MAX) {
        r->limit++;
    }
}

bool requests_end(struct requests *r, int64_t now_us)
{
    unsigned unasked = r->regions->count - r->next;
    for (int i = 0; i < TENSOR_SLOTS; i++) {
        if (r->slots[i].id != 0 && r->slots[i].region != NO_REGION) {
            tensors_abandon(r->setup.tensors, i);
            r->slots[i].id = 0;
            r->late++;
            r->counts.late++;
        }
    }
    bool all = r->answered == r->regions->count;
    bool was_away = r->away;
    if (r->late > 0 && r->answered == 0) {
        r->away = true;
        r->knocked_us = now_us;
    } else if (!was_away) {
        adapt_limit(r, r->late + unasked);
    }
    r->regions = NULL;
    r->picture = NULL;
    r->in_flight = 0;
    return all;
}

bool requests_away(const struct requests *r)
{
    return r->away;
}

bool requests_no_model(const struct requests *r)
{
    return r->no_model;
}

unsigned requests_limit(const struct requests *r)
{
    return r->limit;
}

const struct requests_counts *requests_counts(const struct requests *r)
{
    return &r->counts;
}
