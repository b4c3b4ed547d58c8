/* Programs run for their answer, well-behaved and not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/command.h"

#define SHELL(script_)                                                                           \
    {                                                                                            \
        .program = "/bin/sh", .argv = (const char *const[]){"sh", "-c", script_, NULL}, .fd = -1 \
    }

static const struct command_bounds usual = {.timeout_us = 20000000, .output_max = 100000};

static void test_answers(void **state)
{
    struct command commands[] = {
        SHELL("cat; echo complaint >&2; exit 3"),
        SHELL("echo two"),
        SHELL("exec kill -9 $$"),
        SHELL("head -c 300000 /dev/zero | tr '\\0' x; echo >&2 end"),
        {.program = "/nonexistent", .argv = (const char *const[]){"x", NULL}, .fd = -1},
    };
    str_add(&commands[0].input, "what was said");
    command_run(commands, 5, &usual);
    assert_string_equal(str_text(&commands[0].out), "what was said");
    assert_string_equal(str_text(&commands[0].err), "complaint\n");
    assert_int_equal(commands[0].code, 3);
    assert_true(commands[0].ended);
    assert_string_equal(str_text(&commands[1].out), "two\n");
    assert_int_equal(commands[1].code, 0);
    assert_int_equal(commands[2].code, 128 + SIGKILL);
    assert_true(commands[2].ended);
    assert_int_equal(commands[3].out.length, 100000);
    assert_string_equal(str_text(&commands[3].err), "end\n");
    assert_int_equal(commands[3].code, 0);
    assert_int_equal(commands[4].code, -ENOENT);
    assert_false(commands[4].ended);
    for (size_t i = 0; i < 5; i++) {
        command_finish(&commands[i]);
    }
}

static void test_input_nobody_reads(void **state)
{
    struct command commands[] = {SHELL("exit 0"), SHELL("exit 0")};
    while (commands[0].input.length < COMMAND_INPUT_MAX) {
        str_add_char(&commands[0].input, 'x');
    }
    str_add_bytes(&commands[1].input, commands[0].input.data, COMMAND_INPUT_MAX);
    str_add_char(&commands[1].input, 'x');
    command_run(commands, 2, &usual);
    assert_int_equal(commands[0].code, 0);
    assert_int_equal(commands[1].code, -E2BIG);
    command_finish(&commands[0]);
    command_finish(&commands[1]);
}

static void test_descriptors(void **state)
{
    struct command command = SHELL("cat <&3; ls /proc/self/fd | wc -l");
    command.fd = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
    int leak = open("/dev/null", O_RDONLY); /* not its business */
    assert_true(command.fd >= 0 && leak >= 0);
    command_run(&command, 1, &usual);
    assert_string_equal(str_text(&command.out), "test_base_comma\n5\n");
    close(command.fd);
    close(leak);
    command_finish(&command);
}

static void test_time(void **state)
{
    struct command commands[] = {SHELL("echo begun; exec sleep 60"),
                                 SHELL("exec >&- 2>&-; exec sleep 60"), SHELL("echo done")};
    const struct command_bounds bounds = {.timeout_us = 300000, .output_max = 100};
    struct mono begin = mono_now();
    command_run(commands, 3, &bounds);
    assert_true(mono_since_us(begin) < 20000000);
    assert_string_equal(str_text(&commands[0].out), "begun\n");
    for (size_t i = 0; i < 3; i++) {
        assert_true(commands[i].ended == (i == 2));
        assert_int_equal(commands[i].code, i == 2 ? 0 : 128 + SIGKILL);
        assert_int_equal(kill(commands[i].pid, 0), -1); /* reaped */
        command_finish(&commands[i]);
    }
}

static bool third_time(void *context)
{
    return ++*(int *)context > 3;
}

static void test_stop(void **state)
{
    int asked = 0;
    struct command command = SHELL("exec sleep 60");
    const struct command_bounds bounds = {
        .timeout_us = 50000000, .output_max = 100, .stop = third_time, .context = &asked};
    struct mono begin = mono_now();
    command_run(&command, 1, &bounds);
    assert_true(mono_since_us(begin) < 20000000);
    assert_false(command.ended);
    assert_int_equal(command.code, 128 + SIGKILL);
    command_finish(&command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),     cmocka_unit_test(test_input_nobody_reads),
        cmocka_unit_test(test_descriptors), cmocka_unit_test(test_time),
        cmocka_unit_test(test_stop),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
