/* Pictures and parts of films, each at its place in time, as one small film or GIF: previews. */
#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "render/child.h"
#include "render/film.h"
#include "render/gif.h"
#include "render/job.h"

#define STILL_BYTES_MAX (4u << 20)
#define KEY_PICTURES 40 /* contract */
#define GUESSED_RATE 1  /* pictures per second: what x264 shares its bits out by */
#define LENGTH_MIN_US 40000

struct strip {
    const struct render_message *task;
    int out;
    struct film *film;
    struct gif *gif;
    AVFrame *last; /* shown until the next one comes */
    int64_t last_us;
    bool has_last;
    AVCodecContext *stills;
    AVPacket *packet;
    AVFrame *still;
};

static int add_to_film(struct strip *strip, int64_t length_us, struct err *err)
{
    if (strip->film == NULL) {
        struct film_form form = {
            .width = (int)strip->task->width,
            .height = (int)strip->task->height,
            .time_base = {1, 1000},
            .rate = {GUESSED_RATE, 1},
            .key_pictures = KEY_PICTURES,
            .bit_rate = strip->task->bit_rate,
            .baseline = true,
        };
        strip->film = film_create(strip->out, &form, strip->last, err);
    }
    return strip->film != NULL
               ? film_add(strip->film, strip->last, strip->last_us / 1000, length_us / 1000, err)
               : -err->code;
}

/* The picture before is shown until `until_us`. */
static int put_last(struct strip *strip, int64_t until_us, struct err *err)
{
    if (!strip->has_last) {
        return 0;
    }
    strip->has_last = false;
    if (strip->task->format == RENDER_GIF) {
        return gif_add(strip->gif, strip->last, strip->last_us, err);
    }
    int64_t length_us = until_us - strip->last_us;
    return add_to_film(strip, length_us > LENGTH_MIN_US ? length_us : LENGTH_MIN_US, err);
}

static bool too_close(const struct strip *strip, int64_t at_us)
{
    return strip->has_last &&
           (at_us <= strip->last_us || at_us - strip->last_us < strip->task->step_us);
}

static int show(struct strip *strip, const AVFrame *frame, int64_t at_us, struct err *err)
{
    if (too_close(strip, at_us)) {
        return 0;
    }
    int result = put_last(strip, at_us, err);
    if (result == 0) {
        av_frame_unref(strip->last);
        result = av_frame_ref(strip->last, frame) < 0 ? err_set(err, ENOMEM, "no memory") : 0;
        strip->last_us = at_us;
        strip->has_last = result == 0;
    }
    return result;
}

/* ------------------------------------------------------------------ stills */

static int open_stills(struct strip *strip)
{
    const AVCodec *codec = avcodec_find_decoder(AV_CODEC_ID_WEBP);
    strip->stills = codec != NULL ? avcodec_alloc_context3(codec) : NULL;
    strip->packet = av_packet_alloc();
    if (strip->stills == NULL || strip->packet == NULL) {
        return -ENOTSUP;
    }
    strip->stills->thread_count = 1;
    return avcodec_open2(strip->stills, codec, NULL) < 0 ? -ENOTSUP : 0;
}

static int decode_still(struct strip *strip, const struct str *bytes)
{
    if (av_new_packet(strip->packet, (int)bytes->length) < 0) {
        return -ENOMEM;
    }
    memcpy(strip->packet->data, bytes->data, bytes->length);
    int result = avcodec_send_packet(strip->stills, strip->packet);
    av_packet_unref(strip->packet);
    return result < 0 || avcodec_receive_frame(strip->stills, strip->still) < 0 ? -EBADMSG : 0;
}

/* A damaged one is left out. */
static int add_still(struct strip *strip, int fd, const struct render_message *file,
                     struct err *err)
{
    AUTO_STR struct str bytes = {0};
    int result = 0;
    if (too_close(strip, file->at_us) || str_read_fd(&bytes, fd, STILL_BYTES_MAX) < 0 ||
        bytes.length == 0) {
        return 0;
    }
    if (strip->stills == NULL) {
        result = open_stills(strip);
    }
    if (result < 0) {
        return err_set(err, -result, "no decoder for WebP");
    }
    if (decode_still(strip, &bytes) == 0) {
        result = show(strip, strip->still, file->at_us, err);
    }
    avcodec_flush_buffers(strip->stills);
    return result;
}

/* ------------------------------------------------------------------ films */

/* Where in the strip a picture of the file's part is shown: the one on screen when the part begins
 * at its begin. */
static int64_t place_of(const struct render_message *file, int64_t shown_us)
{
    int64_t into = shown_us > file->from_us ? shown_us - file->from_us : 0;
    return file->at_us + (int64_t)((double)into / file->speed);
}

static int add_keys(struct strip *strip, struct reel *reel, const struct render_message *file,
                    struct err *err)
{
    const struct mp4_track *track = &reel->mp4.tracks[MP4_VIDEO];
    size_t first = reel_key_at(reel, file->from_us);
    int64_t taken_us = INT64_MIN / 2;
    int result = 0;
    for (size_t i = first; i < track->count && result == 0; i++) {
        int64_t at_us = place_of(file, reel->shown[i]);
        if (!track->samples[i].key || reel->shown[i] - taken_us < file->step_us ||
            reel->shown[i] > file->to_us || too_close(strip, at_us)) {
            continue;
        }
        reel_feed(reel, i);
        reel_drain(reel);
        while (result == 0 && reel_take(reel) == 1) {
            taken_us = reel->shown[i];
            result = show(strip, reel->frame, at_us, err);
        }
        reel_restart(reel);
    }
    return result;
}

