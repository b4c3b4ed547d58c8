/* The ledger of what was not recorded: whatever is told in whatever order, recordings and gaps lie
 * one after the other. */
#include "../cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "folder.h"
#include "store/db_gap.h"
#include "store/db_recording.h"

#define PATIENCE_MS 20000

static void recorded(struct folder *folder, double start, double end)
{
    char id[32], path[32];
    snprintf(id, sizeof id, "r%.3f", start);
    snprintf(path, sizeof path, "/%.3f.mp4", start);
    struct store_work *work = store_begin(folder->store);
    db_recording_put(work, &(struct db_recording){.id = id,
                                                  .camera = "back",
                                                  .path = path,
                                                  .start_time = start,
                                                  .end_time = end,
                                                  .duration = end - start});
    assert_true(store_submit_wait(work, PATIENCE_MS) > 0);
}

static void missed(struct folder *folder, double start, double end, const char *cause)
{
    struct store_work *work = store_begin(folder->store);
    db_gap_put(work, &(struct db_gap){"back", start, end, cause, "why"});
    assert_true(store_submit_wait(work, PATIENCE_MS) >= 0);
}

static void check(struct folder *folder, const char *expected)
{
    AUTO_READER struct db *db = store_reader(folder->store);
    AUTO_STR struct str text = {0}, json_text = {0};
    struct jout json = {.out = &json_text};
    jout_begin_array(&json);
    assert_int_equal(db_gap_list_json(db, "back", 0, 1e9, &json), 0);
    jout_end_array(&json);
    /* "[{"cause":"a",...,"end_time":2.0,"start_time":1.0}]" as "1-2 a " */
    for (const char *at = str_text(&json_text); (at = strstr(at, "\"cause\":\"")) != NULL; at++) {
        char cause[32];
        double end, start;
        assert_int_equal(sscanf(at, "\"cause\":\"%31[^\"]", cause), 1);
        assert_int_equal(sscanf(strstr(at, "\"end_time\":"), "\"end_time\":%lf", &end), 1);
        assert_int_equal(sscanf(strstr(at, "\"start_time\":"), "\"start_time\":%lf", &start), 1);
        str_addf(&text, "%g-%g %s, ", start, end, cause);
    }
    assert_string_equal(str_text(&text), expected);
}

static void what_nobody_accounts_for_was_a_stop(void **state)
{
    struct folder *folder = *state;
    recorded(folder, 1000, 1010);
    recorded(folder, 1010, 1020);
    check(folder, "");
    recorded(folder, 1100, 1110);
    check(folder, "1020-1100 stopped, ");
    recorded(folder, 1110.3, 1120); /* too short to matter */
    check(folder, "1020-1100 stopped, ");
}

static void told_gaps_come_first(void **state)
{
    struct folder *folder = *state;
    recorded(folder, 1000, 1010);
    missed(folder, 1050, 1080, "unreachable");
    missed(folder, 1080, 1110, "unreachable");
    missed(folder, 1110, 1120, "no_keyframe");
    recorded(folder, 1120, 1130);
    check(folder, "1010-1050 stopped, 1050-1110 unreachable, 1110-1120 no_keyframe, ");
    /* Told late: better than what was assumed. */
    missed(folder, 1010, 1030, "disk");
    check(folder, "1010-1030 disk, 1030-1050 stopped, 1050-1110 unreachable, "
                  "1110-1120 no_keyframe, ");
}

static void what_is_recorded_is_no_gap(void **state)
{
    struct folder *folder = *state;
    recorded(folder, 1000, 1010);
    missed(folder, 1005, 1060, "disk");
    check(folder, "1010-1060 disk, ");
    recorded(folder, 1100, 1110);
    check(folder, "1010-1060 disk, 1060-1100 stopped, ");
    /* Files found later, in the middle of both. */
    recorded(folder, 1020, 1030);
    recorded(folder, 1055, 1065);
    check(folder, "1010-1020 disk, 1030-1055 disk, 1065-1100 stopped, ");
    recorded(folder, 1010, 1020);
    recorded(folder, 1030, 1055);
    recorded(folder, 1065, 1100);
    check(folder, "");
    missed(folder, 1000, 1110, "disk");
    check(folder, "");
    missed(folder, 990, 1120, "disk");
    check(folder, "990-1000 disk, 1110-1120 disk, ");
}

static void a_clock_set_back_makes_no_gap(void **state)
{
    struct folder *folder = *state;
    recorded(folder, 5000, 5010);
    recorded(folder, 1400, 1410);
    recorded(folder, 1410, 1420);
    check(folder, "");
}

static void old_gaps_are_forgotten(void **state)
{
    struct folder *folder = *state;
    missed(folder, 100, 200, "disk");
    missed(folder, 300, 400, "disk");
    struct store_work *work = store_begin(folder->store);
    db_gap_forget(work, "back", 350);
    assert_int_equal(store_submit_wait(work, PATIENCE_MS), 1);
    check(folder, "300-400 disk, ");
}

/* Random recordings and gaps in random order: no overlap, ever. */
static void nothing_ever_overlaps(void **state)
{
    struct folder *folder = *state;
    srand(7);
    for (int i = 0; i < 300; i++) {
        double start = 1000 + rand() % 2000, length = 1 + rand() % 40;
        if (rand() % 2) {
            start = 1000 + (double)(rand() % 200) * 10;
            recorded(folder, start, start + 10);
        } else {
            missed(folder, start, start + length, rand() % 2 ? "disk" : "unreachable");
        }
    }
    AUTO_READER struct db *db = store_reader(folder->store);
    AUTO_QUERY struct db_query *overlaps = db_query(
        db, "SELECT (SELECT count(*) FROM corvette_gap a JOIN corvette_gap b ON "
            "a.start_time < b.start_time AND a.end_time > b.start_time) + (SELECT count(*) FROM "
            "corvette_gap a JOIN recordings r ON a.start_time < r.end_time AND "
            "a.end_time > r.start_time) + (SELECT count(*) FROM corvette_gap "
            "WHERE end_time <= start_time)");
    assert_int_equal(db_step(overlaps), 1);
    assert_int_equal(db_int(overlaps, 0), 0);
    AUTO_QUERY struct db_query *count = db_query(db, "SELECT count(*) FROM corvette_gap");
    assert_int_equal(db_step(count), 1);
    assert_true(db_int(count, 0) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_nobody_accounts_for_was_a_stop, folder_setup_store,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(told_gaps_come_first, folder_setup_store, folder_teardown),
        cmocka_unit_test_setup_teardown(what_is_recorded_is_no_gap, folder_setup_store,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(a_clock_set_back_makes_no_gap, folder_setup_store,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(old_gaps_are_forgotten, folder_setup_store,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(nothing_ever_overlaps, folder_setup_store, folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
