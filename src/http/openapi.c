#include "http/openapi.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/server.h"

/* ---- reading the rows ---- */

/* Words of `reply` that are neither a media type nor a schema. */
static const struct {
    const char *word;
    int status;
    const char *type, *schema;
    bool ranged;
} words[] = {
    {"text", 200, "text/html", "", false},
    {"json", 200, "application/json", "Any", false},
    {"message", 200, "application/json", "Message", false},
    {"redirect", 303, "", "", false},
    {"websocket", 101, "", "", false},
    {"file", 200, "*/*", "", true},
    {"video/mp4", 200, "video/mp4", "", true},
};

static void read_word(const char *word, struct openapi_answer *answer)
{
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (strcmp(words[i].word, word) == 0) {
            answer->status = answer->status != 0 ? answer->status : words[i].status;
            answer->ranged = words[i].ranged;
            snprintf(answer->type, sizeof answer->type, "%s", words[i].type);
            snprintf(answer->schema, sizeof answer->schema, "%s", words[i].schema);
            return;
        }
    }
    bool schema = isupper((unsigned char)*word) != 0;
    answer->status = answer->status != 0 ? answer->status : 200;
    snprintf(answer->type, sizeof answer->type, "%s", schema ? "application/json" : word);
    snprintf(answer->schema, sizeof answer->schema, "%s", schema ? word : "");
}

const char *openapi_next_answer(const char *text, struct openapi_answer *answer)
{
    if (text == NULL) {
        return NULL;
    }
    text += strspn(text, " ");
    if (*text == '\0') {
        return NULL;
    }
    char word[64];
    size_t length = strcspn(text, " ");
    snprintf(word, sizeof word, "%.*s", (int)length, text);
    *answer = (struct openapi_answer){0};
    char *rest = word;
    if (isdigit((unsigned char)*word)) {
        answer->status = (int)strtol(word, &rest, 10);
        rest += *rest == '=';
    }
    if (*rest != '\0') {
        read_word(rest, answer);
    }
    return text + length;
}

const char *openapi_next_variable(const char *pattern, struct openapi_variable *variable)
{
    const char *open = strchr(pattern, '<');
    if (open == NULL) {
        return NULL;
    }
    const char *end = strchr(open, '>');
    size_t name = strcspn(open + 1, ":.>");
    snprintf(variable->name, sizeof variable->name, "%.*s", (int)name, open + 1);
    variable->number = open[1 + name] == ':';
    variable->rest = open[1 + name] == '.';
    return end + 1;
}

const char *openapi_method(unsigned method)
{
    switch ((enum http_method)method) {
    case HTTP_GET:
        return "get";
    case HTTP_POST:
        return "post";
    case HTTP_PUT:
        return "put";
    case HTTP_DELETE:
        return "delete";
    case HTTP_PATCH:
        return "patch";
    case HTTP_OPTIONS:
        break;
    }
    return "options";
}

/* Answers any route may give, with what they mean. */
static const struct {
    int status;
    const char *help;
} errors[] = {
    {304, "The client's copy is still right"},
    {400, "The address, a parameter or the body makes no sense; the message says which"},
    {401, "A page of elsewhere asked without X-CSRF-TOKEN, or nobody is logged in"},
    {403, "Not allowed"},
    {404, "There is no such thing; the message says what"},
    {409, "The same is being done already"},
    {413, "The body is too large"},
    {415, "The body is not JSON"},
    {416, "The range lies outside"},
    {429, "Too often; try later"},
    {500, "Something failed here; the message says what"},
    {501, "Not implemented yet"},
    {502, "Another machine, which is asked for this, fails; the message says how"},
    {503, "Too busy; try again"},
};

static bool is_named(const char *also, int status)
{
    struct openapi_answer answer;
    while ((also = openapi_next_answer(also, &answer)) != NULL) {
        if (answer.status == status) {
            return true;
        }
    }
    return false;
}

static bool is_ranged(const struct route *route)
{
    struct openapi_answer answer;
    for (const char *p = route->reply; (p = openapi_next_answer(p, &answer)) != NULL;) {
        if (answer.ranged) {
            return true;
        }
    }
    return false;
}

bool openapi_may_answer(const struct route *route, int status)
{
    switch (status) {
    case 400:
    case 413:
    case 500:
    case 503:
        return true;
    case 401:
        return true;
    case 404:
        return strchr(route->pattern, '<') != NULL || is_named(route->also, 404);
    case 206:
    case 304:
    case 416:
        return is_ranged(route);
    case 501:
        return route->handler == NULL;
    default:
        return is_named(route->also, status);
    }
}

/* ---- the document ---- */

json_t *openapi_schemas(void)
{
    json_error_t error;
    json_t *schemas = json_loadb(schemas_text, schemas_length, JSON_REJECT_DUPLICATES, &error);
    if (schemas == NULL) {
        log_write(LOG_CRITICAL, "schemas.json: line %d: %s", error.line, error.text);
        abort();
    }
    return schemas;
}

static void put(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
}

static json_t *reference(const char *kind, const char *name)
{
    return json_pack("{s:o}", "$ref", json_sprintf("#/components/%s/%s", kind, name));
}

