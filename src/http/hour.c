#include "http/hour.h"

#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/scan.h"
#include "http/zone.h"

/* An hour as "YYYY-MM", "DD", "HH" in a zone: its first second in UTC. */
static bool parse_hour(const char *const *words, int offset_s, double *start)
{
    struct tm tm = {0};
    const char *month = words[0], *day = words[1], *hour = words[2];
    if (!scan_digits(&month, 4, &tm.tm_year) || !scan_text(&month, "-") ||
        !scan_digits(&month, 2, &tm.tm_mon) || *month != '\0' ||
        !scan_digits(&day, 2, &tm.tm_mday) || *day != '\0' || !scan_digits(&hour, 2, &tm.tm_hour) ||
        *hour != '\0' || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
        tm.tm_hour > 23) {
        return false;
    }
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *start = (double)(timegm(&tm) - offset_s);
    return true;
}

/* Offset of the zone a path names ("Europe,Berlin"), or the server's own. */
static bool zone_of(const char *text, int *offset_s)
{
    if (text == NULL) {
        time_t now = (time_t)wall_seconds(wall_now());
        struct tm tm;
        localtime_r(&now, &tm);
        *offset_s = (int)tm.tm_gmtoff;
        return true;
    }
    AUTO_FREE char *name = mem_strdup(text);
    for (char *c = name; *c != '\0'; c++) {
        *c = *c == ',' ? '/' : *c;
    }
    return zone_offset(name, wall_now(), offset_s) == 0;
}

bool hour_of_path(struct request *request, const char *const words[3], const char *zone,
                  double *start)
{
    int offset_s;
    if (!zone_of(zone, &offset_s)) {
        reply_message(request, 400, false, "\"%s\" is not a time zone", zone);
        return false;
    }
    if (!parse_hour(words, offset_s, start)) {
        reply_message(request, 400, false, "\"%s/%s/%s\" is not an hour: expected YYYY-MM/DD/HH",
                      words[0], words[1], words[2]);
        return false;
    }
    return true;
}
