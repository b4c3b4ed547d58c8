#include "../cmocka_all.h"

#include <string.h>

#include "base/cleanup.h"
#include "http/route.h"
#include "http/zone.h"

static struct request *find(const char *uri, enum http_method method, unsigned *allowed)
{
    struct request *request = request_create(uri);
    request->method = method;
    route_find(request, allowed);
    return request;
}

static void test_which_row_answers(void **state)
{
    static const struct {
        enum http_method method;
        const char *uri, *pattern; /* pattern NULL: none */
        unsigned allowed;          /* when none */
    } cases[] = {
        {HTTP_GET, "/api/", "/api/", 0},
        {HTTP_GET, "/api", NULL, 0},
        {HTTP_GET, "/api/events", "/api/events", 0},
        {HTTP_GET, "/api/events/", NULL, 0},
        {HTTP_GET, "/api/event", "/api/<camera>", 0},
        {HTTP_GET, "/api/restart", "/api/<camera>", 0},
        {HTTP_POST, "/api/restart", "/api/restart", 0},
        {HTTP_POST, "/api/events", NULL, HTTP_GET},
        {HTTP_GET, "/api/events/summary", "/api/events/summary", 0},
        {HTTP_GET, "/api/events/1.5-abc", "/api/events/<id>", 0},
        {HTTP_PUT, "/api/events/1.5-abc", NULL, HTTP_GET | HTTP_DELETE},
        {HTTP_GET, "/api/review/summary", "/api/review/summary", 0},
        {HTTP_GET, "/api/back/recordings", "/api/<camera>/recordings", 0},
        {HTTP_GET, "/api/recordings/storage", "/api/recordings/storage", 0},
        {HTTP_GET, "/api/events/1.5-abc/snapshot.jpg", "/api/events/<id>/snapshot.jpg", 0},
        {HTTP_GET, "/api/back/person/snapshot.jpg", "/api/<camera>/<label>/snapshot.jpg", 0},
        {HTTP_GET, "/api/back/latest.png", NULL, 0},
        {HTTP_GET, "/api/back/start/1/end/2.5/clip.mp4",
         "/api/<camera>/start/<start:number>/end/<end:number>/clip.mp4", 0},
        {HTTP_GET, "/api/back/start/-1/end/2/clip.mp4", NULL, 0},
        {HTTP_GET, "/api/back/start/1./end/2/clip.mp4", NULL, 0},
        {HTTP_GET, "/api/back/start/1e5/end/2/clip.mp4", NULL, 0},
        {HTTP_GET, "/api/vod/event/abc", "/api/vod/event/<id>", 0},
        {HTTP_GET, "/api/vod/2024-01/02/03/back", "/api/vod/<month>/<day>/<hour>/<camera>", 0},
        {HTTP_GET, "/api/vod/back/start/1/end/2",
         "/api/vod/<camera>/start/<start:number>/end/<end:number>", 0},
        {HTTP_GET, "/clips/", "/clips/<path...>", 0},
        {HTTP_GET, "/clips/a/b/c.jpg", "/clips/<path...>", 0},
        {HTTP_GET, "/clips", NULL, 0},
        {HTTP_GET, "/api/nocam/a/b/c/d", NULL, 0},
        {HTTP_GET, "/", NULL, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        unsigned allowed;
        struct request *request = find(cases[i].uri, cases[i].method, &allowed);
        if (cases[i].pattern != NULL) {
            assert_non_null(request->route);
            assert_string_equal(request->route->pattern, cases[i].pattern);
        } else {
            assert_null(request->route);
            assert_int_equal(allowed, cases[i].allowed);
        }
        request_destroy(request);
    }
}

static void test_arguments_are_decoded(void **state)
{
    unsigned allowed;
    struct request *request =
        find("/api/front%20door/traffic%20light/snapshot.jpg", HTTP_GET, &allowed);
    assert_string_equal(request->args[0], "front door");
    assert_string_equal(request->args[1], "traffic light");
    request_destroy(request);
}

static void each_route(void (*check)(const struct route *route))
{
    for (size_t i = 0; i < route_section_count; i++) {
        for (size_t k = 0; k < route_sections[i].count; k++) {
            check(&route_sections[i].routes[k]);
        }
    }
}

static void check_reach(const struct route *route)
{
    AUTO_STR struct str uri = {0};
    for (const char *p = route->pattern; *p != '\0'; p++) {
        if (*p == '<') {
            const char *end = strchr(p, '>');
            bool number = end - p > 7 && memcmp(end - 7, ":number", 7) == 0;
            str_add(&uri, number ? "12" : "zz");
            p = end;
        } else {
            str_add_char(&uri, *p);
        }
    }
    for (unsigned method = HTTP_GET; method <= HTTP_PATCH; method <<= 1) {
        if ((route->methods & method) == 0) {
            continue;
        }
        unsigned allowed;
        struct request *request = find(str_text(&uri), (enum http_method)method, &allowed);
        assert_ptr_equal(request->route, route);
        request_destroy(request);
    }
}

/* A path made from a row's own pattern finds that row: no row hides another. */
static void test_every_row_can_be_reached(void **state)
{
    each_route(check_reach);
}

static void check_param(const struct route *route, const struct param *param)
{
    int64_t integer;
    double number;
    int offset_s;
    assert_true(param->help != NULL && param->help[0] != '\0');
    assert_ptr_equal(route_param(route, param->name), param);
    assert_true(param->min <= param->max);
    assert_int_equal(param->type == PARAM_CHOICE, param->choices != NULL);
    if (param->otherwise == NULL) {
        return;
    }
    if (param->type == PARAM_INT) {
        assert_true(param_parse_int(param, param->otherwise, &integer));
    } else if (param->type == PARAM_FLOAT) {
        assert_true(param_parse_double(param, param->otherwise, &number));
    } else if (param->type == PARAM_ZONE) {
        assert_int_equal(zone_offset(param->otherwise, wall_now(), &offset_s), 0);
    }
}

static void check_sound(const struct route *route)
{
    assert_true(route->methods != 0);
    assert_true(route->help != NULL && route->help[0] != '\0');
    assert_true(route->reply != NULL && route->reply[0] != '\0');
    assert_int_equal(route->pattern[0], '/');
    for (size_t i = 0; i < route->param_count; i++) {
        check_param(route, &route->params[i]);
    }
}

/* What the table says of a row makes sense: a default is a value it would take. */
static void test_every_row_is_sound(void **state)
{
    each_route(check_sound);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_row_answers),
        cmocka_unit_test(test_arguments_are_decoded),
        cmocka_unit_test(test_every_row_can_be_reached),
        cmocka_unit_test(test_every_row_is_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
