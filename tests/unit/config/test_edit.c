/* Changing keys in a text: what comes out, byte for byte, in the styles people write. */
#include "help.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "config/edit.h"
#include "config/edit_tree.h"
#include "config/tree.h"

#define VALUES_MAX 8
#define ROUNDS 10000

struct row {
    const char *path, *values;  /* values with | between; "" takes the key out */
    const char *before, *after; /* after NULL: refused with `error` in the sentence */
    const char *error;
};

static int edit_one(const char *before, const char *path, const char *values, struct str *out,
                    struct err *err)
{
    AUTO_FREE char *copy = mem_strdup(values);
    const char *list[VALUES_MAX];
    size_t count = 0;
    char *rest = copy, *value;
    while ((value = strsep(&rest, "|")) != NULL) {
        list[count++] = value;
    }
    struct cfg_change change = {.path = path, .values = list, .count = count};
    return config_edit(before, strlen(before), &change, 1, out, err);
}

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        AUTO_STR struct str out = {0};
        struct err err = ERR_NONE;
        int result = edit_one(row->before, row->path, row->values, &out, &err);
        if (row->after == NULL) {
            if (result == 0 || strstr(err.text, row->error) == NULL) {
                fail_msg("%s=%s on\n%s\nsaid: %s%s", row->path, row->values, row->before, err.text,
                         str_text(&out));
            }
            assert_int_equal(out.length, 0);
        } else if (result != 0 || strcmp(str_text(&out), row->after) != 0) {
            fail_msg("%s=%s on\n%s\nexpected\n%s\ngot (%s)\n%s", row->path, row->values,
                     row->before, row->after, err.text, str_text(&out));
        }
    }
}

