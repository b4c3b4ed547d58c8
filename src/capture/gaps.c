#include "capture/gaps.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

/* Pictures are not exactly a frame apart; less than this is no gap. */
#define LEAST_US 500000
/* Between the end of what is recorded and now there is always the open fragment, and a queue before
 * a slow disk. */
#define LATE_US 15000000
#define STEP_US 2000000 /* the wall clock was set, if it went on by so much more than time did */
#define CAUSES_MAX 32   /* changes within one stretch; more of them belong to the last */

struct change {
    int64_t since_us;
    enum gap_cause cause;
    char detail[GAPS_DETAIL];
};

struct gaps {
    gaps_report_fn report;
    void *context;
    pthread_mutex_t lock; /* all below */
    int64_t until_us;     /* all before is recorded or reported */
    int64_t until_mono_us;
    struct change changes[CAUSES_MAX]; /* since then; the first one counts from until_us on */
    size_t count;
};

static void add_change(struct gaps *gaps, enum gap_cause cause, const char *detail)
{
    if (gaps->count > 0) {
        const struct change *last = &gaps->changes[gaps->count - 1];
        if (last->cause == cause && strcmp(last->detail, detail) == 0) {
            return;
        }
    }
    gaps->count = gaps->count < CAUSES_MAX ? gaps->count + 1 : CAUSES_MAX;
    struct change *change = &gaps->changes[gaps->count - 1];
    change->since_us = wall_now().us;
    change->cause = cause;
    snprintf(change->detail, sizeof change->detail, "%s", detail);
}

static void set_until(struct gaps *gaps, int64_t wall_us)
{
    gaps->until_us = wall_us;
    gaps->until_mono_us = mono_now().us;
}

struct gaps *gaps_create(gaps_report_fn report, void *context)
{
    struct gaps *gaps = mem_alloc(sizeof *gaps);
    gaps->report = report;
    gaps->context = context;
    pthread_mutex_init(&gaps->lock, NULL);
    set_until(gaps, wall_now().us);
    add_change(gaps, GAP_UNREACHABLE, "connecting");
    return gaps;
}

void gaps_destroy(struct gaps *gaps)
{
    if (gaps != NULL) {
        pthread_mutex_destroy(&gaps->lock);
        free(gaps);
    }
}

/* Reports until_us..end_us, change by change. */
static void report(struct gaps *gaps, int64_t end_us)
{
    int64_t at = gaps->until_us;
    for (size_t i = 0; i < gaps->count && at < end_us; i++) {
        const struct change *change = &gaps->changes[i];
        int64_t end = i + 1 < gaps->count ? gaps->changes[i + 1].since_us : end_us;
        end = end < end_us ? end : end_us;
        if (end > at) {
            struct gap_info gap = {.start_us = at, .end_us = end, .cause = change->cause};
            memcpy(gap.detail, change->detail, sizeof gap.detail);
            gaps->report(gaps->context, &gap);
            at = end;
        }
    }
}

void gaps_cause(struct gaps *gaps, enum gap_cause cause, const char *detail)
{
    pthread_mutex_lock(&gaps->lock);
    add_change(gaps, cause, detail);
    pthread_mutex_unlock(&gaps->lock);
}

void gaps_recorded(struct gaps *gaps, int64_t start_us, int64_t end_us)
{
    pthread_mutex_lock(&gaps->lock);
    int64_t missing = start_us - gaps->until_us;
    int64_t elapsed = mono_now().us - gaps->until_mono_us;
    if (missing > elapsed + STEP_US) {
        gaps->count = 0;
        add_change(gaps, GAP_CLOCK, "the clock was set forward");
    }
    if (missing > LEAST_US) {
        if (gaps->count == 0) {
            add_change(gaps, GAP_NO_VIDEO, "no pictures came");
        }
        report(gaps, start_us);
    }
    set_until(gaps, end_us);
    gaps->count = 0;
    pthread_mutex_unlock(&gaps->lock);
}

void gaps_tick(struct gaps *gaps)
{
    pthread_mutex_lock(&gaps->lock);
    int64_t now = wall_now().us;
    if (gaps->count > 0 && now - gaps->until_us > GAPS_PIECE_US + LATE_US) {
        struct change last = gaps->changes[gaps->count - 1];
        report(gaps, now - LATE_US);
        set_until(gaps, now - LATE_US);
        gaps->until_mono_us -= LATE_US;
        last.since_us = gaps->until_us;
        gaps->changes[0] = last;
        gaps->count = 1;
    }
    pthread_mutex_unlock(&gaps->lock);
}
