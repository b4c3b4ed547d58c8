#include "../cmocka_all.h"

#include <string.h>

#include "base/cleanup.h"
#include "store/row_json.h"

static void check_canonical(const char *text, const char *expected)
{
    AUTO_STR struct str out = {0};
    row_json_canonical(text, strlen(text), &out);
    assert_string_equal(str_text(&out), expected);
}

static void test_keys_are_sorted_and_blanks_go(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"{}", "{}"},
        {" [ ] ", "[]"},
        {"null", "null"},
        {"{\"b\":1,\"a\":2}", "{\"a\":2,\"b\":1}"},
        {"{\"a\":1,\"ab\":2,\"B\":3}", "{\"B\":3,\"a\":1,\"ab\":2}"},
        {"{ \"z\" : [ 1 , {\"d\":true,\"c\":false} ], \"a\" : null }",
         "{\"a\":null,\"z\":[1,{\"c\":false,\"d\":true}]}"},
        {"{\"box\":[0.1,0.25,3],\"attributes\":[]}", "{\"attributes\":[],\"box\":[0.1,0.25,3]}"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        check_canonical(cases[i].text, cases[i].expected);
    }
}

static void test_numbers_have_their_shortest_form(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"-5", "-5"},
        {"0.364094919", "0.364094919"},
        {"0.2830289131982809", "0.2830289131982809"},
        {"1.0", "1.0"},
        {"1.50", "1.5"},
        {"1e3", "1000.0"},
        {"0.10000000000000000555", "0.1"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        check_canonical(cases[i].text, cases[i].expected);
    }
}

static void test_strings_are_escaped_alike(void **state)
{
    check_canonical("\"L\xc3\xa4ufer\"", "\"L\\u00e4ufer\"");
    check_canonical("\"L\\u00E4ufer\"", "\"L\\u00e4ufer\"");
    check_canonical("\"\\/\\n\\\"\\\\\"", "\"/\\n\\\"\\\\\"");
    check_canonical("\"\\ud83d\\ude97\"", "\"\\ud83d\\ude97\"");
    check_canonical("\"plain text that is longer than eight bytes\"",
                    "\"plain text that is longer than eight bytes\"");
}

static void test_what_is_not_json_becomes_a_string(void **state)
{
    check_canonical("", "\"\"");
    check_canonical("{\"a\":1", "\"{\\\"a\\\":1\"");
    check_canonical("[1,]", "\"[1,]\"");
    check_canonical("1-2", "\"1-2\"");
    check_canonical("tru", "\"tru\"");
    check_canonical("{} x", "\"{} x\"");
    char deep[400];
    memset(deep, '[', 200);
    memset(deep + 200, ']', 199);
    deep[199 + 200] = '\0';
    AUTO_STR struct str out = {0};
    row_json_canonical(deep, strlen(deep), &out);
    assert_int_equal(out.data[0], '"');
}

static void check_string(const char *text, const char *expected)
{
    AUTO_STR struct str out = {0};
    row_json_string(text, strlen(text), &out);
    assert_string_equal(str_text(&out), expected);
}

/* Every byte in every place of a word: the eight-at-a-time scan must see the same as the slow one.
 */
static void test_every_byte_in_every_place(void **state)
{
    for (int byte = 1; byte < 128; byte++) {
        for (size_t at = 0; at < 20; at++) {
            char text[21] = "aaaaaaaaaaaaaaaaaaaa", expected[40];
            text[at] = (char)byte;
            AUTO_STR struct str out = {0};
            row_json_string(text, 20, &out);
            bool plain = byte >= 0x20 && byte != 0x7f && byte != '"' && byte != '\\';
            snprintf(expected, sizeof expected, "\"%s\"", text);
            assert_true((strcmp(str_text(&out), expected) == 0) == plain);
        }
    }
    check_string("\x7f", "\"\\u007f\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_are_sorted_and_blanks_go),
        cmocka_unit_test(test_numbers_have_their_shortest_form),
        cmocka_unit_test(test_strings_are_escaped_alike),
        cmocka_unit_test(test_what_is_not_json_becomes_a_string),
        cmocka_unit_test(test_every_byte_in_every_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
