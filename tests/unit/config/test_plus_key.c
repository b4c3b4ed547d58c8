/* Where the key to Frigate+ is looked for. */
#include "help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mem.h"
#include "config/plus_key.h"

#define ID "01234567-89ab-cdef-0123-456789abcdef:"
#define KEY(letter) ID letter "123456789012345678901234567890123456789"

struct places {
    char folder[64];
    char *secret, *options;
};

static int set_up(void **state)
{
    struct places *places = mem_alloc(sizeof *places);
    snprintf(places->folder, sizeof places->folder, "/tmp/corvette-key-XXXXXX");
    if (mkdtemp(places->folder) == NULL) {
        return -1;
    }
    places->secret = mem_printf("%s/PLUS_API_KEY", places->folder);
    places->options = mem_printf("%s/options.json", places->folder);
    *state = places;
    return 0;
}

static int tear_down(void **state)
{
    struct places *places = *state;
    unsetenv("PLUS_API_KEY");
    unlink(places->secret);
    unlink(places->options);
    rmdir(places->folder);
    free(places->secret);
    free(places->options);
    free(places);
    return 0;
}

static void write_file(const char *path, const char *text)
{
    assert_int_equal(file_write_atomic(path, text, strlen(text)), 0);
}

/* `warned`: what the one warning names, or NULL for none. */
static void expect(const struct places *places, const char *key, const char *warned)
{
    struct cfg_arena arena = {0};
    struct cfg_issues issues = {0};
    const char *found = cfg_plus_key(&arena, &issues, places->folder, places->options);
    if (key == NULL) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_string_equal(found, key);
    }
    assert_int_equal(issues.count, warned != NULL);
    if (warned != NULL) {
        assert_true(issues.items[0].is_warning);
        assert_non_null(strstr(issues.items[0].message, warned));
        assert_non_null(strstr(issues.items[0].message, "malformed"));
        assert_null(strstr(issues.items[0].message, "1234567"));
    }
    config_issues_finish(&issues);
    cfg_arena_finish(&arena);
}

static void places_in_order(void **state)
{
    struct places *places = *state;
    expect(places, NULL, NULL);
    write_file(places->options, "{\"plus_api_key\": \"" KEY("o") "\", \"x\": [1, {}]}");
    expect(places, KEY("o"), NULL);
    write_file(places->secret, KEY("s") "\n");
    expect(places, KEY("s"), NULL);
    setenv("PLUS_API_KEY", KEY("e"), 1);
    expect(places, KEY("e"), NULL);
    setenv("PLUS_API_KEY", " ", 1);
    expect(places, KEY("s"), NULL);
}

/* A malformed key hides those of later places: it was meant. */
static void malformed(void **state)
{
    struct places *places = *state;
    static const char *const keys[] = {
        "x",
        KEY("E"),
        KEY("e") "x",
        "01234567-89ab-cdef-0123-456789abcdef",
        "0123456789ab-cdef-0123-456789abcdefgh:e123456789012345678901234567890123456789",
        ID "e12345678901234567890123456789 12345678",
    };
    write_file(places->options, "{\"plus_api_key\": \"" KEY("o") "\"}");
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        setenv("PLUS_API_KEY", keys[i], 1);
        expect(places, NULL, "the environment");
    }
    unsetenv("PLUS_API_KEY");
    write_file(places->secret, KEY("s") KEY("s"));
    expect(places, NULL, places->folder);
}

static void strange_options(void **state)
{
    struct places *places = *state;
    static const char *const texts[] = {"",
                                        "{",
                                        "[]",
                                        "5",
                                        "{\"plus_api_key\": null}",
                                        "{\"plus_api_key\": {}}",
                                        "{\"other\": 1}",
                                        "{\"plus_api_key\": \"\"}"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        write_file(places->options, texts[i]);
        expect(places, NULL, NULL);
    }
    write_file(places->options, "{\"plus_api_key\": \"abc\"}");
    expect(places, NULL, "options.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(places_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(malformed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strange_options, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
