#include "store/store.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/changes.h"
#include "store/db_event.h"
#include "store/db_raw.h"
#include "store/rollup.h"
#include "store/schema.h"
#include "store/store_private.h"

#define BATCH_MAX 64           /* works in one commit */
#define IDLE_READERS 8         /* connections kept open while nobody reads */
#define RETRY_MS 200           /* between attempts on a locked or full database */
#define CLOSE_PATIENCE_MS 1000 /* how long closing waits for a database that stays locked */

struct change {
    store_change_fn fn;
    void *data;
    store_free_fn free_fn;
};

/* Someone waiting in store_submit_wait(); shared by the waiter and the work. */
struct waiter {
    unsigned references;
    bool done;
    int result;
};

struct store_work {
    struct store *store;
    struct change *changes;
    size_t count, capacity;
    store_then_fn then;
    void *then_context;
    struct waiter *waiter;
    int result; /* of the last attempt */
    struct store_work *next;
};

struct store {
    char *path;
    struct db *db; /* writer thread only, once it runs */
    struct changes *changes;
    _Atomic uint64_t sums_foreign; /* store_set_sums() */
    pthread_t thread;

    pthread_mutex_t lock; /* everything below */
    pthread_cond_t work_added, work_done;
    struct store_work *head, **tail;
    unsigned queued;   /* in the list above and in the writer's hands */
    uint64_t finished; /* works done with, for store_flush() */
    uint64_t submitted;
    bool stop;
    struct db *idle;
    unsigned idle_count, readers_out;
    struct store_state state;
};

/* ---- works ---- */

struct store_work *store_begin(struct store *store)
{
    struct store_work *work = mem_alloc(sizeof *work);
    work->store = store;
    return work;
}

void store_add(struct store_work *work, store_change_fn fn, void *data, store_free_fn free_fn)
{
    struct change *change = MEM_PUSH(work->changes, work->count, work->capacity);
    *change = (struct change){.fn = fn, .data = data, .free_fn = free_fn};
}

void store_then(struct store_work *work, store_then_fn fn, void *context)
{
    work->then = fn;
    work->then_context = context;
}

void store_abandon(struct store_work *work)
{
    for (size_t i = 0; i < work->count; i++) {
        if (work->changes[i].free_fn != NULL) {
            work->changes[i].free_fn(work->changes[i].data);
        }
    }
    free(work->changes);
    free(work);
}

/* Lock held. */
static void drop_waiter(struct waiter *waiter)
{
    if (--waiter->references == 0) {
        free(waiter);
    }
}

static void finish_work(struct store_work *work, int result)
{
    struct store *store = work->store;
    if (work->then != NULL) {
        work->then(work->then_context, result);
    }
    pthread_mutex_lock(&store->lock);
    if (work->waiter != NULL) {
        work->waiter->done = true;
        work->waiter->result = result;
        drop_waiter(work->waiter);
    }
    *(result < 0 ? &store->state.works_failed : &store->state.works_done) += 1;
    store->queued--;
    store->finished++;
    pthread_cond_broadcast(&store->work_done);
    pthread_mutex_unlock(&store->lock);
    store_abandon(work);
}

static int enqueue(struct store_work *work)
{
    struct store *store = work->store;
    pthread_mutex_lock(&store->lock);
    bool room = store->queued < STORE_QUEUE_MAX && !store->stop;
    if (room) {
        work->next = NULL;
        *store->tail = work;
        store->tail = &work->next;
        store->queued++;
        store->submitted++;
        pthread_cond_signal(&store->work_added);
    } else {
        store->state.works_refused++;
    }
    pthread_mutex_unlock(&store->lock);
    if (room) {
        return 0;
    }
    if (work->then != NULL) {
        work->then(work->then_context, -EAGAIN);
    }
    free(work->waiter);
    store_abandon(work);
    return -EAGAIN;
}

int store_submit(struct store_work *work)
{
    return enqueue(work);
}