static json_t *number_of(const struct param *param, double value)
{
    return param->type == PARAM_INT ? json_integer((json_int_t)value) : json_real(value);
}

static json_t *choices_of(const char *choices)
{
    json_t *list = json_array();
    for (const char *p = choices;; p++) {
        size_t length = strcspn(p, "|");
        json_array_append_new(list, json_stringn(p, length));
        p += length;
        if (*p == '\0') {
            return list;
        }
    }
}

static json_t *param_schema(const struct param *param)
{
    static const char *const types[] = {
        [PARAM_TEXT] = "string",  [PARAM_INT] = "integer", [PARAM_FLOAT] = "number",
        [PARAM_FLAG] = "boolean", [PARAM_LIST] = "array",  [PARAM_CHOICE] = "string",
        [PARAM_ZONE] = "string",
    };
    json_t *schema = json_pack("{s:s}", "type", types[param->type]);
    bool number = param->type == PARAM_INT || param->type == PARAM_FLOAT;
    if (number && (param->min != 0 || param->max != 0)) {
        put(schema, "minimum", number_of(param, param->min));
        put(schema, "maximum", number_of(param, param->max));
    }
    if (param->type == PARAM_LIST) {
        put(schema, "items", json_pack("{s:s}", "type", "string"));
    }
    if (param->type == PARAM_CHOICE) {
        put(schema, "enum", choices_of(param->choices));
    }
    double value;
    if (param->otherwise != NULL && number && str_to_double(param->otherwise, &value)) {
        put(schema, "default", number_of(param, value));
    } else if (param->otherwise != NULL) {
        put(schema, "default", json_string(param->otherwise));
    }
    return schema;
}

static json_t *query_parameter(const struct param *param)
{
    json_t *parameter =
        json_pack("{s:s, s:s, s:s, s:o, s:b}", "name", param->name, "in", "query", "description",
                  param->help, "schema", param_schema(param), "x-strict", param->strict);
    if (param->type == PARAM_LIST) {
        put(parameter, "style", json_string("form"));
        put(parameter, "explode", json_false());
    }
    return parameter;
}

static json_t *parameters_of(const struct route *route)
{
    json_t *list = json_array();
    struct openapi_variable variable;
    for (const char *p = route->pattern; (p = openapi_next_variable(p, &variable)) != NULL;) {
        json_t *schema = variable.number ? json_pack("{s:s, s:i}", "type", "number", "minimum", 0)
                                         : json_pack("{s:s}", "type", "string");
        json_t *parameter = json_pack("{s:s, s:s, s:b, s:o}", "name", variable.name, "in", "path",
                                      "required", 1, "schema", schema);
        if (variable.rest) { /* OpenAPI has no word for it */
            put(parameter, "x-rest", json_true());
            put(parameter, "description", json_string("All that is left, slashes too"));
        }
        json_array_append_new(list, parameter);
    }
    for (size_t i = 0; i < route->param_count; i++) {
        json_array_append_new(list, query_parameter(&route->params[i]));
    }
    return list;
}

static const char *status_text(int status)
{
    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        if (errors[i].status == status) {
            return errors[i].help;
        }
    }
    switch (status) {
    case 101:
        return "The connection becomes a WebSocket";
    case 206:
        return "The part that was asked for";
    case 301:
    case 303:
        return "Elsewhere; see Location";
    default:
        return "Good";
    }
}

/* Adds one kind of body to the answers of a status. */
static void add_answer(json_t *responses, const struct openapi_answer *answer)
{
    char status[16];
    snprintf(status, sizeof status, "%d", answer->status);
    json_t *response = json_object_get(responses, status);
    if (response == NULL) {
        put(responses, status, json_pack("{s:s}", "description", status_text(answer->status)));
        response = json_object_get(responses, status);
    }
    if (answer->type[0] == '\0') {
        return;
    }
    json_t *content = json_object_get(response, "content");
    if (content == NULL) {
        put(response, "content", json_object());
        content = json_object_get(response, "content");
    }
    json_t *media = json_object();
    if (answer->schema[0] != '\0') {
        put(media, "schema", reference("schemas", answer->schema));
    } else if (strncmp(answer->type, "text/", 5) == 0) {
        put(media, "schema", json_pack("{s:s}", "type", "string"));
    }
    put(content, answer->type, media);
}

static void add_good(json_t *responses, const struct route *route)
{
    struct openapi_answer answer;
    for (const char *p = route->reply; (p = openapi_next_answer(p, &answer)) != NULL;) {
        add_answer(responses, &answer);
        if (answer.ranged) {
            answer.status = 206;
            add_answer(responses, &answer);
        }
    }
}

static json_t *responses_of(const struct route *route)
{
    json_t *responses = json_object();
    char status[16];
    add_good(responses, route);
    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        snprintf(status, sizeof status, "%d", errors[i].status);
        if (openapi_may_answer(route, errors[i].status)) {
            put(responses, status, reference("responses", status));
        }
    }
    struct openapi_answer answer;
    for (const char *p = route->also; (p = openapi_next_answer(p, &answer)) != NULL;) {
        snprintf(status, sizeof status, "%d", answer.status);
        if (answer.type[0] != '\0') { /* a body of its own, beside the usual ones */
            json_object_del(responses, status);
            add_answer(responses, &answer);
            json_t *content = json_object_get(json_object_get(responses, status), "content");
            put(content, "text/html", json_pack("{s:{s:s}}", "schema", "type", "string"));
        }
    }
    return responses;
}