static void test_values(void **state)
{
    static const struct row rows[] = {
        /* What stands around it stays. */
        {"a.b", "7", "a:\n  b: 5   # five\nc: 1\n", "a:\n  b: 7   # five\nc: 1\n"},
        {"a.b", "7", "a:\n  b:   # none\nc: 1\n", "a:\n  b: 7   # none\nc: 1\n"},
        {"a.b", "7", "a:\n  b:\nc: 1\n", "a:\n  b: 7\nc: 1\n"},
        {"a.b", "7", "a:\n  b:", "a:\n  b: 7"},
        {"a.b", "7", "a:\n  b: ~\n", "a:\n  b: 7\n"},
        {"a.b", "x", "a:\r\n  b: 5\r\nc: 1\r\n", "a:\r\n  b: x\r\nc: 1\r\n"},
        {"a.b", "x", "\xef\xbb\xbfz: \xc3\xa4\na: {b: 5}\n",
         "\xef\xbb\xbfz: \xc3\xa4\na: {b: x}\n"},
        {"a.b", "x", "z: \xf0\x9f\x98\x80 # \xe2\x82\xac\na: {b: 5}",
         "z: \xf0\x9f\x98\x80 # \xe2\x82\xac\na: {b: x}"},
        /* Digits are numbers, what only looks like something else is text. */
        {"a", "007", "a: 1\n", "a: 7\n"},
        {"a", "0", "a: 1\n", "a: 0\n"},
        {"a", "-7", "a: 1\n", "a: '-7'\n"},
        {"a", "true", "a: 1\n", "a: 'true'\n"},
        {"a", "null", "a: 1\n", "a: 'null'\n"},
        {"a", "1.5", "a: 1\n", "a: '1.5'\n"},
        {"a", "1:30", "a: 1\n", "a: '1:30'\n"},
        {"a", "0.1,0.2,0.3", "a: 1\n", "a: 0.1,0.2,0.3\n"},
        {"a", "rtsp://h/x?a=b", "a: 1\n", "a: rtsp://h/x?a=b\n"},
        {"a", "x: y", "a: 1\n", "a: 'x: y'\n"},
        {"a", "x #y", "a: 1\n", "a: 'x #y'\n"},
        {"a", "it's", "a: 1\n", "a: it's\n"},
        {"a", "'x", "a: 1\n", "a: '''x'\n"},
        {"a", "{FRIGATE_X}", "a: 1\n", "a: '{FRIGATE_X}'\n"},
        {"a", "two\nlines\t\x7f", "a: 1\n", "a: \"two\\nlines\\x09\\x7f\"\n"},
        {"a", "\xe8\xbd\xa6 \xc3\xa4", "a: 1\n", "a: \xe8\xbd\xa6 \xc3\xa4\n"},
        {"a", "x\xe2\x80\xa8y\xc2\x85", "a: 1\n", "a: \"x\\u2028y\\x85\"\n"},
        {"a", "\xff", "a: 1\n", NULL, "UTF-8"},
        {"a", "\xed\xa0\x80", "a: 1\n", NULL, "UTF-8"},
        /* The table knows what a key takes. */
        {"mqtt.enabled", "True", "mqtt:\n  enabled: false\n", "mqtt:\n  enabled: True\n"},
        {"mqtt.enabled", "perhaps", "mqtt:\n  enabled: false\n", "mqtt:\n  enabled: perhaps\n"},
        {"mqtt.password", "1234", "mqtt: {}\n", "mqtt:\n  password: '1234'\n"},
        {"cameras.b.motion.contour_area", "10", "cameras: {b: {}}\n",
         "cameras: {b: {motion: {contour_area: 10}}}\n"},
        {"cameras.b.motion.delta_alpha", "0.2", "cameras: {b: {}}\n",
         "cameras: {b: {motion: {delta_alpha: 0.2}}}\n"},
        {"motion.improve_contrast", "no", "a: 1\n", "a: 1\nmotion:\n  improve_contrast: no\n"},
        /* Quotes stay. */
        {"a", "y", "a: \"x\" # c\n", "a: \"y\" # c\n"},
        {"a", "y", "a: 'x'\n", "a: 'y'\n"},
        {"a", "say \"\\\"", "a: \"x\"\n", "a: \"say \\\"\\\\\\\"\"\n"},
        {"a", "5", "a: 'x'\n", "a: 5\n"},
        /* Texts over several lines. */
        {"a", "x", "a: |\n  one\n  two\n\n# c\nb: 1\n", "a: x\n\n# c\nb: 1\n"},
        {"a", "x", "a: >-\n  one\n\n  two\nb: 1\n", "a: x\nb: 1\n"},
        {"a", "x", "a: one\n  two\nb: 1\n", "a: x\nb: 1\n"},
        {"a", "x", "a: \"one\n  two\" # c\nb: 1\n", "a: \"x\" # c\nb: 1\n"},
        {"b", "x", "a: |\n  one\nb: 1\n", "a: |\n  one\nb: x\n"},
    };
    check_rows(rows, ARRAY_SIZE(rows));
}

