#include "../cmocka_all.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "link/xml.h"

static xmlDoc *parse(const char *text)
{
    struct err err = ERR_NONE;
    return xml_parse(text, strlen(text), &err);
}

static void test_finding(void **state)
{
    AUTO_XML xmlDoc *doc =
        parse("<a:x xmlns:a='urn:1' xmlns:b='urn:2'>\n <b:y k='1'> one </b:y>"
              "<!-- c --><z/><y b:k='2'><![CDATA[two]]> &lt;3</y><n>4.5</n><i> 12 </i></a:x>");
    xmlNode *root = xml_root(doc);
    assert_true(xml_is(root, "x"));
    AUTO_FREE char *one = xml_text(root, "y");
    AUTO_FREE char *two = xml_text(xml_again(xml_find(root, "y")), "");
    AUTO_FREE char *key = xml_attribute(xml_again(xml_find(root, "y")), "k");
    assert_string_equal(one, "one");
    assert_string_equal(two, "two <3");
    assert_string_equal(key, "2");
    assert_null(xml_again(xml_again(xml_find(root, "y"))));
    assert_null(xml_find(root, "y/z"));
    assert_null(xml_text(root, "nothing"));
    assert_null(xml_attribute(root, "k"));
    double number = 0;
    int integer = 0;
    assert_true(xml_number(root, "n", &number) && number == 4.5);
    assert_true(xml_integer(root, "i", &integer) && integer == 12);
    assert_false(xml_integer(root, "n", &integer));
    assert_false(xml_number(root, "y", &number));
    assert_false(xml_number(root, "none", &number));
}

/* NULL goes through everything. */
static void test_nothing(void **state)
{
    assert_null(xml_root(NULL));
    assert_null(xml_first(NULL));
    assert_null(xml_find(NULL, "a/b"));
    assert_null(xml_again(NULL));
    assert_false(xml_is(NULL, "a"));
    assert_null(xml_text(NULL, "a"));
    assert_null(xml_attribute(NULL, "a"));
}

static void test_refused(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "text",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a SYSTEM 'http://127.0.0.1:1/x'><a/>",
        "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
        "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>",
        "<!DOCTYPE a [<!ENTITY a '1'><!ENTITY b '&a;&a;'>]><a k='&b;'/>",
        "<!DOCTYPE a [<!ENTITY % p SYSTEM 'http://127.0.0.1:1/x'> %p;]><a/>",
        "<a>&unknown;</a>",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct err err = ERR_NONE;
        assert_null(xml_parse(texts[i], strlen(texts[i]), &err));
        assert_int_equal(err.code, EBADMSG);
        assert_true(err.text[0] != '\0');
    }
}

/* The declaration is seen in any encoding. */
static void test_refused_in_utf16(void **state)
{
    static const char text[] = "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>";
    char wide[2 + 2 * sizeof text] = "\xff\xfe";
    for (size_t i = 0; i < sizeof text - 1; i++) {
        wide[2 + 2 * i] = text[i];
    }
    struct err err = ERR_NONE;
    assert_null(xml_parse(wide, 2 * sizeof text, &err));
    assert_string_equal(err.text, "the XML has a document type declaration");
}

static void test_depth(void **state)
{
    AUTO_STR struct str deep = {0};
    for (int i = 0; i < 100000; i++) {
        str_add(&deep, "<a>");
    }
    struct err err = ERR_NONE;
    assert_null(xml_parse(str_text(&deep), deep.length, &err));
}

static void test_escape(void **state)
{
    AUTO_STR struct str text = {0};
    xml_escape(&text, "a<b>&\"c\"'\x01\xc3\xa4");
    assert_string_equal(str_text(&text), "a&lt;b&gt;&amp;&quot;c&quot;&apos;\xc3\xa4");
    AUTO_STR struct str whole = {0};
    str_addf(&whole, "<a k='%s'>%s</a>", str_text(&text), str_text(&text));
    AUTO_XML xmlDoc *doc = parse(str_text(&whole));
    AUTO_FREE char *back = xml_attribute(xml_root(doc), "k");
    assert_string_equal(back, "a<b>&\"c\"'\xc3\xa4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finding), cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_refused_in_utf16),
        cmocka_unit_test(test_depth),   cmocka_unit_test(test_escape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
