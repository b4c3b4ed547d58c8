#include "../cmocka_all.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "http/zone.h"

static const char *const zones[] = {
    "UTC",           "Europe/Berlin",     "America/New_York", "America/St_Johns",
    "Asia/Kolkata",  "Asia/Kathmandu",    "America/Phoenix",  "Australia/Lord_Howe",
    "Africa/Cairo",  "America/Nuuk",      "Pacific/Auckland", "Asia/Tehran",
    "Europe/Dublin", "Africa/Casablanca", "Pacific/Apia",     "America/Sao_Paulo",
    "Etc/GMT+5",     "Antarctica/Troll",  "Europe/London",    "Asia/Gaza",
};

/* The C library, which needs the process's one TZ for it, is the judge: every 9 days and a bit from
 * 1970 to 2100, so that all hours and both sides of every change come up. */
static void test_as_the_c_library_sees_it(void **state)
{
    int offset_s;
    if (zone_offset("Europe/Berlin", wall_now(), &offset_s) != 0) {
        skip(); /* no zone files on this machine */
    }
    for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
        setenv("TZ", zones[i], 1);
        tzset();
        for (time_t when = 0; when < 4102444800; when += 800011) {
            struct tm parts;
            localtime_r(&when, &parts);
            struct wall wall = {when * 1000000};
            assert_int_equal(zone_offset(zones[i], wall, &offset_s), 0);
            if (offset_s != parts.tm_gmtoff) {
                print_error("%s at %lld: %d, not %ld\n", zones[i], (long long)when, offset_s,
                            parts.tm_gmtoff);
            }
            assert_int_equal(offset_s, parts.tm_gmtoff);
        }
    }
    unsetenv("TZ");
    tzset();
}

static void test_names_in_any_case(void **state)
{
    int offset_s = 1;
    assert_int_equal(zone_offset("utc", wall_now(), &offset_s), 0);
    assert_int_equal(offset_s, 0);
    if (zone_offset("Asia/Kolkata", wall_now(), &offset_s) != 0) {
        skip();
    }
    assert_int_equal(zone_offset("asia/KOLKATA", wall_now(), &offset_s), 0);
    assert_int_equal(offset_s, 19800);
}

static void test_what_is_no_zone(void **state)
{
    static const char *const names[] = {"",    "Bad/Zone", "../../../etc/passwd", "Europe",
                                        "/",   "Europe/",  "Europe//Berlin",      "zone.tab",
                                        "a b", "utc\n",    "tzdata.zi",           "."};
    int offset_s;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        assert_int_equal(zone_offset(names[i], wall_now(), &offset_s), -EINVAL);
    }
    assert_int_equal(zone_offset(NULL, wall_now(), &offset_s), -EINVAL);
}

static void test_broken_files(void **state)
{
    int offset_s;
    char file[44 + 20] = "TZif2";
    for (size_t length = 0; length <= sizeof file; length++) {
        assert_int_equal(zone_offset_in(file, length, wall_now(), &offset_s), -EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_the_c_library_sees_it),
        cmocka_unit_test(test_names_in_any_case),
        cmocka_unit_test(test_what_is_no_zone),
        cmocka_unit_test(test_broken_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