static void test_lists(void **state)
{
    static const struct row rows[] = {
        {"a.l", "x|y", "a:\n  l: 1 # c\nb: 1\n", "a:\n  l: # c\n    - x\n    - y\nb: 1\n"},
        {"a.l", "x|5", "a:\n  l:\n  - p # p\n  # c\n  - q\nb: 1\n",
         "a:\n  l:\n  - x\n  - '5'\nb: 1\n"},
        {"a.l", "x|y", "a:\n  l: # c\n      - p\n", "a:\n  l: # c\n      - x\n      - y\n"},
        {"a.l", "x|y", "a:\n  l: [p, q] # c\n", "a:\n  l: [x, y] # c\n"},
        {"a.l", "x|y", "a: {l: p, m: 1}\n", "a: {l: [x, y], m: 1}\n"},
        {"a.l", "x|y", "a:\n  m: 1", "a:\n  m: 1\n  l:\n    - x\n    - y"},
        {"a.l", "x|y", "a:\n  l:\n    k: 1\n    n: 2\nb: 1\n",
         "a:\n  l:\n    - x\n    - y\nb: 1\n"},
        {"a.l", "x", "a:\n  l:\n    - p\n    - q # q\n# c\nb: 1\n", "a:\n  l: x\n# c\nb: 1\n"},
        {"a.l", "x", "a:\n  l:   # why\n    - p\nb: 1\n", "a:\n  l: x   # why\nb: 1\n"},
        {"l.1", "x", "l:\n  - p\n  - q # q\n  - r\n", "l:\n  - p\n  - x # q\n  - r\n"},
        {"l.2", "x", "l:\n- p\n- q\nb: 1\n", "l:\n- p\n- q\n- x\nb: 1\n"},
        {"l.2", "x", "l: [p, q]\n", "l: [p, q, x]\n"},
        {"l.0", "x", "l: []\n", "l:\n  - x\n"},
        {"l.0", "x", "l:\nb: 1\n", "l:\n  - x\nb: 1\n"},
        {"l.0", "x", "b: 1\n", "b: 1\nl:\n  - x\n"},
        {"l.0.k", "x", "b: 1\n", "b: 1\nl:\n  - k: x\n"},
        {"l.0.k.m", "x", "b: 1\n", "b: 1\nl:\n  - k:\n      m: x\n"},
        {"l.1.k", "x", "l:\n  - k: p\n    m: 1\nb: 1\n",
         "l:\n  - k: p\n    m: 1\n  - k: x\nb: 1\n"},
        {"l.0.n", "x", "l:\n  - k: p\n    m: 1\nb: 1\n",
         "l:\n  - k: p\n    m: 1\n    n: x\nb: 1\n"},
        {"l.0.k", "x", "l:\n  - k: p # c\n    m: 1\n", "l:\n  - k: x # c\n    m: 1\n"},
        {"l.0", "x", "l:\n  - k: p # c\n    m: 1\n  - 2\n", "l:\n  - x\n  - 2\n"},
        {"l.0.l", "x|y", "l:\n  - {k: 1}\n", "l:\n  - {k: 1, l: [x, y]}\n"},
        {"l.0.l", "x|y", "l:\n  -\n    k: 1\n",
         "l:\n  -\n    k: 1\n    l:\n      - x\n      - y\n"},
        {"l.3", "x", "l: [p]\n", NULL, "no place in a list of 1"},
        {"l.x", "x", "l: [p]\n", NULL, "no place in a list of 1"},
        {"l.-1", "x", "l: [p]\n", NULL, "no place in a list of 1"},
        {"m.3", "x", "m: {3: p}\n", "m: {3: x}\n"},
        {"m.4", "x", "m:\n  3: p\n", "m:\n  3: p\n  4: x\n"},
    };
    check_rows(rows, ARRAY_SIZE(rows));
}

