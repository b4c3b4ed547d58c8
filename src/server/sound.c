#include "server/sound.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/manual.h"
#include "server/recordings.h"
#include "server/review.h"

#define AHEAD_MAX_S 10.0 /* a window cannot end later than this from now */
#define LOG_INTERVAL_US INT64_C(10000000)

struct hearing { /* one camera */
    struct sound_now *now;
    size_t count;
};

struct sound {
    struct sound_setup setup;
    struct log_limit refused_limit;

    pthread_mutex_t lock; /* all below; only the loop's thread writes */
    struct hearing *hearings;
    struct sound_state {
        uint64_t hits;     /* labels heard, window by window */
        uint64_t events;   /* begun */
        uint64_t refused;  /* events that could not be begun: tried again with the next hit */
        uint64_t left_out; /* hits over SOUND_LABELS_MAX */
    } state;
};

struct sound *sound_create(const struct sound_setup *setup)
{
    struct sound *sound = mem_alloc(sizeof *sound);
    sound->setup = *setup;
    sound->hearings = mem_array(setup->config->camera_count, sizeof *sound->hearings);
    pthread_mutex_init(&sound->lock, NULL);
    return sound;
}

void sound_destroy(struct sound *sound)
{
    if (sound == NULL) {
        return;
    }
    for (size_t i = 0; i < sound->setup.config->camera_count; i++) {
        free(sound->hearings[i].now);
    }
    free(sound->hearings);
    pthread_mutex_destroy(&sound->lock);
    free(sound);
}

/* ------------------------------------------------------------------ hits */

/* The label's entry, made when it is heard for the first time; NULL: too many at once. */
static struct sound_now *entry_of(struct sound *sound, struct hearing *hearing, const char *label,
                                  double time)
{
    for (size_t i = 0; i < hearing->count; i++) {
        if (strcmp(hearing->now[i].label, label) == 0) {
            return &hearing->now[i];
        }
    }
    if (hearing->count == SOUND_LABELS_MAX) {
        sound->state.left_out++;
        return NULL;
    }
    if (hearing->now == NULL) {
        hearing->now = mem_array(SOUND_LABELS_MAX, sizeof *hearing->now);
    }
    struct sound_now *entry = &hearing->now[hearing->count++];
    *entry = (struct sound_now){.since = time, .last = time};
    snprintf(entry->label, sizeof entry->label, "%s", label);
    return entry;
}

static void begin_event(struct sound *sound, int camera, struct sound_now *entry, double score)
{
    const struct manual_event event = {
        .label = entry->label,
        .source_type = MANUAL_SOURCE_AUDIO,
        .score = score,
        .open_ended = true,
        .include_recording = true,
    };
    struct err err = ERR_NONE;
    unsigned swallowed;
    if (manual_begin(sound->setup.manual, camera, &event, entry->event, &err) == 0) {
        sound->state.events++;
        return;
    }
    entry->event[0] = '\0';
    sound->state.refused++;
    if (log_allowed(&sound->refused_limit, LOG_INTERVAL_US, &swallowed)) {
        log_warning("camera %s: no event for the %s that is heard: %s",
                    sound->setup.config->cameras[camera].name, entry->label, err.text);
    }
}

static void hear(struct sound *sound, int camera, const struct msg_label *label, double time,
                 double now)
{
    const struct cfg_audio *audio = &sound->setup.config->cameras[camera].audio;
    struct hearing *hearing = &sound->hearings[camera];
    sound->state.hits++;
    if (now - time > audio->max_not_heard) {
        return; /* long over: from the ring of sound, after nobody listened for a while */
    }
    struct sound_now *entry = entry_of(sound, hearing, label->label, time);
    if (entry == NULL) {
        return;
    }
    entry->last = fmax(entry->last, time);
    if (entry->event[0] == '\0') {
        begin_event(sound, camera, entry, (double)label->score);
    }
}

static bool makes_sense(const struct msg_sound *message, double now)
{
    bool good = message->end > message->start && message->end < now + AHEAD_MAX_S &&
                message->start > 0 && message->labels.count > 0;
    for (size_t i = 0; good && i < message->labels.count; i++) {
        const struct msg_label *label = &message->labels.items[i];
        good = label->label[0] != '\0' && label->score >= 0 && label->score <= 1;
    }
    return good;
}

