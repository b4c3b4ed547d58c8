#include "render/job.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "render/wire.h"

/* Each decodes up to a whole group of pictures on one core and holds some hundred MB at 4K. */
#define PICTURES_AT_ONCE 3
#define PICTURE_WAIT_S 10
#define PICTURE_US 15000000
#define PICTURE_BYTES_MAX (96u << 20)
#define POLL_MS 200

struct job {
    pid_t pid;
    int socket_fd;
};

static int spawn(struct job *job, const char *kind, int child_end)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    char title[] = "corvette:", role[] = "render";
    AUTO_FREE char *name = mem_strdup(kind);
    char *argv[] = {title, role, name, NULL};
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, child_end, RENDER_FD);
    posix_spawn_file_actions_addclosefrom_np(&actions, RENDER_FD + 1);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int result = posix_spawn(&job->pid, "/proc/self/exe", &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -result;
}

static int start(struct job *job, const char *kind, const struct render_message *task, int out,
                 struct err *err)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return err_set(err, errno, "no socket for a render process: %s", err_name(errno));
    }
    int result = spawn(job, kind, ends[1]);
    close(ends[1]);
    if (result < 0) {
        close(ends[0]);
        return err_set(err, -result, "cannot start a render process: %s", err_name(result));
    }
    job->socket_fd = ends[0];
    render_send(job->socket_fd, task, out); /* one that is gone already shows when we listen */
    return 0;
}

/* Ends the process, however far it is; says how it died when it did so by itself. */
static int finish(struct job *job, int result, struct err *err)
{
    int status = 0;
    if (result != 0 && result != -EPIPE) {
        kill(job->pid, SIGKILL);
    }
    close(job->socket_fd);
    while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (result == -EPIPE && WIFSIGNALED(status)) {
        err_set(err, EPIPE, "the render process was killed by signal %d", WTERMSIG(status));
    } else if (result == -EPIPE) {
        err_set(err, EPIPE, "the render process ended with status %d", WEXITSTATUS(status));
    }
    return result;
}

static void give_file(struct job *job, const struct render_films *films, uint32_t index)
{
    struct render_message answer = {.say = RENDER_FILE, .index = index, .result = -ENOENT};
    struct render_part part = {0};
    AUTO_CLOSE int fd = -1;
    if (index < films->files) {
        fd = films->open_file(films->context, index, &part);
        answer.result = fd < 0 ? fd : 0;
    }
    answer.from_us = part.from_us;
    answer.to_us = part.to_us;
    answer.source = part.source;
    answer.at_us = part.at_us;
    answer.speed = part.speed;
    answer.step_us = part.step_us;
    render_send(job->socket_fd, &answer, fd);
}

/* One message, or POLL_MS without one: 1 goes on, else the end. */
static int listen_once(struct job *job, const struct render_films *films, unsigned *permille,
                       struct err *err)
{
    struct pollfd wait = {.fd = job->socket_fd, .events = POLLIN};
    int ready = poll(&wait, 1, POLL_MS);
    if (ready <= 0) {
        return ready == 0 || errno == EINTR ? 1 : -errno;
    }
    struct render_message message;
    AUTO_CLOSE int fd = -1;
    int result = render_receive(job->socket_fd, &message, &fd);
    if (result <= 0) {
        return result == 0 ? -EPIPE : err_set(err, -result, "a render process spoke nonsense");
    }
    switch ((enum render_say)message.say) {
    case RENDER_WANT:
        give_file(job, films, message.index);
        return 1;
    case RENDER_PROGRESS:
        *permille = message.permille < 1000 ? message.permille : 1000;
        return 1;
    case RENDER_DONE:
        return message.result < 0 ? err_set(err, -message.result, "%s", message.text) : 0;
    case RENDER_TASK:
    case RENDER_FILE:
        break;
    }
    return err_set(err, EPROTO, "a render process spoke nonsense");
}

static int run(struct job *job, const struct render_films *films, struct err *err)
{
    unsigned permille = 0;
    int result;
    do {
        result = films->progress(films->context, permille)
                     ? listen_once(job, films, &permille, err)
                     : err_set(err, ECANCELED, "cancelled, or it took too long");
    } while (result > 0);
    return finish(job, result, err);
}

int render_timelapse(const struct render_films *films, double speed, double rate, int out,
                     struct err *err)
{
    struct render_message task = {
        .say = RENDER_TASK,
        .kind = RENDER_TIMELAPSE,
        .count = (uint32_t)films->files,
        .speed = speed,
        .rate = rate,
    };
    struct job job;
    int result = start(&job, "timelapse", &task, out, err);
    return result < 0 ? result : run(&job, films, err);
}

int render_strip(const struct render_films *films, const struct render_strip *strip, int out,
                 struct err *err)
{
    struct render_message task = {
        .say = RENDER_TASK,
        .kind = strip->background ? RENDER_PREVIEW : RENDER_STRIP,
        .format = strip->format,
        .width = (uint32_t)strip->width,
        .height = (uint32_t)strip->height,
        .count = (uint32_t)films->files,
        .step_us = strip->step_us,
        .end_us = strip->end_us,
        .bit_rate = strip->bit_rate,
    };
    struct job job;
    int result = start(&job, strip->background ? "preview" : "strip", &task, out, err);
    return result < 0 ? result : run(&job, films, err);
}

/* ------------------------------------------------------------------ pictures */

struct still {
    int fd;
    struct mono begin;
};

static int open_still(void *context, size_t index, struct render_part *part)
{
    const struct still *still = context;
    int fd = dup(still->fd);
    return fd < 0 ? -errno : fd;
}

static bool still_in_time(void *context, unsigned permille)
{
    const struct still *still = context;
    return mono_since_us(still->begin) < PICTURE_US;
}

static sem_t *places(void)
{
    static sem_t semaphore;
    static bool made;
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    if (!made) {
        sem_init(&semaphore, 0, PICTURES_AT_ONCE);
        made = true;
    }
    pthread_mutex_unlock(&lock);
    return &semaphore;
}

static int take_place(struct err *err)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PICTURE_WAIT_S;
    while (sem_timedwait(places(), &until) < 0) {
        if (errno != EINTR) {
            return err_set(err, EAGAIN, "too many pictures are being made");
        }
    }
    return 0;
}

int render_picture(int fd, int64_t at_us, enum render_format format, int height, struct str *out,
                   struct err *err)
{
    AUTO_CLOSE int memory = memfd_create("picture", MFD_CLOEXEC);
    struct still still = {.fd = fd, .begin = mono_now()};
    struct render_films films = {
        .files = 1, .open_file = open_still, .progress = still_in_time, .context = &still};
    struct render_message task = {.say = RENDER_TASK,
                                  .kind = RENDER_PICTURE,
                                  .format = format,
                                  .height = height > 0 ? (uint32_t)height : 0,
                                  .at_us = at_us};
    struct job job;
    if (memory < 0) {
        return err_set(err, errno, "no memory for a picture: %s", err_name(errno));
    }
    int result = take_place(err);
    if (result < 0) {
        return result;
    }
    still.begin = mono_now();
    result = start(&job, "picture", &task, memory, err);
    if (result == 0) {
        result = run(&job, &films, err);
    }
    sem_post(places());
    if (result < 0) {
        return result;
    }
    if (lseek(memory, 0, SEEK_SET) < 0 || str_read_fd(out, memory, PICTURE_BYTES_MAX) < 0 ||
        out->length == 0) {
        return err_set(err, EIO, "a render process made no picture");
    }
    return 0;
}
