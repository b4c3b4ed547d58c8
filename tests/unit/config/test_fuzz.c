/* Mutated configurations: whatever the bytes, the loader ends, says why it refused, and what it
 * takes makes valid JSON. Run under AddressSanitizer this is where its memory errors show. */
#include "help.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/str.h"

#define ROUNDS 4000 /* of each sample */
#define MAX_LENGTH 60000

static uint64_t seed = 0x9e3779b97f4a7c15u;

static size_t random_below(size_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return limit > 0 ? (size_t)((seed >> 11) % limit) : 0;
}

static const char *const tokens[] = {
    "{",
    "}",
    "[",
    "]",
    ":",
    ": ",
    "- ",
    "\n",
    "\n  ",
    "\t",
    "&a ",
    "*a",
    "<<: *a\n",
    "'",
    "\"",
    "#",
    "|\n",
    "? ",
    "!!str ",
    "null",
    "~",
    "true",
    "0x7f",
    "-1",
    "99999999999999999999",
    "1:30",
    ".nan",
    "1e400",
    "{FRIGATE_X}",
    "{{",
    "}",
    "\\",
    "\xc3\xa4",
    "\xff",
    "\x01",
    "preset-",
    "0,0,1,0,1,1",
    ",,",
    "---\n",
    "...",
    "cameras",
    "ffmpeg: {inputs: [{path: x}]}",
    "name: x",
    "version: 0.1",
};

static void replace(struct str *text, size_t at, size_t length, const char *with, size_t size)
{
    struct str changed = {0};
    str_add_bytes(&changed, text->data, at);
    str_add_bytes(&changed, with, size);
    str_add_bytes(&changed, text->data + at + length, text->length - at - length);
    str_finish(text);
    *text = changed;
}

/* Another value for one key: most of these stay YAML and get deep into the loader. */
static void change_value(struct str *text, size_t at, const char *token)
{
    const char *colon = memmem(text->data + at, text->length - at, ": ", 2);
    if (colon == NULL) {
        return;
    }
    size_t start = (size_t)(colon - text->data) + 2;
    size_t length = strcspn(text->data + start, ",}]\n");
    replace(text, start, length, token, strlen(token));
}

static void mutate(struct str *text)
{
    size_t at = random_below(text->length);
    size_t rest = text->length - at;
    const char *token = tokens[random_below(ARRAY_SIZE(tokens))];
    switch (random_below(12)) {
    case 0: /* one byte */
        text->data[at] = (char)random_below(256);
        break;
    case 1: /* something put in */
        replace(text, at, 0, token, strlen(token));
        break;
    case 2: /* something taken away */
        replace(text, at, random_below(rest < 40 ? rest : 40), "", 0);
        break;
    case 3: { /* a piece from elsewhere */
        size_t from = random_below(text->length);
        size_t length = random_below(text->length - from);
        length = length < 300 ? length : 300;
        AUTO_FREE char *piece = mem_dup(text->data + from, length + 1);
        replace(text, at, 0, piece, length);
        break;
    }
    case 4: /* cut off */
        if (random_below(10) == 0) {
            replace(text, at, rest, "", 0);
        }
        break;
    case 5: { /* the rest of a line replaced */
        const char *newline = memchr(text->data + at, '\n', rest);
        replace(text, at, newline != NULL ? (size_t)(newline - text->data) - at : rest, token,
                strlen(token));
        break;
    }
    default:
        change_value(text, at, token);
        break;
    }
}

static void check(const struct str *text)
{
    struct loaded loaded = {0};
    loaded.config = config_load("fuzz.yml", str_text(text), text->length, &loaded.issues);
    bool has_errors = false;
    for (size_t i = 0; i < loaded.issues.count; i++) {
        has_errors = has_errors || !loaded.issues.items[i].is_warning;
        assert_true(loaded.issues.items[i].message[0] != '\0');
    }
    assert_int_equal(loaded.config == NULL, has_errors);
    AUTO_STR struct str shown = {0};
    config_issues_format(&loaded.issues, "fuzz.yml", &shown);
    if (loaded.config != NULL) {
        json_error_t error;
        json_t *answer = json_loads(loaded.config->api_json, JSON_ALLOW_NUL, &error);
        if (answer == NULL) {
            fail_msg("%s in:\n%s\nof:\n%s", error.text, loaded.config->api_json, str_text(text));
        }
        json_decref(answer);
    }
    unload(&loaded);
}

static void fuzz(const char *name)
{
    AUTO_STR struct str path = {0}, sample = {0}, text = {0};
    str_addf(&path, "%s/%s", CONFIG_TEST_DATA, name);
    assert_int_equal(str_read_file(&sample, str_text(&path), 1 << 20), 0);
    for (int round = 0; round < ROUNDS; round++) {

        if (round % 3 == 0 || text.length == 0 || text.length > MAX_LENGTH) {
            str_clear(&text);
            str_add_bytes(&text, sample.data, sample.length);
        }
        mutate(&text);
        check(&text);
    }
}

static void full(void **state)
{
    fuzz("full.yml");
}
static void golden(void **state)
{
    fuzz("golden.yml");
}

int main(void)
{
    setenv("FRIGATE_TEST_USER", "user", 1);
    setenv("FRIGATE_TEST_SECRET", "p@ss", 1);
    setenv("FRIGATE_X", "x", 1);
    const struct CMUnitTest tests[] = {cmocka_unit_test(full), cmocka_unit_test(golden)};
    return cmocka_run_group_tests_name("config fuzz", tests, NULL, NULL);
}
