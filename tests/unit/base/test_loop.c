/* The event loop and the file helpers. */
#include "../cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/list.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/str.h"

struct seen {
    struct loop *loop;
    struct loop_source *source, *other;
    int fd, calls, other_calls;
};

static void on_timer(void *context)
{
    struct seen *seen = context;
    if (++seen->calls == 3) {
        loop_stop(seen->loop, 7);
    }
}

static void timers_repeat(void **state)
{
    struct seen seen = {.loop = loop_create()};
    loop_add_timer(seen.loop, 1000, 1000, on_timer, &seen);
    assert_int_equal(loop_run(seen.loop), 7);
    assert_int_equal(seen.calls, 3);
    loop_destroy(seen.loop);
}

static void on_other(void *context, uint32_t events)
{
    struct seen *seen = context;
    seen->other_calls++;
}

/* Both descriptors are ready in the same round; whoever runs first removes the other. */
static void on_first(void *context, uint32_t events)
{
    struct seen *seen = context;
    seen->calls++;
    loop_remove(seen->other);
    seen->other = NULL;
    loop_remove(seen->source);
    loop_stop(seen->loop, 0);
}

static void removed_sources_are_silent(void **state)
{
    int a[2], b[2];
    assert_int_equal(pipe(a), 0);
    assert_int_equal(pipe(b), 0);
    assert_int_equal(write(a[1], "x", 1), 1);
    struct seen seen = {.loop = loop_create()};
    seen.source = loop_add_fd(seen.loop, a[0], EPOLLIN, on_first, &seen);
    seen.other = loop_add_fd(seen.loop, b[0], EPOLLIN, on_other, &seen);
    assert_int_equal(write(b[1], "x", 1), 1);
    loop_run(seen.loop);
    assert_int_equal(seen.calls, 1);
    assert_true(seen.other_calls <= 1); /* before it was removed, never after */
    loop_destroy(seen.loop);
    for (int i = 0; i < 2; i++) {
        close(a[i]);
        close(b[i]);
    }
}

static void on_signal(void *context, int signal_number)
{
    struct seen *seen = context;
    loop_stop(seen->loop, signal_number);
}

static void signals_arrive(void **state)
{
    struct seen seen = {.loop = loop_create()};
    loop_add_signal(seen.loop, SIGUSR1, on_signal, &seen);
    kill(getpid(), SIGUSR1);
    assert_int_equal(loop_run(seen.loop), SIGUSR1);
    loop_destroy(seen.loop);
}

static void *wake_from_thread(void *loop)
{
    loop_wake(loop);
    return NULL;
}

static void on_wake(void *context)
{
    struct seen *seen = context;
    seen->calls++;
    loop_stop(seen->loop, 0);
}

static void threads_wake_it(void **state)
{
    struct seen seen = {.loop = loop_create()};
    loop_on_wake(seen.loop, on_wake, &seen);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wake_from_thread, seen.loop), 0);
    loop_run(seen.loop);
    pthread_join(thread, NULL);
    assert_int_equal(seen.calls, 1);
    loop_destroy(seen.loop);
}

static void atomic_write_replaces(void **state)
{
    char folder[] = "/tmp/corvette-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    AUTO_FREE char *deep = mem_printf("%s/a/b", folder);
    AUTO_FREE char *path = mem_printf("%s/file", deep);
    assert_int_equal(file_make_parent_dirs(path), 0);
    assert_int_equal(file_make_parent_dirs(path), 0);
    assert_int_equal(file_write_atomic(path, "one", 3), 0);
    assert_int_equal(file_write_atomic(path, "second", 6), 0);
    AUTO_STR struct str text = {0};
    assert_int_equal(str_read_file(&text, path, 100), 0);
    assert_string_equal(str_text(&text), "second");
    str_clear(&text);
    assert_int_equal(str_read_file(&text, path, 5), -EFBIG);
    AUTO_FREE char *missing = mem_printf("%s/none/file", folder);
    assert_int_equal(file_write_atomic(missing, "x", 1), -ENOENT);
    AUTO_FREE char *below_file = mem_printf("%s/file/x", deep);
    assert_int_equal(file_make_dirs(below_file), -ENOTDIR);
    AUTO_FREE char *command = mem_printf("rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static void memfds_are_sealed(void **state)
{
    AUTO_CLOSE int fd = file_memfd("test", 8192);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 4096), -1);
    assert_int_equal(ftruncate(fd, 16384), -1);
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, 8192);
}

struct item {
    int number;
    struct list link;
};

static void lists_allow_removal_while_walking(void **state)
{
    struct list head;
    struct item items[4];
    list_init(&head);
    for (int i = 0; i < 4; i++) {
        items[i].number = i;
        list_append(&head, &items[i].link);
    }
    int sum = 0;
    list_for_each(struct item, item, &head, link)
    {
        sum += item->number;
        list_remove(&item->link);
    }
    assert_int_equal(sum, 6);
    assert_true(list_empty(&head));
}

static void repeated_messages_are_held_back(void **state)
{
    struct log_limit limit = {0};
    unsigned swallowed = 99;
    assert_true(log_allowed(&limit, 1000000000, &swallowed));
    assert_int_equal(swallowed, 0);
    assert_false(log_allowed(&limit, 1000000000, &swallowed));
    limit.next_us = 0;
    assert_true(log_allowed(&limit, 1000000000, &swallowed));
    assert_int_equal(swallowed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_repeat),
        cmocka_unit_test(removed_sources_are_silent),
        cmocka_unit_test(signals_arrive),
        cmocka_unit_test(threads_wake_it),
        cmocka_unit_test(atomic_write_replaces),
        cmocka_unit_test(memfds_are_sealed),
        cmocka_unit_test(lists_allow_removal_while_walking),
        cmocka_unit_test(repeated_messages_are_held_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