/* Everything the decoder has ready. The last picture up to the part's begin waits in `strip->still`
 * until it is known to be the one on screen then. */
static int take_all(struct strip *strip, struct reel *reel, const struct render_message *file,
                    bool *begun, struct err *err)
{
    int result = 0;
    while (result == 0 && reel_take(reel) == 1) {
        size_t sample = (size_t)reel->frame->pts;
        if (sample >= reel->mp4.tracks[MP4_VIDEO].count || reel->shown[sample] > file->to_us) {
            continue;
        }
        int64_t shown_us = reel->shown[sample];
        if (shown_us <= file->from_us) {
            av_frame_unref(strip->still);
            if (av_frame_ref(strip->still, reel->frame) < 0) {
                return err_set(err, ENOMEM, "no memory");
            }
            continue;
        }
        if (!*begun && strip->still->buf[0] != NULL) {
            result = show(strip, strip->still, file->at_us, err);
        }
        *begun = true;
        if (result == 0) {
            result = show(strip, reel->frame, place_of(file, shown_us), err);
        }
    }
    return result;
}

static int add_all(struct strip *strip, struct reel *reel, const struct render_message *file,
                   struct err *err)
{
    const struct mp4_track *track = &reel->mp4.tracks[MP4_VIDEO];
    bool begun = false;
    int result = 0;
    av_frame_unref(strip->still);
    for (size_t i = reel_key_at(reel, file->from_us); i < track->count && result == 0; i++) {
        if (track->samples[i].key && reel->shown[i] > file->to_us) {
            break;
        }
        reel_feed(reel, i);
        result = take_all(strip, reel, file, &begun, err);
    }
    reel_drain(reel);
    if (result == 0) {
        result = take_all(strip, reel, file, &begun, err);
    }
    if (result == 0 && !begun && strip->still->buf[0] != NULL) {
        result = show(strip, strip->still, file->at_us, err);
    }
    av_frame_unref(strip->still);
    return result;
}

/* Takes the descriptor over. A damaged file is left out. */
static int add_film(struct strip *strip, int fd, const struct render_message *file, struct err *err)
{
    struct reel reel;
    struct err damaged = ERR_NONE;
    if (reel_open(&reel, fd, &damaged) < 0) {
        return 0;
    }
    int result = file->source == RENDER_KEYS ? add_keys(strip, &reel, file, err)
                                             : add_all(strip, &reel, file, err);
    reel_close(&reel);
    return result;
}

/* ------------------------------------------------------------------ */

static int add_file(struct strip *strip, uint32_t index, struct err *err)
{
    struct render_message file;
    AUTO_CLOSE int fd = child_want(index, &file);
    if (fd == -EPIPE) {
        return err_set(err, EPIPE, "the server is gone");
    }
    if (fd < 0) {
        return 0;
    }
    if (file.source == RENDER_STILL) {
        return add_still(strip, fd, &file, err);
    }
    if (!(file.speed > 0)) {
        return err_set(err, EINVAL, "no usable speed");
    }
    return add_film(strip, steal_fd(&fd), &file, err);
}

static int add_files(struct strip *strip, struct err *err)
{
    struct render_message said = {.say = RENDER_PROGRESS};
    uint32_t count = strip->task->count;
    int result = 0;
    for (uint32_t i = 0; i < count && result == 0; i++) {
        result = add_file(strip, i, err);
        uint32_t permille = (uint32_t)((i + 1) * (uint64_t)1000 / count);
        if (permille != said.permille) {
            said.permille = permille;
            render_send(RENDER_FD, &said, -1);
        }
    }
    return result;
}

static int finish(struct strip *strip, struct err *err)
{
    if (!strip->has_last) {
        return err_set(err, ENODATA, "no picture could be decoded");
    }
    int64_t end_us = strip->task->end_us;
    int result = put_last(strip, end_us, err);
    if (result == 0) {
        result = strip->gif != NULL ? gif_end(strip->gif, end_us, err) : film_end(strip->film, err);
    }
    return result;
}

int child_strip(const struct render_message *task, int out, struct err *err)
{
    struct strip strip = {.task = task, .out = out, .last = av_frame_alloc()};
    if (strip.last == NULL || (task->format != RENDER_MP4 && task->format != RENDER_GIF)) {
        av_frame_free(&strip.last);
        return err_set(err, EINVAL, "unknown format of films");
    }
    if (task->format == RENDER_GIF) {
        strip.gif = gif_create(out, (int)task->width, (int)task->height);
    }
    strip.still = av_frame_alloc();
    int result = strip.still != NULL ? add_files(&strip, err) : -ENOMEM;
    if (result == 0) {
        result = finish(&strip, err);
    }
    film_destroy(strip.film);
    gif_destroy(strip.gif);
    avcodec_free_context(&strip.stills);
    av_packet_free(&strip.packet);
    av_frame_free(&strip.still);
    av_frame_free(&strip.last);
    return result;
}
