/* Follows objects from picture to picture. Pure: fed with times and sightings, no clock, no I/O.
 *
 * Everything is counted in seconds: values the configuration gives in frames are divided by
 * detect.fps, so dropped or late pictures change neither speeds nor patience. Time in which nobody
 * looked (a gap in the pictures, a detector that did not answer) is not held against an object.
 *
 * Life of a track: NEW with its first sighting; LIVE (it has an id) once it was seen for longer
 * than min_initialized; gone when it was missing for longer than it had earned by being seen (once
 * LIVE two fifths of max_disappeared at least, all of it at most), or soon after it left the
 * picture. A LIVE one that stood still for longer than its label's max_frames becomes
 * QUIET: outwardly it has ended, but it goes on being followed so that the same parked car is not
 * announced again; when it moves it becomes LIVE under a new id. */
#ifndef CORVETTE_TRACK_TRACKER_H
#define CORVETTE_TRACK_TRACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "track/extent.h"
#include "track/kalman.h"
#include "track/label.h"
#include "track/look.h"
#include "track/stillness.h"

#define TRACKER_MAX 128           /* tracks at a time; more sightings than that start none */
#define TRACKER_MAX_SIGHTINGS 128 /* per picture; what comes after is ignored */
#define TRACK_EARLY_SCORES 4
#define TRACK_VOTES 4

struct tracker_settings {
    float width, height; /* detect picture, pixels */
    double fps;          /* detect.fps, > 0 */
    /* frames at that rate: */
    int min_initialized, max_disappeared, stationary_threshold;
};

/* One detection of this picture, filtered and merged. */
struct sighting {
    const struct track_label *label;
    float score;
    struct extent box, region;
    struct look look; /* optional: look.known */
};

enum track_stage { TRACK_FREE = 0, TRACK_NEW, TRACK_LIVE, TRACK_QUIET };

/* Read-only outside the tracker, except `label_fixed`. */
struct track {
    enum track_stage stage;
    unsigned slot;   /* index into the tracker, for as long as it lives */
    uint64_t serial; /* never used twice; changes when QUIET becomes LIVE again */
    char id[40];     /* "<start time>-<6 of a-z0-9>"; set while LIVE */
    const struct track_label *label;
    bool label_fixed;       /* set by the owner once the label was shown to the outside */
    double start_time;      /* wall time of becoming LIVE */
    double seen_time;       /* last picture that confirmed it */
    double looked_time;     /* last picture in which it was looked for */
    bool seen;              /* confirmed in the latest picture */
    bool blind;             /* nobody looked in the latest picture */
    float score;            /* of its last sighting */
    struct extent box;      /* of its last sighting */
    struct extent region;   /* the sighting's */
    struct extent estimate; /* for the time of the latest predict or update, inside the picture */
    double motionless_s;
    uint32_t motionless_count; /* the same in frames at detect.fps */
    uint32_t position_changes;
    double missing_s;                       /* looked for and not found; 0 = it was there */
    float early_scores[TRACK_EARLY_SCORES]; /* of the sightings before it was LIVE */
    unsigned early_count;
    /* the rest is the tracker's alone */
    double credit_s;   /* how long it may be missing */
    double state_time; /* of the filter */
    unsigned hits;
    struct kalman kalman;
    float mean_width, mean_height; /* steadier than the boxes: limbs and doors open and close */
    float wander; /* how far sightings usually are from where they were expected, in sizes */
    struct stillness stillness;
    struct look look;
    struct {
        const struct track_label *label;
        float weight;
    } votes[TRACK_VOTES];
};

struct tracker;

struct tracker_input {
    double time; /* wall seconds of the picture */
    const struct sighting *sightings;
    size_t count;
    /* By slot: known to be where it was without looking (stationary and no motion on it), so it
     * counts as seen even without a sighting. NULL: none. */
    const bool *held;
    /* By slot: nobody looked where it should be, so not finding it says nothing. NULL: none. */
    const bool *blind;
};

struct tracker *tracker_create(const struct tracker_settings *settings);
void tracker_destroy(struct tracker *tracker); /* NULL is fine */

/* Brings every track's `estimate` to that time; no other effect. Call it before choosing where to
 * look. */
void tracker_predict(struct tracker *tracker, double time);

/* One picture. Afterwards a track that is gone is simply no longer among tracker_next()'s. */
void tracker_update(struct tracker *tracker, const struct tracker_input *input);

/* Iterates the tracks of every stage but FREE: pass NULL first; NULL = no more. */
struct track *tracker_next(struct tracker *tracker, const struct track *after);

/* motionless_count >= stationary threshold. (Outwardly `stationary` is the contract's ">".) */
bool track_is_stationary(const struct tracker *tracker, const struct track *track);
const struct tracker_settings *tracker_settings(const struct tracker *tracker);

#endif
