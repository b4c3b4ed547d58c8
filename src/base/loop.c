#include "base/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"

enum source_kind { SOURCE_FD = 1, SOURCE_TIMER, SOURCE_SIGNAL };

struct loop_source {
    struct list link;
    struct loop *loop;
    enum source_kind kind;
    int fd;       /* owned unless SOURCE_FD */
    bool removed; /* freed once the current round of events is over */
    union {
        loop_fd_fn on_fd;
        loop_timer_fn on_timer;
        loop_signal_fn on_signal;
    };
    void *context;
};

struct loop {
    int epoll_fd;
    int wake_fd;
    loop_timer_fn on_wake;
    void *wake_context;
    struct list sources, removed;
    bool stopped;
    int value;
};

struct loop *loop_create(void)
{
    struct loop *loop = mem_alloc(sizeof *loop);
    list_init(&loop->sources);
    list_init(&loop->removed);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->epoll_fd < 0 || loop->wake_fd < 0) {
        abort();
    }
    return loop;
}

static void free_removed(struct loop *loop)
{
    list_for_each(struct loop_source, source, &loop->removed, link)
    {
        list_remove(&source->link);
        free(source);
    }
}

void loop_destroy(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    list_for_each(struct loop_source, source, &loop->sources, link)
    {
        loop_remove(source);
    }
    free_removed(loop);
    close(loop->wake_fd);
    close(loop->epoll_fd);
    free(loop);
}

static struct loop_source *add(struct loop *loop, enum source_kind kind, int fd, uint32_t events,
                               void *context)
{
    struct loop_source *source = mem_alloc(sizeof *source);
    source->loop = loop;
    source->kind = kind;
    source->fd = fd;
    source->context = context;
    struct epoll_event event = {.events = events, .data.ptr = source};
    if (fd < 0 || epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
        abort(); /* a descriptor that cannot be watched is a bug of the caller */
    }
    list_append(&loop->sources, &source->link);
    return source;
}

struct loop_source *loop_add_fd(struct loop *loop, int fd, uint32_t events, loop_fd_fn fn,
                                void *context)
{
    struct loop_source *source = add(loop, SOURCE_FD, fd, events, context);
    source->on_fd = fn;
    return source;
}

void loop_change_fd(struct loop_source *source, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};
    if (epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &event) < 0) {
        abort();
    }
}

struct loop_source *loop_add_timer(struct loop *loop, int64_t delay_us, int64_t interval_us,
                                   loop_timer_fn fn, void *context)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    struct loop_source *source = add(loop, SOURCE_TIMER, fd, EPOLLIN, context);
    source->on_timer = fn;
    loop_set_timer(source, delay_us, interval_us);
    return source;
}

void loop_set_timer(struct loop_source *source, int64_t delay_us, int64_t interval_us)
{
    if (delay_us <= 0) {
        delay_us = 1; /* zero would disarm it */
    }
    struct itimerspec spec = {
        .it_value = {delay_us / 1000000, delay_us % 1000000 * 1000},
        .it_interval = {interval_us / 1000000, interval_us % 1000000 * 1000},
    };
    timerfd_settime(source->fd, 0, &spec, NULL);
}

struct loop_source *loop_add_signal(struct loop *loop, int signal_number, loop_signal_fn fn,
                                    void *context)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal_number);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    struct loop_source *source = add(loop, SOURCE_SIGNAL, fd, EPOLLIN, context);
    source->on_signal = fn;
    return source;
}

void loop_remove(struct loop_source *source)
{
    if (source == NULL || source->removed) {
        return;
    }
    source->removed = true;
    epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
    if (source->kind != SOURCE_FD) {
        close(source->fd);
    }
    list_remove(&source->link);
    list_append(&source->loop->removed, &source->link);
}

static void drain_wake(void *context, uint32_t events)
{
    struct loop *loop = context;
    uint64_t count;
    if (read(loop->wake_fd, &count, sizeof count) == sizeof count) {
        loop->on_wake(loop->wake_context);
    }
}

void loop_on_wake(struct loop *loop, loop_timer_fn fn, void *context)
{
    if (loop->on_wake == NULL) {
        loop_add_fd(loop, loop->wake_fd, EPOLLIN, drain_wake, loop);
    }
    loop->on_wake = fn;
    loop->wake_context = context;
}

void loop_wake(struct loop *loop)
{
    uint64_t one = 1;
    ssize_t ignored = write(loop->wake_fd, &one, sizeof one);
    (void)ignored;
}

static void dispatch(struct loop_source *source, uint32_t events)
{
    uint64_t expirations;
    struct signalfd_siginfo info;
    switch (source->kind) {
    case SOURCE_FD:
        source->on_fd(source->context, events);
        break;
    case SOURCE_TIMER:
        if (read(source->fd, &expirations, sizeof expirations) == sizeof expirations) {
            source->on_timer(source->context);
        }
        break;
    case SOURCE_SIGNAL:
        while (!source->removed && read(source->fd, &info, sizeof info) == sizeof info) {
            source->on_signal(source->context, (int)info.ssi_signo);
        }
        break;
    }
}

int loop_run(struct loop *loop)
{
    loop->stopped = false;
    while (!loop->stopped) {
        struct epoll_event events[32];
        int n = epoll_wait(loop->epoll_fd, events, 32, -1);
        if (n < 0 && errno != EINTR) {
            abort();
        }
        for (int i = 0; i < n; i++) {
            struct loop_source *source = events[i].data.ptr;
            if (!source->removed) {
                dispatch(source, events[i].events);
            }
        }
        free_removed(loop);
    }
    return loop->value;
}

void loop_stop(struct loop *loop, int value)
{
    loop->stopped = true;
    loop->value = value;
}
