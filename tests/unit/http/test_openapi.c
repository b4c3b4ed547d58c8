#include "../cmocka_all.h"

#include <string.h>

#include "base/cleanup.h"
#include "http/openapi.h"

static void test_the_reference_is_fresh(void **state)
{
    AUTO_STR struct str committed = {0}, made = {0};
    if (str_read_file(&committed, HTTP_TEST_DOCS "/api.md", 1 << 20) < 0) {
        fail_msg("docs/api.md is missing");
    }
    openapi_markdown(&made);
    if (strcmp(str_text(&committed), str_text(&made)) != 0) {
        fail_msg("docs/api.md is stale: corvette api-reference > docs/api.md");
    }
}

/* Words of a row are media types, words of openapi.c, or schemas there are. */
static void check_words(json_t *schemas, const char *words)
{
    struct openapi_answer answer;
    while ((words = openapi_next_answer(words, &answer)) != NULL) {
        if (answer.schema[0] != '\0' && json_object_get(schemas, answer.schema) == NULL) {
            fail_msg("schemas.json has no %s", answer.schema);
        }
        if (answer.type[0] != '\0' && strchr(answer.type, '/') == NULL) {
            fail_msg("%s is no media type", answer.type);
        }
        assert_in_range(answer.status, 100, 599);
    }
}

static void check_route(json_t *schemas, const struct route *route)
{
    struct openapi_answer answer;
    check_words(schemas, route->reply);
    check_words(schemas, route->also);
    check_words(schemas, route->body);
    for (const char *p = route->reply; (p = openapi_next_answer(p, &answer)) != NULL;) {
        if (route->handler != NULL && strcmp(answer.schema, "Any") == 0) {
            fail_msg("%s: its reply names no schema of schemas.json", route->pattern);
        }
    }
}

static void test_rows_name_what_there_is(void **state)
{
    json_t *schemas = openapi_schemas();
    for (size_t i = 0; i < route_section_count; i++) {
        assert_non_null(route_sections[i].help);
        for (size_t k = 0; k < route_sections[i].count; k++) {
            check_route(schemas, &route_sections[i].routes[k]);
        }
    }
    json_decref(schemas);
}

static void test_words(void **state)
{
    static const struct {
        const char *words;
        int status;
        const char *type, *schema;
        bool ranged;
    } cases[] = {
        {"text", 200, "text/html", "", false},
        {" Event ", 200, "application/json", "Event", false},
        {"image/jpeg", 200, "image/jpeg", "", false},
        {"202=Empty", 202, "application/json", "Empty", false},
        {"403", 403, "", "", false},
        {"redirect", 303, "", "", false},
        {"video/mp4 text", 200, "video/mp4", "", true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct openapi_answer answer;
        assert_non_null(openapi_next_answer(cases[i].words, &answer));
        assert_int_equal(answer.status, cases[i].status);
        assert_string_equal(answer.type, cases[i].type);
        assert_string_equal(answer.schema, cases[i].schema);
        assert_int_equal(answer.ranged, cases[i].ranged);
    }
    struct openapi_answer answer;
    assert_null(openapi_next_answer(NULL, &answer));
    assert_null(openapi_next_answer("  ", &answer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_reference_is_fresh),
        cmocka_unit_test(test_rows_name_what_there_is),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
