#include "capture/recorder.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "capture/fragment.h"
#include "media/fmp4.h"
#include "media/hls.h"

#define FRAGMENT_US 1000000
#define FRAGMENT_FIRST_US 400000 /* of a connection: footage begins to be safe early */
#define FRAGMENT_BYTES (8u << 20)
#define SYNC_US 2000000
#define SYNC_EARLY_US 1500000 /* after writing, when the next fragment would come too late */
#define STALL_US 1000000
#define SOUND_WAIT_US \
    700000 /* sound that belongs before a cut may come this much after the picture */
#define QUEUE_BYTES (32u << 20)
#define QUEUE_FRAGMENTS 90
#define AUDIO_CONFIG_MAX 64
#define ROOM_SEGMENTS 3          /* of the size of the last one must have room */
#define SPACE_WANTED (64u << 20) /* when a write found no room: a good deal of video */

/* Owned by the recorder's thread. */
struct writer {
    struct segment segment;
    struct stream_spec *spec;
    struct fragment_place place;
    struct fragment_layout layout;
    struct fmp4_entry *entries;
    size_t entry_count, entry_capacity;
    int64_t first_offset_us; /* presentation minus decode time of the first picture */
    uint64_t last_bytes;     /* of the segment before */
    int64_t unsynced_us; /* CLOCK_MONOTONIC of the oldest packet that is not on disk, 0 = none */
    struct log_limit limit;
};

struct recorder {
    char *camera, *media_dir;
    struct recorder_options options;
    pthread_t thread;
    struct writer writer;
    struct gaps *gaps;
    atomic_int error; /* 0, or the errno the last write failed with */

    pthread_mutex_t lock;
    pthread_cond_t more, idle;
    /* Below: under the lock. */
    struct fragment *first, *last; /* queue */
    size_t queue_count, queue_bytes;
    bool overflow; /* dropping until a key picture finds room */
    bool busy, stopping;

    struct params params;
    unsigned length_bytes;
    struct stream_spec *spec;
    bool spec_stale;
    struct {
        uint32_t rate;
        unsigned channels;
        uint8_t config[AUDIO_CONFIG_MAX];
        size_t bytes;
    } audio;
    bool recording;
    bool first_fragment; /* of this connection */
    int64_t segment_start_us, last_us, frame_us;
    struct fragment *open; /* gathering */
    struct fragment *held; /* last one of the segment before, waiting for its sound */
    int64_t held_until_us;
    struct log_limit limit;
};

/* ------------------------------------------------------------------ queue (under the lock) */

static void count_dropped(struct recorder *recorder, size_t packets)
{
    if (recorder->options.counters != NULL) {
        atomic_fetch_add(&recorder->options.counters->packets_dropped, packets);
    }
}

static bool has_room(const struct recorder *recorder, size_t bytes)
{
    return recorder->queue_count < QUEUE_FRAGMENTS && recorder->queue_bytes + bytes <= QUEUE_BYTES;
}

static void push(struct recorder *recorder, struct fragment *fragment)
{
    bool is_mark = fragment->spec == NULL; /* always fits: it is what closes the file */
    if (!is_mark &&
        (!has_room(recorder, fragment->bytes) || (recorder->overflow && !fragment->key))) {
        unsigned swallowed;
        if (log_allowed(&recorder->limit, 10000000, &swallowed)) {
            log_warning("the disk does not keep up: recording leaves out pictures");
        }
        gaps_cause(recorder->gaps, GAP_DISK, "the disk does not keep up");
        recorder->overflow = true;
        count_dropped(recorder, fragment->video_count);
        fragment_free(fragment);
        return;
    }
    if (!is_mark && recorder->overflow) {
        fragment->opens = true;
        recorder->overflow = false;
    }
    if (recorder->last != NULL) {
        recorder->last->next = fragment;
    } else {
        recorder->first = fragment;
    }
    recorder->last = fragment;
    recorder->queue_count++;
    recorder->queue_bytes += fragment->bytes;
    pthread_cond_signal(&recorder->more);
}

static void push_held(struct recorder *recorder)
{
    if (recorder->held != NULL) {
        push(recorder, steal_ptr(&recorder->held));
    }
}

