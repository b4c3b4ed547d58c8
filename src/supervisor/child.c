#include "supervisor/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

#define CONTROL_FD 3
#define STATUS_FD 4

/* In the child, between fork and exec: only async-signal-safe calls. Never returns. */
static void exec_child(const struct child *child, int control_fd, int status_fd)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    /* Move both out of the way first, in case one sits where the other belongs. */
    int control = fcntl(control_fd, F_DUPFD, 10), status = fcntl(status_fd, F_DUPFD, 10);
    if (dup2(control, CONTROL_FD) == CONTROL_FD &&
        dup3(status, STATUS_FD, O_CLOEXEC) == STATUS_FD) {
        close_range(STATUS_FD + 1, ~0u, 0);
        execl("/proc/self/exe", "corvette:", child->title, child->name, (char *)NULL);
    }
    int error = errno;
    ssize_t ignored = write(STATUS_FD, &error, sizeof error);
    (void)ignored;
    _exit(127);
}

static void on_closed(void *context, struct channel *channel, int error)
{
    struct child *child = context;
    if (error != 0) {
        child_kill(child, "sent a message that cannot be read");
    }
    /* A closed channel without an error means its end is near: the pidfd tells. */
}

static void on_message(void *context, struct channel *channel, struct message *message)
{
    struct child *child = context;
    const struct msg_hello *hello = message->value;
    if (message->type == MSG_FATAL) {
        const struct msg_fatal *fatal = message->value;
        snprintf(child->death, sizeof child->death, "%s", fatal->reason);
    } else if (message->type != MSG_HELLO) {
        child->events->message(child->context, child, message);
    } else if (child->state != CHILD_STARTING || hello->version != IPC_VERSION ||
               hello->role != child->role || strcmp(hello->name, child->name) != 0) {
        child_kill(child, "said hello as somebody else or in another version");
    } else {
        child->state = CHILD_RUNNING;
        child->events->hello(child->context, child);
    }
}

static void describe_death(struct child *child, const siginfo_t *info)
{
    child->killed_by_signal = info->si_code != CLD_EXITED;
    if (child->death[0] != '\0') {
        return; /* it said why, or was killed for a stated reason */
    }
    if (child->killed_by_signal) {
        snprintf(child->death, sizeof child->death, "killed by signal %d (%s)", info->si_status,
                 strsignal(info->si_status));
    } else {
        snprintf(child->death, sizeof child->death, "exited with status %d", info->si_status);
    }
}

static void on_gone(void *context, uint32_t events)
{
    struct child *child = context;
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0) {
        return;
    }
    describe_death(child, &info);
    loop_remove(child->exit_source);
    close(child->pidfd);
    channel_destroy(child->channel);
    child->exit_source = NULL;
    child->channel = NULL;
    child->pidfd = -1;
    child->pid = 0;
    child->state = CHILD_DOWN;
    atomic_store(&child->entry->pid, 0);
    child->events->died(child->context, child);
}

int child_spawn(struct child *child, struct err *err)
{
    int ends[2], status[2];
    int result = channel_pair(ends);
    if (result < 0) {
        return err_set(err, -result, "no channel for %s: %s", child->label, err_name(result));
    }
    if (pipe2(status, O_CLOEXEC) < 0) {
        close(ends[0]);
        close(ends[1]);
        return err_set(err, errno, "no pipe for %s: %s", child->label, err_name(errno));
    }
    pid_t pid = fork();
    if (pid == 0) {
        exec_child(child, ends[1], status[1]);
    }
    int fork_error = errno, exec_error = 0;
    close(ends[1]);
    close(status[1]);
    if (pid > 0 && read(status[0], &exec_error, sizeof exec_error) == sizeof exec_error) {
        waitpid(pid, NULL, 0);
    }
    close(status[0]);
    if (pid < 0 || exec_error != 0) {
        close(ends[0]);
        int code = pid < 0 ? fork_error : exec_error;
        return err_set(err, code, "cannot start %s: %s", child->label, err_name(code));
    }
    child->pid = pid;
    child->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    child->state = CHILD_STARTING;
    child->started = mono_now();
    child->death[0] = '\0';
    child->channel = channel_create(child->loop, ends[0], on_message, on_closed, child);
    child->exit_source = loop_add_fd(child->loop, child->pidfd, EPOLLIN, on_gone, child);
    atomic_store(&child->entry->heartbeat_us, child->started.us);
    atomic_store(&child->entry->started_wall_us, wall_now().us);
    atomic_store(&child->entry->pid, pid);
    atomic_fetch_add(&child->entry->starts, 1);
    return 0;
}

void child_stop(struct child *child)
{
    if (child->channel != NULL) {
        channel_send(child->channel, MSG_STOP, &(struct msg_empty){0}, -1);
    }
}

void child_kill(struct child *child, const char *reason)
{
    if (child->pid > 0) {
        log_warning("%s: %s, killing it", child->label, reason);
        snprintf(child->death, sizeof child->death, "%s", reason);
        kill(child->pid, SIGKILL);
    }
}
