#include "store/db_gap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "base/mem.h"

#define STOPPED "stopped" /* ipc/messages.h: GAP_STOPPED */
#define LONGEST_S 600.0   /* of a recording */

struct span {
    double start, end;
};

struct spans {
    struct span *items;
    size_t count, capacity;
};

static void spans_finish(struct spans *spans)
{
    free(spans->items);
}
#define AUTO_SPANS __attribute__((cleanup(spans_finish)))

/* ---- single rows ---- */

static int insert(struct db *db, const char *camera, struct span span, const char *cause,
                  const char *detail)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "INSERT OR REPLACE INTO corvette_gap (camera, start_time, end_time, cause, "
                     "detail) VALUES (?, ?, ?, ?, ?)");
    db_bind_text(query, camera);
    db_bind_double(query, span.start);
    db_bind_double(query, span.end);
    db_bind_text(query, cause);
    db_bind_text(query, detail);
    return db_run(query);
}

static int delete_at(struct db *db, const char *camera, double start)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "DELETE FROM corvette_gap WHERE camera = ? AND start_time = ?");
    db_bind_text(query, camera);
    db_bind_double(query, start);
    return db_run(query);
}

/* A gap that overlaps a span, and its texts. */
struct row {
    struct span span;
    char cause[32], detail[128];
};

/* The last gap that begins before `before`: 1, 0 or -errno. */
static int last_before(struct db *db, const char *camera, double before, struct row *row)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT start_time, end_time, cause, detail FROM corvette_gap "
                     "WHERE camera = ? AND start_time < ? ORDER BY start_time DESC LIMIT 1");
    db_bind_text(query, camera);
    db_bind_double(query, before);
    int result = db_step(query);
    if (result == 1) {
        row->span = (struct span){db_double(query, 0), db_double(query, 1)};
        snprintf(row->cause, sizeof row->cause, "%s", db_text(query, 2, NULL));
        snprintf(row->detail, sizeof row->detail, "%s", db_text(query, 3, NULL));
    }
    return result;
}

/* Takes a span out of the gaps there are: they lie one after the other, so only the last ones that
 * begin before its end can reach into it. */
static int cut_out(struct db *db, const char *camera, struct span out)
{
    struct row row;
    double before = out.end;
    int result;
    while ((result = last_before(db, camera, before, &row)) == 1 && row.span.end > out.start) {
        before = row.span.start;
        result = delete_at(db, camera, row.span.start);
        if (result >= 0 && row.span.start < out.start) {
            result =
                insert(db, camera, (struct span){row.span.start, out.start}, row.cause, row.detail);
        }
        if (result >= 0 && row.span.end > out.end) {
            result =
                insert(db, camera, (struct span){out.end, row.span.end}, row.cause, row.detail);
        }
        if (result < 0) {
            return result;
        }
    }
    return result < 0 ? result : 0;
}

/* Spans of a table within another, ascending. */
static int load(struct db *db, const char *sql, const char *camera, struct span in,
                struct spans *spans)
{
    AUTO_QUERY struct db_query *query = db_query(db, sql);
    db_bind_text(query, camera);
    db_bind_double(query, in.start - LONGEST_S);
    db_bind_double(query, in.end);
    db_bind_double(query, in.start);
    int result;
    while ((result = db_step(query)) == 1) {
        *MEM_PUSH(spans->items, spans->count, spans->capacity) =
            (struct span){db_double(query, 0), db_double(query, 1)};
    }
    return result;
}

/* Enters what of a span the others leave free. */
static int insert_around(struct db *db, const char *camera, struct span span,
                         const struct spans *others, double least, const char *cause,
                         const char *detail)
{
    int result = 0;
    double at = span.start;
    for (size_t i = 0; i <= others->count && result >= 0; i++) {
        double end = i < others->count && others->items[i].start < span.end ? others->items[i].start
                                                                            : span.end;
        if (end - at > least) {
            result = insert(db, camera, (struct span){at, end}, cause, detail);
        }
        if (i < others->count && others->items[i].end > at) {
            at = others->items[i].end;
        }
    }
    return result;
}

/* ---- entering ---- */

static void free_gap(void *data)
{
    struct db_gap *gap = data;
    const char *const texts[] = {gap->camera, gap->cause, gap->detail};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        free((void *)(uintptr_t)texts[i]);
    }
    free(gap);
}

