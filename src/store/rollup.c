#include "store/rollup.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/store_private.h"

#define PIECE_S (86400.0 * 2) /* of one camera, made anew in one transaction */
#define WRITE_MS 60000
#define READY "''" /* the camera of the row that says all sums are right */

/* Adds (sign 1) or takes away (-1) a row of recordings, an event. A quarter that never had a row
 * before gets one. */
#define BUCKET(row_) row_ ".camera, CAST(" row_ ".start_time AS INTEGER) / 900"
#define ADD_RECORDING(row_, sign_)                                                           \
    "INSERT INTO corvette_quarter (camera, quarter, segments, duration, motion, motions, "   \
    "objects, "                                                                              \
    "objectss, mib, events, clips) VALUES (" BUCKET(                                         \
        row_) ", " sign_ "1, " sign_ row_ ".duration, " sign_ "coalesce(" row_               \
              ".motion, 0), " sign_ "(" row_ ".motion IS NOT NULL), " sign_ "coalesce(" row_ \
              ".objects, 0), " sign_ "(" row_ ".objects IS NOT NULL), " sign_ row_           \
              ".segment_size, 0, 0) " MERGE
#define ADD_EVENT(row_, sign_)                                                             \
    "INSERT INTO corvette_quarter (camera, quarter, segments, duration, motion, motions, " \
    "objects, "                                                                            \
    "objectss, mib, events, clips) VALUES (" BUCKET(row_) ", 0, 0, 0, 0, 0, 0, 0, " sign_  \
                                                          "1, " sign_ "(" row_             \
                                                          ".has_clip = 1)) " MERGE
#define MERGE                                                                               \
    "ON CONFLICT (camera, quarter) DO UPDATE SET segments = segments + excluded.segments, " \
    "duration = duration + excluded.duration, motion = motion + excluded.motion, "          \
    "motions = motions + excluded.motions, objects = objects + excluded.objects, "          \
    "objectss = objectss + excluded.objectss, mib = mib + excluded.mib, "                   \
    "events = events + excluded.events, clips = clips + excluded.clips; "

static const char triggers_sql[] =
    "CREATE TEMP TRIGGER corvette_recording_in AFTER INSERT ON main.recordings "
    "BEGIN " ADD_RECORDING(
        "new", "") "END;"
                   "CREATE TEMP TRIGGER corvette_recording_out AFTER DELETE ON main.recordings "
                   "BEGIN " ADD_RECORDING(
                       "old",
                       "-") "END;"
                            "CREATE TEMP TRIGGER corvette_recording_new AFTER UPDATE ON "
                            "main.recordings BEGIN " ADD_RECORDING("old", "-") ADD_RECORDING(
                                "new",
                                "") "END;"
                                    "CREATE TEMP TRIGGER corvette_event_in AFTER INSERT ON "
                                    "main.event BEGIN " ADD_EVENT(
                                        "new",
                                        "") "END;"
                                            "CREATE TEMP TRIGGER corvette_event_out AFTER DELETE "
                                            "ON main.event BEGIN " ADD_EVENT(
                                                "old",
                                                "-") "END;"
                                                     "CREATE TEMP TRIGGER corvette_event_new AFTER "
                                                     "UPDATE OF camera, start_time, has_clip ON "
                                                     "main.event BEGIN " ADD_EVENT("old", "-")
                                                         ADD_EVENT("new", "") "END;";

int rollup_attach(struct db *writer, struct err *err)
{
    return db_execute(writer, triggers_sql, err);
}

static int64_t number(struct db *db, const char *sql)
{
    AUTO_QUERY struct db_query *query = db_query(db, sql);
    return db_step(query) == 1 ? db_int(query, 0) : -1;
}

bool rollup_is_ready(struct db *db)
{
    struct store *store = store_of(db);
    if (store != NULL && !store_sums_are_right(store)) {
        return false;
    }
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT 1 FROM corvette_quarter WHERE camera = " READY);
    return db_step(query) == 1;
}

/* ---- making them anew ---- */

struct piece {
    char *camera;
    double from, to;
};

static void free_piece(void *data)
{
    struct piece *piece = data;
    free(piece->camera);
    free(piece);
}

static int run_piece(struct db *db, const char *sql, const struct piece *piece)
{
    AUTO_QUERY struct db_query *query = db_query(db, sql);
    db_bind_text(query, piece->camera);
    db_bind_double(query, piece->from);
    db_bind_double(query, piece->to);
    return db_run(query);
}

