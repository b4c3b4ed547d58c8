#include "http/rate.h"

#include <ctype.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/str.h"

struct limit {
    unsigned count;
    int64_t window_us;
};

struct window {
    int64_t begin_us;
    unsigned failures;
};

struct address {
    char name[64]; /* "" = free */
    int64_t last_us;
    struct window windows[RATE_LIMITS_MAX];
};

struct rate {
    struct limit limits[RATE_LIMITS_MAX];
    size_t limit_count;
    pthread_mutex_t lock;
    struct address *addresses; /* RATE_ADDRESSES_MAX, by lock */
};

/* "5/minute", "5 per 2 minutes"; false when it is neither. */
static bool parse_limit(const char *text, struct limit *limit)
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = {{"second", 1},  {"minute", 60},     {"hour", 3600},
                 {"day", 86400}, {"month", 2592000}, {"year", 31536000}};
    char *p;
    unsigned long count = strtoul(text, &p, 10);
    p += strspn(p, " ");
    size_t separator = *p == '/' ? 1 : str_starts(p, "per") ? 3 : 0;
    if (p == text || separator == 0 || count > UINT32_MAX) {
        return false;
    }
    p += separator + strspn(p + separator, " ");
    unsigned long times = isdigit((unsigned char)*p) ? strtoul(p, &p, 10) : 1;
    p += strspn(p, " ");
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (str_starts(p, units[i].name) && times >= 1 && times <= 1000) {
            *limit = (struct limit){(unsigned)count,
                                    (int64_t)times * units[i].seconds * INT64_C(1000000)};
            return true;
        }
    }
    return false;
}

struct rate *rate_create(const char *limits)
{
    struct rate *rate = mem_alloc(sizeof *rate);
    pthread_mutex_init(&rate->lock, NULL);
    rate->addresses = mem_array(RATE_ADDRESSES_MAX, sizeof *rate->addresses);
    AUTO_FREE char *copy = mem_strdup(limits != NULL ? limits : "");
    char *rest = copy;
    for (char *item; (item = strsep(&rest, ";,|")) != NULL;) {
        struct limit limit;
        item += strspn(item, " ");
        if (rate->limit_count < RATE_LIMITS_MAX && parse_limit(item, &limit)) {
            rate->limits[rate->limit_count++] = limit;
        }
    }
    return rate;
}

void rate_destroy(struct rate *rate)
{
    if (rate != NULL) {
        pthread_mutex_destroy(&rate->lock);
        free(rate->addresses);
        free(rate);
    }
}

/* The address's row; NULL when there is none, or with `make` the one quiet for longest. */
static struct address *find(struct rate *rate, const char *name, bool make)
{
    struct address *oldest = &rate->addresses[0];
    for (size_t i = 0; i < RATE_ADDRESSES_MAX; i++) {
        struct address *address = &rate->addresses[i];
        if (strncmp(address->name, name, sizeof address->name - 1) == 0) {
            return address;
        }
        oldest = address->last_us < oldest->last_us ? address : oldest;
    }
    if (!make) {
        return NULL;
    }
    *oldest = (struct address){0};
    snprintf(oldest->name, sizeof oldest->name, "%s", name);
    return oldest;
}

int rate_wait_s(struct rate *rate, const char *name, struct mono now)
{
    int64_t wait_us = 0;
    pthread_mutex_lock(&rate->lock);
    const struct address *address = find(rate, name, false);
    for (size_t i = 0; i < rate->limit_count; i++) {
        int64_t end_us =
            address != NULL ? address->windows[i].begin_us + rate->limits[i].window_us : 0;
        unsigned failures = address != NULL ? address->windows[i].failures : 0;
        if (failures >= rate->limits[i].count && (rate->limits[i].count == 0 || end_us > now.us)) {
            int64_t left_us = end_us > now.us ? end_us - now.us : rate->limits[i].window_us;
            wait_us = left_us > wait_us ? left_us : wait_us;
        }
    }
    pthread_mutex_unlock(&rate->lock);
    return (int)((wait_us + 999999) / 1000000);
}

void rate_count(struct rate *rate, const char *name, struct mono now)
{
    pthread_mutex_lock(&rate->lock);
    struct address *address = rate->limit_count > 0 ? find(rate, name, true) : NULL;
    for (size_t i = 0; address != NULL && i < rate->limit_count; i++) {
        struct window *window = &address->windows[i];
        if (window->failures == 0 || window->begin_us + rate->limits[i].window_us <= now.us) {
            *window = (struct window){.begin_us = now.us};
        }
        window->failures++;
        address->last_us = now.us;
    }
    pthread_mutex_unlock(&rate->lock);
}