/* The open fragment is complete; `end_us` is the decode time of the picture after it. */
static struct fragment *seal(struct recorder *recorder, int64_t end_us)
{
    struct fragment *fragment = steal_ptr(&recorder->open);
    if (fragment != NULL && fragment->video_count == 0) {
        fragment_free(fragment);
        return NULL;
    }
    if (fragment != NULL) {
        fragment->end_us = end_us;
        push_held(recorder);
        recorder->first_fragment = false;
    }
    return fragment;
}

/* ------------------------------------------------------------------ the input's thread */

static struct stream_spec *make_spec(const struct recorder *recorder)
{
    struct stream_spec *spec = mem_alloc(sizeof *spec);
    atomic_init(&spec->references, 1);
    params_copy(&spec->params, &recorder->params);
    spec->length_bytes = recorder->length_bytes;
    spec->audio_rate = recorder->audio.rate;
    struct str AUTO_STR config = {0};
    params_write(&spec->params, &config);
    struct fmp4_video video = {
        .codec = spec->params.codec, .config = config.data, .config_bytes = config.length};
    params_size(&spec->params, &video.width, &video.height);
    struct fmp4_audio audio = {.sample_rate = recorder->audio.rate,
                               .channels = recorder->audio.channels,
                               .config = recorder->audio.config,
                               .config_bytes = recorder->audio.bytes};
    fmp4_write_init(&spec->init, &video, audio.sample_rate > 0 ? &audio : NULL);
    return spec;
}

static void set_extradata(struct recorder *recorder, enum media_codec codec, const void *extradata,
                          size_t bytes)
{
    struct params params = {0};
    unsigned length_bytes;
    if (params_from_extradata(&params, codec, extradata, bytes, &length_bytes)) {
        recorder->length_bytes = length_bytes;
        if (!params_equal(&params, &recorder->params)) {
            params_finish(&recorder->params);
            recorder->params = params;
            recorder->spec_stale = true;
            return;
        }
    }
    params_finish(&params);
}

void recorder_set_video(struct recorder *recorder, enum media_codec codec, const void *extradata,
                        size_t bytes)
{
    pthread_mutex_lock(&recorder->lock);
    if (recorder->params.codec != codec) {
        params_finish(&recorder->params);
        recorder->params.codec = codec;
        recorder->spec_stale = true;
    }
    recorder->length_bytes = 0;
    set_extradata(recorder, codec, extradata, bytes);
    recorder->spec_stale |=
        recorder->spec != NULL && recorder->spec->length_bytes != recorder->length_bytes;
    recorder->first_fragment = true;
    pthread_mutex_unlock(&recorder->lock);
}

void recorder_set_audio(struct recorder *recorder, uint32_t rate, unsigned channels,
                        const void *config, size_t bytes)
{
    pthread_mutex_lock(&recorder->lock);
    if (bytes > AUDIO_CONFIG_MAX) {
        rate = 0;
        bytes = 0;
    }
    if (recorder->audio.rate != rate || recorder->audio.channels != channels ||
        recorder->audio.bytes != bytes ||
        (bytes > 0 && memcmp(recorder->audio.config, config, bytes) != 0)) {
        recorder->audio.rate = rate;
        recorder->audio.channels = channels;
        recorder->audio.bytes = bytes;
        if (bytes > 0) {
            memcpy(recorder->audio.config, config, bytes);
        }
        recorder->spec_stale = true;
    }
    pthread_mutex_unlock(&recorder->lock);
}

/* At a key picture: whether the stream is described differently from here on. */
static bool renew_spec(struct recorder *recorder, const AVPacket *packet)
{
    size_t bytes = 0;
    const uint8_t *extradata = av_packet_get_side_data(packet, AV_PKT_DATA_NEW_EXTRADATA, &bytes);
    if (extradata != NULL) {
        set_extradata(recorder, recorder->params.codec, extradata, bytes);
    }
    if (params_update(&recorder->params, packet->data, (size_t)packet->size,
                      recorder->length_bytes)) {
        recorder->spec_stale = true;
    }
    if (!recorder->spec_stale || !params_complete(&recorder->params)) {
        return false;
    }
    spec_drop(recorder->spec);
    recorder->spec = make_spec(recorder);
    recorder->spec_stale = false;
    return true;
}

