/* Children for the tests of shared memory: run a function in a process of its own. */
#ifndef TESTS_RING_FORKED_H
#define TESTS_RING_FORKED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* The function's value becomes the exit status: 0 = fine. */
static inline pid_t forked(int (*function)(int fd), int fd)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(function(fd));
    }
    return pid;
}

static inline int forked_wait(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

static inline void forked_kill(pid_t pid)
{
    kill(pid, SIGKILL);
    int status = forked_wait(pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static inline void forked_ok(pid_t pid)
{
    int status = forked_wait(pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* A copy of a memfd with its bytes changed by `spoil`, sealed like the first. */
static inline int spoilt_copy(int fd, size_t bytes, void (*spoil)(uint8_t *memory), int seals)
{
    int copy = memfd_create("copy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(copy >= 0);
    assert_int_equal(ftruncate(copy, (off_t)bytes), 0);
    if (bytes > 0) {
        uint8_t *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, copy, 0);
        assert_true(memory != MAP_FAILED);
        assert_int_equal(pread(fd, memory, bytes, 0), (ssize_t)bytes);
        if (spoil != NULL) {
            spoil(memory);
        }
        munmap(memory, bytes);
    }
    assert_int_equal(fcntl(copy, F_ADD_SEALS, seals), 0);
    return copy;
}

#endif