static void test_new_keys(void **state)
{
    static const struct row rows[] = {
        {"a.c", "7", "a:\n  b: 5 # c\n\n# d\ne: 1\n", "a:\n  b: 5 # c\n  c: 7\n\n# d\ne: 1\n"},
        {"a.c", "7", "a:\n    b:\n        d: 5\n", "a:\n    b:\n        d: 5\n    c: 7\n"},
        {"a.c.d.e", "7", "a:\n    b: 5\n", "a:\n    b: 5\n    c:\n        d:\n            e: 7\n"},
        {"x.y", "7", "a:\r\n  b: 5\r\n", "a:\r\n  b: 5\r\nx:\r\n  y: 7\r\n"},
        {"x", "7", "a: 5", "a: 5\nx: 7"},
        {"x", "7", "a: 5\n...\n", "a: 5\nx: 7\n...\n"},
        {"x", "7", "---\na: 5\n# end\n", "---\na: 5\nx: 7\n# end\n"},
        {"a.c", "7", "a: {b: 5}\n", "a: {b: 5, c: 7}\n"},
        {"a.c", "7", "a: { b: 5, }\n", "a: { b: 5, c: 7, }\n"},
        {"a.c.d", "7", "a: {b: 5}\n", "a: {b: 5, c: {d: 7}}\n"},
        {"a.c", "x, y", "a: {b: 5}\n", "a: {b: 5, c: 'x, y'}\n"},
        {"a.c", "7", "a: {}  # none\nb: 1\n", "a:  # none\n  c: 7\nb: 1\n"},
        {"a.c", "7", "a: # none\nb: 1\n", "a: # none\n  c: 7\nb: 1\n"},
        {"a.c.d", "7", "a: ~\nb: 1\n", "a:\n  c:\n    d: 7\nb: 1\n"},
        {"a.b.c", "7", "a: {b: {}}\n", "a: {b: {c: 7}}\n"},
        {"a.b.c", "7", "a: {b: , d: 1}\n", "a: {b: {c: 7}, d: 1}\n"},
        {"a.b.c", "7", "a: {b, d: 1}\n", "a: {b: {c: 7}, d: 1}\n"},
        {"a.b", "7", "a: {b}\n", "a: {b: 7}\n"},
        {"a.b", "x", "{\n  \"a\": {\n    \"c\": \"d\"\n  }\n}\n",
         "{\n  \"a\": {\n    \"c\": \"d\", \"b\": \"x\"\n  }\n}\n"},
        {"a.my zone", "7", "a:\n  b: 1\n", "a:\n  b: 1\n  my zone: 7\n"},
        {"a.x: y", "7", "a:\n  b: 1\n", "a:\n  b: 1\n  'x: y': 7\n"},
        {"a.c", "x", "a:\n  b: |\n    text\nd: 1\n", "a:\n  b: |\n    text\n  c: x\nd: 1\n"},
        {"a.b.c", "7", "a:\n  b: text\n", NULL, "is a value, no section"},
        {"a..b", "7", "a: 1\n", NULL, "no path"},
        {"", "7", "a: 1\n", NULL, "no path"},
        {"a", "7", "a: [1\n", NULL, "line "},
        {"a", "7", "a: 1\na: 2\n", NULL, "given twice"},
        {"a", "7", "", NULL, "empty"},
    };
    check_rows(rows, ARRAY_SIZE(rows));
}

static void test_taking_out(void **state)
{
    static const struct row rows[] = {
        {"a.b", "", "a:\n  # above\n  b: 5 # c\n  d: 1\n", "a:\n  # above\n  d: 1\n"},
        {"a.d", "", "a:\n  b: 5\n  d: 1", "a:\n  b: 5\n"},
        {"a.b", "", "a:\r\n  b:\r\n    x: 1\r\n    y: 2\r\n  d: 1\r\n", "a:\r\n  d: 1\r\n"},
        {"a.b", "", "a:\n  b: |\n    text\n    more\n  d: 1\n", "a:\n  d: 1\n"},
        {"a.b", "", "a:\n  b: 5 # c\nd: 1\n", "a: {}\nd: 1\n"},
        {"a", "", "a:\n  b: 5\nd: 1\n", "d: 1\n"},
        {"a.b", "", "a: {b: 1, c: 2}\n", "a: {c: 2}\n"},
        {"a.c", "", "a: {b: 1, c: 2}\n", "a: {b: 1}\n"},
        {"a.b", "", "a: {b: 1}\n", "a: {}\n"},
        {"l.0", "", "l:\n  - p # p\n  - q\n", "l:\n  - q\n"},
        {"l.1", "", "l:\n- p\n- q\nb: 1\n", "l:\n- p\nb: 1\n"},
        {"l.0", "", "l:\n  - p\nb: 1\n", "l: []\nb: 1\n"},
        {"l.0", "", "l: [p, q]\n", "l: [q]\n"},
        {"l.1", "", "l: [p, q]\n", "l: [p]\n"},
        {"l.0", "", "l:\n  -\n    # c\n    k: 1\n  - q\n", "l:\n  - q\n"},
        {"l.0", "", "l:\n  -\n  - q\n", "l:\n  - q\n"},
        {"l.0.k", "", "l:\n  - k: p\n    m: 1\n", "l:\n  - m: 1\n"},
        {"l.0.m", "", "l:\n  - k: p\n    m: 1\n", "l:\n  - k: p\n"},
        {"l.0.k", "", "l:\n  - k: p\n", "l:\n  - {}\n"},
        {"l.0.0", "", "l:\n  - - p\n    - q\n", "l:\n  - - q\n"},
        /* What is not there may go. */
        {"a.x", "", "a:\n  b: 5\n", "a:\n  b: 5\n"},
        {"x.y.z", "", "a:\n  b: 5\n", "a:\n  b: 5\n"},
        {"a.b.c", "", "a:\n  b:\n", "a:\n  b:\n"},
        {"l.1", "", "l: [p]\n", "l: [p]\n"},
    };
    check_rows(rows, ARRAY_SIZE(rows));
}

