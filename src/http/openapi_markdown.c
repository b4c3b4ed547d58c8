/* The description of the API for people. */
#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "http/openapi.h"

static void add_upper(struct str *out, const char *text)
{
    for (; *text != '\0'; text++) {
        str_add_char(out, (char)toupper((unsigned char)*text));
    }
}

/* Text within a cell of a table. */
static void add_cell(struct str *out, const char *text)
{
    for (; *text != '\0'; text++) {
        str_addf(out, *text == '|' ? "\\%c" : "%c", *text);
    }
}

static void add_type(struct str *out, const struct param *param)
{
    static const char *const names[] = {
        [PARAM_TEXT] = "text",
        [PARAM_INT] = "whole number",
        [PARAM_FLOAT] = "number",
        [PARAM_FLAG] = "flag: on when present and not empty, 0 or false",
        [PARAM_LIST] = "comma list; `all` is no filter",
        [PARAM_CHOICE] = "one of",
        [PARAM_ZONE] = "time zone",
    };
    str_add(out, names[param->type]);
    if (param->type == PARAM_CHOICE) {
        for (const char *p = param->choices; *p != '\0'; p += strspn(p, "|")) {
            size_t length = strcspn(p, "|");
            str_addf(out, " `%.*s`", (int)length, p);
            p += length;
        }
    }
    if ((param->type == PARAM_INT || param->type == PARAM_FLOAT) &&
        (param->min != 0 || param->max != 0)) {
        str_addf(out, " from %g to %g", param->min, param->max);
    }
    if (param->strict) {
        str_add(out, "; others are refused");
    }
}

static void add_params(struct str *out, const struct route *route)
{
    if (route->param_count == 0) {
        return;
    }
    str_add(out, "\n| Parameter | Value | Default | Meaning |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < route->param_count; i++) {
        const struct param *param = &route->params[i];
        str_addf(out, "| `%s` | ", param->name);
        add_type(out, param);
        str_addf(out, param->otherwise != NULL ? " | `%s` | " : " | %s | ",
                 param->otherwise != NULL ? param->otherwise : "");
        add_cell(out, param->help);
        str_add(out, " |\n");
    }
}

static void add_answer(struct str *out, const struct openapi_answer *answer)
{
    if (answer->schema[0] != '\0') {
        str_addf(out, "[%s](#", answer->schema);
        for (const char *p = answer->schema; *p != '\0'; p++) {
            str_add_char(out, (char)tolower((unsigned char)*p));
        }
        str_add(out, ")");
    } else if (answer->type[0] != '\0') {
        str_addf(out, "`%s`", answer->type);
    } else {
        str_add(out, "no body");
    }
    if (answer->ranged) {
        str_add(out, ", whole or in ranges");
    }
}

static void add_answers(struct str *out, const struct route *route)
{
    struct openapi_answer answer;
    if (route->body != NULL) {
        const char *word = route->body;
        str_add(out, "\nTakes ");
        openapi_next_answer(word, &answer);
        add_answer(out, &answer);
        str_add(out, ".\n");
    }
    str_add(out, "\nAnswers ");
    const char *separator = "";
    for (const char *p = route->reply; (p = openapi_next_answer(p, &answer)) != NULL;) {
        str_addf(out, "%s%d: ", separator, answer.status);
        add_answer(out, &answer);
        separator = " or ";
    }
    for (const char *p = route->also; (p = openapi_next_answer(p, &answer)) != NULL;) {
        str_addf(out, "; also %d", answer.status);
    }
    str_add(out, route->handler == NULL ? ". Not implemented yet: 501.\n" : ".\n");
}

static void add_route(struct str *out, const struct route *route)
{
    str_add(out, "\n### ");
    const char *separator = "";
    for (unsigned method = HTTP_GET; method <= HTTP_PATCH; method <<= 1) {
        if ((route->methods & method) != 0) {
            str_add(out, separator);
            add_upper(out, openapi_method(method));
            separator = ", ";
        }
    }
    str_addf(out, " `%s`\n\n%s.\n", route->pattern, route->help);
    add_params(out, route);
    add_answers(out, route);
}

static const char *type_name(json_t *schema)
{
    json_t *type = json_object_get(schema, "type");
    return json_string_value(json_is_array(type) ? json_array_get(type, 0) : type);
}

