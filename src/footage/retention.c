#include "footage/retention.h"

#include <math.h>
#include <string.h>

#define FULL_SCALE 32768.0 /* of 16-bit sound */
#define DAY_S 86400.0

const char *retention_reason_name(enum retention_reason reason)
{
    static const char *const names[RETENTION_REASONS] = {
        "continuous", "motion",   "active_objects", "no_verdict", "event",
        "manual",     "favorite", "settling",       "adopted",
    };
    return names[__builtin_ctz(reason)];
}

double retention_days(const struct cfg_retain *retain, const char *label)
{
    for (size_t i = 0; i < retain->objects.count; i++) {
        if (strcmp(retain->objects.items[i].name, label) == 0) {
            return retain->objects.items[i].number;
        }
    }
    return retain->default_days;
}

double retention_longest(const struct cfg_record *rules)
{
    double longest = fmax(rules->retain.days, rules->events.retain.default_days);
    for (size_t i = 0; i < rules->events.retain.objects.count; i++) {
        longest = fmax(longest, rules->events.retain.objects.items[i].number);
    }
    return longest;
}

const struct cfg_camera *retention_camera(const struct config *config, const char *name)
{
    int index = config_camera_index(config, name);
    return index >= 0 ? &config->cameras[index] : &config->global;
}

/* Rows hold the rounded mean of the loud chunks when there were any, so theirs are never below. */
struct db_opt_int retention_loudness(const struct cfg_camera *camera, struct db_opt_int dbfs)
{
    int least = camera->audio.min_volume;
    if (camera->audio.enabled && dbfs.has && least > 0 &&
        (double)dbfs.value < round(20 * log10(least / FULL_SCALE))) {
        dbfs.value = 0;
    }
    return dbfs;
}

/* Whether a mode wants the segment, and why. Loudness counts as motion: 0 means no sound is known.
 */
static unsigned by_mode(enum cfg_retain_mode mode, const struct retention_segment *segment)
{
    if (mode == CFG_RETAIN_ALL) {
        return RETENTION_CONTINUOUS;
    }
    if (mode == CFG_RETAIN_ACTIVE_OBJECTS) {
        return !segment->objects.has         ? RETENTION_NO_VERDICT
               : segment->objects.value != 0 ? RETENTION_OBJECTS
                                             : 0;
    }
    if ((segment->motion.has && segment->motion.value != 0) ||
        (segment->dbfs.has && segment->dbfs.value != 0)) {
        return RETENTION_MOTION;
    }
    return segment->motion.has ? 0 : RETENTION_NO_VERDICT;
}

static void keep(struct retention_verdict *verdict, unsigned reason, double until)
{
    verdict->reasons |= reason;
    verdict->until = fmax(verdict->until, until);
}

static void judge_event(const struct cfg_record *rules, const struct retention_segment *segment,
                        const struct retention_event *event, struct retention_verdict *verdict)
{
    bool overlaps =
        event->start <= segment->end && (!event->end.has || event->end.value >= segment->start);
    bool wanted = event->manual || by_mode(rules->events.retain.mode, segment) != 0;
    if (!overlaps || !wanted) {
        return;
    }
    unsigned reason = event->manual ? RETENTION_MANUAL : RETENTION_EVENT;
    if (event->favorite) {
        keep(verdict, reason | RETENTION_FAVORITE, INFINITY);
    } else {
        /* Until the event's clip expires: its flag is what protects. */
        keep(verdict, reason,
             event->start + retention_days(&rules->events.retain, event->label) * DAY_S);
    }
}

struct retention_verdict retention_judge(const struct cfg_record *rules,
                                         const struct retention_segment *segment,
                                         const struct retention_event *const *events, size_t count,
                                         double now, double adopted_at)
{
    struct retention_verdict verdict = {.until = -INFINITY};
    double continuous = segment->end + rules->retain.days * DAY_S;
    unsigned mode = by_mode(rules->retain.mode, segment);
    if (now < continuous && mode != 0) {
        keep(&verdict, mode, continuous);
    }
    if (now < segment->end + RETENTION_SETTLE_S) {
        keep(&verdict, RETENTION_SETTLING, segment->end + RETENTION_SETTLE_S);
    }
    double grace = adopted_at + retention_longest(rules) * DAY_S;
    if (segment->start < adopted_at && now < grace) {
        keep(&verdict, RETENTION_ADOPTED, grace);
    }
    for (size_t i = 0; i < count; i++) {
        judge_event(rules, segment, events[i], &verdict);
    }
    return verdict;
}
