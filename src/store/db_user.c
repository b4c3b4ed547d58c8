#include "store/db_user.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "store/row_json.h"

struct change {
    char *name, *hash;
};

static void free_change(void *data)
{
    struct change *change = data;
    free(change->name);
    free(change->hash);
    free(change);
}

static void add(struct store_work *work, store_change_fn fn, const char *name, const char *hash)
{
    struct change *change = mem_alloc(sizeof *change);
    *change = (struct change){mem_strdup(name), mem_strdup(hash)};
    store_add(work, fn, change, free_change);
}

static int run(struct db *db, const char *sql, const struct change *change)
{
    AUTO_QUERY struct db_query *query = db_query(db, sql);
    db_bind_text(query, change->name);
    db_bind_text(query, change->hash);
    return db_run(query);
}

static int insert(struct db *db, void *data)
{
    const struct change *change = data;
    int known = db_user_hash(db, change->name, NULL);
    return known == -ENOENT
               ? run(db, "INSERT INTO user (username, password_hash) VALUES (?, ?)", change)
           : known == 0 ? -EEXIST
                        : known;
}

static int update(struct db *db, void *data)
{
    return run(db, "UPDATE user SET password_hash = ?2 WHERE username = ?1", data);
}

static int put(struct db *db, void *data)
{
    int changed = update(db, data);
    return changed == 0 ? insert(db, data) : changed;
}

static int delete_user(struct db *db, void *name)
{
    AUTO_QUERY struct db_query *query = db_query(db, "DELETE FROM user WHERE username = ?");
    db_bind_text(query, name);
    return db_run(query);
}

void db_user_add(struct store_work *work, const char *name, const char *hash)
{
    add(work, insert, name, hash);
}

void db_user_put(struct store_work *work, const char *name, const char *hash)
{
    add(work, put, name, hash);
}

void db_user_set(struct store_work *work, const char *name, const char *hash)
{
    add(work, update, name, hash);
}

void db_user_delete(struct store_work *work, const char *name)
{
    store_add(work, delete_user, mem_strdup(name), free);
}

int64_t db_user_count(struct db *db)
{
    AUTO_QUERY struct db_query *query = db_query(db, "SELECT count(*) AS users FROM user");
    int result = db_step(query);
    return result < 0 ? result : db_int(query, db_column(query, "users"));
}

int db_user_hash(struct db *db, const char *name, struct str *hash)
{
    AUTO_QUERY struct db_query *query =
        db_query(db, "SELECT password_hash FROM user WHERE username = ?");
    db_bind_text(query, name);
    int result = db_step(query);
    if (result == 1 && hash != NULL) {
        str_add(hash, db_text(query, db_column(query, "password_hash"), NULL));
    }
    return result < 0 ? result : result == 1 ? 0 : -ENOENT;
}

int db_user_list_json(struct db *db, struct str *out)
{
    static const struct row_field fields[] = {{"username", ROW_TEXT}};
    AUTO_QUERY struct db_query *query = db_query(db, "SELECT username FROM user ORDER BY username");
    return row_list(query, fields, ARRAY_SIZE(fields), out);
}
