#include "track/tracker.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "track/affinity.h"
#include "track/assign.h"

/* A silence longer than this, or a step back, says nothing about how far things went: it is taken
 * as one ordinary step. */
#define LONGEST_GAP_S 3.0
/* An object out of sight is looked for where it would be by now, for this long ahead. */
#define EXTRAPOLATE_S 1.5
/* Once it has an id an object may be missing for this share of max_disappeared at least. */
#define LIVE_PATIENCE 0.4
/* What left the picture does not come back as the next one that enters there. */
#define LEFT_PATIENCE_S 0.3
#define LEFT_INSIDE 0.3f /* it has left when less of it than this should be inside */
/* One step counts for at most this many frames, so that a slow detector neither makes an object
 * real with one look nor kills it with one miss. */
#define LONGEST_STEP_FRAMES 2.0
#define EPSILON_S 1e-4

#define GATE_TOTAL 5.5f     /* of affinity_cost(): what costs more is not a match */
#define SAME_THING_IOU 0.6f /* of two labels of a family: one thing seen twice */
#define LOOK_SHARE 0.15f
#define VOTE_LEAD 1.2f /* a label must be ahead by this to replace another */
#define MIN_SIDE 1.0f  /* pixels; thinner boxes are noise */

struct tracker {
    struct tracker_settings settings;
    double frame_s, min_initialized_s, max_disappeared_s, stationary_s;
    double last_time;
    bool started;
    uint64_t next_serial;
    struct track tracks[TRACKER_MAX];
    /* of one update: */
    double time, step_s;
    struct sighting sightings[TRACKER_MAX_SIGHTINGS];
    size_t sighting_count;
    bool taken[TRACKER_MAX_SIGHTINGS];
    unsigned slots[TRACKER_MAX]; /* of the rows of `cost` */
    size_t row_count;
    int match[TRACKER_MAX];
    float cost[TRACKER_MAX * TRACKER_MAX_SIGHTINGS];
    void *work;
};

struct tracker *tracker_create(const struct tracker_settings *settings)
{
    struct tracker *tracker = mem_alloc(sizeof *tracker);
    tracker->settings = *settings;
    if (!(tracker->settings.fps > 0)) {
        tracker->settings.fps = 5; /* the contract's default; the configuration has been checked */
    }
    tracker->frame_s = 1 / tracker->settings.fps;
    tracker->min_initialized_s = settings->min_initialized * tracker->frame_s;
    tracker->max_disappeared_s = settings->max_disappeared * tracker->frame_s;
    tracker->stationary_s = settings->stationary_threshold * tracker->frame_s;
    tracker->next_serial = 1;
    tracker->work = mem_alloc(assign_work_bytes(TRACKER_MAX, TRACKER_MAX_SIGHTINGS));
    return tracker;
}

void tracker_destroy(struct tracker *tracker)
{
    if (tracker != NULL) {
        free(tracker->work);
        free(tracker);
    }
}

const struct tracker_settings *tracker_settings(const struct tracker *tracker)
{
    return &tracker->settings;
}

struct track *tracker_next(struct tracker *tracker, const struct track *after)
{
    for (unsigned i = after == NULL ? 0 : after->slot + 1; i < TRACKER_MAX; i++) {
        if (tracker->tracks[i].stage != TRACK_FREE) {
            return &tracker->tracks[i];
        }
    }
    return NULL;
}

bool track_is_stationary(const struct tracker *tracker, const struct track *track)
{
    return track->stage != TRACK_NEW && track->motionless_s >= tracker->stationary_s - EPSILON_S;
}

static double time_ahead(const struct track *track, double time)
{
    return fmax(time - track->state_time, 0);
}

/* Where the track is at `time`, inside the picture or beyond. Out of sight for more than a moment
 * its size is the steady one: corner velocities carry the swing of limbs and would run away. */
