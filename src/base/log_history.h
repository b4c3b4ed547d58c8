/* The last lines that all processes of one Corvette have logged, in shared memory: they outlive the
 * process that wrote them, cost no system call and wait for nobody. The supervisor makes it, the
 * workers join; a restart hands it on. */
#ifndef CORVETTE_BASE_LOG_HISTORY_H
#define CORVETTE_BASE_LOG_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#define LOG_HISTORY_LINES 4096
#define LOG_HISTORY_TEXT 1000 /* bytes of a line; longer ones are cut */

/* A new one for this process: 0 or -errno. */
int log_history_create(void);
/* One that was made elsewhere; the descriptor stays the caller's. 0 or -errno. Call either once,
 * before other threads log. */
int log_history_join(int fd);
/* The descriptor, to hand on; it stays ours. -1: there is none. */
int log_history_fd(void);

/* Adds a line, without its time and its end. Any thread; nothing happens when there is none. */
void log_history_add(int64_t wall_us, const char *text, size_t length);
/* Calls for each line, oldest first, on this thread. A line being written, or one whose writer died
 * over it, is left out. `text` is what a worker wrote: any bytes, NUL-terminated. */
typedef void (*log_history_fn)(void *context, int64_t wall_us, const char *text, size_t length);
void log_history_read(log_history_fn fn, void *context);

#endif
