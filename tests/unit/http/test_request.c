#include "../cmocka_all.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "http/http_private.h"
#include "http/request.h"
#include "http/route.h"

static void test_paths(void **state)
{
    static const struct {
        const char *uri, *path, *segments; /* joined by "|" */
    } cases[] = {
        {"/", "/", ""},
        {"/api/events", "/api/events", "api|events"},
        {"/api/events/", "/api/events/", "api|events|"},
        {"/api/a%20b/c+d", "/api/a%20b/c+d", "api|a b|c+d"},
        {"/api/a%2Fb", "/api/a%2Fb", "api|a/b"},
        {"/api/%E8%BD%A6?x=1", "/api/%E8%BD%A6", "api|\xe8\xbd\xa6"},
        {"/100%/%zz/%4", "/100%/%zz/%4", "100%|%zz|%4"},
        {"/a//b", "/a//b", "a||b"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct request *request = request_create(cases[i].uri);
        AUTO_STR struct str joined = {0};
        for (size_t k = 0; k < request->segment_count; k++) {
            str_addf(&joined, "%s%s", k > 0 ? "|" : "", request->segments[k]);
        }
        assert_false(request->bad_uri);
        assert_string_equal(request->path, cases[i].path);
        assert_string_equal(str_text(&joined), cases[i].segments);
        request_destroy(request);
    }
}

static void test_addresses_that_cannot_be_read(void **state)
{
    AUTO_STR struct str deep = {0}, wide = {0};
    for (int i = 0; i < REQUEST_SEGMENTS_MAX + 1; i++) {
        str_add(&deep, "/a");
    }
    str_add(&wide, "/?");
    for (int i = 0; i < REQUEST_QUERY_MAX + 1; i++) {
        str_addf(&wide, "a%d=1&", i);
    }
    const char *const uris[] = {"/a%00b", "/?a=%00", "/?%00=1", str_text(&deep), str_text(&wide)};
    for (size_t i = 0; i < ARRAY_SIZE(uris); i++) {
        struct request *request = request_create(uris[i]);
        assert_true(request->bad_uri);
        request_destroy(request);
    }
}

static const struct param params[] = {
    {.name = "text", .type = PARAM_TEXT, .otherwise = "none"},
    {.name = "number", .type = PARAM_INT, .min = 1, .max = 10},
    {.name = "float", .type = PARAM_FLOAT},
    {.name = "flag", .type = PARAM_FLAG},
    {.name = "list", .type = PARAM_LIST},
    {.name = "strict", .type = PARAM_INT, .strict = true, .otherwise = "7"},
    {.name = "choice", .type = PARAM_CHOICE, .strict = true, .choices = "|up|down"},
    {.name = "zone", .type = PARAM_ZONE, .strict = true, .otherwise = "utc"},
};
static const struct route route = {
    .pattern = "/x", .params = params, .param_count = ARRAY_SIZE(params)};

static struct request *with_query(const char *query)
{
    AUTO_STR struct str uri = {0};
    str_addf(&uri, "/x?%s", query);
    struct request *request = request_create(str_text(&uri));
    request->route = &route;
    return request;
}

static void test_values(void **state)
{
    struct request *request =
        with_query("text=a+b%2Bc&number=3&float=1e9&flag=1&list=a,b,%20c&text=second");
    assert_string_equal(request_text(request, "text"), "a b+c");
    assert_int_equal(request_int(request, "number").value, 3);
    assert_true(request_double(request, "float").value == 1e9);
    assert_true(request_flag(request, "flag"));
    struct db_texts list = request_list(request, "list");
    assert_int_equal(list.count, 3);
    assert_string_equal(list.items[2], " c");
    assert_int_equal(request_int(request, "strict").value, 7);
    request_destroy(request);
}

static void test_values_that_are_as_if_absent(void **state)
{
    static const char *const queries[] = {"",
                                          "number=&float=",
                                          "number=abc&float=abc",
                                          "number=0&float=nan",
                                          "number=11&float=0x10",
                                          "number=1.5&float=1,5"};
    for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
        struct request *request = with_query(queries[i]);
        assert_false(request_int(request, "number").has);
        assert_false(request_double(request, "float").has);
        assert_false(request_flag(request, "flag"));
        assert_false(request_list(request, "list").has);
        assert_string_equal(request_text(request, "text"), "none");
        request_destroy(request);
    }
}

static void test_lists(void **state)
{
    struct request *request = with_query("list=all");
    assert_false(request_list(request, "list").has);
    request_destroy(request);
    request = with_query("list=");
    struct db_texts list = request_list(request, "list");
    assert_true(list.has);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0], "");
    request_destroy(request);
    AUTO_STR struct str many = {0};
    str_add(&many, "list=a");
    for (int i = 0; i < 1000; i++) {
        str_add(&many, ",a");
    }
    request = with_query(str_text(&many));
    assert_int_equal(request_list(request, "list").count, DB_LIST_MAX);
    request_destroy(request);
}

static void test_flags(void **state)
{
    static const struct {
        const char *query;
        bool on;
    } cases[] = {{"flag", false},  {"flag=", false},      {"flag=0", false}, {"flag=false", false},
                 {"flag=1", true}, {"flag=FALSE", false}, {"flag=x", true}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct request *request = with_query(cases[i].query);
        assert_int_equal(request_flag(request, "flag"), cases[i].on);
        request_destroy(request);
    }
}

static void test_strict_parameters_are_named(void **state)
{
    static const struct {
        const char *query, *message; /* NULL: fine */
    } cases[] = {
        {"", NULL},
        {"strict=5&choice=up&zone=UTC", NULL},
        {"choice=", NULL},
        {"strict=5&strict=x", NULL}, /* the first counts */
        {"strict=", "strict: \\\"\\\" is not a whole number"},
        {"strict=1.5", "strict: \\\"1.5\\\" is not a whole number"},
        {"strict=99999999999999999999", "strict: "},
        {"choice=left", "choice: \\\"left\\\" is not one of the choices (|up|down)"},
        {"zone=No/Where", "zone: \\\"No/Where\\\" is not a time zone"},
        {"zone=../../etc/passwd", "zone: "},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct request *request = with_query(cases[i].query);
        assert_int_equal(route_check(request), cases[i].message == NULL);
        if (cases[i].message != NULL) {
            assert_int_equal(request->reply.status, 400);
            assert_non_null(strstr(str_text(&request->reply.body), cases[i].message));
        }
        request_destroy(request);
    }
}

static void test_messages_end_with_a_newline(void **state)
{
    struct request *request = request_create("/");
    reply_message(request, 404, false, "%s", "Not \"here\"");
    assert_int_equal(request->reply.status, 404);
    assert_string_equal(str_text(&request->reply.body),
                        "{\"message\":\"Not \\\"here\\\"\",\"success\":false}\n");
    request_destroy(request);
}

static void test_accepting_gzip(void **state)
{
    assert_false(http_accepts_gzip(NULL));
    assert_false(http_accepts_gzip("identity"));
    assert_false(http_accepts_gzip("gzip;q=0"));
    assert_false(http_accepts_gzip("gzip; q=0.0, br"));
    assert_true(http_accepts_gzip("gzip"));
    assert_true(http_accepts_gzip("gzip, deflate, br"));
    assert_true(http_accepts_gzip("br, gzip;q=0.5"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_addresses_that_cannot_be_read),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_values_that_are_as_if_absent),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_strict_parameters_are_named),
        cmocka_unit_test(test_messages_end_with_a_newline),
        cmocka_unit_test(test_accepting_gzip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