static struct extent predicted_box(const struct tracker *tracker, const struct track *track,
                                   double time)
{
    if (track_is_stationary(tracker, track)) {
        return track->box;
    }
    struct extent box =
        kalman_predict(&track->kalman, fmin(time_ahead(track, time), EXTRAPOLATE_S));
    if (time_ahead(track, time) > LONGEST_STEP_FRAMES * tracker->frame_s) {
        float x = (box.x1 + box.x2) / 2;
        box = (struct extent){x - track->mean_width / 2, box.y2 - track->mean_height,
                              x + track->mean_width / 2, box.y2};
    }
    return extent_sane(&box, MIN_SIDE) ? box : track->box;
}

static void set_estimate(struct tracker *tracker, struct track *track, double time)
{
    struct extent box = predicted_box(tracker, track, time);
    box = extent_clamp(&box, tracker->settings.width, tracker->settings.height);
    track->estimate = extent_sane(&box, MIN_SIDE) ? box : track->box;
}

/* Seconds since the last picture. A gap or a step of the clock moves every filter's time with it.
 */
static double step_to(struct tracker *tracker, double time)
{
    double raw = tracker->started ? time - tracker->last_time : tracker->frame_s;
    if (raw >= 0 && raw <= LONGEST_GAP_S) {
        return raw;
    }
    double shift = raw - tracker->frame_s;
    for (struct track *t = tracker_next(tracker, NULL); t != NULL; t = tracker_next(tracker, t)) {
        t->state_time += shift;
    }
    tracker->last_time += shift;
    return tracker->frame_s;
}

void tracker_predict(struct tracker *tracker, double time)
{
    if (!isfinite(time)) {
        return;
    }
    step_to(tracker, time);
    for (struct track *t = tracker_next(tracker, NULL); t != NULL; t = tracker_next(tracker, t)) {
        set_estimate(tracker, t, time);
    }
}

static void accept_sightings(struct tracker *tracker, const struct tracker_input *input)
{
    tracker->sighting_count = 0;
    for (size_t i = 0; i < input->count; i++) {
        const struct sighting *given = &input->sightings[i];
        if (tracker->sighting_count == TRACKER_MAX_SIGHTINGS) {
            break;
        }
        if (given->label == NULL || !isfinite(given->score) || !extent_sane(&given->box, 0)) {
            continue;
        }
        struct extent box =
            extent_clamp(&given->box, tracker->settings.width, tracker->settings.height);
        if (!extent_sane(&box, MIN_SIDE)) {
            continue;
        }
        struct sighting *kept = &tracker->sightings[tracker->sighting_count++];
        *kept = *given;
        kept->box = box;
    }
    memset(tracker->taken, 0, sizeof tracker->taken);
}

static struct outlook outlook_of(const struct tracker *tracker, const struct track *track)
{
    double ahead = fmin(time_ahead(track, tracker->time), tracker->max_disappeared_s);
    bool stationary = track_is_stationary(tracker, track);
    return (struct outlook){
        .stationary = stationary,
        .ahead = stationary ? track->box : kalman_predict(&track->kalman, ahead),
    };
}

static void match_tracks(struct tracker *tracker)
{
    tracker->row_count = 0;
    for (struct track *t = tracker_next(tracker, NULL); t != NULL; t = tracker_next(tracker, t)) {
        size_t row = tracker->row_count++;
        tracker->slots[row] = t->slot;
        struct outlook outlook = outlook_of(tracker, t);
        for (size_t s = 0; s < tracker->sighting_count; s++) {
            tracker->cost[row * tracker->sighting_count + s] =
                affinity_cost(t, &outlook, &tracker->sightings[s]);
        }
    }
    assign_solve(tracker->cost, tracker->row_count, tracker->sighting_count, GATE_TOTAL,
                 tracker->match, tracker->work);
}

/* Labels vote with their scores; the track bears the leader's until its name was shown. */
static void vote(struct track *track, const struct track_label *label, float score)
{
    unsigned at = 0;
    while (at + 1 < TRACK_VOTES && track->votes[at].label != NULL &&
           track->votes[at].label != label) {
        at++;
    }
    if (track->votes[at].label != label) {
        track->votes[at].label = label;
        track->votes[at].weight = 0;
    }
    track->votes[at].weight += score;
    if (track->label_fixed) {
        return;
    }
    float own = 0;
    for (unsigned i = 0; i < TRACK_VOTES; i++) {
        own = track->votes[i].label == track->label ? track->votes[i].weight : own;
    }
    if (label != track->label && track->votes[at].weight > VOTE_LEAD * own) {
        track->label = label;
    }
}

