#include "store/db_activity.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "base/mem.h"
#include "store/db_recording.h"
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

/* ---- motion ----
 * Of each camera, rows come out of an index that holds what is asked for; the cameras are merged by
 * time. */

struct lane {
    char *camera;
    struct db_query *query; /* at its next row; NULL: no more */
    double time;            /* of that row */
    size_t listed;          /* in this bin, counted from 1; 0 = in none */
};

struct lanes {
    struct lane *items;
    size_t count, capacity;
};

static void lanes_finish(struct lanes *lanes)
{
    for (size_t i = 0; i < lanes->count; i++) {
        db_done(&lanes->items[i].query);
        free(lanes->items[i].camera);
    }
    free(lanes->items);
}
#define AUTO_LANES __attribute__((cleanup(lanes_finish)))

static void add_lane(struct lanes *lanes, const char *camera)
{
    MEM_PUSH(lanes->items, lanes->count, lanes->capacity)->camera = mem_strdup(camera);
}

/* Those of the filter, or all that have rows: from one to the next by the index. */
static int find_lanes(struct db *db, const struct db_texts *cameras, struct lanes *lanes)
{
    for (size_t i = 0; i < cameras->count; i++) {
        add_lane(lanes, cameras->items[i]);
    }
    if (cameras->has) {
        return 0;
    }
    AUTO_QUERY struct db_query *query = db_query(
        db, "WITH RECURSIVE t (x) AS (SELECT min(camera) FROM recordings UNION ALL SELECT (SELECT "
            "min(camera) FROM recordings WHERE camera > x) FROM t WHERE x IS NOT NULL) SELECT x "
            "FROM t WHERE x IS NOT NULL");
    int result;
    while ((result = db_step(query)) == 1) {
        add_lane(lanes, db_text(query, 0, NULL));
    }
    return result;
}

/* To the next row; 0 or -errno. */
static int advance(struct lane *lane)
{
    int result = db_step(lane->query);
    if (result == 1) {
        lane->time = db_double(lane->query, 0);
        return 0;
    }
    db_done(&lane->query);
    return result;
}

static int add_motion(struct bins *bins, struct lane *lane)
{
    struct bin *bin = bin_at(bins, lane->time);
    if (bin == NULL) {
        return -E2BIG;
    }
    bin->value = fmax(bin->value, db_double(lane->query, 1));
    size_t number = (size_t)(bin - bins->items) + 1;
    if (lane->listed != number) {
        lane->listed = number;
        str_add(&bin->cameras, bin->cameras.length > 0 ? "," : "");
        str_add(&bin->cameras, lane->camera);
    }
    return advance(lane);
}

/* Rows of all lanes by time. `sql` takes a camera and two times, and yields time and motion. */
static int merge(struct db *db, struct lanes *lanes, const char *sql, double from, double to,
                 struct bins *bins)
{
    int result = 0;
    for (size_t i = 0; i < lanes->count && result == 0; i++) {
        struct lane *lane = &lanes->items[i];
        lane->query = db_query(db, sql);
        db_bind_text(lane->query, lane->camera);
        db_bind_double(lane->query, from);
        db_bind_double(lane->query, to);
        result = advance(lane);
    }
    while (result == 0) {
        struct lane *first = NULL;
        for (size_t i = 0; i < lanes->count; i++) {
            struct lane *lane = &lanes->items[i];
            if (lane->query != NULL && (first == NULL || lane->time < first->time)) {
                first = lane;
            }
        }
        if (first == NULL) {
            break;
        }
        result = add_motion(bins, first);
    }
    return result;
}

static int gather_motion(struct db *db, const struct db_activity_filter *filter, struct bins *bins)
{
    AUTO_LANES struct lanes lanes = {0};
    int result = find_lanes(db, &filter->cameras, &lanes);
    /* Only of rows that begin late, the end must be looked up. */
    double late = fmax(filter->after, filter->before - DB_RECORDING_LONGEST_S);
    if (result == 0) {
        result = merge(db, &lanes,
                       "SELECT start_time, motion FROM recordings INDEXED BY "
                       "recordings_api_recordings_summary WHERE camera = ? AND start_time > ? AND "
                       "start_time <= ? AND motion > 0 ORDER BY start_time",
                       filter->after, late, bins);
    }
    if (result == 0) {
        result = merge(db, &lanes,
                       "SELECT start_time, motion FROM recordings WHERE camera = ?1 AND "
                       "start_time > ?2 AND start_time < ?3 AND end_time < ?3 AND motion > 0 "
                       "ORDER BY start_time",
                       late, filter->before, bins);
    }
    return result;
}

int db_activity_motion_json(struct db *db, const struct db_activity_filter *filter, struct str *out)
{
    AUTO_BINS struct bins bins = {.scale_s = filter->scale_s};
    int result = gather_motion(db, filter, &bins);
    if (result < 0) {
        return result;
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
    return 0;
}

/* ---- sound ---- */

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