/* "list of [Event](#event)", "text or null", ... */
static void add_shape(struct str *out, json_t *schema)
{
    const char *reference = json_string_value(json_object_get(schema, "$ref"));
    json_t *type = json_object_get(schema, "type"), *choices = json_object_get(schema, "enum");
    json_t *any = json_object_get(schema, "anyOf");
    if (any != NULL) {
        add_shape(out, json_array_get(any, 0));
        str_add(out, " or null");
        return;
    }
    if (reference != NULL) {
        struct openapi_answer answer;
        openapi_next_answer(strrchr(reference, '/') + 1, &answer);
        add_answer(out, &answer);
        return;
    }
    if (choices != NULL) {
        size_t i;
        json_t *choice;
        json_array_foreach(choices, i, choice)
        {
            str_addf(out, "%s`%s`", i > 0 ? ", " : "", json_string_value(choice));
        }
        return;
    }
    const char *name = type_name(schema);
    str_add(out, name != NULL ? name : json_object_get(schema, "const") ? "constant" : "any");
    json_t *items = json_object_get(schema, "items");
    json_t *values = json_object_get(schema, "additionalProperties");
    if (items != NULL || json_is_object(values)) {
        str_add(out, " of ");
        add_shape(out, items != NULL ? items : values);
    }
    if (json_is_array(type)) {
        for (size_t i = 1; i < json_array_size(type); i++) {
            str_addf(out, " or %s", json_string_value(json_array_get(type, i)));
        }
    }
}

static bool is_required(json_t *schema, const char *key)
{
    size_t i;
    json_t *name;
    json_array_foreach(json_object_get(schema, "required"), i, name)
    {
        if (strcmp(json_string_value(name), key) == 0) {
            return true;
        }
    }
    return false;
}

static void add_properties(struct str *out, json_t *schema, const char *prefix)
{
    const char *key;
    json_t *property;
    json_object_foreach(json_object_get(schema, "properties"), key, property)
    {
        const char *help = json_string_value(json_object_get(property, "description"));
        str_addf(out, "| `%s%s`%s | ", prefix, key,
                 is_required(schema, key) ? "" : " (may be absent)");
        add_shape(out, property);
        str_add(out, " | ");
        add_cell(out, help != NULL ? help : "");
        str_add(out, " |\n");
        json_t *within = json_object_get(property, "items");
        AUTO_STR struct str longer = {0};
        str_addf(&longer, "%s%s%s.", prefix, key, within != NULL ? "[]" : "");
        add_properties(out, within != NULL ? within : property, str_text(&longer));
    }
}

static void add_schema(struct str *out, const char *name, json_t *schema)
{
    const char *help = json_string_value(json_object_get(schema, "description"));
    str_addf(out, "\n### %s\n\n", name);
    add_shape(out, schema);
    str_addf(out, "%s%s.\n", help != NULL ? ": " : "", help != NULL ? help : "");
    json_t *items = json_object_get(schema, "items");
    json_t *within = items != NULL ? items : schema;
    if (json_object_get(within, "properties") != NULL) {
        str_add(out, "\n| Key | Value | Meaning |\n| --- | --- | --- |\n");
        add_properties(out, within, items != NULL ? "[]." : "");
    }
}

void openapi_markdown(struct str *out)
{
    str_add(out,
            "# HTTP API\n\n"
            "Made by `corvette api-reference`; the program serves the same as an OpenAPI 3.1 "
            "document at `/api/openapi.json`.\n\n"
            "The API is Frigate 0.14's, with additions. Times are seconds since the epoch. Of a "
            "parameter that is given twice the first counts. A value that makes no sense counts as "
            "absent where the table does not say that it is refused. Every route may answer "
            "400 (something asked for makes no sense), 401 (a page of elsewhere asks without "
            "`X-CSRF-TOKEN`, or nobody is logged in on the port that asks for it), 413 (body over "
            "4 MiB), 500 and 503; those with a variable in the path 404; those that answer in "
            "ranges 206, 304 and 416. The body of an error is a [Message](#message) unless said "
            "otherwise. GET routes answer HEAD too, and every path OPTIONS; a method a path does "
            "not have is answered 405 with `Allow`.\n");
    for (size_t i = 0; i < route_section_count; i++) {
        const struct route_section *section = &route_sections[i];
        str_addf(out, "\n## %s\n\n%s.\n", section->name, section->help);
        for (size_t k = 0; k < section->count; k++) {
            add_route(out, &section->routes[k]);
        }
    }
    str_add(out, "\n## Schemas\n\nShapes of JSON bodies.\n");
    json_t *schemas = openapi_schemas(), *schema;
    const char *name;
    json_object_foreach(schemas, name, schema)
    {
        add_schema(out, name, schema);
    }
    json_decref(schemas);
}
