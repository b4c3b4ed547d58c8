/* The parts of logging in that need no server. */
#include "../cmocka_all.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mem.h"
#include "http/auth_secret.h"
#include "http/certificate.h"
#include "http/password.h"
#include "http/peer.h"
#include "http/rate.h"
#include "http/token.h"

static void test_a_password_fits_its_hash(void **state)
{
    AUTO_STR struct str hash = {0}, other = {0};
    password_hash("open sesame", 1000, &hash);
    password_hash("open sesame", 1000, &other);
    assert_true(str_starts(str_text(&hash), "pbkdf2_sha256$1000$"));
    assert_string_not_equal(str_text(&hash), str_text(&other));
    assert_true(password_fits("open sesame", str_text(&hash)));
    assert_false(password_fits("open sesamE", str_text(&hash)));
    assert_false(password_fits("", str_text(&hash)));
}

/* Made with Python: hashlib.pbkdf2_hmac("sha256", b"p w", salt, 1000). */
static void test_hashes_of_others_are_understood(void **state)
{
    assert_true(password_fits("p w", "pbkdf2_sha256$1000$0123456789abcdef0123456789abcdef$"
                                     "r5KTzRnR9E2SsUynJ0ErVuHagnzOjIVJYhvd+LFH67U="));
}

static void test_bad_hashes_fit_nothing(void **state)
{
    static const char *const hashes[] = {
        "",
        "pbkdf2_sha256",
        "pbkdf2_sha256$$$",
        "pbkdf2_sha256$0$aa$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "pbkdf2_sha256$99999999999$aa$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "pbkdf2_sha256$-5$aa$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "pbkdf2_sha256$10$aa",
        "pbkdf2_sha256$10$aa$",
        "pbkdf2_sha256$10$aa$AAAA",
        "pbkdf2_sha256$10$aa$???",
        "md5$10$aa$AAAA",
    };
    for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
        assert_false(password_fits("", hashes[i]));
    }
}

static void test_tokens(void **state)
{
    AUTO_STR struct str text = {0};
    token_make("secret", "ann \"o\" \xc3\xa4", 1000, &text);
    AUTO_TOKEN struct token token = {0}, none = {0};
    assert_int_equal(token_read("secret", str_text(&text), 999, &token), 0);
    assert_string_equal(token.user, "ann \"o\" \xc3\xa4");
    assert_int_equal(token.exp, 1000);
    assert_true(token_read("secret", str_text(&text), 1000, &none) < 0); /* over */
    assert_true(token_read("other", str_text(&text), 999, &none) < 0);
    for (size_t i = 0; i < text.length; i++) { /* any change but in bits that are not used */
        AUTO_FREE char *changed = mem_strdup(str_text(&text));
        changed[i] = changed[i] == 'x' ? 'y' : 'x';
        assert_true(i == text.length - 1 || token_read("secret", changed, 999, &none) < 0);
        changed[i] = '\0';
        assert_true(token_read("secret", changed, 999, &none) < 0);
    }
}

/* "none", other algorithms, missing claims. */
static void test_tokens_of_others(void **state)
{
    static const char *const texts[] = {
        "",
        ".",
        "..",
        "a.b.c",
        "eyJhbGciOiJub25lIn0.eyJleHAiOjk5OTk5OTk5OTksInN1YiI6ImEifQ.",
        "eyJhbGciOiJIUzM4NCJ9.eyJleHAiOjk5OTk5OTk5OTksInN1YiI6ImEifQ.AAAA",
        "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjk5OTk5OTk5OTksInN1YiI6ImEifQ.AAAA",
        "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjk5OTk5OTk5OTksInN1YiI6ImEifQ==.AAAA",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        AUTO_TOKEN struct token token = {0};
        assert_true(token_read("secret", texts[i], 0, &token) < 0);
    }
}

static struct mono at(double seconds)
{
    return (struct mono){(int64_t)(seconds * 1e6)};
}

static void test_limits(void **state)
{
    struct rate *rate = rate_create("2/second;3 per minute");
    assert_int_equal(rate_wait_s(rate, "a", at(10)), 0);
    rate_count(rate, "a", at(10));
    assert_int_equal(rate_wait_s(rate, "a", at(10)), 0);
    rate_count(rate, "a", at(10.1));
    assert_int_equal(rate_wait_s(rate, "a", at(10.2)), 1);
    assert_int_equal(rate_wait_s(rate, "b", at(10.2)), 0);
    assert_int_equal(rate_wait_s(rate, "a", at(11.1)), 0);
    rate_count(rate, "a", at(11.1));
    assert_int_equal(rate_wait_s(rate, "a", at(12)), 58);
    assert_int_equal(rate_wait_s(rate, "a", at(70.1)), 0);
    rate_destroy(rate);
}

static void test_no_limits(void **state)
{
    static const char *const texts[] = {NULL, "None", "", "often", "5/fortnight", "/minute"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct rate *rate = rate_create(texts[i]);
        for (int k = 0; k < 100; k++) {
            rate_count(rate, "a", at(k * 0.001));
        }
        assert_int_equal(rate_wait_s(rate, "a", at(0.1)), 0);
        rate_destroy(rate);
    }
}

/* More addresses than are remembered: the one that is still trying stays. */
static void test_many_addresses(void **state)
{
    struct rate *rate = rate_create("1/hour");
    for (int i = 0; i < 2 * RATE_ADDRESSES_MAX; i++) {
        AUTO_FREE char *name = mem_printf("10.0.%d.%d", i / 256, i % 256);
        rate_count(rate, "attacker", at(1 + i));
        rate_count(rate, name, at(1 + i));
    }
    assert_true(rate_wait_s(rate, "attacker", at(2000)) > 0);
    rate_destroy(rate);
}

