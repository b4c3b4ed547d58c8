/* Text, numbers, JSON output: the small things every answer is made of. */
#include "../cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "base/str.h"

static void shortest_double_like_python(void **state)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {0.0, "0.0"},
        {1.0, "1.0"},
        {0.1, "0.1"},
        {1718987129.308396, "1718987129.308396"},
        {1e15, "1000000000000000.0"},
        {123456789012345678.0, "1.2345678901234568e+17"},
        {1e16, "1e+16"},
        {0.30000000000000004, "0.30000000000000004"},
        {-2.5, "-2.5"},
        {1e-7, "1e-07"},
        {0.0001, "0.0001"},
        {9007199254740993.0, "9007199254740992.0"},
        {-0.0, "-0.0"},
        {5e-324, "5e-324"},
        {1e23, "1e+23"},
        {9.1e15, "9100000000000000.0"},
        {4503599627370495.5, "4503599627370495.5"},
        {0.5, "0.5"},
        {0.125, "0.125"}, /* powers of two have closer neighbours below */
        {0.0009765625, "0.0009765625"},
        {1.0000000000000002, "1.0000000000000002"},
        {0.99999999999999989, "0.9999999999999999"},
        {100.0 / 3, "33.333333333333336"},
        {2.0 / 3, "0.6666666666666666"},
        {1795200000.731, "1795200000.731"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char buffer[32];
        assert_string_equal(str_double(buffer, rows[i].value), rows[i].text);
    }
}

static void every_double_reads_back(void **state)
{
    srand(1);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = 0;
        for (int k = 0; k < 8; k++) {
            bits = bits << 8 | (uint64_t)(rand() & 255);
        }
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) {
            char buffer[32];
            assert_true(strtod(str_double(buffer, value), NULL) == value);
        }
    }
}

/* No shorter text reads back, and the text is the closest of its length: what the C library writes
 * with that many digits. */
static void no_text_is_shorter(void **state)
{
    srand(2);
    for (int i = 0; i < 200000; i++) {
        double value = ldexp((double)rand() / RAND_MAX + rand(), -(rand() % 44));
        if (i % 3 == 0) {
            value = round(value * 1e6) / 1e6;
        }
        char text[32], other[32];
        str_double(text, value);
        int digits = 1;
        do {
            snprintf(other, sizeof other, "%.*g", digits, value);
        } while (strtod(other, NULL) != value && ++digits <= 17);
        if (value >= 1e-4 && value != floor(value)) {
            snprintf(other, sizeof other, "%.*f", digits - 1 - (int)floor(log10(value)), value);
            assert_string_equal(text, other);
        }
        assert_true(strtod(text, NULL) == value);
    }
}

static void numbers_must_be_whole_words(void **state)
{
    static const struct {
        const char *text;
        bool is_int, is_double;
    } rows[] = {
        {"1", true, true},
        {"-7", true, true},
        {"1.5", false, true},
        {"", false, false},
        {" 1", false, false},
        {"1 ", false, false},
        {"abc", false, false},
        {"0x10", false, false},
        {"1e3", false, true},
        {"nan", false, false},
        {"inf", false, false},
        {"1e999", false, false},
        {"99999999999999999999", false, true},
        {".", false, false},
        {"1,5", false, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        long long n;
        double d;
        assert_int_equal(str_to_int(rows[i].text, &n), rows[i].is_int);
        assert_int_equal(str_to_double(rows[i].text, &d), rows[i].is_double);
    }
    long long n;
    assert_false(str_to_int(NULL, &n));
}

static void base64_round_trip(void **state)
{
    static const struct {
        const char *plain, *coded;
    } rows[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        AUTO_STR struct str coded = {0}, plain = {0};
        str_add_base64(&coded, rows[i].plain, strlen(rows[i].plain));
        assert_string_equal(str_text(&coded), rows[i].coded);
        assert_true(str_add_from_base64(&plain, str_text(&coded)));
        assert_string_equal(str_text(&plain), rows[i].plain);
    }
    static const char *const bad[] = {"Z", "Zg=", "Z===", "Zg=a", "====", "Zm 9", "Zg==Zg=="};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        AUTO_STR struct str plain = {0};
        assert_false(str_add_from_base64(&plain, bad[i]));
    }
}

static void json_of_anything_is_json(void **state)
{
    srand(2);
    for (int round = 0; round < 2000; round++) {
        char text[33];
        size_t length = (size_t)(rand() % 32);
        for (size_t i = 0; i < length; i++) {
            text[i] = (char)(rand() % 256);
        }
        AUTO_STR struct str out = {0};
        struct jout jout = {.out = &out};
        jout_begin_object(&jout);
        jout_key(&jout, "name");
        jout_string_n(&jout, text, length);
        jout_put_double(&jout, "not_a_number", NAN);
        jout_end_object(&jout);
        json_error_t error;
        json_t *parsed = json_loadb(str_text(&out), out.length, JSON_ALLOW_NUL, &error);
        assert_non_null(parsed);
        json_decref(parsed);
    }
}

static void json_shapes(void **state)
{
    AUTO_STR struct str out = {0};
    struct jout jout = {.out = &out};
    jout_begin_object(&jout);
    jout_put_string(&jout, "a", "\"\\\n\t\x01");
    jout_put_string(&jout, "b", "L\xc3\xa4ufer \xf0\x9f\x98\x80 \xff");
    jout_key(&jout, "c");
    jout_begin_array(&jout);
    jout_int(&jout, 1);
    jout_number(&jout, 2.0);
    jout_number(&jout, 2.5);
    jout_double(&jout, 3.0);
    jout_fixed(&jout, 1.23456, 2);
    jout_bool(&jout, true);
    jout_null(&jout);
    jout_begin_object(&jout);
    jout_end_object(&jout);
    jout_end_array(&jout);
    jout_put_string(&jout, "d", NULL);
    jout_end_object(&jout);
    assert_string_equal(
        str_text(&out),
        "{\"a\":\"\\\"\\\\\\n\\t\\u0001\",\"b\":\"L\\u00e4ufer \\ud83d\\ude00 \\ufffd\","
        "\"c\":[1,2,2.5,3.0,1.23,true,null,{}],\"d\":null}");
}

static void distance(void **state)
{
    assert_int_equal(str_distance("", ""), 0);
    assert_int_equal(str_distance("", "abc"), 3);
    assert_int_equal(str_distance("detect", "detcet"), 2);
    assert_int_equal(str_distance("kitten", "sitting"), 3);
}

static void random_names_differ(void **state)
{
    char a[7], b[7];
    str_random6(a);
    str_random6(b);
    assert_int_equal(strspn(a, "abcdefghijklmnopqrstuvwxyz0123456789"), 6);
    assert_string_not_equal(a, b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shortest_double_like_python),
        cmocka_unit_test(every_double_reads_back),
        cmocka_unit_test(no_text_is_shorter),
        cmocka_unit_test(numbers_must_be_whole_words),
        cmocka_unit_test(base64_round_trip),
        cmocka_unit_test(json_of_anything_is_json),
        cmocka_unit_test(json_shapes),
        cmocka_unit_test(distance),
        cmocka_unit_test(random_names_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