static void test_shared(void **state)
{
    static const struct row rows[] = {
        {"a.k", "7", "a: &x {k: 1}\nb: *x\n", NULL, "stands elsewhere too"},
        {"b.k", "7", "a: &x {k: 1}\nb: *x\n", NULL, "stands elsewhere too"},
        {"a", "7", "a: &x {k: 1}\nb: *x\n", NULL, "used elsewhere"},
        {"a", "", "a: &x {k: 1}\nb: *x\n", NULL, "used elsewhere"},
        {"a.l.0", "7", "a:\n  l:\n    - &x p\nb: *x\n", NULL, "used elsewhere"},
        {"b", "7", "a: &x {k: 1}\nb: *x # c\n", "a: &x {k: 1}\nb: 7 # c\n"},
        {"b", "", "a: &x {k: 1}\nb: *x\n", "a: &x {k: 1}\n"},
        {"c.d", "7", "a: &x {k: 1}\nb: *x\nc:\n  d: 1\n", "a: &x {k: 1}\nb: *x\nc:\n  d: 7\n"},
        /* Merged keys: one of its own may be added, one that comes from elsewhere not taken out. */
        {"b.k", "7", "a: &x {k: 1}\nb:\n  <<: *x\n  m: 2\n",
         "a: &x {k: 1}\nb:\n  <<: *x\n  m: 2\n  k: 7\n"},
        {"b.k", "", "a: &x {k: 1}\nb:\n  <<: *x\n  m: 2\n", NULL, "by itself"},
        {"b.k.n", "7", "a: &x {k: {o: 1}}\nb:\n  <<: *x\n", NULL, "by itself"},
        /* An anchor nobody names, a tag. */
        {"a.k", "7", "a: &x\n  k: 1\nb: 2\n", "a: &x\n  k: 7\nb: 2\n"},
        {"a", "7", "a: !!str 5\n", NULL, "tag"},
    };
    check_rows(rows, ARRAY_SIZE(rows));
}

static void test_several(void **state)
{
    static const char before[] = "a:\n  b: 1 # b\n  c: 2\n", *const one[] = {"5"},
                      *const none[] = {""};
    const struct cfg_change changes[] = {
        {.path = "a.b", .values = one, .count = 1},
        {.path = "x.y", .values = one, .count = 1},
        {.path = "a.c", .values = none, .count = 1},
        {.path = "x.z", .values = one, .count = 1},
    };
    AUTO_STR struct str out = {0};
    struct err err = ERR_NONE;
    assert_int_equal(config_edit(before, strlen(before), changes, 4, &out, &err), 0);
    assert_string_equal(str_text(&out), "a:\n  b: 5 # b\nx:\n  y: 5\n  z: 5\n");
}

/* ---- whatever the text ---- */

static uint64_t seed = 0x9e3779b97f4a7c15u;

static size_t random_below(size_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)((seed >> 11) % limit);
}

static const char *any_of(const char *const *texts, size_t count)
{
    return texts[random_below(count)];
}
#define ANY(array) any_of(array, ARRAY_SIZE(array))