/* The segment ends where the picture at `end_us` begins; its last fragment may still wait for
 * sound. */
static void end_segment(struct recorder *recorder, int64_t end_us)
{
    struct fragment *fragment = seal(recorder, end_us);
    if (fragment != NULL && fragment->spec->audio_rate > 0) {
        recorder->held = fragment;
        recorder->held_until_us = mono_now().us + SOUND_WAIT_US;
    } else if (fragment != NULL) {
        push(recorder, fragment);
    }
}

static void place_picture(struct recorder *recorder, const AVPacket *packet, bool cut, bool key)
{
    int64_t limit = recorder->first_fragment ? FRAGMENT_FIRST_US : FRAGMENT_US;
    const struct fragment *open = recorder->open;
    if (cut) {
        bool on_line = packet->dts > recorder->last_us;
        end_segment(recorder, on_line ? packet->dts : recorder->last_us + recorder->frame_us);
        recorder->recording = true;
        recorder->segment_start_us = packet->dts;
    } else if (open != NULL && open->video_count > 0 &&
               (key || open->bytes > FRAGMENT_BYTES ||
                packet->dts + recorder->frame_us - open->first_us > limit)) {
        push(recorder, seal(recorder, packet->dts));
    }
    if (recorder->open == NULL) {
        recorder->open = fragment_create(recorder->spec);
        recorder->open->opens = cut;
    }
}

static void add_picture(struct recorder *recorder, AVPacket *packet, bool key)
{
    struct fragment *open = recorder->open;
    open->touched_us = mono_now().us;
    if (open->video_count == 0) {
        open->first_us = packet->dts;
        open->key = key;
        open->received_us = open->touched_us;
    }
    open->last_us = packet->dts;
    AVPacket *kept = av_packet_alloc();
    if (kept == NULL) {
        abort();
    }
    av_packet_move_ref(kept, packet);
    fragment_add(open, kept, false);
}

bool recorder_video(struct recorder *recorder, AVPacket *packet, bool jumped)
{
    bool key = packet->flags & AV_PKT_FLAG_KEY;
    pthread_mutex_lock(&recorder->lock);
    bool renewed = key && renew_spec(recorder, packet);
    if (recorder->spec == NULL || (recorder->spec_stale && !recorder->recording) ||
        (!recorder->recording && !key)) {
        count_dropped(recorder, 1);
        pthread_mutex_unlock(&recorder->lock);
        av_packet_unref(packet);
        return false;
    }
    bool cut = !recorder->recording ||
               (key && (renewed || jumped ||
                        packet->dts - recorder->segment_start_us >= recorder->options.segment_us));
    int64_t step = packet->dts - recorder->last_us;
    if (recorder->recording && step > 0 && step < 1000000) {
        recorder->frame_us = step;
    }
    place_picture(recorder, packet, cut, key);
    recorder->last_us = packet->dts;
    add_picture(recorder, packet, key);
    if (recorder->held != NULL && mono_now().us > recorder->held_until_us) {
        push_held(recorder);
    }
    pthread_mutex_unlock(&recorder->lock);
    return true;
}

void recorder_audio(struct recorder *recorder, AVPacket *packet)
{
    pthread_mutex_lock(&recorder->lock);
    struct fragment *target = recorder->open;
    if (recorder->held != NULL) {
        if (packet->dts < recorder->segment_start_us) {
            target = recorder->held;
        } else {
            push_held(recorder);
        }
    }
    if (recorder->recording && target != NULL && target->spec->audio_rate > 0 &&
        (target == recorder->held || packet->dts >= recorder->segment_start_us)) {
        AVPacket *kept = av_packet_alloc();
        if (kept == NULL) {
            abort();
        }
        av_packet_move_ref(kept, packet);
        fragment_add(target, kept, true);
    } else {
        av_packet_unref(packet);
    }
    pthread_mutex_unlock(&recorder->lock);
}

void recorder_break(struct recorder *recorder)
{
    pthread_mutex_lock(&recorder->lock);
    if (recorder->recording) {
        struct fragment *fragment = seal(recorder, recorder->last_us + recorder->frame_us);
        if (fragment != NULL) {
            push(recorder, fragment);
        }
        push_held(recorder);
        push(recorder, fragment_create(NULL));
        recorder->recording = false;
    }
    pthread_mutex_unlock(&recorder->lock);
}

