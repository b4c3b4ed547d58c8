/* The description of the API, made from the rows of the route table: the OpenAPI 3.1 document that
 * /api/openapi.json answers with, and the reference in Markdown (docs/api.md). The shapes of JSON
 * bodies stand in schemas.json, which travels inside the program; rows name them. */
#ifndef CORVETTE_HTTP_OPENAPI_H
#define CORVETTE_HTTP_OPENAPI_H

#include <jansson.h>
#include <stddef.h>

#include "base/str.h"
#include "http/route.h"

/* The document, compact, keys sorted; appended. */
void openapi_json(struct str *out);
/* The reference; appended. */
void openapi_markdown(struct str *out);

/* ---- what both are made of ---- */

/* schemas.json as embed_text.py packed it. */
extern const char schemas_text[];
extern const size_t schemas_length;

/* Named schemas as a new reference; aborts when the packed text is not JSON. */
json_t *openapi_schemas(void);

/* One alternative of a route's `reply`, or one status of its `also`. */
struct openapi_answer {
    int status;
    char type[64];   /* media type; "" = no body */
    char schema[64]; /* name in schemas.json; "" = bytes or text of that type */
    bool ranged;     /* Range and If-* headers count: 206, 304 and 416 too */
};
/* Reads the next word of a `reply` or `also`: where to go on, or NULL after the last. */
const char *openapi_next_answer(const char *words, struct openapi_answer *answer);

/* Reads the next variable of a pattern, "<start:number>": where to go on, or NULL after the last.
 */
struct openapi_variable {
    char name[32];
    bool number, rest;
};
const char *openapi_next_variable(const char *pattern, struct openapi_variable *variable);

/* Statuses an operation may answer beside its good ones. */
bool openapi_may_answer(const struct route *route, int status);

/* "get", ... of one method bit. */
const char *openapi_method(unsigned method);

#endif
