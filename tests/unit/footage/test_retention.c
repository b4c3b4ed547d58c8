/* What is kept, why and until when; whose footage goes when there is no room. */
#include "../cmocka_all.h"

#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "footage/clip_events.h"
#include "footage/retention.h"
#include "footage/space.h"

#define DAY 86400.0
#define NOW (100 * DAY)

static struct cfg_pair cars[] = {{.name = (char *)(uintptr_t) "car", .number = 2}};

static struct cfg_record rules(double days, enum cfg_retain_mode mode,
                               enum cfg_retain_mode event_mode)
{
    return (struct cfg_record){
        .retain = {days, mode},
        .events = {.retain = {.default_days = 10, .mode = event_mode, .objects = {cars, 1}}}};
}

#define SEEN(n_) ((struct db_opt_int){true, n_})
#define NOBODY ((struct db_opt_int){false, 0})

/* A segment of ten seconds that ended so many days ago. */
static struct retention_segment segment(double days_ago, struct db_opt_int motion,
                                        struct db_opt_int objects, int dbfs)
{
    double end = NOW - days_ago * DAY;
    return (struct retention_segment){end - 10, end, motion, objects, SEEN(dbfs)};
}

static const struct retention_event person = {
    .start = NOW - 5 * DAY - 30, .end = {true, NOW - 5 * DAY + 30}, .label = "person"};

static void rows_of_the_contract(void **state)
{
    const struct retention_event car = {.start = person.start, .end = person.end, .label = "car"};
    const struct retention_event favorite = {
        .start = person.start, .end = person.end, .label = "car", .favorite = true};
    const struct retention_event manual = {
        .start = person.start, .end = person.end, .label = "bell", .manual = true};
    const struct retention_event running = {.start = person.start, .label = "person"};
    const enum cfg_retain_mode all = CFG_RETAIN_ALL, motion = CFG_RETAIN_MOTION,
                               objects = CFG_RETAIN_ACTIVE_OBJECTS;
    const struct {
        double days;
        enum cfg_retain_mode mode, event_mode;
        struct retention_segment segment;
        const struct retention_event *event;
        unsigned reasons;
        double until; /* days from now, INFINITY = none */
    } cases[] = {
        /* continuous */
        {7, all, all, segment(5, SEEN(0), SEEN(0), 0), NULL, RETENTION_CONTINUOUS, 2},
        {5, all, all, segment(5, SEEN(9), SEEN(9), 0), NULL, 0, 0},
        {7, motion, all, segment(5, SEEN(0), SEEN(0), 0), NULL, 0, 0},
        {7, motion, all, segment(5, SEEN(1), SEEN(0), 0), NULL, RETENTION_MOTION, 2},
        {7, motion, all, segment(5, SEEN(0), SEEN(0), -40), NULL, RETENTION_MOTION, 2},
        {7, motion, all, segment(5, NOBODY, NOBODY, 0), NULL, RETENTION_NO_VERDICT, 2},
        {7, objects, all, segment(5, SEEN(9), SEEN(0), -40), NULL, 0, 0},
        {7, objects, all, segment(5, SEEN(9), SEEN(1), 0), NULL, RETENTION_OBJECTS, 2},
        {7, objects, all, segment(5, SEEN(9), NOBODY, 0), NULL, RETENTION_NO_VERDICT, 2},
        /* events */
        {0, all, all, segment(5, SEEN(0), SEEN(0), 0), &person, RETENTION_EVENT, 5 - 30 / DAY},
        {0, all, motion, segment(5, SEEN(0), SEEN(0), 0), &person, 0, 0},
        {0, all, motion, segment(5, SEEN(1), SEEN(0), 0), &person, RETENTION_EVENT, 5 - 30 / DAY},
        {0, all, motion, segment(5, NOBODY, NOBODY, 0), &person, RETENTION_EVENT, 5 - 30 / DAY},
        {0, all, objects, segment(5, SEEN(1), SEEN(0), 0), &person, 0, 0},
        {0, all, motion, segment(5, SEEN(0), SEEN(0), 0), &manual, RETENTION_MANUAL, 5 - 30 / DAY},
        {0, all, all, segment(5, SEEN(0), SEEN(0), 0), &car, RETENTION_EVENT, -3 - 30 / DAY},
        {0, all, all, segment(5, SEEN(1), SEEN(0), 0), &favorite,
         RETENTION_EVENT | RETENTION_FAVORITE, INFINITY},
        {0, all, all, segment(2, SEEN(1), SEEN(0), 0), &person, 0, 0}, /* no overlap */
        {0, all, all, segment(2, SEEN(1), SEEN(0), 0), &running, RETENTION_EVENT, 5 - 30 / DAY},
        /* either is enough */
        {7, objects, motion, segment(5, SEEN(1), SEEN(0), 0), &person, RETENTION_EVENT,
         5 - 30 / DAY},
        /* too fresh */
        {0, all, all, segment(100 / DAY, SEEN(0), SEEN(0), 0), NULL, RETENTION_SETTLING, 200 / DAY},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct cfg_record record = rules(cases[i].days, cases[i].mode, cases[i].event_mode);
        struct retention_verdict verdict = retention_judge(
            &record, &cases[i].segment, &cases[i].event, cases[i].event != NULL, NOW, 0);
        if (verdict.reasons != cases[i].reasons) {
            fail_msg("case %zu: reasons %#x instead of %#x", i, verdict.reasons, cases[i].reasons);
        }
        if (verdict.reasons != 0 && isfinite(cases[i].until)) {
            assert_true(fabs(verdict.until - (NOW + cases[i].until * DAY)) < 0.01);
        } else if (verdict.reasons != 0) {
            assert_true(isinf(verdict.until));
        }
    }
}