static int make_piece(struct db *db, void *data)
{
    static const char *const steps[] = {
        "DELETE FROM corvette_quarter WHERE camera = ? AND quarter >= ? / 900 AND "
        "quarter < ? / 900",
        "INSERT INTO corvette_quarter (camera, quarter, segments, duration, motion, motions, "
        "objects, objectss, mib, events, clips) SELECT camera, CAST(start_time AS INTEGER) / 900 "
        "q, "
        "count(*), total(duration), coalesce(sum(motion), 0), count(motion), "
        "coalesce(sum(objects), 0), count(objects), total(segment_size), 0, 0 FROM recordings "
        "WHERE camera = ? AND start_time >= ? AND start_time < ? GROUP BY q",
        "INSERT INTO corvette_quarter (camera, quarter, segments, duration, motion, motions, "
        "objects, objectss, mib, events, clips) SELECT camera, CAST(start_time AS INTEGER) / 900 "
        "q, "
        "0, 0, 0, 0, 0, 0, 0, count(*), total(has_clip = 1) FROM event "
        "WHERE camera = ? AND start_time >= ? AND start_time < ? GROUP BY q " MERGE,
    };
    int result = 0;
    for (size_t i = 0; i < ARRAY_SIZE(steps) && result >= 0; i++) {
        result = run_piece(db, steps[i], data);
    }
    return result;
}

static int set_ready(struct db *db, void *data)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, data != NULL ? "INSERT OR IGNORE INTO corvette_quarter VALUES (" READY
                                    ", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)"
                                  : "DELETE FROM corvette_quarter");
    return db_run(query);
}

struct camera {
    char *name;
    double from, to;
};

struct cameras {
    struct camera *items;
    size_t count, capacity;
};

static void load_cameras(struct db *db, struct cameras *cameras)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT camera, min(first), max(last) FROM (SELECT camera, min(start_time) "
                     "first, max(start_time) last FROM recordings GROUP BY camera UNION ALL "
                     "SELECT camera, min(start_time), max(start_time) FROM event GROUP BY camera) "
                     "GROUP BY camera");
    while (db_step(query) == 1) {
        *MEM_PUSH(cameras->items, cameras->count, cameras->capacity) = (struct camera){
            mem_strdup(db_text(query, 0, NULL)), db_double(query, 1), db_double(query, 2)};
    }
}

/* One camera, oldest first; false: stop. */
static bool make_camera(struct store *store, const struct camera *camera,
                        bool (*stopping)(void *context), void *context)
{
    for (double from = (double)((int64_t)(camera->from / ROLLUP_S) * ROLLUP_S); from <= camera->to;
         from += PIECE_S) {
        if (stopping(context)) {
            return false;
        }
        struct piece *piece = mem_alloc(sizeof *piece);
        *piece = (struct piece){mem_strdup(camera->name), from, from + PIECE_S};
        struct store_work *work = store_begin(store);
        store_add(work, make_piece, piece, free_piece);
        if (store_submit_wait(work, WRITE_MS) < 0) {
            return false;
        }
    }
    return true;
}

static bool submit(struct store *store, void *ready)
{
    struct store_work *work = store_begin(store);
    store_add(work, set_ready, ready, NULL);
    return store_submit_wait(work, WRITE_MS) >= 0;
}

bool rollup_is_doubtful(struct store *store)
{
    return !store_sums_are_right(store);
}

void rollup_check(struct store *store, bool (*stopping)(void *context), void *context)
{
    struct cameras cameras = {0};
    uint64_t foreign = store_foreign(store); /* what is made now knows of these */
    {
        AUTO_READER struct db *db = store_reader(store);
        if (db == NULL) {
            return;
        }
        /* Both counts walk an index: tenths of a second for millions of rows. They say nothing of
         * rows that were changed in their place, so what was changed while we looked on is made
         * anew. */
        bool right = rollup_is_ready(db) &&
                     number(db, "SELECT count(*) FROM recordings") ==
                         number(db, "SELECT total(segments) FROM corvette_quarter") &&
                     number(db, "SELECT count(*) FROM event") ==
                         number(db, "SELECT total(events) FROM corvette_quarter");
        if (right) {
            return;
        }
        load_cameras(db, &cameras);
    }
    int64_t begin = mono_now().us;
    bool good = submit(store, NULL);
    struct log_limit limit = {0};
    for (size_t i = 0; i < cameras.count && good; i++) {
        unsigned swallowed;
        good = make_camera(store, &cameras.items[i], stopping, context);
        if (i + 1 < cameras.count && log_allowed(&limit, 10000000, &swallowed)) {
            double taken = (double)(mono_now().us - begin) / 1e6;
            log_info("summing up: %zu of %zu cameras, %.0f s left", i + 1, cameras.count,
                     taken / (double)(i + 1) * (double)(cameras.count - i - 1));
        }
    }
    if (good && submit(store, store)) {
        store_set_sums(store, foreign);
        log_info("sums of recordings and events were made in %.1f s",
                 (double)(mono_now().us - begin) / 1e6);
    }
    for (size_t i = 0; i < cameras.count; i++) {
        free(cameras.items[i].name);
    }
    free(cameras.items);
}
