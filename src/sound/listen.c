#include "sound/listen.h"

#include <stdbool.h>
#include <string.h>

#define SCORE_MIN 0.5f       /* Frigate's AUDIO_MIN_CONFIDENCE */
#define THRESHOLD_USUAL 0.8f /* of a label without a filter */

struct candidate {
    size_t index;
    float score;
};

/* Keeps the best ones in order; `count` of them are there. */
static size_t offer(struct candidate best[LISTEN_MAX], size_t count, struct candidate one)
{
    size_t at = count;
    while (at > 0 && best[at - 1].score < one.score) {
        at--;
    }
    if (at == LISTEN_MAX) {
        return count;
    }
    count += count < LISTEN_MAX;
    memmove(&best[at + 1], &best[at], (count - at - 1) * sizeof *best);
    best[at] = one;
    return count;
}

static float threshold_of(const struct cfg_audio *audio, const char *label)
{
    for (size_t i = 0; audio->has_filters && i < audio->filters.count; i++) {
        if (strcmp(audio->filters.items[i].name, label) == 0) {
            return (float)audio->filters.items[i].number;
        }
    }
    return THRESHOLD_USUAL;
}

static bool is_there(const struct listen_hit *hits, size_t count, const char *label)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(hits[i].label, label) == 0) {
            return true;
        }
    }
    return false;
}

size_t listen_pick(const float *scores, size_t count, const struct cfg_labels *labels,
                   const struct cfg_audio *audio, struct listen_hit hits[LISTEN_MAX])
{
    struct candidate best[LISTEN_MAX];
    size_t candidates = 0, found = 0;
    for (size_t i = 0; i < count && i < labels->count; i++) {
        if (scores[i] >= SCORE_MIN) { /* not a number is not */
            candidates = offer(best, candidates, (struct candidate){i, scores[i]});
        }
    }
    for (size_t i = 0; i < candidates; i++) {
        const char *label = labels->items[best[i].index];
        if (config_list_has(&audio->listen, label) && !is_there(hits, found, label) &&
            best[i].score > threshold_of(audio, label)) {
            hits[found++] = (struct listen_hit){label, best[i].score};
        }
    }
    return found;
}