/* ------------------------------------------------------------------ the recorder's thread */

static void report(struct recorder *recorder, const struct segment_info *info)
{
    struct board_capture *counters = recorder->options.counters;
    if (counters != NULL) {
        atomic_fetch_add(&counters->segments, 1);
        atomic_fetch_add(&counters->segment_bytes, info->bytes);
    }
    if (recorder->options.done != NULL) {
        recorder->options.done(recorder->options.context, info);
    }
}

static void need_room(struct recorder *recorder, uint64_t bytes, int error)
{
    if (recorder->options.need != NULL) {
        recorder->options.need(recorder->options.context, bytes, error);
    }
}

/* The disk has room for what is coming, or the server hears of it while there is still some. */
static void check_room(struct recorder *recorder)
{
    const struct writer *writer = &recorder->writer;
    struct statvfs info;
    uint64_t wanted = writer->last_bytes * ROOM_SEGMENTS;
    if (wanted > 0 && fstatvfs(writer->segment.fd, &info) == 0 &&
        (uint64_t)info.f_bavail * info.f_frsize < wanted) {
        need_room(recorder, wanted, 0);
    }
}

static void note_error(struct recorder *recorder, int error)
{
    unsigned swallowed;
    atomic_store(&recorder->error, -error);
    gaps_cause(recorder->gaps, GAP_DISK, err_name(error));
    if (error == -ENOSPC || error == -EDQUOT) {
        need_room(recorder, SPACE_WANTED, -error);
    }
    if (log_allowed(&recorder->writer.limit, 10000000, &swallowed)) {
        log_error("cannot record: %s (%u more since the last line)", err_name(error), swallowed);
    }
}

static void close_segment(struct recorder *recorder)
{
    struct writer *writer = &recorder->writer;
    if (writer->segment.fd < 0) {
        return;
    }
    bool keep = writer->place.video_samples > 0;
    if (keep) {
        writer->layout.head.length = 0;
        fmp4_write_index(&writer->layout.head, writer->entries, writer->entry_count);
        struct iovec part = {writer->layout.head.data, writer->layout.head.length};
        segment_append(&writer->segment, &part, 1); /* the index is a convenience */
    }
    struct segment_info info = {
        .start_us = writer->place.base_us + writer->first_offset_us,
        .duration = (double)writer->place.video_time / FMP4_VIDEO_TIMESCALE,
        .bytes = writer->segment.bytes,
        .parameters = hls_init_parameters(writer->spec->init.data, writer->spec->init.length),
        .has_audio = writer->place.audio_samples > 0};
    writer->last_bytes = writer->segment.bytes;
    int result = segment_finish(&writer->segment, keep, info.path);
    writer->unsynced_us = 0;
    if (result < 0) {
        note_error(recorder, result);
    }
    if (keep && result == 0) {
        report(recorder, &info);
    }
}

static int open_segment(struct recorder *recorder, const struct fragment *fragment)
{
    struct writer *writer = &recorder->writer;
    writer->place = (struct fragment_place){.base_us = fragment->first_us};
    writer->entry_count = 0;
    const AVPacket *first = NULL;
    for (size_t i = 0; first == NULL; i++) {
        first = fragment->items[i].audio ? NULL : fragment->items[i].packet;
    }
    writer->first_offset_us = first->pts - first->dts;
    int result = segment_open(&writer->segment, recorder->media_dir, recorder->camera, first->pts);
    if (result < 0) {
        return result;
    }
    if (writer->last_bytes > 0 &&
        segment_reserve(&writer->segment, writer->last_bytes) == -ENOSPC) {
        need_room(recorder, SPACE_WANTED, 0);
    }
    spec_drop(writer->spec);
    writer->spec = spec_take(fragment->spec);
    struct str AUTO_STR start = {0};
    fmp4_write_start(&start, fragment->first_us);
    struct iovec parts[] = {{writer->spec->init.data, writer->spec->init.length},
                            {start.data, start.length}};
    return segment_append(&writer->segment, parts, ARRAY_SIZE(parts));
}