static struct timespec deadline_in(int ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

int store_submit_wait(struct store_work *work, int timeout_ms)
{
    struct store *store = work->store;
    struct waiter *waiter = mem_alloc(sizeof *waiter);
    waiter->references = 2;
    work->waiter = waiter;
    int result = enqueue(work);
    if (result != 0) {
        return result;
    }
    struct timespec deadline = deadline_in(timeout_ms);
    pthread_mutex_lock(&store->lock);
    while (!waiter->done && result == 0) {
        result = pthread_cond_timedwait(&store->work_done, &store->lock, &deadline);
    }
    result = waiter->done ? waiter->result : -ETIMEDOUT;
    drop_waiter(waiter);
    pthread_mutex_unlock(&store->lock);
    return result;
}

int store_flush(struct store *store, int timeout_ms)
{
    struct timespec deadline = deadline_in(timeout_ms);
    int result = 0;
    pthread_mutex_lock(&store->lock);
    uint64_t until = store->submitted;
    while (store->finished < until && result == 0) {
        result = pthread_cond_timedwait(&store->work_done, &store->lock, &deadline);
    }
    bool done = store->finished >= until;
    pthread_mutex_unlock(&store->lock);
    return done ? 0 : -ETIMEDOUT;
}

/* ---- the writer ---- */

/* Faults that pass: someone else holds the file, the disk is full or went away for a while. */
static bool passing(int code)
{
    return code == -EBUSY || code == -ENOSPC || code == -EIO || code == -EROFS;
}

static int command(struct db *db, const char *sql)
{
    AUTO_QUERY struct db_query *query = db_query(db, sql);
    return db_step(query);
}

/* All changes of a work inside its savepoint: rows changed, or -errno. */
static int run_work(struct db *db, struct store_work *work)
{
    int changed = 0;
    int result = command(db, "SAVEPOINT work");
    for (size_t i = 0; i < work->count && result >= 0; i++) {
        result = work->changes[i].fn(db, work->changes[i].data);
        changed += result > 0 ? result : 0;
    }
    if (result < 0 && !passing(result)) {
        command(db, "ROLLBACK TO work");
    }
    int released = command(db, "RELEASE work");
    return result < 0 ? result : released < 0 ? released : changed;
}

/* Runs every work of the batch in one transaction. A passing fault undoes all and is returned; a
 * fault of one work's own undoes that work only. */
static int run_batch(struct store *store, struct store_work *batch)
{
    struct db *db = store->db;
    db_tables_forget(db);
    int result = command(db, "BEGIN IMMEDIATE");
    if (result < 0) {
        return result;
    }
    for (struct store_work *work = batch; work != NULL; work = work->next) {
        work->result = run_work(db, work);
        if (work->result < 0 && passing(work->result)) {
            result = work->result;
            break;
        }
    }
    if (result >= 0) {
        changes_begin(store->changes);
        result = command(db, "COMMIT");
        changes_end(store->changes, result >= 0, db_tables_written(db));
    }
    if (result < 0) {
        command(db, "ROLLBACK");
    }
    return result;
}

/* Says once why the writer waits, and once that it goes on. */
static void note_trouble(struct store *store, int code)
{
    const char *text = code == 0         ? ""
                       : code == -EBUSY  ? "the database is locked by another program"
                       : code == -ENOSPC ? "no space left for the database"
                                         : "the database cannot be written";
    pthread_mutex_lock(&store->lock);
    bool changed = strcmp(store->state.trouble, text) != 0;
    snprintf(store->state.trouble, sizeof store->state.trouble, "%s", text);
    store->state.delays += code != 0;
    pthread_mutex_unlock(&store->lock);
    if (changed && code == 0) {
        log_info("database: writing again");
    } else if (changed) {
        log_warning("database: %s; changes wait in memory", text);
    }
}

/* Waits before the next attempt; false when closing has waited long enough. */
static bool wait_to_retry(struct store *store, struct mono *stopping_since)
{
    pthread_mutex_lock(&store->lock);
    if (!store->stop) {
        struct timespec until = deadline_in(RETRY_MS);
        /* New works only signal: going round early once in a while does no harm. */
        pthread_cond_timedwait(&store->work_added, &store->lock, &until);
        pthread_mutex_unlock(&store->lock);
        return true;
    }
    pthread_mutex_unlock(&store->lock);
    if (stopping_since->us == 0) {
        *stopping_since = mono_now();
    }
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    return mono_since_us(*stopping_since) < CLOSE_PATIENCE_MS * 1000;
}

/* Up to BATCH_MAX works off the queue; NULL when closing and nothing is left. */
static struct store_work *next_batch(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    while (store->head == NULL && !store->stop) {
        pthread_cond_wait(&store->work_added, &store->lock);
    }
    struct store_work *batch = store->head;
    struct store_work **end = &batch;
    for (int i = 0; i < BATCH_MAX && *end != NULL; i++) {
        end = &(*end)->next;
    }
    store->head = *end;
    *end = NULL;
    if (store->head == NULL) {
        store->tail = &store->head;
    }
    pthread_mutex_unlock(&store->lock);
    return batch;
}

static void *writer(void *context)
{
    struct store *store = context;
    struct mono stopping_since = {0};
    struct store_work *batch;
    while ((batch = next_batch(store)) != NULL) {
        int result;
        bool patient = true;
        while (passing(result = run_batch(store, batch)) && patient) {
            note_trouble(store, result);
            patient = wait_to_retry(store, &stopping_since);
        }
        if (result >= 0) {
            note_trouble(store, 0);
        } else {
            log_error("database: changes are given up: %s", err_name(result));
        }
        while (batch != NULL) {
            struct store_work *work = batch;
            batch = work->next;
            if (result >= 0 && work->result < 0) {
                log_error("database: a change is given up: %s", err_name(work->result));
            }
            finish_work(work, result < 0 ? result : work->result);
        }
    }
    return NULL;
}

/* ---- open and close ---- */

static struct db *open_writer(const char *path, struct err *err)
{
    if (file_make_parent_dirs(path) != 0) {
        err_set(err, errno, "%s: its folder cannot be made", path);
        return NULL;
    }
    struct db *db = db_open(path, false, err);
    if (db == NULL) {
        return NULL;
    }
    /* WAL: readers and the writer do not wait for each other. NORMAL: what is committed survives
     * a crash of ours; a power cut may take the last moments, never the file. */
    int result = db_execute(db,
                            "PRAGMA auto_vacuum = FULL; PRAGMA journal_mode = WAL; "
                            "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -4000; "
                            "PRAGMA journal_size_limit = 16777216",
                            err);
    if (result == 0) {
        result = schema_prepare(db, path, err);
    }
    if (result != 0) {
        err_prefix(err, "database %s cannot be used", path);
        db_close(db);
        return NULL;
    }
    return db;
}

struct store *store_open(const char *path, struct err *err)
{
    struct db *db = open_writer(path, err);
    if (db == NULL) {
        return NULL;
    }
    struct changes *changes = rollup_attach(db, err) == 0 ? changes_create(path, db, err) : NULL;
    if (changes == NULL) {
        db_close(db);
        return NULL;
    }
    struct store *store = mem_alloc(sizeof *store);
    store->path = mem_strdup(path);
    store->db = db;
    store->changes = changes;
    store->tail = &store->head;
    pthread_mutex_init(&store->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&store->work_added, &attributes);
    pthread_cond_init(&store->work_done, &attributes);
    pthread_condattr_destroy(&attributes);
    int result = pthread_create(&store->thread, NULL, writer, store);
    if (result != 0) {
        log_write(LOG_CRITICAL, "no thread for the database: %s", err_name(result));
        abort();
    }
    pthread_setname_np(store->thread, "store");
    return store;
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    pthread_mutex_lock(&store->lock);
    store->stop = true;
    pthread_cond_broadcast(&store->work_added);
    pthread_mutex_unlock(&store->lock);
    pthread_join(store->thread, NULL);
    if (store->readers_out > 0) {
        log_write(LOG_CRITICAL, "%u readers of the database are still out", store->readers_out);
        abort();
    }
    while (store->idle != NULL) {
        struct db *db = store->idle;
        store->idle = *db_next(db);
        db_close(db);
    }
    changes_destroy(store->changes);
    db_close(store->db);
    pthread_cond_destroy(&store->work_added);
    pthread_cond_destroy(&store->work_done);
    pthread_mutex_destroy(&store->lock);
    free(store->path);
    free(store);
}

void store_repair(struct store *store)
{
    struct store_work *work = store_begin(store);
    db_event_repair(work, wall_seconds(wall_now()));
    store_submit(work);
}

/* ---- readers ---- */

struct db *store_reader(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    struct db *db = store->idle;
    if (db != NULL) {
        store->idle = *db_next(db);
        store->idle_count--;
    }
    store->readers_out++;
    pthread_mutex_unlock(&store->lock);
    if (db != NULL) {
        db_tables_forget(db);
        return db;
    }
    struct err err = ERR_NONE;
    db = db_open(store->path, true, &err);
    if (db == NULL) {
        log_error("%s", err.text);
        pthread_mutex_lock(&store->lock);
        store->readers_out--;
        pthread_mutex_unlock(&store->lock);
        return NULL;
    }
    *db_owner(db) = store;
    return db;
}

void store_reader_done(struct db **pointer)
{
    struct db *db = *pointer;
    *pointer = NULL;
    if (db == NULL) {
        return;
    }
    struct store *store = *db_owner(db);
    pthread_mutex_lock(&store->lock);
    store->readers_out--;
    bool keep = store->idle_count < IDLE_READERS;
    if (keep) {
        *db_next(db) = store->idle;
        store->idle = db;
        store->idle_count++;
    }
    pthread_mutex_unlock(&store->lock);
    if (!keep) {
        db_close(db);
    }
}

/* ---- changes ---- */

uint64_t store_moment(struct store *store)
{
    return changes_moment(store->changes);
}

bool store_unchanged(struct store *store, uint32_t tables, uint64_t since)
{
    return changes_none(store->changes, tables, since);
}

uint64_t store_foreign(struct store *store)
{
    return changes_foreign(store->changes);
}

struct store *store_of(struct db *db)
{
    return *db_owner(db);
}

void store_set_sums(struct store *store, uint64_t foreign)
{
    atomic_store(&store->sums_foreign, foreign);
}

bool store_sums_are_right(struct store *store)
{
    return store_foreign(store) == atomic_load(&store->sums_foreign);
}

void store_get_state(struct store *store, struct store_state *state)
{
    pthread_mutex_lock(&store->lock);
    *state = store->state;
    state->queued = store->queued;
    pthread_mutex_unlock(&store->lock);
}