static json_t *body_of(const struct route *route)
{
    bool schema = isupper((unsigned char)route->body[0]) != 0;
    json_t *media = json_pack("{s:o}", "schema",
                              schema ? reference("schemas", route->body)
                                     : json_pack("{s:s}", "type", "string"));
    return json_pack("{s:{s:o}}", "content", schema ? "application/json" : route->body, media);
}

/* "get_api_events_id": letters, digits and single underscores. */
static json_t *operation_id(const char *method, const char *pattern)
{
    AUTO_STR struct str id = {0};
    str_add(&id, method);
    for (const char *p = pattern; *p != '\0'; p++) {
        bool word = isalnum((unsigned char)*p) != 0;
        if (word) {
            str_add_char(&id, *p);
        } else if (id.data[id.length - 1] != '_') {
            str_add_char(&id, '_');
        }
    }
    while (id.data[id.length - 1] == '_') {
        id.data[--id.length] = '\0';
    }
    return json_string(str_text(&id));
}

static json_t *operation(const struct route_section *section, const struct route *route,
                         const char *method)
{
    json_t *operation =
        json_pack("{s:o, s:s, s:[s], s:o}", "operationId", operation_id(method, route->pattern),
                  "summary", route->help, "tags", section->name, "responses", responses_of(route));
    json_t *parameters = parameters_of(route);
    if (json_array_size(parameters) > 0) {
        put(operation, "parameters", parameters);
    } else {
        json_decref(parameters);
    }
    if (route->body != NULL) {
        put(operation, "requestBody", body_of(route));
    }
    return operation;
}

/* "/api/events/<id>" as "/api/events/{id}". */
static char *template_of(const char *pattern)
{
    AUTO_STR struct str path = {0};
    struct openapi_variable variable;
    for (const char *next; (next = openapi_next_variable(pattern, &variable)) != NULL;) {
        str_add_bytes(&path, pattern, strcspn(pattern, "<"));
        str_addf(&path, "{%s}", variable.name);
        pattern = next;
    }
    str_add(&path, pattern);
    return str_steal(&path);
}

static void add_route(json_t *paths, const struct route_section *section, const struct route *route)
{
    AUTO_FREE char *path = template_of(route->pattern);
    json_t *item = json_object_get(paths, path);
    if (item == NULL) {
        put(paths, path, json_object());
        item = json_object_get(paths, path);
    }
    for (unsigned method = HTTP_GET; method <= HTTP_PATCH; method <<= 1) {
        if ((route->methods & method) != 0) {
            const char *name = openapi_method(method);
            put(item, name, operation(section, route, name));
        }
    }
}

static json_t *shared_responses(void)
{
    json_t *responses = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        char status[16];
        snprintf(status, sizeof status, "%d", errors[i].status);
        json_t *response = json_pack("{s:s}", "description", errors[i].help);
        if (errors[i].status != 304) {
            json_t *content =
                json_pack("{s:{s:o}, s:{s:{s:s}}}", "application/json", "schema",
                          reference("schemas", "Message"), "text/html", "schema", "type", "string");
            put(response, "content", content);
        }
        put(responses, status, response);
    }
    return responses;
}

static json_t *security_schemes(void)
{
    return json_pack("{s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s}}", "cookie", "type", "apiKey", "in",
                     "cookie", "name", "frigate_token", "bearer", "type", "http", "scheme",
                     "bearer", "bearerFormat", "JWT");
}

static json_t *info(void)
{
    return json_pack(
        "{s:s, s:s, s:s}", "title", "Corvette", "version", server_version(), "description",
        "The HTTP API of Frigate 0.14 with additions. Times are seconds since the epoch. "
        "Parameters with x-strict refuse values that make no sense; others take them as absent. "
        "A request with an Origin header needs an X-CSRF-TOKEN header of any value.");
}

void openapi_json(struct str *out)
{
    json_t *paths = json_object(), *tags = json_array();
    for (size_t i = 0; i < route_section_count; i++) {
        const struct route_section *section = &route_sections[i];
        json_array_append_new(
            tags, json_pack("{s:s, s:s}", "name", section->name, "description", section->help));
        for (size_t k = 0; k < section->count; k++) {
            add_route(paths, section, &section->routes[k]);
        }
    }
    json_t *components = json_pack("{s:o, s:o, s:o}", "schemas", openapi_schemas(), "responses",
                                   shared_responses(), "securitySchemes", security_schemes());
    json_t *document = json_pack("{s:s, s:o, s:o, s:o, s:o, s:[{}, {s:[]}, {s:[]}]}", "openapi",
                                 "3.1.0", "info", info(), "tags", tags, "paths", paths,
                                 "components", components, "security", "cookie", "bearer");
    AUTO_FREE char *text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(document);
    str_add(out, text);
}
