/* The event loop of a worker: file descriptors, timers, signals. One thread; the only way in from
 * another thread is loop_wake(). Callbacks may add and remove sources, their own included. */
#ifndef CORVETTE_BASE_LOOP_H
#define CORVETTE_BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct loop;
struct loop_source;

struct loop *loop_create(void);
void loop_destroy(
    struct loop *loop); /* NULL is fine; frees remaining sources, closes none of their fds */

/* Runs until loop_stop(). Returns the value given there. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop, int value);

typedef void (*loop_fd_fn)(void *context, uint32_t events);
typedef void (*loop_timer_fn)(void *context);
typedef void (*loop_signal_fn)(void *context, int signal_number);

/* `events`: EPOLLIN, EPOLLOUT. The fd stays the caller's. */
struct loop_source *loop_add_fd(struct loop *loop, int fd, uint32_t events, loop_fd_fn fn,
                                void *context);
void loop_change_fd(struct loop_source *source, uint32_t events);

/* First call after `delay_us`, then every `interval_us` (0 = once; the source stays until removed
 * and can be re-armed with loop_set_timer). */
struct loop_source *loop_add_timer(struct loop *loop, int64_t delay_us, int64_t interval_us,
                                   loop_timer_fn fn, void *context);
void loop_set_timer(struct loop_source *source, int64_t delay_us, int64_t interval_us);

/* Blocks the signal for the process and delivers it here. */
struct loop_source *loop_add_signal(struct loop *loop, int signal_number, loop_signal_fn fn,
                                    void *context);

void loop_remove(struct loop_source *source); /* NULL is fine */

/* Any thread: calls the wake function once, soon, on the loop's thread. */
void loop_on_wake(struct loop *loop, loop_timer_fn fn, void *context);
void loop_wake(struct loop *loop);

#endif
