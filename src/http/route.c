#include "http/route.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "http/zone.h"

/* How a path fits a pattern: one digit per segment, 2 = fixed, 1 = variable; -1 = not at all. Read
 * as a number, the greatest is the row where fixed segments come first. */
static int64_t fit(const char *pattern, struct request *request, const char *args[REQUEST_ARGS_MAX])
{
    int64_t score = 0;
    size_t arg_count = 0, i = 0;
    const char *p = pattern + 1;
    for (;; i++) {
        size_t length = strcspn(p, "/");
        bool last = p[length] == '\0';
        const char *segment = i < request->segment_count ? request->segments[i] : NULL;
        if (segment == NULL) {
            return -1;
        }
        score *= 3;
        if (*p != '<') {
            if (strlen(segment) != length || memcmp(segment, p, length) != 0) {
                return -1;
            }
            score += 2;
        } else {
            bool rest = length > 4 && memcmp(p + length - 4, "...>", 4) == 0;
            bool number = length > 8 && memcmp(p + length - 8, ":number>", 8) == 0;
            size_t digits = strspn(segment, "0123456789");
            size_t fraction =
                segment[digits] == '.' ? strspn(segment + digits + 1, "0123456789") : 0;
            size_t numeric = digits + (fraction > 0 ? 1 + fraction : 0);
            if (number && (digits == 0 || segment[numeric] != '\0')) {
                return -1;
            }
            if (rest) {
                return score;
            }
            if (*segment == '\0') {
                return -1;
            }
            args[arg_count++] = segment;
            score += 1;
        }
        if (last) {
            break;
        }
        p += length + 1;
    }
    if (i + 1 != request->segment_count) {
        return -1;
    }
    /* Patterns of different depth never fit the same path, but for the "..." ones, which lose. */
    return score;
}

bool route_find(struct request *request, unsigned *allowed)
{
    int64_t best = -1;
    *allowed = 0;
    for (size_t i = 0; i < route_section_count; i++) {
        for (size_t k = 0; k < route_sections[i].count; k++) {
            const struct route *route = &route_sections[i].routes[k];
            const char *args[REQUEST_ARGS_MAX] = {0};
            int64_t score = fit(route->pattern, request, args);
            if (score < 0) {
                continue;
            }
            *allowed |= route->methods;
            if ((route->methods & request->method) != 0 && score > best) {
                best = score;
                request->route = route;
                memcpy(request->args, args, sizeof args);
            }
        }
    }
    return best >= 0;
}

const struct param *route_param(const struct route *route, const char *name)
{
    for (size_t i = 0; i < route->param_count; i++) {
        if (strcmp(route->params[i].name, name) == 0) {
            return &route->params[i];
        }
    }
    return NULL;
}

static bool in_range(const struct param *param, double value)
{
    return (param->min == 0 && param->max == 0) || (value >= param->min && value <= param->max);
}

bool param_parse_int(const struct param *param, const char *text, int64_t *value)
{
    long long number;
    if (!str_to_int(text, &number) || !in_range(param, (double)number)) {
        return false;
    }
    *value = number;
    return true;
}

bool param_parse_double(const struct param *param, const char *text, double *value)
{
    return str_to_double(text, value) && in_range(param, *value);
}

static bool is_choice(const char *choices, const char *text)
{
    size_t length = strlen(text);
    for (const char *p = choices; *p != '\0';) {
        size_t n = strcspn(p, "|");
        if (n == length && memcmp(p, text, n) == 0) {
            return true;
        }
        p += n + (p[n] == '|');
    }
    return false;
}

/* What is wrong with a value, NULL when nothing is. */
static const char *complaint(const struct param *param, const char *text)
{
    int64_t integer;
    double number;
    int offset_s;
    switch (param->type) {
    case PARAM_INT:
        return param_parse_int(param, text, &integer) ? NULL : "not a whole number";
    case PARAM_FLOAT:
        return param_parse_double(param, text, &number) ? NULL : "not a number";
    case PARAM_CHOICE:
        return is_choice(param->choices, text) ? NULL : "not one of the choices";
    case PARAM_ZONE:
        return zone_offset(text, wall_now(), &offset_s) == 0 ? NULL : "not a time zone";
    case PARAM_TEXT:
    case PARAM_FLAG:
    case PARAM_LIST:
        return NULL;
    }
    return NULL;
}

static bool refuse(struct request *request, const struct param *param, const char *text,
                   const char *what)
{
    bool number = param->type == PARAM_INT || param->type == PARAM_FLOAT;
    AUTO_STR struct str wanted = {0};
    if (param->type == PARAM_CHOICE) {
        str_addf(&wanted, " (%s)", param->choices);
    } else if (number && (param->min != 0 || param->max != 0)) {
        str_addf(&wanted, " from %g to %g", param->min, param->max);
    }
    reply_message(request, 400, false, "%s: \"%.100s\" is %s%s", param->name, text, what,
                  str_text(&wanted));
    return false;
}

bool route_check(struct request *request)
{
    const struct route *route = request->route;
    for (size_t i = 0; i < route->param_count; i++) {
        const struct param *param = &route->params[i];
        for (size_t k = 0; k < request->query_count && param->strict; k++) {
            if (strcmp(request->query[k].name, param->name) != 0) {
                continue;
            }
            const char *text = request->query[k].value;
            const char *what = complaint(param, text);
            if (what != NULL) {
                return refuse(request, param, text, what);
            }
            break; /* the first occurrence counts */
        }
    }
    return true;
}