/* Footage that came with a disk stays for the longest time there is, from its adoption on. */
static void adopted_footage_is_not_judged_by_its_age(void **state)
{
    struct cfg_record record = rules(0, CFG_RETAIN_ALL, CFG_RETAIN_ALL);
    struct retention_segment old = segment(50, SEEN(0), SEEN(0), 0);
    struct retention_verdict verdict = retention_judge(&record, &old, NULL, 0, NOW, NOW - 3 * DAY);
    assert_int_equal(verdict.reasons, RETENTION_ADOPTED);
    assert_true(fabs(verdict.until - (NOW + 7 * DAY)) < 0.01);
    assert_int_equal(retention_judge(&record, &old, NULL, 0, NOW, NOW - 11 * DAY).reasons, 0);
    struct retention_segment own = segment(2, SEEN(0), SEEN(0), 0);
    assert_int_equal(retention_judge(&record, &own, NULL, 0, NOW, NOW - 3 * DAY).reasons, 0);
}

/* The usual min_volume of 500 is -36 dBFS. */
static void quiet_sound_is_no_motion(void **state)
{
    const struct {
        bool listens;
        int min_volume, dbfs, counts;
    } cases[] = {{true, 500, -37, 0}, {true, 500, -36, -36}, {true, 500, -1, -1}, {true, 500, 0, 0},
                 {true, 0, -90, -90}, {true, 20000, -5, 0},   {false, 500, -60, -60}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct cfg_camera camera = {
            .audio = {.enabled = cases[i].listens, .min_volume = cases[i].min_volume}};
        struct db_opt_int loudness = retention_loudness(&camera, SEEN(cases[i].dbfs));
        assert_true(loudness.has);
        assert_int_equal(loudness.value, cases[i].counts);
    }
    assert_false(retention_loudness(&(struct cfg_camera){.audio.enabled = true}, NOBODY).has);
}

static void reasons_have_names(void **state)
{
    for (unsigned bit = 0; bit < RETENTION_REASONS; bit++) {
        assert_non_null(retention_reason_name(1u << bit));
    }
    assert_string_equal(retention_reason_name(RETENTION_ADOPTED), "adopted");
}

/* ---- space ---- */

static void margin_has_bounds(void **state)
{
    uint64_t gib = 1ull << 30;
    assert_int_equal(space_margin(1e6, 1000 * gib), 3600000000ull);
    assert_int_equal(space_margin(1e6, gib), gib / 10);
    assert_int_equal(space_margin(1e6, 64u << 20), 16u << 20);
    assert_int_equal(space_margin(1e6, 200u << 20), 30000000);
    assert_int_equal(space_margin(0, gib), 0);
}

static void the_oldest_goes_but_nobody_is_pushed_out(void **state)
{
    /* Equal holdings: the oldest. */
    assert_int_equal(space_choose((struct space_camera[]){{100, 50}, {100, 40}, {100, 60}}, 3), 1);
    /* The one with the oldest holds less than half of its share: the flood pays. */
    assert_int_equal(space_choose((struct space_camera[]){{20, 10}, {500, 90}, {300, 80}}, 3), 2);
    /* Nobody else has any left. */
    assert_int_equal(
        space_choose((struct space_camera[]){{20, 10}, {500, INFINITY}, {300, INFINITY}}, 3), 0);
    assert_int_equal(space_choose((struct space_camera[]){{20, INFINITY}}, 1), -1);
    assert_int_equal(space_choose(NULL, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_the_contract),
        cmocka_unit_test(adopted_footage_is_not_judged_by_its_age),
        cmocka_unit_test(quiet_sound_is_no_motion),
        cmocka_unit_test(reasons_have_names),
        cmocka_unit_test(margin_has_bounds),
        cmocka_unit_test(the_oldest_goes_but_nobody_is_pushed_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
