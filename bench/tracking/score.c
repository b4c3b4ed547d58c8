#include "score.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "track/assign.h"

#define MATCH_IOU 0.5f
#define NOBODY UINT32_MAX

struct visit {
    unsigned id; /* of the truth */
    double first, last;
    unsigned events; /* that began in it */
    bool covered;    /* by an event, one that began in an earlier visit perhaps */
};

struct scorer {
    const struct sequence *truth, *said;
    const struct score_options *options;
    struct score *score;
    unsigned *partner;     /* by truth id: who it was last said to be */
    uint32_t *together;    /* [truth id][said id]: moments matched */
    uint32_t *truth_shown; /* by truth id: moments it was asked for, or found though hidden */
    uint32_t *said_shown;  /* by said id: moments it counted */
    bool *said_confirmed;  /* by said id */
    double *said_first, *said_last; /* by said id */
    struct visit *visits;
    size_t visit_count, visit_capacity;
    double iou_sum, time;
    bool *truth_done, *said_done; /* of the moment at hand */
};

static bool asked_for(const struct scorer *s, const struct seen *seen)
{
    return seen->visible >= s->options->min_visible &&
           extent_sane(&seen->box, s->options->min_side);
}

static void note_switch(struct scorer *s, const struct seen *truth, const struct seen *said)
{
    s->score->switches++;
    if (s->options->list) {
        printf("switch at %.2f: %s, was %s, now %s, box %.0f,%.0f,%.0f,%.0f, visible %.2f\n",
               s->time, s->truth->ids.items[truth->id], s->said->ids.items[s->partner[truth->id]],
               s->said->ids.items[said->id], (double)truth->box.x1, (double)truth->box.y1,
               (double)truth->box.x2, (double)truth->box.y2, (double)truth->visible);
    }
}

static void note_match(struct scorer *s, const struct seen *truth, const struct seen *said)
{
    s->together[truth->id * s->said->ids.count + said->id]++;
    if (!asked_for(s, truth)) {
        return;
    }
    s->score->hits++;
    s->iou_sum += (double)extent_iou(&truth->box, &said->box);
    if (s->partner[truth->id] != NOBODY && s->partner[truth->id] != said->id) {
        note_switch(s, truth, said);
    }
    s->partner[truth->id] = said->id;
}

static float match_cost(const struct seen *truth, const struct seen *said)
{
    float iou = extent_iou(&truth->box, &said->box);
    return truth->label == said->label && iou >= MATCH_IOU ? 1 - iou : INFINITY;
}

/* Pairs of the last moment stay together where they still match. */
static void keep_partners(struct scorer *s, const struct moment *truth, const struct moment *said)
{
    for (size_t i = 0; i < truth->count; i++) {
        for (size_t j = 0; j < said->count && !s->truth_done[i]; j++) {
            if (!s->said_done[j] && s->partner[truth->items[i].id] == said->items[j].id &&
                isfinite(match_cost(&truth->items[i], &said->items[j]))) {
                s->truth_done[i] = s->said_done[j] = true;
                note_match(s, &truth->items[i], &said->items[j]);
            }
        }
    }
}

static void match_rest(struct scorer *s, const struct moment *truth, const struct moment *said)
{
    if (truth->count == 0 || said->count == 0) {
        return;
    }
    AUTO_FREE float *cost = mem_array(truth->count * said->count, sizeof *cost);
    AUTO_FREE int *match = mem_array(truth->count, sizeof *match);
    AUTO_FREE void *work = mem_alloc(assign_work_bytes(truth->count, said->count));
    for (size_t i = 0; i < truth->count; i++) {
        for (size_t j = 0; j < said->count; j++) {
            cost[i * said->count + j] = s->truth_done[i] || s->said_done[j]
                                            ? INFINITY
                                            : match_cost(&truth->items[i], &said->items[j]);
        }
    }
    assign_solve(cost, truth->count, said->count, 1, match, work);
    for (size_t i = 0; i < truth->count; i++) {
        if (match[i] >= 0) {
            s->truth_done[i] = s->said_done[match[i]] = true;
            note_match(s, &truth->items[i], &said->items[match[i]]);
        }
    }
}

