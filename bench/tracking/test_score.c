/* The measure itself, on sequences whose score can be counted by hand. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cmocka_all.h"
#include "score.h"

static const struct score_options options = {
    .min_visible = 0.3f, .min_side = 8, .tolerance_s = 0.05, .gap_s = 5, .min_visit_s = 1};

/* One character per moment of 0.2 s and per object: '.' absent, '-' hidden, else who is there: the
 * truth's object i stands in a place of its own; a tracker's line i says who is said to be there.
 */
static void draw(struct sequence *sequence, const char *const *lines, size_t count)
{
    *sequence = (struct sequence){0};
    for (size_t m = 0; m < strlen(lines[0]); m++) {
        struct moment *moment = sequence_add(sequence, (double)m * 0.2);
        for (size_t i = 0; i < count; i++) {
            char who = lines[i][m];
            char name[] = {who == '-' ? (char)('A' + i) : who, '\0'};
            float x = 100 * (float)i;
            if (who != '.') {
                moment_add(moment, &(struct seen){.id = names_number(&sequence->ids, name),
                                                  .box = {x, 0, x + 50, 100},
                                                  .visible = who == '-' ? 0.1f : 1,
                                                  .confirmed = true});
            }
        }
    }
}

struct expected {
    size_t hits, misses, false_alarms, switches;
    double idf1;
    size_t visits, events, doubles, missed, ghosts;
};

static void test_cases(void **state)
{
    static const struct {
        const char *truth[3], *said[3];
        struct expected expected;
    } cases[] = {
        /* all right */
        {{"AAAAAAAA", "BBBBBBBB", "........"},
         {"xxxxxxxx", "yyyyyyyy", "........"},
         {16, 0, 0, 0, 1, 2, 2, 0, 0, 0}},
        /* two late moments */
        {{"AAAAAAAA", "........", "........"},
         {"..xxxxxx", "........", "........"},
         {6, 2, 0, 0, 12.0 / 14, 1, 1, 0, 0, 0}},
        /* they swap: two switches, five eighths of each explained */
        {{"AAAAAAAA", "BBBBBBBB", "........"},
         {"xxxxxyyy", "yyyyyxxx", "........"},
         {16, 0, 0, 2, 0.625, 2, 2, 0, 0, 0}},
        /* cut in two: a second event for one visit */
        {{"AAAAAAAA", "........", "........"},
         {"xxxx.yyy", "........", "........"},
         {7, 1, 0, 1, 8.0 / 15, 1, 2, 1, 0, 0}},
        /* something nobody did */
        {{"AAAAAAAA", "........", "........"},
         {"xxxxxxxx", "........", "zzzz...."},
         {8, 0, 4, 0, 16.0 / 20, 1, 2, 0, 0, 1}},
        /* a hidden object is neither asked for nor forbidden */
        {{"AAA--AAA", "BB------", "........"},
         {"xxxxxxxx", "yyyyy...", "........"},
         {8, 0, 0, 0, 1, 1, 2, 0, 0, 0}},
        /* nothing said at all */
        {{"AAAAAAAA", "........", "........"},
         {"........", "........", "........"},
         {0, 8, 0, 0, 0, 1, 0, 0, 1, 0}},
        /* too short a visit to need an event */
        {{"AAA.....", "........", "........"},
         {"........", "........", "........"},
         {0, 3, 0, 0, 0, 0, 0, 0, 0, 0}},
    };
    for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
        struct sequence truth, said;
        struct score score;
        draw(&truth, cases[c].truth, 3);
        draw(&said, cases[c].said, 3);
        score_compute(&truth, &said, &options, &score);
        print_message("case %zu\n", c);
        const struct expected *expected = &cases[c].expected;
        assert_int_equal(score.hits, expected->hits);
        assert_int_equal(score.misses, expected->misses);
        assert_int_equal(score.false_alarms, expected->false_alarms);
        assert_int_equal(score.switches, expected->switches);
        assert_float_equal(score.idf1, expected->idf1, 1e-9);
        assert_int_equal(score.visits, expected->visits);
        assert_int_equal(score.events, expected->events);
        assert_int_equal(score.doubles, expected->doubles);
        assert_int_equal(score.missed_visits, expected->missed);
        assert_int_equal(score.ghosts, expected->ghosts);
        double wrong = (double)(score.misses + score.false_alarms + score.switches);
        assert_float_equal(score.mota, 1 - wrong / (double)score.truth, 1e-9);
        sequence_finish(&truth);
        sequence_finish(&said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
