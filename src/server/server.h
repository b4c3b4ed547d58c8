/* The process state of the `server` role: what the workers report, kept, judged and written down.
 *
 *     workers --messages--> [loop thread] live state -> events, review, recordings -> store
 *                                             |                  \-> jobs thread: picture files
 *                                             \-> HTTP threads read copies (live.h, picture.h,
 * stats.h)
 *
 * All calls here are for the loop's thread, the getters at the end apart. Nothing on this thread
 * waits for a disk, the database or another process. */
#ifndef CORVETTE_SERVER_SERVER_H
#define CORVETTE_SERVER_SERVER_H

#include "base/err.h"
#include "base/loop.h"
#include "config/config.h"
#include "ipc/messages.h"
#include "ring/board.h"

struct config_file;
struct server;
struct store;
struct keeper;
struct live;
struct manual;
struct events;
struct exports;
struct plus;
struct previews;
struct ptz;
struct sound;
struct review;
struct stats;
struct probes;
struct timeline;

/* Everything must outlive the server. */
struct server_setup {
    struct loop *loop;
    const struct config *config;
    struct board *board;
    struct board_entry *entry; /* the server's own */
    const char *data_dir;      /* absolute */
    const char *config_path;   /* of the file that `config` was read from */
};

struct server *server_create(void);
/* NULL is fine. After server_stop() has reported, or at once when things went wrong. */
void server_destroy(struct server *server);

/* Calls to other machines (cameras' motors, Frigate+) that HTTP handlers wait for end now, and none
 * begins any more. Any thread, after server_begin(). */
void server_hang_up(struct server *server);
/* Whether that was called: a handler with much to do leaves off. A `struct server`. Any thread. */
bool server_hangs_up(void *server);

/* What the supervisor gives (GIVE_LINK, GIVE_FRAMES; others are left alone), before or after begin.
 * Takes *fd by setting it to -1. */
void server_give(struct server *server, const struct msg_give *give, int *fd);

/* Opens the database, closes what an unclean end left open, starts threads and timers, takes up the
 * links given so far. 0, or -errno with a sentence: the server cannot work (then destroy it). */
int server_begin(struct server *server, const struct server_setup *setup, struct err *err);

/* Ends cleanly: running events end now with the pictures we have, rows and files are written. Calls
 * `done` on this thread when that is finished, at the latest after a second (now: before it
 * returns). Serve HTTP no longer by then; the getters stay valid until server_destroy(). */
typedef void (*server_done_fn)(void *context);
void server_stop(struct server *server, server_done_fn done, void *context);

/* A worker's message, as its link would deliver it; for links and tests. */
struct message;
void server_message(struct server *server, enum board_role role, const char *name,
                    struct message *message);

/* Any thread, from server_begin() to server_destroy(). */
struct store *server_store(struct server *server);
struct plus *server_plus(struct server *server);
struct ptz *server_ptz(struct server *server);
struct keeper *server_keeper(struct server *server);
struct exports *server_exports(struct server *server);
struct previews *server_previews(struct server *server);
struct live *server_live(struct server *server);
struct events *server_events(struct server *server);
struct review *server_review(struct server *server);
struct sound *server_sound(struct server *server);
struct manual *server_manual(struct server *server);
struct stats *server_stats(struct server *server);
struct config_file *server_config_file(struct server *server);
struct probes *server_probes(struct server *server);
struct timeline *server_timeline(struct server *server);
const struct config *server_config(struct server *server);
const char *server_data_dir(struct server *server);

/* DATA/media/clips/<camera>-<event id><suffix>, appended; suffix ".jpg", "-clean.png". */
struct str;
void server_clip_path(const char *data_dir, const char *camera, const char *id, const char *suffix,
                      struct str *out);

/* "0.14.1-corvette.<our version>": clients compare what stands before the dash. */
const char *server_version(void);

#endif