static const char *const names[] = {"a", "b", "my zone", "\xc3\xa4", "fps", "3"};
static const char *const scalars[] = {"1",
                                      "text",
                                      "'quoted it''s'",
                                      "\"dou\\\"ble\"",
                                      "true",
                                      "\xe8\xbd\xa6",
                                      "~",
                                      "2.5",
                                      "rtsp://h:1/x",
                                      ""};
static const char *const comments[] = {"", "", " # c", "   # \xc3\xa4: {"};

static void make_flow(struct str *out, int depth)
{
    bool map = random_below(2) == 0;
    size_t count = random_below(4), first = random_below(3);
    if (depth > 2) {
        str_add(out, "x");
        return;
    }
    str_add(out, map ? "{" : "[");
    for (size_t i = 0; i < count; i++) {
        str_add(out, i > 0 ? ", " : "");
        if (map) {
            str_addf(out, "%s: ", names[(first + i) % ARRAY_SIZE(names)]);
        }
        if (random_below(3) == 0) {
            make_flow(out, depth + 1);
        } else {
            str_add(out, scalars[random_below(6)]);
        }
    }
    str_add(out, map ? "}" : "]");
}

static void make_block(struct str *out, size_t column, int depth, const char *newline);

static void make_value(struct str *out, size_t column, int depth, const char *newline)
{
    size_t kind = random_below(10);
    if (kind < 3 && depth < 4) {
        str_addf(out, "%s%s", ANY(comments), newline);
        make_block(out, column + 1 + random_below(4), depth + 1, newline);
    } else if (kind == 4) {
        str_add(out, " ");
        make_flow(out, 0);
        str_addf(out, "%s%s", ANY(comments), newline);
    } else if (kind == 5) {
        str_addf(out, " |%s%*sline one%s%*sline two%s", newline, (int)column + 2, "", newline,
                 (int)column + 2, "", newline);
    } else {
        str_addf(out, " %s%s%s", ANY(scalars), ANY(comments), newline);
    }
}

static void make_block(struct str *out, size_t column, int depth, const char *newline)
{
    bool map = depth == 0 || random_below(3) > 0;
    size_t count = 1 + random_below(3), first = random_below(ARRAY_SIZE(names));
    for (size_t i = 0; i < count; i++) {
        if (random_below(6) == 0) {
            str_addf(out, "%*s# note%s%s", (int)column, "", newline,
                     random_below(2) ? newline : "");
        }
        if (map) {
            str_addf(out, "%*s%s:", (int)column, "", names[(first + i) % ARRAY_SIZE(names)]);
        } else {
            str_addf(out, "%*s-", (int)column, "");
        }
        make_value(out, column, depth, newline);
    }
}

static void make_path(struct str *out)
{
    static const char *const parts[] = {"a", "b", "my zone", "\xc3\xa4", "fps",
                                        "3", "0", "1",       "new"};
    size_t count = 1 + random_below(4);
    for (size_t i = 0; i < count; i++) {
        str_addf(out, "%s%s", i > 0 ? "." : "", ANY(parts));
    }
}

/* Which lines of the text a change may touch: those from the key (or dash) to the end of its value;
 * none when something is added to what holds something; all when that cannot be said simply. */