static void test_networks(void **state)
{
    static const struct {
        const char *address, *network;
        bool within;
    } cases[] = {
        {"10.1.2.3", "10.0.0.0/8", true},  {"11.1.2.3", "10.0.0.0/8", false},
        {"10.1.2.3", "10.1.2.3", true},    {"10.1.2.3", "10.1.2.4/31", false},
        {"10.1.2.3", "10.1.2.2/31", true}, {"10.1.2.3", "0.0.0.0/0", true},
        {"::1", "::1/128", true},          {"fd00::5", "fd00::/12", true},
        {"fe00::5", "fd00::/12", false},   {"::ffff:10.1.2.3", "10.0.0.0/8", true},
        {"10.1.2.3", "::/0", false},       {"10.1.2.3", "10.0.0.0/33", false},
        {"10.1.2.3", "10.0.0.0/x", false}, {"10.1.2.3", "", false},
        {"nonsense", "10.0.0.0/8", false}, {"10.1.2.3", "10.0.0.0/-1", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(peer_in_network(cases[i].address, cases[i].network), cases[i].within);
    }
}

static void test_who_is_behind_a_proxy(void **state)
{
    char *trusted[] = {(char *)"10.0.0.0/8"};
    const struct cfg_list proxies = {.items = trusted, .count = 1};
    static const struct {
        const char *connection, *forwarded, *address;
    } cases[] = {
        {"1.2.3.4", NULL, "1.2.3.4"},
        {"1.2.3.4", "5.6.7.8", "1.2.3.4"}, /* not a proxy of ours: what it says is worth nothing */
        {"10.0.0.1", "5.6.7.8", "5.6.7.8"},
        {"10.0.0.1", "9.9.9.9, 5.6.7.8 ,10.0.0.2", "5.6.7.8"},
        {"10.0.0.1", NULL, "10.0.0.1"},
        {"10.0.0.1", "10.0.0.3", "10.0.0.3"},
        {"10.0.0.1", "who knows", "10.0.0.1"},
        {"10.0.0.1", ",,,", "10.0.0.1"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char address[PEER_MAX];
        peer_of(cases[i].connection, cases[i].forwarded, &proxies, address);
        assert_string_equal(address, cases[i].address);
    }
}

static void test_where_the_secret_is_found(void **state)
{
    char dir[] = "/tmp/corvette-secret-XXXXXX";
    assert_non_null(mkdtemp(dir));
    AUTO_FREE char *config = mem_printf("%s/config.yml", dir);
    AUTO_FREE char *data = mem_printf("%s/data", dir);
    AUTO_FREE char *options = mem_printf("%s/options.json", dir);
    AUTO_FREE char *given = mem_printf("%s/TEST_JWT_SECRET", dir);
    AUTO_FREE char *beside = mem_printf("%s/.jwt_secret", dir);
    const struct auth_places places = {"TEST_JWT_SECRET", dir, options};
    struct err err = ERR_NONE;
    struct stat info;

    AUTO_FREE char *made = auth_secret(&places, config, data, &err);
    AUTO_FREE char *again = auth_secret(&places, config, data, &err);
    assert_int_equal(strlen(made), 128);
    assert_string_equal(made, again);
    assert_int_equal(stat(beside, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);

    assert_int_equal(file_write_atomic(options, "{\"jwt_secret\": \"of options\"}", 28), 0);
    AUTO_FREE char *of_options = auth_secret(&places, config, data, &err);
    assert_string_equal(of_options, "of options");
    assert_int_equal(file_write_atomic(given, " of a file\n", 11), 0);
    AUTO_FREE char *of_file = auth_secret(&places, config, data, &err);
    assert_string_equal(of_file, "of a file");
    setenv("TEST_JWT_SECRET", "of the environment", 1);
    AUTO_FREE char *of_variable = auth_secret(&places, config, data, &err);
    assert_string_equal(of_variable, "of the environment");
    unsetenv("TEST_JWT_SECRET");

    unlink(given);
    unlink(options);
    unlink(beside);
    AUTO_FREE char *missing = mem_printf("%s/missing/config.yml", dir);
    assert_null(auth_secret(&places, missing, data, &err));
    assert_non_null(strstr(err.text, "cannot be kept"));
    rmdir(dir);
}

static void test_certificates(void **state)
{
    char dir[] = "/tmp/corvette-tls-XXXXXX";
    assert_non_null(mkdtemp(dir));
    AUTO_FREE char *key = mem_printf("%s/privkey.pem", dir);
    AUTO_FREE char *chain = mem_printf("%s/fullchain.pem", dir);
    struct certificate made = {0}, read = {0}, half = {0};
    struct err err = ERR_NONE;
    struct stat info;
    assert_int_equal(certificate_load(dir, &made, &err), 0);
    assert_int_equal(certificate_load(dir, &read, &err), 0);
    assert_string_equal(str_text(&made.key), str_text(&read.key));
    assert_string_equal(str_text(&made.chain), str_text(&read.chain));
    assert_int_equal(stat(key, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    unlink(key); /* half of it: somebody's mistake, nothing to be made anew */
    assert_true(certificate_load(dir, &half, &err) < 0);
    assert_non_null(strstr(err.text, "privkey.pem"));
    certificate_finish(&made);
    certificate_finish(&read);
    certificate_finish(&half);
    unlink(chain);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_password_fits_its_hash),
        cmocka_unit_test(test_hashes_of_others_are_understood),
        cmocka_unit_test(test_bad_hashes_fit_nothing),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_tokens_of_others),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_no_limits),
        cmocka_unit_test(test_many_addresses),
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_who_is_behind_a_proxy),
        cmocka_unit_test(test_where_the_secret_is_found),
        cmocka_unit_test(test_certificates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
