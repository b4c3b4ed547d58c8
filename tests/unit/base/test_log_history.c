/* The last lines of several processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/log_history.h"
#include "base/mem.h"
#include "base/str.h"

struct seen {
    size_t count;
    int64_t first_us, last_us;
    struct str first, last;
    unsigned long of[4]; /* per writer: the number its next line should have at least */
    bool mixed;
};

static void see(void *context, int64_t wall_us, const char *text, size_t length)
{
    struct seen *seen = context;
    unsigned writer;
    unsigned long number;
    if (seen->count++ == 0) {
        seen->first_us = wall_us;
        str_add_bytes(&seen->first, text, length);
    }
    seen->last_us = wall_us;
    str_clear(&seen->last);
    str_add_bytes(&seen->last, text, length);
    if (sscanf(text, "writer %u line %lu end", &writer, &number) == 2 && writer < 4) {
        AUTO_FREE char *whole = mem_printf("writer %u line %lu end", writer, number);
        seen->mixed = seen->mixed || number < seen->of[writer] || strcmp(whole, text) != 0;
        seen->of[writer] = number + 1;
    }
}

static struct seen look(void)
{
    struct seen seen = {0};
    log_history_read(see, &seen);
    return seen;
}

static void forget(struct seen *seen)
{
    str_finish(&seen->first);
    str_finish(&seen->last);
}

static void add(int64_t wall_us, const char *text)
{
    log_history_add(wall_us, text, strlen(text));
}

static void test_lines_in_order(void **state)
{
    assert_int_equal(log_history_create(), 0);
    struct seen seen = look();
    assert_int_equal(seen.count, 0);
    add(5, "one");
    add(6, "two");
    seen = look();
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.first_us, 5);
    assert_string_equal(str_text(&seen.first), "one");
    assert_string_equal(str_text(&seen.last), "two");
    forget(&seen);
}

static void test_the_oldest_go(void **state)
{
    assert_int_equal(log_history_create(), 0);
    for (int i = 0; i < LOG_HISTORY_LINES + 100; i++) {
        add(i, "line");
    }
    struct seen seen = look();
    assert_int_equal(seen.count, LOG_HISTORY_LINES);
    assert_int_equal(seen.first_us, 100);
    assert_int_equal(seen.last_us, LOG_HISTORY_LINES + 99);
    forget(&seen);
}

static void test_long_lines_are_cut(void **state)
{
    assert_int_equal(log_history_create(), 0);
    AUTO_STR struct str text = {0};
    while (text.length < 3 * LOG_HISTORY_TEXT) {
        str_add(&text, "0123456789");
    }
    log_history_add(1, text.data, LOG_HISTORY_TEXT);
    log_history_add(2, text.data, text.length);
    struct seen seen = look();
    assert_int_equal(seen.first.length, LOG_HISTORY_TEXT);
    assert_true(str_ends(str_text(&seen.first), "6789"));
    assert_int_equal(seen.last.length, LOG_HISTORY_TEXT);
    assert_true(str_ends(str_text(&seen.last), "..."));
    forget(&seen);
}

static void test_the_log_writes_there(void **state)
{
    assert_int_equal(log_history_create(), 0);
    log_set_name("tester");
    log_warning("what was %s", "said\n[2026-01-01] by\x1b[31m\t\x7f\xc3\xa4");
    log_debug("not this");
    struct seen seen = look();
    assert_int_equal(seen.count, 1);
    assert_string_equal(str_text(&seen.first), "tester                   WARNING : what was said?"
                                               "[2026-01-01] by?[31m??\xc3\xa4");
    forget(&seen);
}

/* Processes write, one of them is killed, we read all the while: every line is whole, and each
 * process's are in order. */
static void test_several_processes(void **state)
{
    assert_int_equal(log_history_create(), 0);
    int fd = log_history_fd();
    pid_t pids[3];
    for (unsigned writer = 0; writer < 3; writer++) {
        pids[writer] = fork();
        if (pids[writer] == 0) {
            if (log_history_join(fd) != 0) {
                _exit(1);
            }
            for (unsigned long i = 0; writer == 2 || i < 20000; i++) {
                AUTO_FREE char *text = mem_printf("writer %u line %lu end", writer, i);
                add((int64_t)i, text);
            }
            _exit(0);
        }
    }
    int status, done = 0;
    while (done < 2) {
        struct seen seen = look();
        assert_false(seen.mixed);
        assert_true(seen.count <= LOG_HISTORY_LINES);
        forget(&seen);
        done += waitpid(pids[done], &status, WNOHANG) == pids[done];
    }
    assert_int_equal(kill(pids[2], SIGKILL), 0);
    assert_int_equal(waitpid(pids[2], &status, 0), pids[2]);
    add(7, "after");
    struct seen seen = look();
    assert_false(seen.mixed);
    assert_true(seen.count >= LOG_HISTORY_LINES - 1); /* the line it died over is left out */
    assert_string_equal(str_text(&seen.last), "after");
    forget(&seen);
}

static void test_only_what_is_one(void **state)
{
    assert_int_equal(log_history_join(-1), -EBADF);
    int fd = file_memfd("other", 64);
    assert_int_equal(log_history_join(fd), -EPROTO);
    close(fd);
    fd = file_memfd("empty", 0);
    assert_int_equal(log_history_join(fd), -EBADF);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_is_one),     cmocka_unit_test(test_lines_in_order),
        cmocka_unit_test(test_the_oldest_go),        cmocka_unit_test(test_long_lines_are_cut),
        cmocka_unit_test(test_the_log_writes_there), cmocka_unit_test(test_several_processes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