static void find_lines(const char *text, size_t length, const char *path, bool out, size_t *from,
                       size_t *to)
{
    struct cfg_arena arena = {0};
    AUTO_FREE char *copy = mem_strdup(path);
    const struct place *at = place_read(&arena, text, length);
    char *rest = copy, *part;
    *from = 0;
    *to = length;
    while (at != NULL && (part = strsep(&rest, ".")) != NULL) {
        if (at->kind != PLACE_MAP && at->kind != PLACE_LIST) {
            at = NULL; /* null, filled */
            break;
        }
        size_t index =
            at->kind == PLACE_MAP ? (size_t)place_find(at, part) : strtoul(part, NULL, 10);
        if (index >= at->count) {
            *from = *to = at->count > 0 ? at->end : 0;
            *to = at->count > 0 ? at->end : length;
            break;
        }
        const struct place *begin = at->kind == PLACE_MAP ? at->keys[index] : at->values[index];
        if (rest == NULL && !(out && at->count == 1)) {
            *from = at->kind == PLACE_MAP ? begin->start : 0;
            *to = at->values[index]->end;
            /* With one between brackets goes a comma; behind a dash the next key moves up. */
            if (out && at->flow && index > 0 && index + 1 == at->count) {
                *from = at->values[index - 1]->end;
            }
            if (out && index + 1 < at->count && (at->flow || index == 0)) {
                *to = (at->kind == PLACE_MAP ? at->keys : at->values)[index + 1]->start;
            }
        }
        at = at->values[index];
    }
    for (; *from<*to && * from> 0 && text[*from - 1] != '\n'; --*from) {
    }
    for (; *from < *to && *to < length && text[*to - 1] != '\n'; ++*to) {
    }
    cfg_arena_finish(&arena);
}

static void check_untouched(const struct str *before, const struct str *after, const char *path,
                            bool out)
{
    size_t from, to, same = 0, end = 0;
    find_lines(before->data, before->length, path, out, &from, &to);
    while (same < before->length && same < after->length &&
           before->data[same] == after->data[same]) {
        same++;
    }
    while (end < before->length && end < after->length &&
           before->data[before->length - 1 - end] == after->data[after->length - 1 - end]) {
        end++;
    }
    if (from == to) {
        assert_true(same + end >= before->length); /* something was put in, nothing taken */
    } else if (same < from || end < before->length - to) {
        fail_msg("%s touched more than bytes %zu to %zu of\n%s\n->\n%s", path, from, to,
                 str_text(before), str_text(after));
    }
}

/* config_edit() itself compares what a change means; here is checked that it leaves alone what it
 * is not about, that the same again changes nothing, and that most changes are made. */
static void test_random(void **state)
{
    static const char *const values[] = {"",        "7",   "text", "x|y",
                                         "it's: #", "0.5", "a,b",  "\xc3\xa4\n"};
    size_t made = 0, tried = 0;
    for (int round = 0; round < ROUNDS; round++) {
        AUTO_STR struct str before = {0}, path = {0}, after = {0}, again = {0};
        struct err err = ERR_NONE, second = ERR_NONE;
        bool crlf = random_below(8) == 0;
        make_block(&before, 0, 0, crlf ? "\r\n" : "\n");
        if (random_below(8) == 0) {
            before.length -= crlf ? 2 : 1;
            before.data[before.length] = '\0';
        }
        make_path(&path);
        const char *value = ANY(values);
        int result = edit_one(str_text(&before), str_text(&path), value, &after, &err);
        if (result == -EINVAL || result == -ENOTDIR || result == -ERANGE) {
            assert_true(err.text[0] != '\0');
            continue; /* no sense to begin with */
        }
        tried++;
        if (result != 0) {
            continue;
        }
        made++;
        check_untouched(&before, &after, str_text(&path), *value == '\0');
        if (*value != '\0') {
            assert_int_equal(edit_one(str_text(&after), str_text(&path), value, &again, &second),
                             0);
            assert_string_equal(str_text(&again), str_text(&after));
        }
    }
    print_message("%zu of %zu changes made\n", made, tried);
    assert_true(tried > ROUNDS / 4 && made * 100 > tried * 97);
}

