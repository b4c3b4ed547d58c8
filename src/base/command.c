#include "base/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

#define POLL_MS 100
#define LAST_MS 1000 /* between closing the outputs and the end */
#define CHILD_FD 3

extern char **environ;

struct pipes {
    int in[2], out[2], err[2];
};

static void close_pair(int pair[2])
{
    for (int i = 0; i < 2; i++) {
        if (pair[i] >= 0) {
            close(pair[i]);
        }
    }
}

static int open_pipes(struct pipes *pipes)
{
    *pipes = (struct pipes){{-1, -1}, {-1, -1}, {-1, -1}};
    if (pipe2(pipes->in, O_CLOEXEC) < 0 || pipe2(pipes->out, O_CLOEXEC) < 0 ||
        pipe2(pipes->err, O_CLOEXEC) < 0) {
        return -errno;
    }
    return 0;
}

/* 0 or -errno. Ours are all above 3: no dup2() of the child's overwrites one that is still needed.
 */
static int spawn(struct command *command, const struct pipes *pipes)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    pid_t pid = 0;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, pipes->in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, pipes->out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, pipes->err[1], STDERR_FILENO);
    if (command->fd >= 0) {
        posix_spawn_file_actions_adddup2(&actions, command->fd, CHILD_FD);
    }
    posix_spawn_file_actions_addclosefrom_np(&actions, CHILD_FD + (command->fd >= 0));
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int result = posix_spawn(&pid, command->program, &actions, &attributes,
                             (char *const *)(uintptr_t)command->argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    command->pid = pid;
    return -result;
}

static void start(struct command *command)
{
    struct pipes pipes;
    command->pid = 0;
    command->out_fd = command->err_fd = -1;
    int result = open_pipes(&pipes);
    if (result == 0 && command->input.length > COMMAND_INPUT_MAX) {
        result = -E2BIG;
    }
    if (result == 0) {
        result = spawn(command, &pipes);
    }
    if (result == 0) {
        /* One that does not read its input is none the worse for it: SIGPIPE is ignored. */
        file_write_all(pipes.in[1], str_text(&command->input), command->input.length);
        command->out_fd = steal_fd(&pipes.out[0]);
        command->err_fd = steal_fd(&pipes.err[0]);
    } else {
        command->code = result;
    }
    close_pair(pipes.in);
    close_pair(pipes.out);
    close_pair(pipes.err);
}

/* What is there is taken; what is too much is read and dropped, so that the writer ends. */
static void take(int *fd, struct str *text, size_t most)
{
    char block[16384];
    ssize_t n = read(*fd, block, sizeof block);
    if (n < 0 && errno == EINTR) {
        return;
    }
    if (n <= 0) {
        close(steal_fd(fd));
        return;
    }
    size_t room = most - text->length;
    str_add_bytes(text, block, (size_t)n < room ? (size_t)n : room);
}

/* One round of waiting; false when nothing is left to wait for. */
static bool listen_once(struct command *commands, size_t count, struct pollfd *polls, size_t most)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        polls[2 * i] = (struct pollfd){.fd = commands[i].out_fd, .events = POLLIN};
        polls[2 * i + 1] = (struct pollfd){.fd = commands[i].err_fd, .events = POLLIN};
        any = any || commands[i].out_fd >= 0 || commands[i].err_fd >= 0;
    }
    if (!any || poll(polls, 2 * count, POLL_MS) <= 0) {
        return any;
    }
    for (size_t i = 0; i < count; i++) {
        if (polls[2 * i].revents != 0) {
            take(&commands[i].out_fd, &commands[i].out, most);
        }
        if (polls[2 * i + 1].revents != 0) {
            take(&commands[i].err_fd, &commands[i].err, most);
        }
    }
    return true;
}

/* Who has closed both its outputs is about to end, or means no good. */
static bool ends_soon(const struct command *command)
{
    AUTO_CLOSE int fd = (int)syscall(SYS_pidfd_open, command->pid, 0);
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    return fd >= 0 && poll(&wait, 1, LAST_MS) == 1;
}

static void end(struct command *command)
{
    int status = 0;
    command->ended =
        command->pid != 0 && command->out_fd < 0 && command->err_fd < 0 && ends_soon(command);
    if (command->out_fd >= 0) {
        close(steal_fd(&command->out_fd));
    }
    if (command->err_fd >= 0) {
        close(steal_fd(&command->err_fd));
    }
    if (command->pid == 0) {
        return;
    }
    if (!command->ended) {
        kill(command->pid, SIGKILL);
    }
    while (waitpid(command->pid, &status, 0) < 0 && errno == EINTR) {
    }
    command->code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void command_run(struct command *commands, size_t count, const struct command_bounds *bounds)
{
    AUTO_FREE struct pollfd *polls = mem_array(2 * count, sizeof *polls);
    struct mono begin = mono_now();
    for (size_t i = 0; i < count; i++) {
        start(&commands[i]);
    }
    while (mono_since_us(begin) < bounds->timeout_us &&
           (bounds->stop == NULL || !bounds->stop(bounds->context)) &&
           listen_once(commands, count, polls, bounds->output_max)) {
    }
    for (size_t i = 0; i < count; i++) {
        end(&commands[i]);
    }
}

void command_finish(struct command *command)
{
    str_finish(&command->input);
    str_finish(&command->out);
    str_finish(&command->err);
}