static int write_fragment(struct recorder *recorder, const struct fragment *fragment)
{
    struct writer *writer = &recorder->writer;
    struct fragment_place before = writer->place;
    size_t parts = fragment_lay_out(fragment, &writer->place, &writer->layout);
    if (parts == 0) {
        return 0;
    }
    uint64_t offset = writer->segment.bytes;
    int result = segment_append(&writer->segment, writer->layout.parts, parts);
    if (result < 0) {
        writer->place = before;
        return result;
    }
    if (fragment->key) {
        *MEM_PUSH(writer->entries, writer->entry_count, writer->entry_capacity) =
            (struct fmp4_entry){offset, writer->place.video_begin};
    }
    if (writer->unsynced_us == 0) {
        writer->unsynced_us = fragment->received_us;
    }
    gaps_recorded(recorder->gaps, fragment->first_us + writer->first_offset_us,
                  fragment->end_us + writer->first_offset_us);
    return 0;
}

/* After a failure the file is closed with what it has, and the next key picture tries a new one. */
static void take_fragment(struct recorder *recorder, const struct fragment *fragment)
{
    struct writer *writer = &recorder->writer;
    if (fragment->spec == NULL || fragment->opens) {
        close_segment(recorder);
    }
    if (fragment->spec == NULL) {
        return;
    }
    int result = 0;
    if (writer->segment.fd < 0) {
        result = fragment->key ? open_segment(recorder, fragment) : -EAGAIN;
    }
    result = result == 0 ? write_fragment(recorder, fragment) : result;
    if (result == 0) {
        atomic_store(&recorder->error, 0);
        return;
    }
    count_dropped(recorder, fragment->video_count);
    if (result != -EAGAIN) {
        note_error(recorder, result);
        close_segment(recorder);
    }
}

static void sync_if_due(struct recorder *recorder, int64_t age_us)
{
    struct writer *writer = &recorder->writer;
    if (writer->segment.fd < 0 || writer->unsynced_us == 0 ||
        mono_now().us - writer->unsynced_us < age_us) {
        return;
    }
    int result = segment_sync(&writer->segment);
    writer->unsynced_us = 0;
    if (result < 0) {
        note_error(recorder, result);
    } else {
        check_room(recorder);
    }
}

/* The stream pauses: what has come so far is written, but for the last picture, whose duration is
 * open. */
static void seal_stalled(struct recorder *recorder)
{
    struct fragment *open = recorder->open;
    int64_t now = mono_now().us;
    if (recorder->held != NULL && now > recorder->held_until_us) {
        push_held(recorder);
    }
    if (open == NULL || open->video_count < 2 || now - open->touched_us < STALL_US) {
        return;
    }
    size_t last = open->count - 1;
    while (open->items[last].audio) {
        last--;
    }
    struct fragment *rest = fragment_create(open->spec);
    for (size_t i = last; i < open->count; i++) {
        fragment_add(rest, open->items[i].packet, open->items[i].audio);
        open->bytes -= (size_t)open->items[i].packet->size;
    }
    open->count = last;
    open->video_count--;
    const AVPacket *packet = rest->items[0].packet;
    rest->first_us = rest->last_us = packet->dts;
    rest->key = packet->flags & AV_PKT_FLAG_KEY;
    rest->received_us = rest->touched_us = open->touched_us;
    push(recorder, seal(recorder, packet->dts));
    recorder->open = rest;
}

/* Waits for work, at most until something becomes due. Under the lock. */
static void wait_for_more(struct recorder *recorder)
{
    const struct writer *writer = &recorder->writer;
    int64_t wake = INT64_MAX;
    if (writer->unsynced_us != 0) {
        wake = writer->unsynced_us + SYNC_US;
    }
    if (recorder->held != NULL && recorder->held_until_us < wake) {
        wake = recorder->held_until_us;
    }
    if (recorder->open != NULL && recorder->open->video_count >= 2 &&
        recorder->open->touched_us + STALL_US < wake) {
        wake = recorder->open->touched_us + STALL_US;
    }
    if (wake == INT64_MAX) {
        /* A fragment that starts gathering does not wake us: look again in a while. */
        wake = mono_now().us + (recorder->recording ? STALL_US : 3600ll * 1000000);
    }
    wake += 1000;
    struct timespec until = {.tv_sec = wake / 1000000, .tv_nsec = wake % 1000000 * 1000};
    pthread_cond_timedwait(&recorder->more, &recorder->lock, &until);
}