/* Someone hidden (or too small to be asked for) is where it says something is. */
static bool is_excused(const struct scorer *s, const struct moment *truth, const struct seen *said)
{
    for (size_t i = 0; i < truth->count; i++) {
        const struct seen *hidden = &truth->items[i];
        if (!asked_for(s, hidden) &&
            extent_intersection(&hidden->box, &said->box) > 0.3f * extent_area(&said->box)) {
            return true;
        }
    }
    return false;
}

static void count_rest(struct scorer *s, const struct moment *truth, const struct moment *said)
{
    for (size_t i = 0; i < truth->count; i++) {
        if (asked_for(s, &truth->items[i])) {
            s->score->truth++;
            s->score->misses += !s->truth_done[i];
        }
        s->truth_shown[truth->items[i].id] += s->truth_done[i] || asked_for(s, &truth->items[i]);
    }
    for (size_t j = 0; j < said->count; j++) {
        const struct seen *seen = &said->items[j];
        s->said_confirmed[seen->id] |= seen->confirmed;
        if (s->said_first[seen->id] < 0) {
            s->said_first[seen->id] = said->time;
        }
        s->said_last[seen->id] = said->time;
        if (s->said_done[j] || !is_excused(s, truth, seen)) {
            s->said_shown[seen->id]++;
            s->score->false_alarms += !s->said_done[j];
        }
    }
}

static void follow_visits(struct scorer *s, const struct moment *truth)
{
    for (size_t i = 0; i < truth->count; i++) {
        const struct seen *seen = &truth->items[i];
        if (!asked_for(s, seen)) {
            continue;
        }
        struct visit *visit = NULL;
        for (size_t v = s->visit_count; v > 0 && visit == NULL; v--) {
            struct visit *known = &s->visits[v - 1];
            visit = known->id == seen->id && truth->time - known->last <= s->options->gap_s ? known
                                                                                            : NULL;
        }
        if (visit == NULL) {
            visit = MEM_PUSH(s->visits, s->visit_count, s->visit_capacity);
            *visit = (struct visit){.id = seen->id, .first = truth->time};
        }
        visit->last = truth->time;
    }
}

/* The truth at a time of the tracker's sequence, or NULL. */
static const struct moment *truth_at(const struct scorer *s, double time)
{
    double at = time - s->options->truth_start;
    if (s->options->loop_s > 0) {
        at -= floor(at / s->options->loop_s) * s->options->loop_s;
    }
    size_t low = 0, high = s->truth->count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        *(s->truth->moments[middle].time <= at ? &low : &high) = middle;
    }
    const struct moment *best = NULL;
    for (size_t i = low; i < s->truth->count && i <= low + 1; i++) {
        const struct moment *moment = &s->truth->moments[i];
        if (fabs(moment->time - at) <= s->options->tolerance_s &&
            (best == NULL || fabs(moment->time - at) < fabs(best->time - at))) {
            best = moment;
        }
    }
    return best;
}

static void score_moment(struct scorer *s, const struct moment *said)
{
    const struct moment *found = truth_at(s, said->time);
    if (found == NULL) {
        return;
    }
    struct moment truth = *found;
    truth.time = said->time; /* of a repetition, perhaps */
    AUTO_FREE bool *truth_done = mem_array(truth.count + 1, sizeof *truth_done);
    AUTO_FREE bool *said_done = mem_array(said->count + 1, sizeof *said_done);
    s->truth_done = truth_done;
    s->said_done = said_done;
    s->score->moments++;
    s->time = said->time;
    keep_partners(s, &truth, said);
    match_rest(s, &truth, said);
    count_rest(s, &truth, said);
    follow_visits(s, &truth);
}

/* The pairing of identities over the whole time that explains most. */
static void score_identities(struct scorer *s)
{
    size_t rows = s->truth->ids.count, columns = s->said->ids.count;
    double shown = 0, explained = 0;
    for (size_t i = 0; i < rows; i++) {
        shown += s->truth_shown[i];
    }
    for (size_t j = 0; j < columns; j++) {
        shown += s->said_shown[j];
    }
    if (rows > 0 && columns > 0) {
        AUTO_FREE float *cost = mem_array(rows * columns, sizeof *cost);
        AUTO_FREE int *match = mem_array(rows, sizeof *match);
        AUTO_FREE void *work = mem_alloc(assign_work_bytes(rows, columns));
        for (size_t i = 0; i < rows * columns; i++) {
            cost[i] = -(float)s->together[i];
        }
        assign_solve(cost, rows, columns, 0, match, work);
        for (size_t i = 0; i < rows; i++) {
            explained += match[i] >= 0 ? s->together[i * columns + (size_t)match[i]] : 0;
        }
    }
    s->score->idf1 = shown > 0 ? fmin(2 * explained / shown, 1) : 1;
}

