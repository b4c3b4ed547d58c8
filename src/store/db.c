#include "store/db.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/db_raw.h"

#define STATEMENTS 48 /* kept per connection */
#define BUSY_MS 250   /* the writer tries again by itself, so waiting longer here gains nothing */

struct db_query {
    struct db *db;
    sqlite3_stmt *statement; /* NULL: could not be prepared */
    char *sql;
    uint32_t hash;
    uint64_t last_used;
    int next_parameter;
    int error; /* 0 or -errno of prepare or bind */
    bool in_use, cached;
    uint32_t reads, writes; /* tables */
};

struct db {
    sqlite3 *handle;
    struct db_query *cache[STATEMENTS];
    unsigned count;
    uint64_t clock;               /* counts uses: the least recently used statement goes first */
    uint32_t reads, writes;       /* tables, since db_tables_forget() */
    uint32_t *on_read, *on_write; /* where tables of a statement that is being prepared go */
    struct db *next;              /* in the pool of readers */
    void *owner;
};

static int code_of(int result)
{
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return -EBUSY;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return -EROFS;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EUCLEAN;
    case SQLITE_CONSTRAINT:
        return -EEXIST;
    case SQLITE_IOERR:
        return -EIO;
    default:
        return -EINVAL;
    }
}

static int fail(struct db *db, int result, const char *sql)
{
    static struct log_limit limit;
    int code = code_of(result);
    unsigned held;
    if (code != -EBUSY && log_allowed(&limit, 1000000, &held)) {
        log_error("database: %s (%d) in: %.200s", sqlite3_errmsg(db->handle),
                  sqlite3_extended_errcode(db->handle), sql);
    }
    return code;
}

/* ---- tables ---- */

static const char *const tables[] = {
    "event",           "recordings",        "timeline",         "regions",
    "previews",        "reviewsegment",     "export",           "user",
    "corvette_gap",    "corvette_recorded", "corvette_stream",  "corvette_stream_change",
    "corvette_volume", "corvette_export",   "corvette_quarter",
};
_Static_assert(ARRAY_SIZE(tables) < DB_TABLES_MAX, "the last bit is for all others");

static uint32_t table_bit(const char *name)
{
    for (unsigned i = 0; i < ARRAY_SIZE(tables); i++) {
        if (name != NULL && strcmp(tables[i], name) == 0) {
            return 1u << i;
        }
    }
    return 1u << (DB_TABLES_MAX - 1);
}

/* SQLite asks before each access a statement will make, while it is prepared. */
static int note_access(void *context, int action, const char *table, const char *detail,
                       const char *database, const char *trigger)
{
    struct db *db = context;
    if (action == SQLITE_READ) {
        *db->on_read |= table_bit(table);
    } else if (action == SQLITE_INSERT || action == SQLITE_UPDATE || action == SQLITE_DELETE) {
        *db->on_write |= table_bit(table);
    }
    return SQLITE_OK;
}

uint32_t db_tables_read(struct db *db)
{
    return db->reads;
}

uint32_t db_tables_written(struct db *db)
{
    return db->writes;
}

void db_tables_forget(struct db *db)
{
    db->reads = db->writes = 0;
}

/* ---- connections ---- */

struct db *db_open(const char *path, bool read_only, struct err *err)
{
    struct db *db = mem_alloc(sizeof *db);
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    int result = sqlite3_open_v2(path, &db->handle, flags, NULL);
    if (result != SQLITE_OK) {
        err_set(err, -code_of(result), "%s: cannot open the database: %s", path,
                db->handle != NULL ? sqlite3_errmsg(db->handle) : sqlite3_errstr(result));
        db_close(db);
        return NULL;
    }
    sqlite3_busy_timeout(db->handle, BUSY_MS);
    db->on_read = &db->reads;
    db->on_write = &db->writes;
    sqlite3_set_authorizer(db->handle, note_access, db);
    return db;
}

static void free_query(struct db_query *query)
{
    sqlite3_finalize(query->statement);
    free(query->sql);
    free(query);
}

void db_close(struct db *db)
{
    if (db == NULL) {
        return;
    }
    for (unsigned i = 0; i < db->count; i++) {
        free_query(db->cache[i]);
    }
    sqlite3_close(db->handle);
    free(db);
}

int db_execute(struct db *db, const char *sql, struct err *err)
{
    char *message = NULL;
    int result = sqlite3_exec(db->handle, sql, NULL, NULL, &message);
    if (result == SQLITE_OK) {
        return 0;
    }
    err_set(err, -code_of(result), "%s", message != NULL ? message : sqlite3_errstr(result));
    sqlite3_free(message);
    return code_of(result);
}

static uint32_t hash_of(const char *text)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    }
    return hash;
}

static struct db_query *prepare(struct db *db, const char *sql, uint32_t hash)
{
    struct db_query *query = mem_alloc(sizeof *query);
    query->db = db;
    query->sql = mem_strdup(sql);
    query->hash = hash;
    db->on_read = &query->reads;
    db->on_write = &query->writes;
    int result =
        sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &query->statement, NULL);
    db->on_read = &db->reads;
    db->on_write = &db->writes;
    if (result != SQLITE_OK) {
        query->error = fail(db, result, sql);
    }
    return query;
}

