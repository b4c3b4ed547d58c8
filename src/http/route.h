/* The table of all routes: what is answered, from which parameters, by whom. Routing, errors that
 * name the parameter, and the description of the API come from its rows. */
#ifndef CORVETTE_HTTP_ROUTE_H
#define CORVETTE_HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "http/request.h"

enum param_type {
    PARAM_TEXT = 1,
    PARAM_INT,
    PARAM_FLOAT,
    PARAM_FLAG,   /* present and non-empty = on */
    PARAM_LIST,   /* comma-separated; "all" = no filter */
    PARAM_CHOICE, /* one of `choices` */
    PARAM_ZONE,   /* IANA time zone */
};

struct param {
    const char *name;
    enum param_type type;
    /* A value that does not parse, or is out of range: 400 when strict, as if absent otherwise (as
     * Frigate does for most). */
    bool strict;
    double min, max;       /* numbers; both 0 = any */
    const char *choices;   /* "a|b|c" */
    const char *otherwise; /* default as text; NULL = absent */
    const char *help;
};

struct route {
    unsigned methods;    /* enum http_method bits */
    const char *pattern; /* "/api/events/<id>"; "<a>" is one segment, "<a:number>" a decimal number,
                            "<a...>" at the end all that is left */
    void (*handler)(struct request *request); /* NULL: 501, a later version's */
    const struct param *params;
    size_t param_count;
    /* What a good answer holds, for the description: media types or words of openapi.c ("json",
     * "message", "file", ...) or names of schemas.json ("EventList"); several apart by blanks. */
    const char *reply;
    const char *help;
    const char *body; /* name in schemas.json of the JSON it takes; NULL = it takes none */
    const char *also; /* statuses beyond those every route may answer: "403 429" */
    enum waits waits; /* not at all: the handler runs on a thread that serves connections */
};

struct route_section { /* a chapter of the description */
    const char *name, *help;
    const struct route *routes;
    size_t count;
};

extern const struct route_section route_sections[];
extern const size_t route_section_count;

/* Finds the row: sets request->route and args. Otherwise 0 with `allowed` = methods other rows have
 * for this path (0 = no such path). Fixed segments win over variable ones, from the left. */
bool route_find(struct request *request, unsigned *allowed);
/* Checks strict parameters: false after a 400 was replied. */
bool route_check(struct request *request);
/* Value of a numeric text by the row's rules; false when it is not one or out of range. */
bool param_parse_int(const struct param *param, const char *text, int64_t *value);
bool param_parse_double(const struct param *param, const char *text, double *value);
const struct param *route_param(const struct route *route, const char *name); /* or NULL */

#endif
