#include "store/changes.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "store/db_raw.h"

struct changes {
    struct db *writer;
    int64_t writer_version; /* data_version of the writer's connection: commits of others alone */
    pthread_mutex_t lock;   /* everything below */
    struct db *watch;
    int64_t version; /* data_version of `watch`: commits of others and of ours */
    bool committing;
    uint64_t now, foreign;
    uint64_t changed[DB_TABLES_MAX]; /* moments */
};

static int64_t version_of(struct db *db)
{
    AUTO_QUERY struct db_query *query = db_query(db, "PRAGMA data_version");
    return db_step(query) == 1 ? db_int(query, 0) : -1;
}

struct changes *changes_create(const char *path, struct db *writer, struct err *err)
{
    struct db *watch = db_open(path, true, err);
    if (watch == NULL) {
        return NULL;
    }
    struct changes *changes = mem_alloc(sizeof *changes);
    pthread_mutex_init(&changes->lock, NULL);
    changes->writer = writer;
    changes->watch = watch;
    changes->writer_version = version_of(writer);
    changes->version = version_of(watch);
    changes->now = 1;
    return changes;
}

void changes_destroy(struct changes *changes)
{
    if (changes == NULL) {
        return;
    }
    db_close(changes->watch);
    pthread_mutex_destroy(&changes->lock);
    free(changes);
}

/* Lock held. */
static void note(struct changes *changes, uint32_t tables)
{
    changes->now++;
    for (unsigned i = 0; i < DB_TABLES_MAX; i++) {
        if ((tables >> i & 1) != 0) {
            changes->changed[i] = changes->now;
        }
    }
}

static void note_foreign(struct changes *changes)
{
    changes->foreign++;
    note(changes, UINT32_MAX);
}

/* Lock held. Brings the moments up to date; false when a commit of ours may be half seen. */
static bool look(struct changes *changes)
{
    int64_t version = version_of(changes->watch);
    if (version == changes->version && version >= 0) {
        return true;
    }
    if (changes->committing || version < 0) {
        return false;
    }
    changes->version = version;
    note_foreign(changes);
    return true;
}

void changes_begin(struct changes *changes)
{
    pthread_mutex_lock(&changes->lock);
    /* The writer has the file to itself now: what others committed until here is seen here. */
    look(changes);
    changes->writer_version = version_of(changes->writer);
    changes->committing = true;
    pthread_mutex_unlock(&changes->lock);
}

void changes_end(struct changes *changes, bool committed, uint32_t tables)
{
    pthread_mutex_lock(&changes->lock);
    /* In this order: what another program commits between the two is seen by the next who asks. */
    int64_t version = version_of(changes->watch);
    int64_t writer_version = version_of(changes->writer);
    bool known = version >= 0 && writer_version >= 0;
    if (!known || writer_version != changes->writer_version) {
        note_foreign(changes);
    } else if (committed) {
        note(changes, tables);
    }
    changes->version = version;
    changes->writer_version = writer_version;
    changes->committing = false;
    pthread_mutex_unlock(&changes->lock);
}

uint64_t changes_moment(struct changes *changes)
{
    pthread_mutex_lock(&changes->lock);
    uint64_t moment = look(changes) ? changes->now : 0;
    pthread_mutex_unlock(&changes->lock);
    return moment;
}

bool changes_none(struct changes *changes, uint32_t tables, uint64_t since)
{
    pthread_mutex_lock(&changes->lock);
    bool none = look(changes);
    for (unsigned i = 0; i < DB_TABLES_MAX && none; i++) {
        none = (tables >> i & 1) == 0 || changes->changed[i] <= since;
    }
    pthread_mutex_unlock(&changes->lock);
    return none;
}

uint64_t changes_foreign(struct changes *changes)
{
    pthread_mutex_lock(&changes->lock);
    look(changes);
    uint64_t foreign = changes->foreign;
    pthread_mutex_unlock(&changes->lock);
    return foreign;
}