static void adopted(void *context, const struct segment_info *info)
{
    log_info("finished %s, left open by an earlier run (%.1f s)", info->path, info->duration);
    report(context, info);
}

static void *run(void *context)
{
    struct recorder *recorder = context;
    prctl(PR_SET_NAME, "recorder");
    segment_adopt(recorder->media_dir, recorder->camera, adopted, recorder);
    pthread_mutex_lock(&recorder->lock);
    for (;;) {
        if (recorder->first == NULL) {
            recorder->busy = false;
            pthread_cond_broadcast(&recorder->idle);
            if (recorder->stopping) {
                break;
            }
            wait_for_more(recorder);
            seal_stalled(recorder);
        }
        struct fragment *fragment = recorder->first;
        if (fragment != NULL) {
            recorder->first = fragment->next;
            recorder->last = recorder->first == NULL ? NULL : recorder->last;
            recorder->queue_count--;
            recorder->queue_bytes -= fragment->bytes;
        }
        recorder->busy = true;
        pthread_mutex_unlock(&recorder->lock);
        if (fragment != NULL) {
            take_fragment(recorder, fragment);
        }
        sync_if_due(recorder, fragment != NULL ? SYNC_EARLY_US : SYNC_US);
        fragment_free(fragment);
        pthread_mutex_lock(&recorder->lock);
    }
    pthread_mutex_unlock(&recorder->lock);
    close_segment(recorder);
    return NULL;
}

static void ignore_gap(void *context, const struct gap_info *gap) {}

struct recorder *recorder_create(const struct recorder_options *options)
{
    struct recorder *recorder = mem_alloc(sizeof *recorder);
    recorder->options = *options;
    recorder->camera = mem_strdup(options->camera);
    recorder->media_dir = mem_strdup(options->media_dir);
    recorder->writer.segment = SEGMENT_NONE;
    recorder->gaps =
        gaps_create(options->gap != NULL ? options->gap : ignore_gap, options->context);
    recorder->frame_us = 40000;
    recorder->busy = true;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&recorder->lock, NULL);
    pthread_cond_init(&recorder->more, &attributes);
    pthread_cond_init(&recorder->idle, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&recorder->thread, NULL, run, recorder) != 0) {
        abort();
    }
    return recorder;
}

void recorder_cause(struct recorder *recorder, enum gap_cause cause, const char *detail)
{
    gaps_cause(recorder->gaps, cause, detail);
}

void recorder_tick(struct recorder *recorder)
{
    gaps_tick(recorder->gaps);
}

int recorder_error(const struct recorder *recorder)
{
    return atomic_load(&recorder->error);
}

bool recorder_finish(struct recorder *recorder, int64_t timeout_us)
{
    recorder_break(recorder);
    int64_t wake = mono_now().us + timeout_us;
    struct timespec until = {.tv_sec = wake / 1000000, .tv_nsec = wake % 1000000 * 1000};
    pthread_mutex_lock(&recorder->lock);
    int result = 0;
    while ((recorder->first != NULL || recorder->busy) && result == 0) {
        result = pthread_cond_timedwait(&recorder->idle, &recorder->lock, &until);
    }
    bool finished = recorder->first == NULL && !recorder->busy;
    pthread_mutex_unlock(&recorder->lock);
    return finished;
}

void recorder_destroy(struct recorder *recorder)
{
    if (recorder == NULL) {
        return;
    }
    recorder_break(recorder);
    pthread_mutex_lock(&recorder->lock);
    recorder->stopping = true;
    pthread_cond_signal(&recorder->more);
    pthread_mutex_unlock(&recorder->lock);
    pthread_join(recorder->thread, NULL);
    pthread_mutex_destroy(&recorder->lock);
    pthread_cond_destroy(&recorder->more);
    pthread_cond_destroy(&recorder->idle);
    fragment_layout_finish(&recorder->writer.layout);
    free(recorder->writer.entries);
    spec_drop(recorder->writer.spec);
    spec_drop(recorder->spec);
    params_finish(&recorder->params);
    gaps_destroy(recorder->gaps);
    free(recorder->camera);
    free(recorder->media_dir);
    free(recorder);
}