static bool id_in_use(struct tracker *tracker, const char *id)
{
    for (struct track *t = tracker_next(tracker, NULL); t != NULL; t = tracker_next(tracker, t)) {
        if (strcmp(t->id, id) == 0) {
            return true;
        }
    }
    return false;
}

static void go_live(struct tracker *tracker, struct track *track)
{
    char seconds[32], random[7], id[sizeof track->id];
    str_double(seconds, round(tracker->time * 1e6) / 1e6);
    do {
        str_random6(random);
        snprintf(id, sizeof id, "%s-%s", seconds, random);
    } while (id_in_use(tracker, id));
    memcpy(track->id, id, sizeof id);
    track->stage = TRACK_LIVE;
    track->credit_s = fmax(track->credit_s, LIVE_PATIENCE * tracker->max_disappeared_s);
    track->serial = tracker->next_serial++;
    track->start_time = tracker->time;
    track->motionless_s = 0;
    track->motionless_count = 0;
    track->position_changes = 0;
}

static void go_quiet(struct tracker *tracker, struct track *track)
{
    track->stage = TRACK_QUIET;
    track->serial = tracker->next_serial++;
    track->id[0] = '\0';
    track->label_fixed = false;
}

static void note_moved(struct tracker *tracker, struct track *track)
{
    if (track->stage == TRACK_QUIET) {
        track->early_count = 0;
        go_live(tracker, track);
    }
    if (track->position_changes == 0 || track_is_stationary(tracker, track)) {
        track->position_changes++;
    }
    track->motionless_s = 0;
    track->motionless_count = 0;
}

static void judge_motion(struct tracker *tracker, struct track *track)
{
    if (stillness_update(&track->stillness, &track->box, track_is_stationary(tracker, track))) {
        note_moved(tracker, track);
        return;
    }
    track->motionless_s += tracker->step_s;
    track->motionless_count = (uint32_t)(track->motionless_s * tracker->settings.fps + 0.01);
    double limit = track->label->max_still_s;
    if (track->stage == TRACK_LIVE && limit > 0 &&
        track->motionless_s - tracker->stationary_s > limit + EPSILON_S) {
        go_quiet(tracker, track);
    }
}

/* A sighting (or knowing that it stayed) confirms the track. */
static void confirm(struct tracker *tracker, struct track *track)
{
    kalman_update(&track->kalman, &track->box, tracker->time - track->state_time);
    track->state_time = tracker->time;
    track->seen_time = tracker->time;
    track->seen = true;
    track->missing_s = 0;
    track->hits++;
    track->credit_s = fmin(track->credit_s + tracker->step_s, tracker->max_disappeared_s);
    if (track->stage != TRACK_NEW) {
        judge_motion(tracker, track);
    } else if (track->credit_s > tracker->min_initialized_s + EPSILON_S) {
        stillness_init(&track->stillness, tracker->settings.width, tracker->settings.height);
        go_live(tracker, track);
    }
}

static void see(struct tracker *tracker, struct track *track, const struct sighting *sighting)
{
    track->looked_time = tracker->time;
    track->region = sighting->region;
    track->score = sighting->score;
    struct outlook outlook = outlook_of(tracker, track);
    affinity_learn(track, &outlook, &sighting->box);
    track->box = sighting->box;
    look_learn(&track->look, &sighting->look, LOOK_SHARE);
    vote(track, sighting->label, sighting->score);
    if (track->stage == TRACK_NEW && track->early_count < TRACK_EARLY_SCORES) {
        track->early_scores[track->early_count++] = sighting->score;
    }
    confirm(tracker, track);
}

