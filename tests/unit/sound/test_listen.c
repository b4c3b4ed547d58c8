/* Which scores count as heard. */
#include "../cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sound/listen.h"

#define COUNT 40

/* Two lines for speech, as in label files that merge similar sounds; the rest is "other". */
static char *names[COUNT];
static const struct cfg_labels labels = {names, COUNT};
static char *listened[] = {(char *)(uintptr_t) "bark", (char *)(uintptr_t) "speech",
                           (char *)(uintptr_t) "scream"};
static struct cfg_pair filters[] = {{.name = (char *)(uintptr_t) "bark", .number = 0.6},
                                    {.name = (char *)(uintptr_t) "unheard", .number = 0.5}};
static struct cfg_audio audio = {
    .listen = {listened, ARRAY_SIZE(listened), NULL}, .filters = {filters, 2}, .has_filters = true};

static int setup(void **state)
{
    for (size_t i = 0; i < COUNT; i++) {
        names[i] = (char *)(uintptr_t) "other";
    }
    names[0] = names[7] = (char *)(uintptr_t) "speech";
    names[3] = (char *)(uintptr_t) "bark";
    names[COUNT - 1] = (char *)(uintptr_t) "scream";
    return 0;
}

static void thresholds_and_lists(void **state)
{
    struct listen_hit hits[LISTEN_MAX];
    const struct {
        size_t index;
        float score;
        const char *heard; /* NULL: nothing */
    } cases[] = {
        {0, 0.9F, "speech"}, {0, 0.81F, "speech"}, {0, 0.8F, NULL}, /* above, not at, 0.8 */
        {0, 0.79F, NULL},    {3, 0.61F, "bark"},   {3, 0.6F, NULL}, /* its filter */
        {3, 0.55F, NULL},    {1, 1.0F, NULL},                       /* not listened for */
        {7, 0.9F, "speech"}, {39, 0.9F, "scream"}, {0, NAN, NULL},  {0, INFINITY, "speech"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        float scores[COUNT] = {0};
        scores[cases[i].index] = cases[i].score;
        size_t count = listen_pick(scores, COUNT, &labels, &audio, hits);
        if (count != (cases[i].heard != NULL)) {
            fail_msg("case %zu: %zu labels", i, count);
        }
        if (count == 1) {
            assert_string_equal(hits[0].label, cases[i].heard);
            assert_true(hits[0].score == cases[i].score);
        }
    }
}

static void labels_merge_and_are_in_order(void **state)
{
    struct listen_hit hits[LISTEN_MAX];
    float scores[COUNT] = {0};
    scores[0] = 0.85F;
    scores[7] = 0.95F;
    scores[3] = 0.9F;
    assert_int_equal(listen_pick(scores, COUNT, &labels, &audio, hits), 2);
    assert_string_equal(hits[0].label, "speech");
    assert_true(hits[0].score == 0.95F);
    assert_string_equal(hits[1].label, "bark");
}

/* Only the best twenty are looked at, whatever they are called. */
static void only_the_best(void **state)
{
    struct listen_hit hits[LISTEN_MAX];
    float scores[COUNT] = {0};
    for (size_t i = 10; i < 10 + LISTEN_MAX; i++) {
        scores[i] = 0.95F;
    }
    scores[0] = 0.94F;
    assert_int_equal(listen_pick(scores, COUNT, &labels, &audio, hits), 0);
    scores[10] = 0.93F;
    assert_int_equal(listen_pick(scores, COUNT, &labels, &audio, hits), 1);
    /* Scores without labels, and labels without scores. */
    const struct cfg_labels few = {names, 2};
    assert_int_equal(listen_pick(scores, COUNT, &few, &audio, hits), 1);
    assert_int_equal(listen_pick(scores, 0, &labels, &audio, hits), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thresholds_and_lists),
        cmocka_unit_test(labels_merge_and_are_in_order),
        cmocka_unit_test(only_the_best),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
