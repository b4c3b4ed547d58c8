/* Paths that name an hour of a day in a time zone. */
#ifndef CORVETTE_HTTP_HOUR_H
#define CORVETTE_HTTP_HOUR_H

#include <stdbool.h>

#include "http/request.h"

#define HOUR_LENGTH_S (3600 - 0.001) /* contract: the next hour's first instant is not in it */

/* First second, UTC, of the hour "YYYY-MM", "DD", "HH" in a zone: its name with ',' for '/', NULL
 * the server's own; its present offset counts. False after a 400 that says what is wrong. */
bool hour_of_path(struct request *request, const char *const words[3], const char *zone,
                  double *start);

#endif
