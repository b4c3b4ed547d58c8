/* The key pictures of many files, played many times faster. */
#include <errno.h>

#include "render/child.h"
#include "render/film.h"

#define KEY_SECONDS 2

struct lapse {
    const struct render_message *task;
    int out;
    struct film *film;
    AVFrame *last;     /* shown until the next one is due */
    int64_t slot;      /* next one to be filled */
    int64_t before_us; /* length of the files that are done */
};

/* Shows the picture before until `at_us` of the recording. */
static int fill(struct lapse *lapse, int64_t at_us, struct err *err)
{
    double seconds = (double)at_us / 1e6 / lapse->task->speed;
    int64_t until = (int64_t)(seconds * lapse->task->rate + 0.5);
    int result = 0;
    while (result == 0 && lapse->film != NULL && lapse->slot < until) {
        result = film_add(lapse->film, lapse->last, lapse->slot++, 1, err);
    }
    return result;
}

static int show(struct lapse *lapse, const AVFrame *frame, int64_t at_us, struct err *err)
{
    int result = fill(lapse, at_us, err);
    if (result == 0 && lapse->film == NULL) {
        struct film_form form = {.rate = av_d2q(lapse->task->rate, 1001000),
                                 .key_pictures = (int)(lapse->task->rate * KEY_SECONDS)};
        form.time_base = av_inv_q(form.rate);
        lapse->film = film_create(lapse->out, &form, frame, err);
        result = lapse->film != NULL ? 0 : -err->code;
    }
    if (result == 0) {
        av_frame_unref(lapse->last);
        result = av_frame_ref(lapse->last, frame) < 0 ? -ENOMEM : 0;
    }
    return result;
}

/* Key pictures need nothing else: each is decoded by itself. */
static int add_key(struct lapse *lapse, struct reel *reel, size_t i, int64_t from_us,
                   struct err *err)
{
    int result = 0;
    reel_feed(reel, i);
    reel_drain(reel);
    while (result == 0 && reel_take(reel) == 1) {
        int64_t at_us = reel->shown[i] > from_us ? reel->shown[i] - from_us : 0;
        result = show(lapse, reel->frame, lapse->before_us + at_us, err);
    }
    reel_restart(reel);
    return result;
}

static int add_file(struct lapse *lapse, struct reel *reel, const struct render_message *file,
                    struct err *err)
{
    const struct mp4_track *track = &reel->mp4.tracks[MP4_VIDEO];
    int64_t length_us = (int64_t)(mp4_duration(&reel->mp4) * 1e6);
    int64_t to_us = file->to_us > 0 && file->to_us < length_us ? file->to_us : length_us;
    int64_t from_us = file->from_us > 0 ? file->from_us : 0;
    int result = 0;
    for (size_t i = reel_key_at(reel, from_us); i < track->count && result == 0; i++) {
        if (track->samples[i].key && reel->shown[i] < to_us) {
            result = add_key(lapse, reel, i, from_us, err);
        }
    }
    lapse->before_us += to_us > from_us ? to_us - from_us : 0;
    return result;
}

static int add_files(struct lapse *lapse, struct err *err)
{
    int result = 0;
    for (uint32_t i = 0; i < lapse->task->count && result == 0; i++) {
        struct render_message file, said = {.say = RENDER_PROGRESS};
        struct reel reel;
        struct err damaged = ERR_NONE;
        int fd = child_want(i, &file);
        if (fd == -EPIPE) {
            return err_set(err, EPIPE, "the server is gone");
        }
        if (fd >= 0 && reel_open(&reel, fd, &damaged) == 0) {
            result = add_file(lapse, &reel, &file, err);
            reel_close(&reel);
        }
        said.permille = (uint32_t)((i + 1) * (uint64_t)1000 / lapse->task->count);
        render_send(RENDER_FD, &said, -1);
    }
    return result;
}

int child_timelapse(const struct render_message *task, int out, struct err *err)
{
    struct lapse lapse = {.task = task, .out = out, .last = av_frame_alloc()};
    if (!(task->speed >= 1 && task->rate >= 1) || lapse.last == NULL) {
        av_frame_free(&lapse.last);
        return err_set(err, EINVAL, "no usable speed");
    }
    int result = add_files(&lapse, err);
    if (result == 0 && lapse.film == NULL) {
        result = err_set(err, ENOENT, "no picture could be decoded");
    }
    if (result == 0) {
        result = fill(&lapse, lapse.before_us, err);
    }
    if (result == 0 && lapse.slot == 0) {
        result = film_add(lapse.film, lapse.last, 0, 1, err); /* shorter than one picture */
    }
    if (result == 0) {
        result = film_end(lapse.film, err);
    }
    film_destroy(lapse.film);
    av_frame_free(&lapse.last);
    return result;
}
