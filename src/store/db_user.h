/* Table user: who may log in. Hashes are Frigate's text form, see http/password.h; a password
 * itself never comes here. */
#ifndef CORVETTE_STORE_DB_USER_H
#define CORVETTE_STORE_DB_USER_H

#include "store/store.h"

/* A new user: the work fails with -EEXIST when the name is taken. */
void db_user_add(struct store_work *work, const char *name, const char *hash);
/* A new user, or a new password of the one there is. */
void db_user_put(struct store_work *work, const char *name, const char *hash);
/* Changes the password of a user: 0 rows when there is none of that name. */
void db_user_set(struct store_work *work, const char *name, const char *hash);
void db_user_delete(struct store_work *work, const char *name);

/* Number of users, or -errno. */
int64_t db_user_count(struct db *db);
/* The hash, appended: 0, -ENOENT without such a user, or -errno. `hash` may be NULL. */
int db_user_hash(struct db *db, const char *name, struct str *hash);
/* [{"username":...},...] sorted by name; 0 or -errno. */
int db_user_list_json(struct db *db, struct str *out);

#endif