/* Texts of which much is broken or strange: the change is made, or refused with a sentence. */
static void test_strange_texts(void **state)
{
    static const char *const tokens[] = {
        "{",     "}",  "[",     "]",   ":",        ": ",           "- ",
        "\n",    "\r", "\t",    "? ",  "&x ",      "*x",           "<<: *x\n",
        "'",     "\"", "#",     "|\n", ">+2\n",    "!!str ",       "---\n",
        "...\n", "~",  "%TAG ", ",",   "\xc2\x85", "\xe2\x80\xa8", "\xef\xbb\xbf",
        "  ",    "@",  "\\",    "\xff"};
    size_t made = 0;
    for (int round = 0; round < ROUNDS; round++) {
        AUTO_STR struct str before = {0}, path = {0}, mutated = {0}, after = {0};
        struct err err = ERR_NONE;
        make_block(&before, 0, 0, "\n");
        size_t from = 0;
        for (size_t i = random_below(3) + 1; i > 0; i--) {
            size_t at = from + random_below(before.length - from + 1);
            str_add_bytes(&mutated, before.data + from, at - from);
            str_add(&mutated, ANY(tokens));
            from = at;
        }
        from += random_below(4) == 0 && from < before.length;
        str_add_bytes(&mutated, before.data + from, before.length - from);
        make_path(&path);
        int result = edit_one(str_text(&mutated), str_text(&path),
                              random_below(2)   ? "new"
                              : random_below(2) ? "x|y"
                                                : "",
                              &after, &err);
        assert_true(result == 0 || err.text[0] != '\0');
        made += result == 0;
    }
    print_message("%zu strange texts changed\n", made);
    assert_true(made > ROUNDS / 50);
}

/* ---- every key of whole files ---- */

struct sweep {
    struct str text;
    size_t made, refused, keys, step;
};

/* One of the values after the other, of long files only for some keys. */
static void try_change(struct sweep *sweep, const char *path)
{
    static const char *const values[] = {"", "7", "some text", "x|y", ""};
    if (sweep->keys++ % sweep->step != 0) {
        return;
    }
    AUTO_STR struct str after = {0};
    struct err err = ERR_NONE;
    const char *value = values[(sweep->keys / sweep->step) % ARRAY_SIZE(values)];
    int result = edit_one(str_text(&sweep->text), path, value, &after, &err);
    if (result == 0) {
        sweep->made++;
        check_untouched(&sweep->text, &after, path, *value == '\0');
    } else if (result == -ENOTSUP &&
               (strstr(err.text, "anchor") != NULL || strstr(path, "<<") != NULL)) {
        sweep->refused++;
    } else {
        fail_msg("%s=%s: %s", path, value, err.text);
    }
}

static void try_all(struct sweep *sweep, const struct place *place, const char *path)
{
    for (size_t i = 0; i < place->count; i++) {
        AUTO_FREE char *number = mem_printf("%zu", i);
        const char *name = place->kind == PLACE_MAP ? place->keys[i]->text : number;
        AUTO_FREE char *below = mem_printf("%s%s%s", path, *path != '\0' ? "." : "", name);
        if (strchr(name, '.') == NULL && *name != '\0') {
            try_change(sweep, below);
            try_all(sweep, place->values[i], below);
        }
    }
}

static void test_every_key(void **state)
{
    static const struct {
        const char *name;
        size_t step;
    } files[] = {{"full.yml", 1}, {"golden.yml", 1}, {"golden.json", 13}};
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        struct sweep sweep = {.step = files[i].step};
        struct cfg_arena arena = {0};
        AUTO_FREE char *path = mem_printf("%s/%s", CONFIG_TEST_DATA, files[i].name);
        assert_int_equal(str_read_file(&sweep.text, path, 1 << 20), 0);
        const struct place *root = place_read(&arena, sweep.text.data, sweep.text.length);
        try_all(&sweep, root, "");
        print_message("%s: %zu changes made, %zu refused\n", files[i].name, sweep.made,
                      sweep.refused);
        assert_true(sweep.made > 100);
        cfg_arena_finish(&arena);
        str_finish(&sweep.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),    cmocka_unit_test(test_lists),
        cmocka_unit_test(test_new_keys),  cmocka_unit_test(test_taking_out),
        cmocka_unit_test(test_shared),    cmocka_unit_test(test_several),
        cmocka_unit_test(test_random),    cmocka_unit_test(test_strange_texts),
        cmocka_unit_test(test_every_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
