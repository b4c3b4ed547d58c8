/* Exports: films of a span that stay. A real-time export is a copy of the recorded samples with
 * exact start and end; a time lapse is encoded anew by a render process.
 *
 * At most EXPORTS_AT_ONCE are made at a time, at low priority; the others wait. What an export
 * needs is in the database before it begins, so that one that a crash or restart interrupts is made
 * again, and given up after EXPORTS_ATTEMPTS. Its file has a hidden name until it is whole. */
#ifndef CORVETTE_FOOTAGE_EXPORTS_H
#define CORVETTE_FOOTAGE_EXPORTS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "config/config.h"
#include "store/store.h"

#define EXPORTS_AT_ONCE 2 /* more only make each other wait for the same disk */
#define EXPORTS_ATTEMPTS 3

struct exports;

/* Starts the threads, takes up what was interrupted, takes in films that have no row. The arguments
 * must outlive it. */
struct exports *exports_create(const struct config *config, struct store *store,
                               const char *data_dir);
/* Interrupts what is being made: the next start goes on with it. NULL is fine. */
void exports_destroy(struct exports *exports);

struct export_wish {
    const char *camera, *name; /* name "" or NULL: made of camera and span */
    double start, end;
    bool timelapse;
};

/* 0 with its id (at least 64 bytes), -ENOENT (nothing was recorded then), -ENOSPC or -errno, with a
 * sentence. Any thread. */
int exports_begin(struct exports *exports, const struct export_wish *wish, char id[64],
                  struct err *err);
/* False: it is not being made. */
bool exports_cancel(struct exports *exports, const char *id);
bool exports_is_busy(struct exports *exports, const char *id);

/* Those being made and waiting, and the last that failed, as a list; or one of them (false: no
 * such). */
void exports_progress_json(struct exports *exports, struct str *out);
bool exports_progress_one_json(struct exports *exports, const char *id, struct str *out);

#endif
