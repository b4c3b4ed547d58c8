/* The numbers of GET /api/stats, measured on a thread of their own: counters of the scoreboard each
 * second (rates are over 10 s), everything else every 15 s or when first asked. Any thread. */
#ifndef CORVETTE_SERVER_STATS_H
#define CORVETTE_SERVER_STATS_H

#include <stdint.h>

#include "base/str.h"
#include "config/config.h"
#include "ring/board.h"

struct stats;
struct jout;

struct stats_setup { /* must outlive the stats; `extra` may be NULL */
    const struct config *config;
    struct board *board;
    const char *data_dir;
    const char *version;
    /* Writes "key": value pairs of the server's own into the object `corvette.server`, keys
     * sorted. Called on the statistics thread or an asking one. */
    void (*extra)(void *context, struct jout *json);
    void *extra_context;
};

struct stats *stats_create(const struct stats_setup *setup);
void stats_start(struct stats *stats);   /* the thread */
void stats_destroy(struct stats *stats); /* NULL is fine; joins the thread */

#define STATS_HISTORY 80

/* The newest snapshot as JSON text (keys sorted, compact, no newline), appended. */
void stats_json(struct stats *stats, struct str *out);
/* Takes a snapshot for the history now (the thread does so every 15 s). */
void stats_remember(struct stats *stats);
/* The last STATS_HISTORY snapshots, oldest first, as a JSON list. `keys`: comma list of top-level
 * keys to keep, missing ones null; NULL or "" = whole snapshots. */
void stats_history_json(struct stats *stats, const char *keys, struct str *out);

#endif