static int put(struct db *db, void *data)
{
    const struct db_gap *gap = data;
    struct span span = {gap->start, gap->end};
    AUTO_SPANS struct spans recorded = {0};
    int result = load(db,
                      "SELECT start_time, end_time FROM recordings WHERE camera = ? AND "
                      "start_time >= ? AND start_time < ? AND end_time > ? ORDER BY start_time",
                      gap->camera, span, &recorded);
    struct row last;
    if (result == 0 && recorded.count == 0 &&
        (result = last_before(db, gap->camera, span.end, &last)) == 1 &&
        strcmp(last.cause, gap->cause) == 0 && last.span.end >= span.start - DB_GAP_LEAST_S &&
        last.span.end <= span.end) {
        return insert(db, gap->camera, (struct span){last.span.start, span.end}, gap->cause,
                      gap->detail);
    }
    result = result < 0 ? result : cut_out(db, gap->camera, span);
    return result < 0 ? result
                      : insert_around(db, gap->camera, span, &recorded, 0, gap->cause, gap->detail);
}

void db_gap_put(struct store_work *work, const struct db_gap *gap)
{
    if (!(gap->end > gap->start)) {
        return;
    }
    struct db_gap *copy = mem_dup(gap, sizeof *gap);
    copy->camera = mem_strdup(gap->camera);
    copy->cause = mem_strdup(gap->cause);
    copy->detail = mem_strdup(gap->detail);
    store_add(work, put, copy, free_gap);
}

struct db_opt_double db_gap_recorded_until(struct db *db, const char *camera)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT until FROM corvette_recorded WHERE camera = ?");
    db_bind_text(query, camera);
    struct db_opt_double until = {0};
    if (db_step(query) == 1) {
        until = (struct db_opt_double){true, db_double(query, 0)};
    }
    return until;
}

static int set_until(struct db *db, const char *camera, double until)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "INSERT INTO corvette_recorded (camera, until) VALUES (?, ?) "
                     "ON CONFLICT (camera) DO UPDATE SET until = max(until, excluded.until)");
    db_bind_text(query, camera);
    db_bind_double(query, until);
    return db_run(query);
}

int db_gap_recorded(struct db *db, const char *camera, double start, double end)
{
    struct db_opt_double until = db_gap_recorded_until(db, camera);
    int result = cut_out(db, camera, (struct span){start, end});
    if (result >= 0 && until.has && start - until.value > DB_GAP_LEAST_S) {
        AUTO_SPANS struct spans known = {0};
        struct span hole = {until.value, start};
        result = load(db,
                      "SELECT start_time, end_time FROM corvette_gap WHERE camera = ? AND "
                      "?2 IS NOT NULL AND start_time < ?3 AND end_time > ?4 ORDER BY start_time",
                      camera, hole, &known);
        if (result >= 0) {
            result = insert_around(db, camera, hole, &known, DB_GAP_LEAST_S, STOPPED, "");
        }
    }
    return result < 0 ? result : set_until(db, camera, end);
}

/* ---- forgetting, listing ---- */

struct forgetting {
    char *camera;
    double before;
};

static void free_forgetting(void *data)
{
    struct forgetting *forgetting = data;
    free(forgetting->camera);
    free(forgetting);
}

static int forget(struct db *db, void *data)
{
    const struct forgetting *forgetting = data;
    AUTO_QUERY struct db_query *query = db_query(
        db, "DELETE FROM corvette_gap WHERE camera = ? AND start_time < ? AND end_time < ?");
    db_bind_text(query, forgetting->camera);
    db_bind_double(query, forgetting->before);
    db_bind_double(query, forgetting->before);
    return db_run(query);
}

void db_gap_forget(struct store_work *work, const char *camera, double before)
{
    struct forgetting *forgetting = mem_alloc(sizeof *forgetting);
    *forgetting = (struct forgetting){mem_strdup(camera), before};
    store_add(work, forget, forgetting, free_forgetting);
}

int db_gap_list_json(struct db *db, const char *camera, double after, double before,
                     struct jout *json)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT start_time, end_time, cause, detail FROM corvette_gap WHERE "
                     "camera = ? AND start_time <= ? AND end_time >= ? ORDER BY start_time");
    db_bind_text(query, camera);
    db_bind_double(query, before);
    db_bind_double(query, after);
    int result;
    while ((result = db_step(query)) == 1) {
        jout_begin_object(json);
        jout_put_string(json, "cause", db_text(query, 2, NULL));
        jout_put_string(json, "detail", db_text(query, 3, NULL));
        jout_put_double(json, "duration", db_double(query, 1) - db_double(query, 0));
        jout_put_double(json, "end_time", db_double(query, 1));
        jout_put_double(json, "start_time", db_double(query, 0));
        jout_end_object(json);
    }
    return result;
}

int db_gap_newest(struct db *db, const char *camera, double *end, char cause[32], char detail[128])
{
    struct row row;
    int result = last_before(db, camera, 1e18, &row);
    if (result == 1) {
        *end = row.span.end;
        memcpy(cause, row.cause, sizeof row.cause);
        memcpy(detail, row.detail, sizeof row.detail);
    }
    return result;
}