static bool has_left(const struct tracker *tracker, const struct track *track)
{
    float width = tracker->settings.width, height = tracker->settings.height;
    const struct extent *last = &track->box;
    bool at_border =
        last->x1 <= 1 || last->y1 <= 1 || last->x2 >= width - 2 || last->y2 >= height - 2;
    if (!at_border || track_is_stationary(tracker, track)) {
        return false;
    }
    struct extent box = kalman_predict(&track->kalman, time_ahead(track, tracker->time));
    float x = (box.x1 + box.x2) / 2;
    struct extent steady = {x - track->mean_width / 2, box.y2 - track->mean_height,
                            x + track->mean_width / 2, box.y2};
    struct extent inside = extent_clamp(&steady, width, height);
    return extent_area(&inside) < LEFT_INSIDE * extent_area(&steady);
}

static void miss(struct tracker *tracker, struct track *track)
{
    track->looked_time = tracker->time;
    track->missing_s += tracker->step_s;
    track->credit_s -= tracker->step_s;
    bool left = track->missing_s > LEFT_PATIENCE_S && has_left(tracker, track);
    if (track->credit_s < -EPSILON_S || left) {
        *track = (struct track){0};
    }
}

static void settle_tracks(struct tracker *tracker, const struct tracker_input *input)
{
    for (size_t row = 0; row < tracker->row_count; row++) {
        struct track *track = &tracker->tracks[tracker->slots[row]];
        int s = tracker->match[row];
        track->seen = false;
        track->blind = s < 0 && input->blind != NULL && input->blind[track->slot];
        if (s >= 0) {
            tracker->taken[s] = true;
            see(tracker, track, &tracker->sightings[s]);
        } else if (input->held != NULL && input->held[track->slot]) {
            track->blind = false;
            confirm(tracker, track);
        } else if (!track->blind) {
            miss(tracker, track);
        }
        if (track->stage != TRACK_FREE) {
            set_estimate(tracker, track, tracker->time);
        }
    }
}

/* The detector gave one thing two labels of a family: the other one has its track already. */
static bool is_double(const struct tracker *tracker, const struct sighting *sighting)
{
    for (size_t i = 0; i < tracker->sighting_count; i++) {
        const struct sighting *other = &tracker->sightings[i];
        if (tracker->taken[i] && other->label != sighting->label &&
            label_fits(other->label, sighting->label) &&
            extent_iou(&other->box, &sighting->box) > SAME_THING_IOU) {
            return true;
        }
    }
    return false;
}

static struct track *free_track(struct tracker *tracker)
{
    for (unsigned i = 0; i < TRACKER_MAX; i++) {
        if (tracker->tracks[i].stage == TRACK_FREE) {
            tracker->tracks[i] = (struct track){.slot = i, .stage = TRACK_NEW};
            return &tracker->tracks[i];
        }
    }
    return NULL;
}

static void begin_tracks(struct tracker *tracker)
{
    for (size_t i = 0; i < tracker->sighting_count; i++) {
        const struct sighting *sighting = &tracker->sightings[i];
        if (tracker->taken[i] || is_double(tracker, sighting)) {
            continue;
        }
        struct track *track = free_track(tracker);
        if (track == NULL) {
            return;
        }
        tracker->taken[i] = true;
        track->serial = tracker->next_serial++;
        track->label = sighting->label;
        track->state_time = tracker->time;
        track->credit_s = tracker->frame_s - tracker->step_s; /* see() adds the step */
        see(tracker, track, sighting);
        kalman_init(&track->kalman, &sighting->box); /* one measurement, not two */
        set_estimate(tracker, track, tracker->time);
    }
}

void tracker_update(struct tracker *tracker, const struct tracker_input *input)
{
    if (!isfinite(input->time)) {
        return;
    }
    tracker->step_s = fmin(step_to(tracker, input->time), LONGEST_STEP_FRAMES * tracker->frame_s);
    tracker->time = input->time;
    tracker->last_time = input->time;
    tracker->started = true;
    accept_sightings(tracker, input);
    match_tracks(tracker);
    settle_tracks(tracker, input);
    begin_tracks(tracker);
}
