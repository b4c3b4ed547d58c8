/* The schema: Frigate 0.14's tables and indexes, our own corvette_* tables, and the way from an
 * older file to both. */
#ifndef CORVETTE_STORE_SCHEMA_H
#define CORVETTE_STORE_SCHEMA_H

#include "store/db.h"

/* Brings the database up to date, or says why it cannot be used. An older file is copied to
 * PATH.backup first. 0 or -errno. */
int schema_prepare(struct db *db, const char *path, struct err *err);

#endif
