#include "store/db_activity.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "base/mem.h"
#include "store/where.h"

struct bin {
    double value; /* greatest motion, or sum of levels */
    unsigned rows;
    struct str cameras; /* distinct, comma-joined */
};

/* Consecutive bins from the first row's to the last row's. */
struct bins {
    struct bin *items;
    size_t count;
    int64_t first_s; /* start of the first */
    int64_t scale_s;
};

static void bins_finish(struct bins *bins)
{
    for (size_t i = 0; i < bins->count; i++) {
        str_finish(&bins->items[i].cameras);
    }
    free(bins->items);
}
#define AUTO_BINS __attribute__((cleanup(bins_finish)))

static void add_filter(struct where *where, const struct db_activity_filter *filter)
{
    where_double(where, "start_time > ?", filter->after);
    where_double(where, "end_time < ?", filter->before);
    where_in(where, "camera", &filter->cameras);
}

/* Makes room for a row at `time`; rows come in time order. NULL: too many bins. Bins are counted
 * from midnight UTC of the first row's day. */
static struct bin *bin_at(struct bins *bins, double time)
{
    if (bins->count == 0) {
        int64_t midnight = (int64_t)floor(time / 86400) * 86400;
        int64_t into_day = (int64_t)floor((time - (double)midnight) / (double)bins->scale_s);
        bins->first_s = midnight + into_day * bins->scale_s;
    }
    double index = floor((time - (double)bins->first_s) / (double)bins->scale_s);
    if (index >= DB_ACTIVITY_BINS_MAX) {
        return NULL;
    }
    size_t wanted = (size_t)index + 1;
    if (wanted > bins->count) {
        size_t capacity = bins->count == 0 ? 64 : bins->count;
        while (capacity < wanted) {
            capacity *= 2;
        }
        bins->items = mem_grow(bins->items, capacity, sizeof *bins->items);
        memset(bins->items + bins->count, 0, (wanted - bins->count) * sizeof *bins->items);
        bins->count = wanted;
    }
    return &bins->items[wanted - 1];
}

static void add_camera(struct str *list, const char *camera)
{
    size_t length = strlen(camera);
    for (const char *p = str_text(list); *p != '\0';) {
        size_t n = strcspn(p, ",");
        if (n == length && memcmp(p, camera, n) == 0) {
            return;
        }
        p += n + (p[n] == ',');
    }
    str_addf(list, "%s%s", list->length > 0 ? "," : "", camera);
}

/* To 0..100 between the least and the greatest of each hour's worth of bins. */
static void normalise_motion(struct bins *bins)
{
    size_t chunk = (size_t)(60 * (60 / (double)bins->scale_s));
    chunk = chunk > 0 ? chunk : 1;
    for (size_t from = 0; from < bins->count; from += chunk) {
        size_t to = from + chunk < bins->count ? from + chunk : bins->count;
        double least = INFINITY, greatest = -INFINITY;
        for (size_t i = from; i < to; i++) {
            least = fmin(least, bins->items[i].value);
            greatest = fmax(greatest, bins->items[i].value);
        }
        for (size_t i = from; i < to; i++) {
            double *value = &bins->items[i].value;
            *value = greatest > least ? (*value - least) / (greatest - least) * 100 : 0;
        }
    }
}

int db_activity_motion_json(struct db *db, const struct db_activity_filter *filter, struct str *out)
{
    AUTO_BINS struct bins bins = {.scale_s = filter->scale_s};
    AUTO_WHERE struct where where = {0};
    add_filter(&where, filter);
    where_add(&where, "motion > 0");
    AUTO_QUERY struct db_query *query = where_query(
        db, &where, "SELECT start_time, motion, camera FROM recordings", " ORDER BY start_time");
    int result;
    while ((result = db_step(query)) == 1) {
        struct bin *bin = bin_at(&bins, db_double(query, 0));
        if (bin == NULL) {
            return -E2BIG;
        }
        bin->value = fmax(bin->value, db_double(query, 1));
        add_camera(&bin->cameras, db_text(query, 2, NULL));
    }
    normalise_motion(&bins);
    struct jout json = {.out = out};
    jout_begin_array(&json);
    for (size_t i = 0; i < bins.count; i++) {
        jout_begin_object(&json);
        jout_put_string(&json, "camera", str_text(&bins.items[i].cameras));
        jout_put_double(&json, "motion", bins.items[i].value);
        jout_put_int(&json, "start_time", bins.first_s + (int64_t)i * bins.scale_s);
        jout_end_object(&json);
    }
    jout_end_array(&json);
    return result;
}

/* Loudness where no object was: the level of the sound, 0 elsewhere, as a share of the span's own
 * range, -100 for the quietest. */
int db_activity_audio_json(struct db *db, const struct db_activity_filter *filter, struct str *out)
{
    AUTO_BINS struct bins bins = {.scale_s = filter->scale_s};
    AUTO_WHERE struct where where = {0};
    add_filter(&where, filter);
    AUTO_QUERY struct db_query *query = where_query(
        db, &where, "SELECT start_time, CASE WHEN objects = 0 THEN dBFS ELSE 0 END FROM recordings",
        " ORDER BY start_time");
    int result;
    while ((result = db_step(query)) == 1) {
        struct bin *bin = bin_at(&bins, db_double(query, 0));
        if (bin == NULL) {
            return -E2BIG;
        }
        bin->value += db_double(query, 1);
        bin->rows++;
    }
    double least = INFINITY, greatest = -INFINITY;
    for (size_t i = 0; i < bins.count; i++) {
        bins.items[i].value /= bins.items[i].rows > 0 ? bins.items[i].rows : 1;
        least = fmin(least, bins.items[i].value);
        greatest = fmax(greatest, bins.items[i].value);
    }
    struct jout json = {.out = out};
    jout_begin_array(&json);
    for (size_t i = 0; i < bins.count; i++) {
        double value = bins.items[i].value;
        jout_begin_object(&json);
        jout_put_double(&json, "audio",
                        greatest > least ? (value - greatest) / (least - greatest) * -100 : 0);
        jout_put_int(&json, "start_time", bins.first_s + (int64_t)i * bins.scale_s);
        jout_end_object(&json);
    }
    jout_end_array(&json);
    return result;
}