/* Whom an event is about: the truth object it was matched with most. */
static unsigned subject_of(const struct scorer *s, size_t said)
{
    unsigned best = NOBODY;
    uint32_t most = 0;
    for (size_t i = 0; i < s->truth->ids.count; i++) {
        uint32_t times = s->together[i * s->said->ids.count + said];
        if (times > most) {
            most = times;
            best = (unsigned)i;
        }
    }
    return best;
}

static void place_event(struct scorer *s, size_t said, unsigned subject)
{
    double gap = s->options->gap_s;
    bool begun = false;
    for (size_t v = 0; v < s->visit_count; v++) {
        struct visit *visit = &s->visits[v];
        if (visit->id != subject || s->said_last[said] < visit->first ||
            s->said_first[said] > visit->last + gap) {
            continue;
        }
        visit->covered = true;
        visit->events += !begun;
        begun = true;
    }
}

static void score_events(struct scorer *s)
{
    for (size_t j = 0; j < s->said->ids.count; j++) {
        if (!s->said_confirmed[j]) {
            continue;
        }
        unsigned subject = subject_of(s, j);
        s->score->events++;
        s->score->ghosts += subject == NOBODY;
        place_event(s, j, subject);
    }
    for (size_t v = 0; v < s->visit_count; v++) {
        const struct visit *visit = &s->visits[v];
        bool needs_one = visit->last - visit->first >= s->options->min_visit_s;
        s->score->visits += needs_one;
        if (s->options->list && ((needs_one && !visit->covered) || visit->events > 1)) {
            printf("visit of %s from %.2f to %.2f: %u events%s\n", s->truth->ids.items[visit->id],
                   visit->first, visit->last, visit->events, visit->covered ? "" : ", missed");
        }
        s->score->missed_visits += needs_one && !visit->covered;
        s->score->doubles += visit->events > 1 ? visit->events - 1 : 0;
    }
}

void score_compute(const struct sequence *truth, const struct sequence *said,
                   const struct score_options *options, struct score *score)
{
    size_t truths = truth->ids.count, saids = said->ids.count;
    *score = (struct score){0};
    AUTO_FREE unsigned *partner = mem_array(truths + 1, sizeof *partner);
    AUTO_FREE uint32_t *together = mem_array(truths * saids + 1, sizeof *together);
    AUTO_FREE uint32_t *truth_shown = mem_array(truths + 1, sizeof *truth_shown);
    AUTO_FREE uint32_t *said_shown = mem_array(saids + 1, sizeof *said_shown);
    AUTO_FREE bool *confirmed = mem_array(saids + 1, sizeof *confirmed);
    AUTO_FREE double *first = mem_array(saids + 1, sizeof *first);
    AUTO_FREE double *last = mem_array(saids + 1, sizeof *last);
    struct scorer s = {
        .truth = truth,
        .said = said,
        .options = options,
        .score = score,
        .partner = partner,
        .together = together,
        .truth_shown = truth_shown,
        .said_shown = said_shown,
        .said_confirmed = confirmed,
        .said_first = first,
        .said_last = last,
    };
    memset(partner, 0xff, (truths + 1) * sizeof *partner);
    for (size_t j = 0; j < saids; j++) {
        first[j] = -1;
    }
    for (size_t i = 0; i < said->count; i++) {
        score_moment(&s, &said->moments[i]);
    }
    size_t wrong = score->misses + score->false_alarms + score->switches;
    score->mota = score->truth > 0 ? 1 - (double)wrong / (double)score->truth : 1;
    score->mean_iou = score->hits > 0 ? s.iou_sum / (double)score->hits : 0;
    score_identities(&s);
    score_events(&s);
    free(s.visits);
}
