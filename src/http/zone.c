#include "http/zone.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/str.h"

#define ZONE_FOLDER "/usr/share/zoneinfo"
#define ZONE_FILE_MAX (256u << 10)

/* ---- the rule after the last listed transition: a POSIX TZ text such as
 * "CET-1CEST,M3.5.0,M10.5.0/3" or "<+0530>-5:30" ---- */

struct rule_date {
    char kind; /* 'M' month.week.day, 'J' day 1..365 without 29 February, 'D' day 0..365 */
    int month, week, day;
    int time_s; /* local, of the day; may be negative or past 24 h */
};

static const char *skip_name(const char *p)
{
    if (*p == '<') {
        p = strchr(p, '>');
        return p != NULL ? p + 1 : NULL;
    }
    while (isalpha((unsigned char)*p)) {
        p++;
    }
    return p;
}

static const char *read_number(const char *p, int *value)
{
    if (!isdigit((unsigned char)*p)) {
        return NULL;
    }
    for (*value = 0; isdigit((unsigned char)*p) && *value < 100000; p++) {
        *value = *value * 10 + (*p - '0');
    }
    return p;
}

/* [+-]h[:m[:s]] */
static const char *read_time(const char *p, int *seconds)
{
    int sign = *p == '-' ? -1 : 1, total = 0, part;
    if (*p == '-' || *p == '+') {
        p++;
    }
    for (int unit = 3600; unit >= 1; unit /= 60) {
        p = read_number(p, &part);
        if (p == NULL) {
            return NULL;
        }
        total += part * unit;
        if (*p != ':') {
            break;
        }
        p++;
    }
    *seconds = sign * total;
    return p;
}

static const char *read_date(const char *p, struct rule_date *date)
{
    *date = (struct rule_date){.kind = 'D', .time_s = 7200};
    if (*p++ != ',') {
        return NULL;
    }
    if (*p == 'M') {
        date->kind = 'M';
        p = read_number(p + 1, &date->month);
        p = p != NULL && *p == '.' ? read_number(p + 1, &date->week) : NULL;
        p = p != NULL && *p == '.' ? read_number(p + 1, &date->day) : NULL;
    } else {
        date->kind = *p == 'J' ? 'J' : 'D';
        p = read_number(p + (*p == 'J'), &date->day);
    }
    return p != NULL && *p == '/' ? read_time(p + 1, &date->time_s) : p;
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from the epoch to 1 January of a year. */
static int64_t days_to_year(int64_t year)
{
    int64_t y = year - 1;
    return 365 * (year - 1970) + (y / 4 - y / 100 + y / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400);
}

static int64_t year_of(int64_t seconds)
{
    int64_t year = 1970 + seconds / 31556952;
    while (days_to_year(year) * 86400 > seconds) {
        year--;
    }
    while (days_to_year(year + 1) * 86400 <= seconds) {
        year++;
    }
    return year;
}

/* Local seconds since the epoch at which the date falls in a year. */
static int64_t date_in_year(const struct rule_date *date, int64_t year)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t day = days_to_year(year);
    if (date->kind != 'M') {
        bool after_february = date->kind == 'J' && date->day >= 60 && is_leap(year);
        return (day + date->day - (date->kind == 'J') + after_february) * 86400 + date->time_s;
    }
    int length = 31;
    for (int month = 1; month <= date->month && month <= 12; month++) {
        length = lengths[month - 1] + (month == 2 && is_leap(year));
        day += month < date->month ? length : 0;
    }
    int64_t weekday = ((day + 4) % 7 + 7) % 7; /* the epoch was a Thursday; 0 = Sunday */
    int64_t in_month = (date->day - weekday + 7) % 7 + 7 * (date->week - 1);
    while (in_month >= length) {
        in_month -= 7;
    }
    return (day + in_month) * 86400 + date->time_s;
}

static int offset_by_rule(const char *p, int64_t now, int *offset_s)
{
    int standard, summer;
    p = skip_name(p);
    p = p != NULL ? read_time(p, &standard) : NULL;
    if (p == NULL) {
        return -EINVAL;
    }
    standard = -standard; /* POSIX counts west of Greenwich */
    *offset_s = standard;
    if (*p == '\0') {
        return 0;
    }
    p = skip_name(p);
    summer = standard + 3600;
    if (p != NULL && *p != ',') {
        p = read_time(p, &summer);
        summer = -summer;
    }
    struct rule_date begin, end;
    p = p != NULL ? read_date(p, &begin) : NULL;
    p = p != NULL ? read_date(p, &end) : NULL;
    if (p == NULL || *p != '\0') {
        return -EINVAL;
    }
    int64_t year = year_of(now + standard);
    int64_t from = date_in_year(&begin, year) - standard, to = date_in_year(&end, year) - summer;
    bool is_summer = from < to ? now >= from && now < to : now >= from || now < to;
    *offset_s = is_summer ? summer : standard;
    return 0;
}