/* Room for one more in the cache: an empty place or that of the one unused for longest. */
static struct db_query **cache_place(struct db *db)
{
    if (db->count < STATEMENTS) {
        return &db->cache[db->count++];
    }
    struct db_query **oldest = NULL;
    for (unsigned i = 0; i < db->count; i++) {
        struct db_query **at = &db->cache[i];
        if (!(*at)->in_use && (oldest == NULL || (*at)->last_used < (*oldest)->last_used)) {
            oldest = at;
        }
    }
    if (oldest != NULL) {
        free_query(*oldest);
    }
    return oldest;
}

struct db_query *db_query(struct db *db, const char *sql)
{
    uint32_t hash = hash_of(sql);
    struct db_query *query = NULL;
    bool busy = false; /* the same text is running further up the stack */
    for (unsigned i = 0; i < db->count && query == NULL; i++) {
        if (db->cache[i]->hash == hash && strcmp(db->cache[i]->sql, sql) == 0) {
            busy = db->cache[i]->in_use;
            query = busy ? NULL : db->cache[i];
            break;
        }
    }
    if (query == NULL) {
        query = prepare(db, sql, hash);
        struct db_query **place = busy || query->error != 0 ? NULL : cache_place(db);
        if (place != NULL) {
            *place = query;
            query->cached = true;
        }
    }
    query->in_use = true;
    query->last_used = ++db->clock;
    query->next_parameter = 1;
    db->reads |= query->reads;
    db->writes |= query->writes;
    return query;
}

void db_done(struct db_query **pointer)
{
    struct db_query *query = *pointer;
    *pointer = NULL;
    if (query == NULL) {
        return;
    }
    if (!query->cached) {
        free_query(query);
        return;
    }
    sqlite3_reset(query->statement);
    sqlite3_clear_bindings(query->statement);
    query->in_use = false;
    query->error = 0;
}

static void bound(struct db_query *query, int result)
{
    query->next_parameter++;
    if (result != SQLITE_OK && query->error == 0) {
        query->error = fail(query->db, result, query->sql);
    }
}

void db_bind_bytes_text(struct db_query *query, const char *text, size_t length)
{
    bound(query, sqlite3_bind_text64(query->statement, query->next_parameter, text, length,
                                     SQLITE_STATIC, SQLITE_UTF8));
}

void db_bind_text(struct db_query *query, const char *text)
{
    if (text == NULL) {
        db_bind_null(query);
    } else {
        db_bind_bytes_text(query, text, strlen(text));
    }
}

void db_bind_int(struct db_query *query, int64_t value)
{
    bound(query, sqlite3_bind_int64(query->statement, query->next_parameter, value));
}

void db_bind_double(struct db_query *query, double value)
{
    bound(query, sqlite3_bind_double(query->statement, query->next_parameter, value));
}

void db_bind_null(struct db_query *query)
{
    bound(query, sqlite3_bind_null(query->statement, query->next_parameter));
}

void db_bind_opt_int(struct db_query *query, struct db_opt_int value)
{
    if (value.has) {
        db_bind_int(query, value.value);
    } else {
        db_bind_null(query);
    }
}

void db_bind_opt_double(struct db_query *query, struct db_opt_double value)
{
    if (value.has) {
        db_bind_double(query, value.value);
    } else {
        db_bind_null(query);
    }
}

int db_step(struct db_query *query)
{
    if (query->error != 0) {
        return query->error;
    }
    int result = sqlite3_step(query->statement);
    if (result == SQLITE_ROW) {
        return 1;
    }
    return result == SQLITE_DONE ? 0 : fail(query->db, result, query->sql);
}

int db_run(struct db_query *query)
{
    int result = db_step(query);
    return result < 0 ? result : sqlite3_changes(query->db->handle);
}

int db_column(struct db_query *query, const char *name)
{
    int count = query->error == 0 ? sqlite3_column_count(query->statement) : 0;
    for (int i = 0; i < count; i++) {
        if (strcmp(sqlite3_column_name(query->statement, i), name) == 0) {
            return i;
        }
    }
    log_write(LOG_CRITICAL, "no column \"%s\" in: %s", name, query->sql);
    abort();
}

bool db_is_null(struct db_query *query, int column)
{
    return sqlite3_column_type(query->statement, column) == SQLITE_NULL;
}

int64_t db_int(struct db_query *query, int column)
{
    return sqlite3_column_int64(query->statement, column);
}

double db_double(struct db_query *query, int column)
{
    return sqlite3_column_double(query->statement, column);
}

const char *db_text(struct db_query *query, int column, size_t *length)
{
    const char *text = (const char *)sqlite3_column_text(query->statement, column);
    if (length != NULL) {
        *length = text != NULL ? (size_t)sqlite3_column_bytes(query->statement, column) : 0;
    }
    return text != NULL ? text : "";
}

enum db_value db_value(struct db_query *query, int column)
{
    switch (sqlite3_column_type(query->statement, column)) {
    case SQLITE_INTEGER:
        return DB_INTEGER;
    case SQLITE_FLOAT:
        return DB_REAL;
    case SQLITE_NULL:
        return DB_NULL;
    default:
        return DB_TEXT;
    }
}

const char *db_bytes(struct db_query *query, int column, size_t *length)
{
    const char *bytes = sqlite3_column_blob(query->statement, column);
    *length = bytes != NULL ? (size_t)sqlite3_column_bytes(query->statement, column) : 0;
    return bytes != NULL ? bytes : "";
}

struct db **db_next(struct db *db)
{
    return &db->next;
}

void **db_owner(struct db *db)
{
    return &db->owner;
}
