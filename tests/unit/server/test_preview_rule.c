/* Which pictures become preview pictures: one table of what happens and what is taken. */
#include "../cmocka_all.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "server/preview_rule.h"

enum scene { QUIET = 1, MOTION, PERSON, CAR, PARKED, DOUBTFUL, ENDED };

static bool offer(struct preview_rule *rule, double time, enum scene scene)
{
    struct msg_box box = {{0}};
    struct msg_object object = {.active = true};
    struct msg_frame frame = {.time = time, .calibrating = true};
    snprintf(object.label, sizeof object.label, "%s", scene == PERSON ? "person" : "car");
    object.active = scene != PARKED;
    object.false_positive = scene == DOUBTFUL;
    object.end_time = scene == ENDED ? time : 0;
    if (scene == MOTION) {
        frame.motion.items = &box;
        frame.motion.count = 1;
    } else if (scene != QUIET) {
        frame.objects.items = &object;
        frame.objects.count = 1;
    }
    return preview_rule_takes(rule, &frame);
}

static void what_is_taken(void **state)
{
    static const struct {
        double time;
        enum scene scene;
        bool taken;
    } rows[] = {
        {1000, QUIET, true}, /* the first always */
        {1000.5, PERSON, false},  {1000.99, MOTION, false},
        {1001, MOTION, true}, /* also while it calibrates */
        {1001.75, PERSON, false}, {1002, PERSON, true},
        {1002.25, CAR, false},    {1002.5, CAR, true},
        {1003, CAR, true},        {1003.5, PERSON, false},
        {1010, PARKED, false},    {1011, DOUBTFUL, false},
        {1012, ENDED, false},     {1033, QUIET, false}, /* not more than 30 s */
        {1033.1, QUIET, true},    {1050, QUIET, false},
        {1063.2, QUIET, true},    {1060, MOTION, false}, /* out of order */
        {500, QUIET, true},                              /* the clock was set back: from anew */
        {500.5, MOTION, false},   {501, MOTION, true},
    };
    struct preview_rule rule = {0};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (offer(&rule, rows[i].time, rows[i].scene) != rows[i].taken) {
            fail_msg("row %zu, at %g", i, rows[i].time);
        }
    }
}

static void rates_over_a_minute(void **state)
{
    static const struct {
        enum scene scene;
        int least, most;
    } rows[] = {{QUIET, 2, 2}, {MOTION, 60, 61}, {PERSON, 60, 61}, {CAR, 120, 121}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct preview_rule rule = {0};
        int taken = 0;
        for (int picture = 0; picture <= 240; picture++) {
            taken += offer(&rule, 2000 + picture * 0.25, rows[i].scene);
        }
        assert_in_range(taken, rows[i].least, rows[i].most);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken),
        cmocka_unit_test(rates_over_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