int sound_take(struct sound *sound, int camera, const struct msg_sound *message)
{
    double now = wall_seconds(wall_now());
    if (!makes_sense(message, now)) {
        return -EINVAL;
    }
    size_t count =
        message->labels.count < SOUND_LABELS_MAX ? message->labels.count : SOUND_LABELS_MAX;
    const char *labels[SOUND_LABELS_MAX];
    pthread_mutex_lock(&sound->lock);
    for (size_t i = 0; i < count; i++) {
        labels[i] = message->labels.items[i].label;
        hear(sound, camera, &message->labels.items[i], message->end, now);
    }
    sound->state.left_out += message->labels.count - count;
    pthread_mutex_unlock(&sound->lock);
    recordings_heard(sound->setup.recordings, camera, (message->start + message->end) / 2,
                     (unsigned)count);
    review_sound(sound->setup.review, camera, message->end, labels, count);
    return 0;
}

/* ------------------------------------------------------------------ ends */

/* True when it is over: there is no event any more. */
static bool end_event(struct sound *sound, int camera, const struct sound_now *entry)
{
    double post = sound->setup.config->cameras[camera].record.events.post_capture;
    return entry->event[0] == '\0' ||
           manual_end(sound->setup.manual, entry->event, entry->last + post) == 0;
}

/* Ends what was last heard before `oldest`, or after `newest`: the clock was set back since. What
 * the database has no room for waits. */
static void end_outside(struct sound *sound, int camera, double oldest, double newest)
{
    struct hearing *hearing = &sound->hearings[camera];
    size_t kept = 0;
    pthread_mutex_lock(&sound->lock);
    for (size_t i = 0; i < hearing->count; i++) {
        const struct sound_now *now = &hearing->now[i];
        bool goes_on = now->last >= oldest && now->last <= newest;
        if (goes_on || !end_event(sound, camera, now)) {
            hearing->now[kept++] = *now;
        }
    }
    hearing->count = kept;
    pthread_mutex_unlock(&sound->lock);
}

void sound_tick(struct sound *sound, double now)
{
    for (size_t i = 0; i < sound->setup.config->camera_count; i++) {
        if (sound->hearings[i].count > 0) {
            end_outside(sound, (int)i, now - sound->setup.config->cameras[i].audio.max_not_heard,
                        now + AHEAD_MAX_S);
        }
    }
}

void sound_end_all(struct sound *sound)
{
    for (size_t i = 0; i < sound->setup.config->camera_count; i++) {
        end_outside(sound, (int)i, INFINITY, INFINITY);
    }
}

/* ------------------------------------------------------------------ for others */

size_t sound_now(struct sound *sound, int camera, struct sound_now now[SOUND_LABELS_MAX])
{
    pthread_mutex_lock(&sound->lock);
    const struct hearing *hearing = &sound->hearings[camera];
    size_t count = hearing->count;
    if (count > 0) {
        memcpy(now, hearing->now, count * sizeof *now);
    }
    pthread_mutex_unlock(&sound->lock);
    return count;
}

static void put_hearing(struct sound *sound, struct jout *json)
{
    jout_key(json, "hearing");
    jout_begin_object(json);
    for (size_t i = 0; i < sound->setup.config->camera_count; i++) {
        struct sound_now now[SOUND_LABELS_MAX];
        size_t count = sound_now(sound, (int)i, now);
        if (count > 0) {
            jout_key(json, sound->setup.config->cameras[i].name);
            jout_begin_array(json);
            for (size_t k = 0; k < count; k++) {
                jout_string(json, now[k].label);
            }
            jout_end_array(json);
        }
    }
    jout_end_object(json);
}

void sound_report(struct sound *sound, struct jout *json)
{
    pthread_mutex_lock(&sound->lock);
    struct sound_state state = sound->state;
    pthread_mutex_unlock(&sound->lock);
    jout_begin_object(json);
    jout_put_int(json, "events", (int64_t)state.events);
    put_hearing(sound, json);
    jout_put_int(json, "hits", (int64_t)state.hits);
    jout_put_int(json, "left_out", (int64_t)state.left_out);
    jout_put_int(json, "refused", (int64_t)state.refused);
    jout_end_object(json);
}
