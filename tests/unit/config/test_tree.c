/* YAML text to trees: 1.1's scalars, anchors and merges, duplicates, and text that is none. */
#include "help.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "config/tree.h"

struct parsed {
    struct cfg_arena arena;
    struct cfg_issues issues;
    struct cfg_node *root;
};

static struct parsed parse_bytes(const char *text, size_t length)
{
    struct parsed parsed = {0};
    parsed.root = cfg_yaml_parse(&parsed.arena, text, length, &parsed.issues);
    return parsed;
}

static struct parsed parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static void finish(struct parsed *parsed)
{
    cfg_arena_finish(&parsed->arena);
    config_issues_finish(&parsed->issues);
}
#define AUTO_PARSED __attribute__((cleanup(finish))) struct parsed

static void scalars(void **state)
{
    static const struct {
        const char *text;
        enum cfg_kind kind;
        double number; /* booleans: 0 or 1 */
    } rows[] = {
        {"", CFG_NULL, 0},
        {"~", CFG_NULL, 0},
        {"null", CFG_NULL, 0},
        {"NULL", CFG_NULL, 0},
        {"nUll", CFG_STRING, 0},
        {"yes", CFG_BOOL, 1},
        {"Yes", CFG_BOOL, 1},
        {"YES", CFG_BOOL, 1},
        {"yEs", CFG_STRING, 0},
        {"on", CFG_BOOL, 1},
        {"Off", CFG_BOOL, 0},
        {"no", CFG_BOOL, 0},
        {"true", CFG_BOOL, 1},
        {"FALSE", CFG_BOOL, 0},
        {"y", CFG_STRING, 0},
        {"n", CFG_STRING, 0},
        {"0", CFG_INT, 0},
        {"12", CFG_INT, 12},
        {"-12", CFG_INT, -12},
        {"+7", CFG_INT, 7},
        {"010", CFG_INT, 8},
        {"-010", CFG_INT, -8},
        {"08", CFG_STRING, 0},
        {"0x1F", CFG_INT, 31},
        {"0b101", CFG_INT, 5},
        {"1_000", CFG_INT, 1000},
        {"1:30", CFG_INT, 90},
        {"190:20:30", CFG_INT, 685230},
        {"1:60", CFG_STRING, 0},
        {"0:30", CFG_STRING, 0},
        {"1.5", CFG_FLOAT, 1.5},
        {"-.5", CFG_FLOAT, -0.5},
        {"5.", CFG_FLOAT, 5},
        {"1.5e+3", CFG_FLOAT, 1500},
        {"1.5e3", CFG_STRING, 0},
        {"1e5", CFG_STRING, 0},
        {"1:30.5", CFG_FLOAT, 90.5},
        {".", CFG_STRING, 0},
        {"-", CFG_STRING, 0},
        {"+", CFG_STRING, 0},
        {"1.2.3", CFG_STRING, 0},
        {"0.1,0.2", CFG_STRING, 0},
        {"rtsp://x", CFG_STRING, 0},
        {"12h", CFG_STRING, 0},
        {".inf", CFG_FLOAT, HUGE_VAL},
        {"-.INF", CFG_FLOAT, -HUGE_VAL},
        {"2024-01-02", CFG_STRING, 0},
        {"99999999999999999999", CFG_FLOAT, HUGE_VAL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct cfg_node node = {.text = rows[i].text};
        cfg_scalar_resolve(&node);
        if (node.kind != rows[i].kind) {
            fail_msg("\"%s\" became kind %d, not %d", rows[i].text, (int)node.kind,
                     (int)rows[i].kind);
        }
        double number = node.kind == CFG_BOOL    ? node.boolean
                        : node.kind == CFG_INT   ? (double)node.integer
                        : node.kind == CFG_FLOAT ? node.number
                                                 : 0;
        if (number != rows[i].number) {
            fail_msg("\"%s\" became %g, not %g", rows[i].text, number, rows[i].number);
        }
    }
    struct cfg_node nan_node = {.text = ".nan"};
    cfg_scalar_resolve(&nan_node);
    assert_int_equal(nan_node.kind, CFG_FLOAT);
    assert_true(isnan(nan_node.number));
}

static void quotes_make_text(void **state)
{
    AUTO_PARSED p =
        parse("a: \"5\"\nb: 'yes'\nc: !!str 5\nd: !!float 5\ne: !!int '7'\nf: |\n  1\n");
    assert_non_null(p.root);
    assert_int_equal(cfg_get(p.root, "a")->kind, CFG_STRING);
    assert_int_equal(cfg_get(p.root, "b")->kind, CFG_STRING);
    assert_int_equal(cfg_get(p.root, "c")->kind, CFG_STRING);
    assert_int_equal(cfg_get(p.root, "d")->kind, CFG_FLOAT);
    assert_int_equal(cfg_get(p.root, "e")->kind, CFG_INT);
    assert_int_equal(cfg_get(p.root, "f")->kind, CFG_STRING);
}

static void lines(void **state)
{
    AUTO_PARSED p = parse("# note\na: 1\nb:\n  c:\n    - x\n    - y\n");
    assert_non_null(p.root);
    const struct cfg_entry *b = cfg_entry(p.root, "b");
    const struct cfg_entry *c = cfg_entry(b->value, "c");
    assert_int_equal(cfg_entry(p.root, "a")->line, 2);
    assert_int_equal(b->line, 3);
    assert_int_equal(c->line, 4);
    assert_int_equal(c->value->items[1]->line, 6);
}

static void anchors_and_merges(void **state)
{
    AUTO_PARSED p = parse("one: &one {a: 1, b: 2}\n"
                          "two: &two {b: 3, c: 4}\n"
                          "copy: *one\n"
                          "merged: {<<: *one, b: 9}\n"
                          "both:\n  <<: [*one, *two]\n  d: 5\n"
                          "quoted: {'<<': 1}\n");
    assert_non_null(p.root);
    assert_ptr_equal(cfg_get(p.root, "copy"), cfg_get(p.root, "one"));
    const struct cfg_node *merged = cfg_get(p.root, "merged"), *both = cfg_get(p.root, "both");
    assert_int_equal(cfg_get(merged, "a")->integer, 1);
    assert_int_equal(cfg_get(merged, "b")->integer, 9); /* own keys win */
    assert_int_equal(merged->count, 2);
    assert_int_equal(cfg_get(both, "b")->integer, 2); /* the first in the list wins */
    assert_int_equal(cfg_get(both, "c")->integer, 4);
    assert_int_equal(both->count, 4);
    assert_int_equal(cfg_get(cfg_get(p.root, "quoted"), "<<")->integer, 1);
    assert_int_equal(cfg_get(p.root, "one")->count, 2); /* untouched by merging it elsewhere */
}

static void json_is_read(void **state)
{
    AUTO_PARSED p = parse("{\"a\": [1, 2.5, true, null, \"\\u00e4\\/\"],\n\t\"b\": {\"c\": {}}}");
    assert_non_null(p.root);
    const struct cfg_node *a = cfg_get(p.root, "a");
    assert_int_equal(a->count, 5);
    assert_int_equal(a->items[2]->kind, CFG_BOOL);
    assert_int_equal(a->items[3]->kind, CFG_NULL);
    assert_string_equal(a->items[4]->text, "\xc3\xa4/");
    assert_int_equal(cfg_get(cfg_get(p.root, "b"), "c")->count, 0);
}

static void refused_text(void **state)
{
    static const struct {
        const char *text;
        int line;
        const char *path; /* NULL: not asked */
        const char *fragment;
    } rows[] = {
        {"", 0, "", "empty"},
        {"   \n# only a note\n", 0, "", "empty"},
        {"---\n...\n", 0, "", "empty"},
        {"- a\n- b\n", 1, "", "must be a map"},
        {"just text\n", 1, "", "must be a map"},
        {"a: 1\na: 2\n", 2, "a", "given twice (first on line 1)"},
        {"a:\n  b: 1\n  c: 2\n  b: 3\n", 4, "a.b", "given twice (first on line 2)"},
        {"a:\n\tb: 1\n", 2, NULL, "tab"},
        {"a: [1, 2\nb: 3\n", 2, NULL, "not valid YAML"},
        {"a: 'open\n", 0, NULL, "not valid YAML"},
        {"a: b: c\n", 1, NULL, "not valid YAML"},
        {"a: 1\n---\nb: 2\n", 2, NULL, "second document"},
        {"a: *nowhere\n", 1, "a", "no anchor &nowhere"},
        {"a: &x\n  b: *x\n", 2, "a.b", "inside its own anchor"},
        {"a: {<<: 5}\n", 1, NULL, "merges a map"},
        {"a: {<<: [{b: 1}, 2]}\n", 1, NULL, "merges a map"},
        {"[1, 2]: x\n", 1, NULL, "key must be plain text"},
        {"a: {{b}: c}\n", 1, NULL, "key must be plain text"},
        {"&k a: 1\n*k : 2\n", 2, NULL, "an alias cannot be a key"},
        {"? \n: x\n", 0, NULL, "key is missing"},
        {"a: !secret password\n", 1, "a", "FRIGATE_NAME"},
        {"a: !include other.yml\n", 1, "a", "not supported"},
        {"a: !!int word\n", 1, "a", "does not fit its tag"},
        {"a: !!set {x, y}\n", 1, "a", "not supported"},
        {"a: \"x\\0y\"\n", 1, "a", "NUL character"},
        {"a: 1\nb: \"\xff\xfe\"\n", 2, NULL, "UTF-8"},
        {"a: 1\nb: \xc3\n", 2, NULL, "UTF-8"},
        {"\xff\xfe"
         "a",
         1, NULL, "UTF-16"},
        {"a: \x01\n", 1, NULL, "not valid text"},
        {"%YAML 9.9\n---\na: 1\n", 1, NULL, "not valid YAML"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        AUTO_PARSED p = parse(rows[i].text);
        bool found = false;
        for (size_t j = 0; j < p.issues.count; j++) {
            const struct cfg_issue *issue = &p.issues.items[j];
            found = found || (strstr(issue->message, rows[i].fragment) != NULL &&
                              (rows[i].line == 0 || issue->line == rows[i].line) &&
                              (rows[i].path == NULL || strcmp(issue->path, rows[i].path) == 0));
        }
        if (!found) {
            struct loaded loaded = {.issues = p.issues};
            fail_msg("no complaint with \"%s\" on line %d about row %zu:\n%s\nonly:\n%s",
                     rows[i].fragment, rows[i].line, i, rows[i].text, said(&loaded));
        }
    }
}

static void nul_bytes(void **state)
{
    static const char text[] = "a: 1\nb: \0 2\n";
    AUTO_PARSED p = parse_bytes(text, sizeof text - 1);
    assert_null(p.root);
    assert_int_equal(p.issues.count, 1);
    assert_int_equal(p.issues.items[0].line, 2);
    assert_non_null(strstr(p.issues.items[0].message, "NUL"));
}

static void a_byte_order_mark_is_fine(void **state)
{
    AUTO_PARSED p = parse("\xef\xbb\xbf"
                          "a: 1\n");
    assert_non_null(p.root);
    assert_int_equal(cfg_get(p.root, "a")->integer, 1);
}

/* Aliases of aliases: small as text, endless when followed. */
static void alias_bomb(void **state)
{
    AUTO_STR struct str text = {0};
    str_add(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 30; i++) {
        str_addf(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1,
                 i - 1, i - 1, i - 1, i - 1);
    }
    AUTO_PARSED p = parse(str_text(&text));
    assert_null(p.root);
    assert_non_null(strstr(p.issues.items[0].message, "aliases expand"));
}

static void merge_bomb(void **state)
{
    AUTO_STR struct str text = {0};
    str_add(&text, "m: &m {");
    for (int i = 0; i < 5000; i++) {
        str_addf(&text, "k%d: 1, ", i);
    }
    str_add(&text, "}\n");
    for (int i = 0; i < 5000; i++) {
        str_addf(&text, "n%d: {<<: *m}\n", i);
    }
    AUTO_PARSED p = parse(str_text(&text));
    assert_null(p.root);
    assert_non_null(strstr(p.issues.items[0].message, "too many values"));
}

static void nested_too_deeply(void **state)
{
    AUTO_STR struct str text = {0};
    str_add(&text, "a: ");
    for (int i = 0; i < 100000; i++) {
        str_add_char(&text, '[');
    }
    AUTO_PARSED p = parse(str_text(&text));
    assert_null(p.root);
    assert_non_null(strstr(p.issues.items[0].message, "nested too deeply"));
}

static void too_large(void **state)
{
    AUTO_STR struct str text = {0};
    str_add(&text, "a: 1\n#");
    for (size_t i = 0; i < CFG_MAX_BYTES / 64 + 1; i++) {
        str_add(&text, "0123456789012345678901234567890123456789012345678901234567890123");
    }
    AUTO_PARSED p = parse(str_text(&text));
    assert_null(p.root);
    assert_non_null(strstr(p.issues.items[0].message, "too large"));
}

/* Long maps are looked up by hash: all keys are found, and duplicates in them too. */
static void long_maps(void **state)
{
    AUTO_STR struct str text = {0};
    for (int i = 0; i < 3000; i++) {
        str_addf(&text, "key%d: %d\n", i, i);
    }
    AUTO_PARSED p = parse(str_text(&text));
    assert_non_null(p.root);
    for (int i = 0; i < 3000; i++) {
        char key[32];
        snprintf(key, sizeof key, "key%d", i);
        assert_int_equal(cfg_get(p.root, key)->integer, i);
    }
    assert_null(cfg_get(p.root, "key3000"));
    str_add(&text, "key1500: x\n");
    AUTO_PARSED again = parse(str_text(&text));
    assert_int_equal(again.issues.count, 1);
    assert_int_equal(again.issues.items[0].line, 3001);
}

static void changing_a_copy(void **state)
{
    AUTO_PARSED p = parse("a: 1\nb: 2\n");
    struct cfg_node *value = cfg_new(&p.arena, CFG_NULL, 0);
    struct cfg_node *set = cfg_with(&p.arena, p.root, "a", value);
    struct cfg_node *added = cfg_with(&p.arena, p.root, "c", value);
    struct cfg_node *removed = cfg_with(&p.arena, p.root, "a", NULL);
    assert_ptr_equal(cfg_get(set, "a"), value);
    assert_int_equal(added->count, 3);
    assert_int_equal(removed->count, 1);
    assert_int_equal(cfg_get(p.root, "a")->integer, 1);
    assert_int_equal(cfg_with(&p.arena, NULL, "a", value)->count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars),
        cmocka_unit_test(quotes_make_text),
        cmocka_unit_test(lines),
        cmocka_unit_test(anchors_and_merges),
        cmocka_unit_test(json_is_read),
        cmocka_unit_test(refused_text),
        cmocka_unit_test(nul_bytes),
        cmocka_unit_test(a_byte_order_mark_is_fine),
        cmocka_unit_test(alias_bomb),
        cmocka_unit_test(merge_bomb),
        cmocka_unit_test(nested_too_deeply),
        cmocka_unit_test(too_large),
        cmocka_unit_test(long_maps),
        cmocka_unit_test(changing_a_copy),
    };
    return cmocka_run_group_tests_name("config tree", tests, NULL, NULL);
}