/* ---- zone files (RFC 8536): a header, the transitions, then for version 2 and later the same
 * again with 64-bit times and the rule for what comes after ---- */

struct counts {
    uint32_t utc_flags, standard_flags, leaps, times, types, letters;
};

static uint32_t big32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t big64(const unsigned char *p)
{
    return (int64_t)((uint64_t)big32(p) << 32 | big32(p + 4));
}

#define HEADER 44

static bool read_header(const unsigned char *p, size_t left, struct counts *counts)
{
    if (left < HEADER || memcmp(p, "TZif", 4) != 0) {
        return false;
    }
    *counts = (struct counts){big32(p + 20), big32(p + 24), big32(p + 28),
                              big32(p + 32), big32(p + 36), big32(p + 40)};
    return counts->times < 10000 && counts->types > 0 && counts->types < 1000 &&
           counts->leaps < 1000 && counts->letters < 10000 && counts->utc_flags < 1000 &&
           counts->standard_flags < 1000;
}

static size_t body_length(const struct counts *counts, size_t time_bytes)
{
    return counts->times * (time_bytes + 1) + counts->types * 6 + counts->letters +
           counts->leaps * (time_bytes + 4) + counts->standard_flags + counts->utc_flags;
}

int zone_offset_in(const void *data, size_t length, struct wall when, int *offset_s)
{
    const unsigned char *p = data, *end = p + length;
    struct counts counts;
    if (!read_header(p, length, &counts) || p[4] < '2' ||
        body_length(&counts, 4) > length - HEADER) {
        return -EINVAL;
    }
    p += HEADER + body_length(&counts, 4);
    if (!read_header(p, (size_t)(end - p), &counts) ||
        body_length(&counts, 8) > (size_t)(end - p) - HEADER) {
        return -EINVAL;
    }
    const unsigned char *times = p + HEADER, *indices = times + counts.times * 8,
                        *types = indices + counts.times;
    int64_t now = when.us / 1000000;
    p += HEADER + body_length(&counts, 8);
    bool after_last = counts.times == 0 || now >= big64(times + (counts.times - 1) * 8);
    if (after_last && end - p > 2 && *p == '\n' && p[1] != '\n') {
        const unsigned char *newline = memchr(p + 1, '\n', (size_t)(end - p) - 1);
        if (newline == NULL) {
            return -EINVAL;
        }
        AUTO_STR struct str rule = {0};
        str_add_bytes(&rule, p + 1, (size_t)(newline - p) - 1);
        return offset_by_rule(str_text(&rule), now, offset_s);
    }
    uint32_t type = 0;
    for (uint32_t i = 0; i < counts.times && big64(times + i * 8) <= now; i++) {
        type = indices[i];
    }
    if (type >= counts.types) {
        return -EINVAL;
    }
    *offset_s = (int32_t)big32(types + type * 6);
    return 0;
}

/* ---- names ---- */

/* The name as the file system has it, found in any case; `path` grows by one part. */
static bool add_part(struct str *path, const char *part, size_t length)
{
    DIR *folder = opendir(str_text(path));
    if (folder == NULL) {
        return false;
    }
    bool found = false;
    for (struct dirent *entry; !found && (entry = readdir(folder)) != NULL;) {
        found = strlen(entry->d_name) == length && strncasecmp(entry->d_name, part, length) == 0;
        if (found) {
            str_addf(path, "/%s", entry->d_name);
        }
    }
    closedir(folder);
    return found;
}

int zone_offset(const char *name, struct wall when, int *offset_s)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_+-";
    if (name == NULL || *name == '\0' || strlen(name) > 64 || name[strspn(name, allowed)] != '\0') {
        return -EINVAL;
    }
    if (strcasecmp(name, "utc") == 0) {
        *offset_s = 0;
        return 0;
    }
    AUTO_STR struct str path = {0}, file = {0};
    str_add(&path, ZONE_FOLDER);
    for (const char *part = name; *part != '\0';) {
        size_t length = strcspn(part, "/");
        if (length == 0 || !add_part(&path, part, length)) {
            return -EINVAL;
        }
        part += length + (part[length] == '/');
    }
    if (str_read_file(&file, str_text(&path), ZONE_FILE_MAX) != 0) {
        return -EINVAL;
    }
    return zone_offset_in(file.data, file.length, when, offset_s);
}
